using System.CommandLine;
using System.Globalization;
using BDense.Cli.Terminal;
using BDense.Kernels;
using BDense.Model;
using BDense.Training;

namespace BDense.Cli.Verbs;

/// <summary><c>bdense fusion</c>: what each fusion is predicted to save and what it saves, alone and in a whole training step.</summary>
internal static class FusionVerb
{
    private const int Branches = 4;

    public static Verb Verb(Ui ui)
    {
        var network = new Option<string>("--network") { Description = $"Shapes of {string.Join(", ", NetworkCatalog.Names)}; or a configuration file (.json).", HelpName = "NAME", DefaultValueFactory = _ => "demo" };
        var batch = CommonOptions.Positive("--batch", "Images in the network's operations and in the step.", 16);
        var memory = new Option<bool>("--memory") { Description = "Measure batch sizes up to --batch instead: peak memory and images/s with blocks kept and recomputed." };
        var quick = new Option<bool>("--quick") { Description = "Fewer repetitions and smaller states." };
        var csv = new Option<string?>("--csv") { Description = "Write the rows as CSV.", HelpName = "FILE" };
        var plot = new Option<string?>("--plot") { Description = "Write a roofline plot.", HelpName = "FILE.png" };
        var device = CommonOptions.Device();
        var threads = CommonOptions.Threads();
        var precision = CommonOptions.Precision();
        var json = CommonOptions.Json();
        var command = new Command("fusion", "Predicts from declared bytes and launches what each fusion saves, and measures it.")
        {
            network, batch, memory, quick, csv, plot, device, threads, precision, json,
        };
        command.SetAction((parse, cancellation) =>
        {
            ui.JsonOnly = parse.GetValue(json);
            using var backend = parse.Open(device, threads, precision);
            ui.Note($"device {backend.Name}: {backend.Description}");
            var config = NetworkCatalog.Find(parse.GetValue(network)!);
            int n = parse.GetValue(batch);
            bool fast = parse.GetValue(quick);
            if (parse.GetValue(memory))
                Memory(ui, backend, config, n, fast);
            else
                Fuse(ui, backend, config, n, fast, parse.GetValue(csv), parse.GetValue(plot), cancellation);
            return Task.FromResult(0);
        });
        return new Verb(command, "bdense fusion --quick", "bdense fusion --network edm-cifar10 --batch 128 --device cuda --json --plot fusion.png",
            "bdense fusion --memory --batch 64");
    }

    private static void Fuse(Ui ui, Backend backend, UNetConfig config, int batch, bool quick, string? csv, string? plot, CancellationToken cancellation)
    {
        var speed = DeviceSpeed.Measure(backend, quick ? 1 << 22 : 1 << 25);
        var rows = new List<FusionRow>();
        using (var network = new UNet(backend, config, seed: 1))
        {
            var cases = new FusionCases(network, batch, quick ? 1 << 18 : 1 << 22).All().ToList();
            ui.Stage("fusions", cases.Count, report =>
            {
                foreach (var make in cases)
                {
                    cancellation.ThrowIfCancellationRequested();
                    using var c = make();
                    rows.Add(FusionLab.Measure(backend, speed, c, TimeSpan.FromSeconds(quick ? 0.4 : 4)));
                    report(rows.Count, c.Name);
                }
                return 0;
            });
        }
        IReadOnlyList<StepRow> steps;
        using (var lab = new StepLab(backend, config, Branches))
            steps = ui.Stage("training step", quick ? 2 : 16, report => lab.Ablate(batch, TimeSpan.FromSeconds(quick ? 8 : 120), round =>
            {
                cancellation.ThrowIfCancellationRequested();
                report(round, "");
            }));

        if (csv is not null)
            AtomicFile.WriteText(csv, FusionLab.ToCsv(rows));
        if (plot is not null)
            Charts.Write(plot, FusionLab.Roofline(speed, rows));
        ui.Json(new
        {
            device = backend.Name,
            description = backend.Description,
            batch,
            copyGigabytesPerSecond = speed.CopyBytesPerSecond / 1e9,
            gigaflopsPerSecond = speed.FlopsPerSecond / 1e9,
            launchMicroseconds = speed.LaunchSeconds * 1e6,
            rows,
            steps,
        });
        ui.Line(string.Create(CultureInfo.InvariantCulture, $"copy {speed.CopyBytesPerSecond / 1e9:0.0} GB/s, matrix product {speed.FlopsPerSecond / 1e9:0.0} GFLOP/s, launch {speed.LaunchSeconds * 1e6:0.0} us"));
        ui.Table(["fusion", "K", "launches", "unfused", "MB", "unfused", "ms", "unfused", "same geometry", "predicted", "measured", "GB/s", "of copy"], rows.Select(r => new[]
        {
            r.Name, Text(r.Branches), Text(r.LaunchesFused), Text(r.LaunchesUnfused), Text(r.BytesFused / 1e6), Text(r.BytesUnfused / 1e6), Text(r.MillisecondsFused),
            Text(r.MillisecondsUnfused), r.MillisecondsUnfusedSameGeometry is { } ms ? Text(ms) : "-", Text(r.PredictedSpeedup) + "x", Text(r.MeasuredSpeedup) + "x",
            Text(r.GigabytesPerSecond), r.ShareOfCopyBandwidth.ToString("0%", CultureInfo.InvariantCulture),
        }));
        ui.Line($"a training step, K = {Branches}, batch {batch}:");
        Table(ui, steps);
    }

    private static void Memory(Ui ui, Backend backend, UNetConfig config, int largest, bool quick)
    {
        using var lab = new StepLab(backend, config, Branches);
        int[] batches = [.. Enumerable.Range(0, 31).Select(i => 1 << i).TakeWhile(b => b < largest).Append(largest).TakeLast(quick ? 3 : 31)];
        var steps = lab.Memory(batches, TimeSpan.FromSeconds(quick ? 2 : 20));
        ui.Json(new { device = backend.Name, description = backend.Description, steps });
        Table(ui, steps);
    }

    private static void Table(Ui ui, IReadOnlyList<StepRow> steps) => ui.Table(["fusions", "batch", "ms", "images/s", "peak MB", "time", "memory"], steps.Select(s =>
    {
        var first = steps.First(other => other.Batch == s.Batch);
        return new[]
        {
            s.Name, Text(s.Batch), Text(s.Milliseconds), Text(s.ImagesPerSecond), Text(s.PeakBytes / 1e6), Text(s.Milliseconds / first.Milliseconds) + "x",
            Text((double)s.PeakBytes / first.PeakBytes) + "x",
        };
    }));

    private static string Text(double value) => value.ToString(value >= 100 ? "0" : value >= 10 ? "0.0" : "0.00", CultureInfo.InvariantCulture);

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
