using System.Globalization;
using BDense.Cli.Reports;
using BDense.Cli.Terminal;
using BDense.Experiments.Labs;
using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Model.Networks;

namespace BDense.Cli.Verbs;

/// <summary><c>bdense fusion --branches</c>: what K branches cost, beside the paper's claim.</summary>
internal static class BranchTable
{
    public static void Run(Ui ui, Backend backend, IReadOnlyList<string> names, int batch, int measured, bool quick, string? csv,
        CancellationToken cancellation)
    {
        long free = UsableMemory.Of(backend);
        var networks = names.Select(name => (Name: name, Config: NetworkCatalog.Find(name))).ToArray();
        var rows = new List<BranchRow>();
        foreach (var (name, config) in networks)
        {
            rows.AddRange(ui.Stage(name, 2 * BranchLab.Branches.Count,
                report =>
                    BranchLab.Measure(backend, name, config, batch, measured, quick ? 1 : 3, free, visit => report(visit, ""),
                        cancellation), "measurements"));
        }
        if (csv is not null)
            AtomicFile.WriteText(csv, Csv.Of(rows));
        ui.Json(new { device = backend.Name, description = backend.Description, rows });
        ui.Line($"predicted: a training step of {batch}, by a dry run; measured: a training step and a sampling step of {measured}");
        ui.Table(["network", "K", "parameters", "more", "MAC/image", "more", "step GMAC", "step GB moved", "peak GB", "more", "ms", "time",
            "peak GB", "sample ms", "folded"], rows.Select(r =>
        {
            var plain = rows.First(other => other.Network == r.Network);
            return new[]
            {
                r.Network, FusionTables.Text(r.Branches), Count(r.Parameters), More(r.Parameters, plain.Parameters), Count(r.ForwardMacs),
                More(r.ForwardMacs, plain.ForwardMacs),
                FusionTables.Text(r.StepMacs * (double)r.Batch / 1e9), FusionTables.Text(r.PredictedBytes / 1e9),
                FusionTables.Text(r.PredictedPeakBytes / 1e9),
                More(r.PredictedPeakBytes, plain.PredictedPeakBytes), Measured(r.Milliseconds),
                r.Milliseconds / plain.Milliseconds is { } time ? time.ToString("0.000", CultureInfo.InvariantCulture) + "x" : "-",
                Measured(r.PeakBytes / 1e9), Measured(r.SampleMilliseconds), Measured(r.FoldedMilliseconds),
            };
        }));
        foreach (var row in rows.Where(r => r.Note is not null))
            ui.Line($"{row.Network}, K = {row.Branches}: {row.Note}");
        ui.Line("the paper: 0.01% more FLOPs, no more training time or memory");
    }

    private static string Measured(double? value) => value is { } v ? FusionTables.Text(v) : "-";

    private static string Count(long value) => FusionTables.Text(value / 1e6) + "M";

    private static string More(long value, long plain) =>
        ((double)(value - plain) / plain).ToString("0.000%", CultureInfo.InvariantCulture);
}
