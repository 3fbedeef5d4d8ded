using System.Diagnostics;
using BDense.Benchmarks.Comparison;
using BDense.Kernels;

namespace BDense.Benchmarks.Gpu;

/// <summary>Times a row on our side: events around each sample, nothing waited for in between, inputs in turn.</summary>
/// <param name="Samples">How many.</param>
/// <param name="SampleMilliseconds">Shortest sample: quick work is repeated within one.</param>
/// <param name="WarmUpMilliseconds">At least, and at least three runs.</param>
/// <param name="Seconds">Of all samples: where they would take more, fewer are taken, but no less than <see cref="Enough"/>.</param>
public sealed record GpuTimer(int Samples, double SampleMilliseconds, double WarmUpMilliseconds, double Seconds)
{
    /// <summary>Samples of a run that takes long: five sixths of all.</summary>
    public int Enough => Math.Max(5, Samples * 5 / 6);

    public static GpuTimer Full { get; } = new(60, 2, 300, 3);

    /// <summary>Where minutes on a GPU are few: the median is good to a percent or so, the spread less so.</summary>
    public static GpuTimer Brief { get; } = new(20, 1, 50, 1);

    public static GpuTimer Quick { get; } = new(5, 0.5, 5, 3);

    /// <summary>For rows that nothing is compared with: no more samples than a median needs.</summary>
    public GpuTimer Alone() => this with { Samples = Math.Min(Samples, 15) };

    /// <summary>Milliseconds of one run, one figure a sample.</summary>
    /// <param name="backend">The device.</param>
    /// <param name="run">Queues run number i.</param>
    public double[] Measure(Backend backend, Action<int> run)
    {
        int next = 0;
        double once = double.PositiveInfinity, spent = 0;
        for (int i = 0; i < 3 || spent < WarmUpMilliseconds; i++)
        {
            double ms = Time(backend, run, 1, ref next);
            spent += ms;
            // The first runs compile kernels and fill pools.
            if (i >= 2)
                once = Math.Min(once, ms);
        }
        int runs = (int)Math.Clamp(Math.Ceiling(SampleMilliseconds / Math.Max(once, 1e-4)), 1, 200);
        int count = Samples * once * runs > 1000 * Seconds ? Math.Min(Samples, Enough) : Samples;
        var marks = new QueueMark[count + 1];
        marks[0] = backend.Mark();
        for (int sample = 1; sample <= count; sample++)
        {
            for (int i = 0; i < runs; i++)
                run(next++);
            marks[sample] = backend.Mark();
        }
        var samples = new double[count];
        for (int sample = 0; sample < count; sample++)
            samples[sample] = marks[sample + 1].MillisecondsSince(marks[sample]) / runs;
        foreach (var mark in marks)
            mark.Dispose();
        return samples;
    }

    /// <summary>Milliseconds of the host for a run, the device idle before; median of seven.</summary>
    public static double Host(Backend backend, Action<int> run)
    {
        var samples = new double[7];
        for (int i = 0; i < samples.Length; i++)
        {
            backend.Synchronize();
            long start = Stopwatch.GetTimestamp();
            run(i);
            samples[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
        backend.Synchronize();
        return Row.Quantile(samples, 0.5);
    }

    private static double Time(Backend backend, Action<int> run, int runs, ref int next)
    {
        using var start = backend.Mark();
        for (int i = 0; i < runs; i++)
            run(next++);
        using var end = backend.Mark();
        return end.MillisecondsSince(start);
    }
}
