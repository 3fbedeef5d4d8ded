using System.Diagnostics;
using BDense.Benchmarks.Workloads;

namespace BDense.Benchmarks.Comparison;

/// <summary>How two sides are timed against each other on a machine that is not quiet.</summary>
/// <remarks>
/// Samples alternate, ours, theirs, ours, theirs, so that both see the same clock and the same neighbours, and the ratio is taken
/// within each pair. Before a sample its side runs untimed for <see cref="LeadIn"/>: OpenMP's idle threads spin for some milliseconds
/// and would take a core from whoever comes next; ours do so for less.
/// </remarks>
/// <param name="MinSamples">Pairs at least.</param>
/// <param name="MinSeconds">Timed seconds at least, both sides together.</param>
/// <param name="MaxSeconds">When to stop for good, if <paramref name="MinSamples"/> is reached: all seconds.</param>
/// <param name="Sample">Shortest sample: quick work is repeated within one.</param>
/// <param name="LeadIn">Untimed running before each sample, at least one run.</param>
/// <param name="WarmUp">Untimed running of each side at first: the JIT's last tier, pools, page faults.</param>
public sealed record Protocol(int MinSamples, double MinSeconds, double MaxSeconds, double Sample, double LeadIn, double WarmUp)
{
    public static Protocol Full { get; } = new(MinSamples: 15, MinSeconds: 1.5, MaxSeconds: 25, Sample: 0.010, LeadIn: 0.012, WarmUp: 0.6);

    public static Protocol Quick { get; } = new(MinSamples: 7, MinSeconds: 0.2, MaxSeconds: 6, Sample: 0.005, LeadIn: 0.008, WarmUp: 0.3);

    /// <summary>Times of one run of each side, sample by sample.</summary>
    public (Times[] Ours, Times[] Theirs) Measure(Running ours, Running theirs)
    {
        int repeatOurs = Prepare(ours), repeatTheirs = Prepare(theirs);
        List<Times> a = [], b = [];
        double timed = 0;
        var total = Stopwatch.StartNew();
        while (a.Count < MinSamples || (timed < MinSeconds && total.Elapsed.TotalSeconds < MaxSeconds))
        {
            a.Add(TimeOne(ours, repeatOurs, ref timed));
            b.Add(TimeOne(theirs, repeatTheirs, ref timed));
            // A run of many seconds is long enough to average out what short ones need samples for.
            if (a.Count >= 3 && total.Elapsed.TotalSeconds > 2 * MaxSeconds)
                break;
        }
        return ([.. a], [.. b]);
    }

    /// <summary>The fastest of several ways to do the same: by the smallest time of a few samples each. The others are disposed.</summary>
    public Running Fastest(IReadOnlyList<Running> variants)
    {
        if (variants.Count == 1)
            return variants[0];
        var best = variants.Select(_ => double.PositiveInfinity).ToArray();
        var repeats = variants.Select(Prepare).ToArray();
        double timed = 0;
        for (int round = 0; round < 4; round++)
        {
            for (int i = 0; i < variants.Count; i++)
                best[i] = Math.Min(best[i], TimeOne(variants[i], repeats[i], ref timed).Wall);
        }
        int winner = Array.IndexOf(best, best.Min());
        for (int i = 0; i < variants.Count; i++)
        {
            if (i != winner)
                variants[i].Dispose();
        }
        return variants[winner];
    }

    /// <summary>Warms up; returns how many runs fill a sample.</summary>
    private int Prepare(Running side)
    {
        var clock = Stopwatch.StartNew();
        double fastest = double.PositiveInfinity;
        do
        {
            double start = clock.Elapsed.TotalSeconds;
            side.Run();
            fastest = Math.Min(fastest, clock.Elapsed.TotalSeconds - start);
        }
        while (clock.Elapsed.TotalSeconds < WarmUp);
        return (int)Math.Clamp(Math.Ceiling(Sample / fastest), 1, 1_000_000);
    }

    private Times TimeOne(Running side, int repeats, ref double timed)
    {
        var clock = Stopwatch.StartNew();
        do
            side.Run();
        while (clock.Elapsed.TotalSeconds < LeadIn);

        double processor = Environment.CpuUsage.TotalTime.TotalMilliseconds;
        clock.Restart();
        for (int i = 0; i < repeats; i++)
            side.Run();
        double seconds = clock.Elapsed.TotalSeconds;
        processor = Environment.CpuUsage.TotalTime.TotalMilliseconds - processor;
        timed += seconds;
        return new(1e3 * seconds / repeats, processor / repeats);
    }
}

/// <summary>Milliseconds of one run.</summary>
/// <param name="Wall">By the clock.</param>
/// <param name="Processor">Of all threads of the process.</param>
public readonly record struct Times(double Wall, double Processor);
