using System.Diagnostics;
using BDense.Experiments.Drawing;
using BDense.Kernels;
using BDense.Kernels.Profiling;

namespace BDense.Experiments.Labs;

/// <summary>Predicts what a fusion saves from the operations' declarations, then measures it.</summary>
public static class FusionLab
{
    private const int MinRounds = 3, MaxRounds = 41;
    private const double LeastSampleSeconds = 2e-3;

    private const double WarmUpSeconds = 0.4;

    /// <param name="backend">The device.</param>
    /// <param name="speed">Its roofs.</param>
    /// <param name="c">The case.</param>
    /// <param name="budget">Time to spend measuring; at least three rounds are taken.</param>
    /// <param name="cancellation">Looked at between runs.</param>
    public static FusionRow Measure(Backend backend, DeviceSpeed speed, FusionCase c, TimeSpan budget,
        CancellationToken cancellation = default)
    {
        c.Restore();
        var (fused, plain) = (Predict(backend, speed, c.Fused), Predict(backend, speed, c.Unfused));
        int? fusedKernels = Kernels(backend, c.Fused), plainKernels = Kernels(backend, c.Unfused);
        double[] ms = Medians(backend, budget, cancellation,
            c.HasOwnGeometry ? [c.Fused, c.Unfused, c.UnfusedSameGeometry!] : [c.Fused, c.Unfused]);
        double? same = c.HasOwnGeometry ? ms[2] : c.UnfusedSameGeometry is null ? null : ms[1];
        double rate = fused.Cost.Bytes / (ms[0] / 1000);
        return new FusionRow(c.Name, c.Branches, c.Shapes, fused.Operations.Count, plain.Operations.Count, fused.Cost.Bytes,
            plain.Cost.Bytes,
            fused.Cost.BytesRead, fused.Cost.BytesWritten, plain.Cost.BytesRead, plain.Cost.BytesWritten, fused.Cost.Flops,
            plain.Cost.Flops,
            ms[0], ms[1], same, plain.Seconds / fused.Seconds, ms[1] / ms[0], ms[1] / same, same / ms[0],
            rate / 1e9, rate / speed.CopyBytesPerSecond, fused.Operations.SequenceEqual(plain.Operations), c.Geometry, fusedKernels,
            plainKernels);
    }

    /// <summary>One run, watched: its declared cost, its roofline time and its operations. It also warms up.</summary>
    public static PredictedRun Predict(Backend backend, DeviceSpeed speed, Action run)
    {
        var operations = Operations(backend, run);
        return new PredictedRun(operations.Aggregate(default(OpCost), (sum, op) => sum + op.Cost),
            operations.Sum(op => speed.Seconds(op.Cost)), operations);
    }

    /// <summary>Runs, and lists the operations as they declare themselves.</summary>
    internal static List<(string Name, OpCost Cost)> Operations(Backend backend, Action run)
    {
        var operations = new List<(string, OpCost)>();
        var before = backend.OnOp;
        backend.OnOp = (name, cost) => operations.Add((name, cost));
        try
        {
            run();
            backend.Synchronize();
        }
        finally
        {
            backend.OnOp = before;
        }
        return operations;
    }

    /// <summary>Kernels that the device launches for a run; none where operations are no launches.</summary>
    public static int? Kernels(Backend backend, Action run)
    {
        if (backend.KernelLaunches is not { } before)
            return null;
        run();
        backend.Synchronize();
        return (int)(backend.KernelLaunches!.Value - before);
    }

    /// <summary>
    /// Milliseconds of each run, the median over rounds in which each has its turn, in an order that changes (<see cref="Rotation"/>).
    /// </summary>
    public static double[] Medians(Backend backend, TimeSpan budget, CancellationToken cancellation, params ReadOnlySpan<Action> runs)
    {
        WarmUp(backend, cancellation, runs);
        var samples = new List<double>[runs.Length];
        var calls = new int[runs.Length];
        for (int i = 0; i < runs.Length; i++)
        {
            samples[i] = [];
            calls[i] = (int)Math.Clamp(Math.Ceiling(LeastSampleSeconds / Math.Max(1e-7, Seconds(backend, runs[i], 1))), 1, 1000);
        }
        var clock = Stopwatch.StartNew();
        for (int round = 0; round < MaxRounds && (round < MinRounds || clock.Elapsed < budget); round++)
        {
            foreach (int i in Rotation.Of(runs.Length, round))
            {
                cancellation.ThrowIfCancellationRequested();
                samples[i].Add(1000 * Seconds(backend, runs[i], calls[i]) / calls[i]);
            }
        }
        return Array.ConvertAll(samples, s => s.Order().ElementAt(s.Count / 2));
    }

    /// <summary>
    /// Achieved FLOP/s over arithmetic intensity, both axes logarithmic, under the device's roof; the fused points carry their names.
    /// </summary>
    public static LineChart Roofline(DeviceSpeed speed, IReadOnlyList<FusionRow> rows)
    {
        double[] intensities = [.. Enumerable.Range(0, 61).Select(i => -2 + i / 12.0)];
        return new LineChart("Roofline", "log10 of FLOP per declared byte", "GFLOP/s",
        [
            new Curve("roof", intensities,
                [.. intensities.Select(x => Math.Min(speed.FlopsPerSecond, speed.CopyBytesPerSecond * Math.Pow(10, x)) / 1e9)]),
            Points("fused", r => (r.FlopsFused, r.BytesFused, r.MillisecondsFused), named: true),
            Points("unfused", r => (r.FlopsUnfused, r.BytesUnfused, r.MillisecondsUnfused)),
            // The same composition's FLOPs and bytes, by its declaration: where it stands apart it stands above or below.
            Points("unfused, same geometry",
                r => r.ParallelismSpeedup is null or 1 ? default
                    : (r.FlopsUnfused, r.BytesUnfused, r.MillisecondsUnfusedSameGeometry!.Value)),
        ], LogY: true);

        Curve Points(string label, Func<FusionRow, (long Flops, long Bytes, double Milliseconds)> of, bool named = false)
        {
            var points = rows.Select(r => (Row: r, Cost: of(r))).Where(p => p.Cost.Flops > 0).ToArray();
            return new Curve(label, [.. points.Select(p => Math.Log10((double)p.Cost.Flops / p.Cost.Bytes))],
                [.. points.Select(p => p.Cost.Flops / p.Cost.Milliseconds / 1e6)],
                Points: true, named ? [.. points.Select(p => NameOf(p.Row))] : null);
        }

        // With K, or with the shape, where the name alone stands for several rows.
        string NameOf(FusionRow row) => rows.Count(r => r.Name == row.Name) == 1 ? row.Name
            : rows.Count(r => (r.Name, r.Branches) == (row.Name, row.Branches)) == 1 ? $"{row.Name}, K = {row.Branches}"
                : $"{row.Name}, {row.Shapes}";
    }

    /// <summary>
    /// Lets the run-time compiler replace its first machine code, which is up to thirty times slower: it begins after thirty calls and a
    /// tenth of a second, and again where it looked first.
    /// </summary>
    private static void WarmUp(Backend backend, CancellationToken cancellation, ReadOnlySpan<Action> runs)
    {
        var clock = Stopwatch.StartNew();
        do
        {
            foreach (var run in runs)
            {
                cancellation.ThrowIfCancellationRequested();
                run();
            }
            backend.Synchronize();
        }
        while (clock.Elapsed.TotalSeconds < WarmUpSeconds);
    }

    private static double Seconds(Backend backend, Action run, int calls)
    {
        backend.Synchronize();
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < calls; i++)
            run();
        backend.Synchronize();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
