using System.Globalization;
using BDense.Cli.Terminal;
using BDense.Kernels;
using BDense.Model;
using BDense.Training;

namespace BDense.Cli.Verbs;

/// <summary><c>bdense fusion --branches</c>: what K branches cost, beside the paper's claim.</summary>
internal static class BranchTable
{
    /// <summary>Share of the free memory that steps may take: others compute here too.</summary>
    private const double UsableShare = 0.8;

    public static void Run(Ui ui, Backend backend, IReadOnlyList<string> names, int batch, int measured, bool quick, CancellationToken cancellation)
    {
        long free = (long)(UsableShare * FreeBytes(backend));
        var networks = names.Select(name => (Name: name, Config: NetworkCatalog.Find(name))).ToArray();
        var rows = new List<BranchRow>();
        foreach (var (name, config) in networks)
        {
            rows.AddRange(ui.Stage(name, 2 * BranchLab.Branches.Count, report => BranchLab.Measure(backend, name, config, batch, measured, quick ? 1 : 3, free, visit =>
            {
                cancellation.ThrowIfCancellationRequested();
                report(visit, "");
            })));
        }
        ui.Json(new { device = backend.Name, description = backend.Description, rows });
        ui.Line($"predicted: a training step of {batch}, by a dry run; measured: a training step and a sampling step of {measured}");
        ui.Table(["network", "K", "parameters", "more", "MAC/image", "more", "step GMAC", "step GB moved", "peak GB", "more", "ms", "time", "peak GB", "sample ms", "folded"], rows.Select(r =>
        {
            var plain = rows.First(other => other.Network == r.Network);
            return new[]
            {
                r.Network, FusionVerb.Text(r.Branches), Count(r.Parameters), More(r.Parameters, plain.Parameters), Count(r.ForwardMacs), More(r.ForwardMacs, plain.ForwardMacs),
                FusionVerb.Text(r.StepMacs * (double)r.Batch / 1e9), FusionVerb.Text(r.PredictedBytes / 1e9), FusionVerb.Text(r.PredictedPeakBytes / 1e9),
                More(r.PredictedPeakBytes, plain.PredictedPeakBytes), Measured(r.Milliseconds),
                r.Milliseconds / plain.Milliseconds is { } time ? time.ToString("0.000", CultureInfo.InvariantCulture) + "x" : "-",
                Measured(r.PeakBytes / 1e9), Measured(r.SampleMilliseconds), Measured(r.FoldedMilliseconds),
            };
        }));
        foreach (var row in rows.Where(r => r.Note is not null))
            ui.Line($"{row.Network}, K = {row.Branches}: {row.Note}");
        ui.Line("the paper: 0.01% more FLOPs, no more training time or memory");
    }

    private static string Measured(double? value) => value is { } v ? FusionVerb.Text(v) : "-";

    private static string Count(long value) => FusionVerb.Text(value / 1e6) + "M";

    private static string More(long value, long plain) => ((double)(value - plain) / plain).ToString("0.000%", CultureInfo.InvariantCulture);

    /// <summary>Of the device, or where its memory is the machine's, of the machine.</summary>
    private static long FreeBytes(Backend backend)
    {
        if (backend.FreeBytes is { } own)
            return own;
        const string Linux = "/proc/meminfo", Key = "MemAvailable:";
        if (File.Exists(Linux) && File.ReadLines(Linux).FirstOrDefault(line => line.StartsWith(Key, StringComparison.Ordinal)) is { } line
            && long.TryParse(line[Key.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture, out long kilobytes))
            return kilobytes * 1024;
        return GC.GetGCMemoryInfo().TotalAvailableMemoryBytes - Environment.WorkingSet;
    }
}
