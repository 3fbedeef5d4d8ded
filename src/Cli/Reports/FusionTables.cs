using System.Globalization;
using BDense.Cli.Terminal;
using BDense.Experiments.Labs;
using BDense.Kernels;
using BDense.Kernels.Profiling;
using BDense.Model.Autodiff;

namespace BDense.Cli.Reports;

/// <summary>How <c>bdense fusion</c> shows its rows.</summary>
internal static class FusionTables
{
    public static string Text(double value) =>
        value.ToString(value >= 100 ? "0" : value >= 10 ? "0.0" : "0.00", CultureInfo.InvariantCulture);

    public static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>What is declared beside each operation.</summary>
    public static void List(Ui ui, IReadOnlyList<Fusion> fusions)
    {
        foreach (var fusion in fusions)
        {
            ui.Line(fusion.NotUsual is { } why ? $"{fusion.Name} (not usual: it {why})" : fusion.Name);
            ui.Line($"  does     {fusion.Does}");
            ui.Line($"  instead  {fusion.Instead}");
            ui.Line($"  saves    {fusion.Saves}");
        }
    }

    /// <summary>Two tables: what operations declare, and what the clock says.</summary>
    public static void Fusions(Ui ui, Backend backend, DeviceSpeed speed, IReadOnlyList<FusionRow> rows)
    {
        ui.Line(string.Create(CultureInfo.InvariantCulture,
            $"copy {speed.CopyBytesPerSecond / 1e9:0.0} GB/s, arithmetic {speed.FlopsPerSecond / 1e9:0.0} GFLOP/s ({speed.FlopsOf}), "
                + $"launch {speed.LaunchSeconds * 1e6:0.0} us"));
        ui.Line("declared, each number fused and unfused:");
        ui.Table(["fusion", "K", "shape", "launches", "unfused", "MB read", "unfused", "MB written", "unfused", "MFLOP", "unfused"],
            rows.Select(r => new[]
        {
            r.Name, Text(r.Branches), r.Shapes, Launches(r.LaunchesFused, r.KernelsFused), Launches(r.LaunchesUnfused, r.KernelsUnfused),
            Text(r.BytesReadFused / 1e6), Text(r.BytesReadUnfused / 1e6), Text(r.BytesWrittenFused / 1e6),
            Text(r.BytesWrittenUnfused / 1e6),
            Text(r.FlopsFused / 1e6), Text(r.FlopsUnfused / 1e6),
        }));
        ui.Line(backend.KernelLaunches is null ? "launches: operations as declared"
            : "launches: operations as declared / kernels that the device launched for them");
        ui.Line("measured; parallelism is unfused over same geometry, fusion is same geometry over fused, their product is the speed-up:");
        ui.Table(["fusion", "K", "ms", "unfused ms", "same geometry ms", "predicted", "measured", "parallelism", "fusion", "GB/s",
            "of copy", ""], rows.Select(r => new[]
        {
            r.Name, Text(r.Branches), Text(r.MillisecondsFused), Text(r.MillisecondsUnfused),
            r.MillisecondsUnfusedSameGeometry is { } ms ? Text(ms) : "none", Times(r.PredictedSpeedup),
            Times(r.MeasuredSpeedup), Times(r.ParallelismSpeedup), Times(r.FusionSpeedup), Text(r.GigabytesPerSecond),
            r.ShareOfCopyBandwidth.ToString("0%", CultureInfo.InvariantCulture), r.Composed ? "composed" : "",
        }));
        if (rows.Any(r => r.Composed))
            ui.Line($"composed: {backend.Name} has no kernel for this fusion at this shape and runs the composition both times; what the "
                + "ratio is beside 1 is noise");
    }

    /// <summary>What operations declare, and what a virtual GPU counts.</summary>
    public static void Counted(Ui ui, IReadOnlyList<CountedFusion> rows)
    {
        ui.Line("each number fused and unfused, in MB: declared by the operations; counted from and to DRAM, the second-level cache "
            + "empty before each launch; asked for by all lanes:");
        ui.Table(["fusion", "K", "shape", "launches", "unfused", "declared MB", "unfused", "counted MB", "unfused", "asked MB", "unfused",
            "saves, declared", "saves, counted"],
            rows.Select(r => new[]
        {
            r.Name, Text(r.Branches), r.Shapes, Text(r.KernelsFused), Text(r.KernelsUnfused), Text(r.DeclaredBytesFused / 1e6),
            Text(r.DeclaredBytesUnfused / 1e6),
            Text(r.MemoryBytesFused / 1e6), Text(r.MemoryBytesUnfused / 1e6), Text(r.AskedBytesFused / 1e6),
            Text(r.AskedBytesUnfused / 1e6),
            Times((double)r.DeclaredBytesUnfused / r.DeclaredBytesFused), Times((double)r.MemoryBytesUnfused / r.MemoryBytesFused),
        }));
    }

    /// <summary>What the third variants are.</summary>
    public static void Geometries(Ui ui, IReadOnlyList<FusionRow> rows)
    {
        ui.Line("same geometry, the composition with launches as wide as the fused kernel's:");
        foreach (var group in rows.GroupBy(r => (r.Name, r.Geometry)))
        {
            bool several = rows.Any(r => r.Name == group.Key.Name && r.Geometry != group.Key.Geometry);
            bool byBranches = several
                && group.Select(r => r.Branches).Distinct().Count() < rows.Where(r => r.Name == group.Key.Name).Select(r => r.Branches)
                    .Distinct().Count();
            string which = byBranches ? $" (K = {string.Join(", ", group.Select(r => r.Branches))})" : several
                ? $" ({string.Join(", ", group.Select(r => r.Shapes))})" : "";
            ui.Line($"  {group.Key.Name}{which}: {group.Key.Geometry}");
        }
    }

    /// <summary>Steps, each beside the first of its kind and batch size.</summary>
    public static void Steps(Ui ui, IReadOnlyList<StepRow> steps)
    {
        bool predicted = steps.Any(s => s.PredictedPeakBytes is not null);
        ui.Table(["fusions", "step", "K", "batch", "ms", "host ms", "images/s", "peak MB",
            .. predicted ? ["predicted"] : Array.Empty<string>(), "time", "memory"], steps.Select(s =>
        {
            var first = steps.First(other => (other.Step, other.Batch) == (s.Step, s.Batch));
            return (string[])[s.Name, s.Step, Text(s.Branches), Text(s.Batch), Measured(s.Milliseconds), Measured(s.HostMilliseconds),
                Measured(s.ImagesPerSecond), Measured(s.PeakBytes / 1e6),
                .. predicted ? [Measured(s.PredictedPeakBytes / 1e6)] : Array.Empty<string>(), Times(s.Milliseconds / first.Milliseconds),
                Times((double?)s.PeakBytes / first.PeakBytes)];
        }));
        foreach (var group in steps.Where(s => s.Note is not null).GroupBy(s => s.Note))
            ui.Line($"{string.Join("; ", group.Select(s => $"{s.Step} {s.Name}, batch {Text(s.Batch)}"))}: {group.Key}");
    }

    private static string Measured(double? value) => value is { } v ? Text(v) : "-";

    private static string Times(double? value) => value is { } v ? Text(v) + "x" : "-";

    private static string Launches(int declared, int? kernels) => kernels is { } k ? $"{Text(declared)} / {Text(k)}" : Text(declared);
}
