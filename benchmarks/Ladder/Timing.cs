using System.Diagnostics;

namespace BDense.Benchmarks.Ladder;

/// <summary>How long a launch takes.</summary>
internal static class Timing
{
    /// <summary>Milliseconds of one launch: the shortest and the median sample. A sample is at least 5 ms of launches, waited for at its end.</summary>
    /// <param name="launch">Queues the work.</param>
    /// <param name="wait">Waits for all of it.</param>
    /// <param name="seconds">How long to go on at least, after two untimed launches.</param>
    public static (double Best, double Median) Of(Action launch, Action wait, double seconds)
    {
        double Sample(int runs)
        {
            var watch = Stopwatch.StartNew();
            for (int i = 0; i < runs; i++)
                launch();
            wait();
            return watch.Elapsed.TotalMilliseconds / runs;
        }
        Sample(1);
        int repeat = Math.Clamp((int)(5 / Sample(1)), 1, 1000);
        var samples = new List<double>();
        var total = Stopwatch.StartNew();
        while (samples.Count < 3 || (total.Elapsed.TotalSeconds < seconds && samples.Count < 1000))
            samples.Add(Sample(repeat));
        samples.Sort();
        return (samples[0], samples[samples.Count / 2]);
    }
}
