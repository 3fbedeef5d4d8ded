using System.CommandLine;
using System.Globalization;
using BDense.Cli.Terminal;
using BDense.Experiments.Labs;
using BDense.Kernels;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.Ilgpu.Tuning;
using BDense.Model.Autodiff;
using BDense.Model.Networks;

namespace BDense.Cli.Verbs;

/// <summary>
/// <c>bdense tune</c>: times the tiles that there are for a network's convolutions and products, and remembers the fastest for this device.
/// </summary>
internal static class TuneVerb
{
    public static Verb Verb(Ui ui)
    {
        var network = new Option<string>("--network")
        {
            Description = $"Shapes of {string.Join(", ", NetworkCatalog.Names)}; or a configuration file (.json).",
            HelpName = "NAME",
            DefaultValueFactory = _ => "demo",
        };
        var batch = Numbers.Int("--batch", "Images of a training step.", 16, min: 1, max: Most.Batch);
        var branches = Numbers.Int("--branches", "K, the heads of the last convolution; 1 to 8.", 4, min: 1, max: Backend.MaxBranches);
        var device = CommonOptions.Device();
        var threads = CommonOptions.Threads();
        var precision = CommonOptions.Precision();
        var json = CommonOptions.Json();
        var command = new Command("tune",
            "Times every tile for each convolution and product of a training step; later runs on this device take the fastest.")
        {
            network, batch, branches, device, threads, precision, json,
        };
        command.SetAction((parse, cancellation) =>
        {
            ui.JsonOnly = parse.GetValue(json);
            var config = NetworkCatalog.Find(parse.GetValue(network)!);
            using var backend = parse.Open(device, threads, precision);
            ui.Note($"device {backend.Name}: {backend.Description}");
            if (backend is not IlgpuBackend ilgpu)
                throw new BDenseException(
                    $"{backend.Name} has no tiles to choose from: its kernels adapt to the processor by themselves; tune a cuda or "
                        + "opencl device");
            if (ilgpu.IsVirtual)
                throw new BDenseException(
                    $"{backend.Name} interprets kernels: their times say nothing of a GPU's; tune that GPU, or see what a kernel costs "
                        + "with bdense profile");
            using var lab = new StepLab(backend, config, parse.GetValue(branches)) { Cancellation = cancellation };
            int problems = ilgpu.Problems(() => lab.Measure(parse.GetValue(batch), 0, new Execution(Fusions.All))), done = 0;
            var rows = ui.Stage("tune", problems,
                report => ilgpu.Tune(() => lab.Measure(parse.GetValue(batch), 1, new Execution(Fusions.All)), row =>
                report(++done,
                    string.Create(CultureInfo.InvariantCulture,
                        $"{Problem(row)}: {Tile(row.Tile, row.Slices)}, {row.Milliseconds:0.000} ms, the best of {row.Candidates}")),
                cancellation: cancellation), "problems");
            ui.Json(new
            {
                device = backend.Name,
                description = backend.Description,
                file = rows.Count > 0 ? ilgpu.TuningFile : null,
                rows
            });
            if (rows.Count == 0)
            {
                ui.Line($"{backend.Name} has no choice of tiles for these shapes");
                return Task.FromResult(0);
            }
            ui.Table(["problem", "tile", "ms", "untuned", "ms", "gain"], rows.Select(row => new[]
            {
                Problem(row), Tile(row.Tile, row.Slices), Number(row.Milliseconds), Tile(row.RuleTile, row.RuleSlices),
                Number(row.RuleMilliseconds),
                (row.RuleMilliseconds / row.Milliseconds).ToString("0.00x", CultureInfo.InvariantCulture),
            }));
            ui.Line($"remembered in {ilgpu.TuningFile}");
            return Task.FromResult(0);
        });
        return new Verb(command, "bdense tune --network edm-cifar10 --batch 64 --device cuda --precision bf16",
            "bdense tune --device opencl --json");
    }

    private static string Problem(TuningRow row) =>
        string.Create(CultureInfo.InvariantCulture,
            $"{row.Operation} {row.Precision.ToLowerInvariant()} {row.M} x {row.N}, {row.Steps} steps{Count(row.Taps, "taps")}"
                + $"{Count(row.Batch, "in a batch")}");

    private static string Count(int count, string of) => count == 1 ? "" : $", {count} {of}";

    private static string Tile(string tile, int slices) =>
        slices > 1 ? string.Create(CultureInfo.InvariantCulture, $"{tile} / {slices}") : tile;

    private static string Number(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);
}
