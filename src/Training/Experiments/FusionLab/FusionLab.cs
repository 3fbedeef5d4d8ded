using System.Diagnostics;
using System.Globalization;
using System.Text;
using BDense.Kernels;

namespace BDense.Training;

/// <summary>Predicts what a fusion saves from the operations' declarations, then measures it.</summary>
public static class FusionLab
{
    private const int MinRounds = 3, MaxRounds = 41;
    private const double LeastSampleSeconds = 2e-3;

    /// <param name="backend">The device.</param>
    /// <param name="speed">Its roofs.</param>
    /// <param name="c">The case.</param>
    /// <param name="budget">Time to spend measuring; at least three rounds are taken.</param>
    public static FusionRow Measure(Backend backend, DeviceSpeed speed, FusionCase c, TimeSpan budget)
    {
        var (fused, fusedSeconds, fusedLaunches) = Predict(backend, speed, c.Fused);
        var (plain, plainSeconds, plainLaunches) = Predict(backend, speed, c.Unfused);
        int? fusedKernels = Kernels(backend, c.Fused), plainKernels = Kernels(backend, c.Unfused);
        bool separate = c.UnfusedSameGeometry is not null && c.UnfusedSameGeometry != c.Unfused;
        double[] ms = Medians(backend, budget, separate ? [c.Fused, c.Unfused, c.UnfusedSameGeometry!] : [c.Fused, c.Unfused]);
        double rate = fused.Bytes / (ms[0] / 1000);
        return new FusionRow(c.Name, c.Branches, c.Shapes, fusedLaunches, plainLaunches, fused.Bytes, plain.Bytes, fused.Flops, plain.Flops,
            ms[0], ms[1], separate ? ms[2] : c.UnfusedSameGeometry is null ? null : ms[1], plainSeconds / fusedSeconds, ms[1] / ms[0],
            rate / 1e9, rate / speed.CopyBytesPerSecond, c.Geometry, fusedKernels, plainKernels);
    }

    /// <summary>One run, watched: its declared cost, its roofline time and its operations. It also warms up.</summary>
    public static (OpCost Cost, double Seconds, int Launches) Predict(Backend backend, DeviceSpeed speed, Action run)
    {
        OpCost cost = default;
        double seconds = 0;
        int launches = 0;
        var before = backend.OnOp;
        backend.OnOp = (_, c) =>
        {
            cost += c;
            seconds += speed.Seconds(c);
            launches++;
        };
        try
        {
            run();
            backend.Synchronize();
        }
        finally
        {
            backend.OnOp = before;
        }
        return (cost, seconds, launches);
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

    /// <summary>Milliseconds of each run, the median over rounds in which each has its turn, in an order that changes (<see cref="Rotation"/>).</summary>
    public static double[] Medians(Backend backend, TimeSpan budget, params ReadOnlySpan<Action> runs)
    {
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
                samples[i].Add(1000 * Seconds(backend, runs[i], calls[i]) / calls[i]);
        }
        return Array.ConvertAll(samples, s => s.Order().ElementAt(s.Count / 2));
    }

    /// <summary>The rows as CSV, one a line, numbers in invariant notation.</summary>
    public static string ToCsv(IEnumerable<FusionRow> rows)
    {
        var text = new StringBuilder("name,branches,shapes,launchesFused,launchesUnfused,bytesFused,bytesUnfused,flopsFused,flopsUnfused,"
            + "millisecondsFused,millisecondsUnfused,millisecondsUnfusedSameGeometry,predictedSpeedup,measuredSpeedup,gigabytesPerSecond,shareOfCopyBandwidth,kernelsFused,kernelsUnfused,geometry\n");
        foreach (var r in rows)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{r.Name},{r.Branches},\"{r.Shapes}\",{r.LaunchesFused},{r.LaunchesUnfused},{r.BytesFused},{r.BytesUnfused},{r.FlopsFused},{r.FlopsUnfused},{r.MillisecondsFused:g6},{r.MillisecondsUnfused:g6},{r.MillisecondsUnfusedSameGeometry:g6},{r.PredictedSpeedup:g4},{r.MeasuredSpeedup:g4},{r.GigabytesPerSecond:g4},{r.ShareOfCopyBandwidth:g4},{r.KernelsFused},{r.KernelsUnfused},\"{r.Geometry}\"");
        }
        return text.ToString();
    }

    /// <summary>Achieved FLOP/s over arithmetic intensity, both axes logarithmic, under the device's roof.</summary>
    public static LineChart Roofline(DeviceSpeed speed, IReadOnlyList<FusionRow> rows)
    {
        double[] intensities = [.. Enumerable.Range(0, 61).Select(i => -2 + i / 12.0)];
        return new LineChart("Roofline", "log10 of FLOP per declared byte", "GFLOP/s",
        [
            new Curve("roof", intensities, [.. intensities.Select(x => Math.Min(speed.FlopsPerSecond, speed.CopyBytesPerSecond * Math.Pow(10, x)) / 1e9)]),
            Points("fused", r => (r.FlopsFused, r.BytesFused, r.MillisecondsFused)),
            Points("unfused", r => (r.FlopsUnfused, r.BytesUnfused, r.MillisecondsUnfused)),
        ], LogY: true);

        Curve Points(string label, Func<FusionRow, (long Flops, long Bytes, double Milliseconds)> of)
        {
            var points = rows.Select(of).Where(p => p.Flops > 0).Select(p => (X: Math.Log10((double)p.Flops / p.Bytes), Y: p.Flops / p.Milliseconds / 1e6)).ToArray();
            return new Curve(label, [.. points.Select(p => p.X)], [.. points.Select(p => p.Y)], Points: true);
        }
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
