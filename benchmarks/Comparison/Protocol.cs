using System.Diagnostics;
using BDense.Benchmarks.Workloads;

namespace BDense.Benchmarks.Comparison;

/// <summary>How two sides are timed against each other on a machine that is not quiet.</summary>
/// <remarks>
/// Samples alternate, ours, theirs, ours, theirs, so that both see the same clock and the same neighbours, and the ratio is taken
/// within each pair. Before a sample its side runs untimed for <see cref="LeadIn"/>: OpenMP's idle threads spin for some milliseconds
/// and would take a core from whoever comes next; ours do so for less. A run of half a second or more needs none of this, and no
/// repetition to tell the fastest of several ways.
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

    /// <summary>A run this long, in seconds, is a sample without a lead-in.</summary>
    private const double LongRun = 0.5;

    /// <summary>The same with about <paramref name="seconds"/> for the samples of a row, at least three pairs.</summary>
    public Protocol Within(double seconds) =>
        this with { MinSamples = Math.Min(MinSamples, 3), MinSeconds = Math.Min(MinSeconds, seconds), MaxSeconds = seconds / 2 };

    /// <summary>Times of one run of each side, sample by sample.</summary>
    public (Times[] Ours, Times[] Theirs) Measure(Running ours, Running theirs)
    {
        var (repeatOurs, secondsOurs) = Prepare(ours);
        var (repeatTheirs, secondsTheirs) = Prepare(theirs);
        List<Times> a = [], b = [];
        double timed = 0;
        var total = Stopwatch.StartNew();
        while (a.Count < MinSamples || (timed < MinSeconds && total.Elapsed.TotalSeconds < MaxSeconds))
        {
            a.Add(TimeOne(ours, repeatOurs, secondsOurs, ref timed));
            b.Add(TimeOne(theirs, repeatTheirs, secondsTheirs, ref timed));
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
        var prepared = variants.Select(Prepare).ToArray();
        var best = prepared.Select(p => 1e3 * p.Seconds).ToArray();
        double timed = 0;
        for (int round = 0; round < 4 && prepared.Min(p => p.Seconds) < LongRun; round++)
        {
            for (int i = 0; i < variants.Count; i++)
                best[i] = Math.Min(best[i], TimeOne(variants[i], prepared[i].Repeats, prepared[i].Seconds, ref timed).Wall);
        }
        int winner = Array.IndexOf(best, best.Min());
        for (int i = 0; i < variants.Count; i++)
        {
            if (i != winner)
                variants[i].Dispose();
        }
        return variants[winner];
    }

    /// <summary>Warms up, two runs at least; returns how many runs fill a sample, and the shortest.</summary>
    private (int Repeats, double Seconds) Prepare(Running side)
    {
        var clock = Stopwatch.StartNew();
        double fastest = double.PositiveInfinity;
        for (int runs = 0; runs < 2 || clock.Elapsed.TotalSeconds < WarmUp; runs++)
        {
            double start = clock.Elapsed.TotalSeconds;
            side.Run();
            fastest = Math.Min(fastest, clock.Elapsed.TotalSeconds - start);
        }
        return ((int)Math.Clamp(Math.Ceiling(Sample / fastest), 1, 1_000_000), fastest);
    }

    private Times TimeOne(Running side, int repeats, double seconds, ref double timed)
    {
        var clock = Stopwatch.StartNew();
        while (seconds < LongRun && clock.Elapsed.TotalSeconds < LeadIn)
            side.Run();

        double processor = Environment.CpuUsage.TotalTime.TotalMilliseconds;
        clock.Restart();
        for (int i = 0; i < repeats; i++)
            side.Run();
        double taken = clock.Elapsed.TotalSeconds;
        processor = Environment.CpuUsage.TotalTime.TotalMilliseconds - processor;
        timed += taken;
        return new(1e3 * taken / repeats, processor / repeats);
    }
}

/// <summary>Milliseconds of one run.</summary>
/// <param name="Wall">By the clock.</param>
/// <param name="Processor">Of all threads of the process.</param>
public readonly record struct Times(double Wall, double Processor);
