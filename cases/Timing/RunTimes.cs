using System.Diagnostics;

namespace BDense.Cases.Timing;

/// <summary>How long one run takes, in milliseconds, over samples of at least 5 ms each.</summary>
/// <param name="Best">The shortest sample.</param>
/// <param name="Tenth">A tenth of the samples is shorter.</param>
/// <param name="Median">Half of them are.</param>
/// <param name="Ninetieth">A tenth is longer.</param>
/// <param name="Samples">How many.</param>
public sealed record RunTimes(double Best, double Tenth, double Median, double Ninetieth, int Samples)
{
    private const double SampleMilliseconds = 5;
    private const int MostSamples = 1000;

    /// <summary>What the median is worth: (90th - 10th percentile) / median.</summary>
    public double Spread => (Ninetieth - Tenth) / Median;

    /// <summary>
    /// After an untimed lead, at least three samples and for <paramref name="seconds"/>. The device is waited for at a sample's end.
    /// </summary>
    /// <param name="run">Queues the work.</param>
    /// <param name="wait">Waits for all of it.</param>
    /// <param name="seconds">How long to go on at least.</param>
    /// <param name="reset">Before each sample, untimed: puts back what runs change. None if they may go on with what they left.</param>
    /// <param name="mostRuns">In one sample.</param>
    public static RunTimes Measure(Action run, Action wait, double seconds, Action? reset = null, int mostRuns = 1000)
    {
        double Sample(int runs)
        {
            reset?.Invoke();
            wait();
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < runs; i++)
                run();
            wait();
            return Stopwatch.GetElapsedTime(start).TotalMilliseconds / runs;
        }
        // Two runs at least: the first compiles kernels. .NET replaces a busy method's first machine code after some tenths of a second.
        var lead = Stopwatch.StartNew();
        double shortest = double.PositiveInfinity;
        for (int runs = 0; runs < 2 || lead.Elapsed.TotalSeconds < seconds / 4; runs++)
        {
            double sample = Sample(1);
            shortest = runs == 0 ? shortest : Math.Min(shortest, sample);
        }
        int repeat = Math.Clamp((int)(SampleMilliseconds / shortest), 1, mostRuns);
        var samples = new List<double>();
        var total = Stopwatch.StartNew();
        while (samples.Count < 3 || (total.Elapsed.TotalSeconds < seconds && samples.Count < MostSamples))
            samples.Add(Sample(repeat));
        samples.Sort();
        double At(double share) => samples[(int)(share * (samples.Count - 1) + 0.5)];
        return new(samples[0], At(0.1), samples[samples.Count / 2], At(0.9), samples.Count);
    }
}
