using System.CommandLine;
using System.Globalization;
using BDense.Cli.Terminal;
using BDense.Kernels;
using BDense.Model;
using BDense.Training;

namespace BDense.Cli.Verbs;

/// <summary><c>bdense fusion</c>: what each fusion is predicted to save and what it saves, alone and in a whole training step; what memory and branches cost.</summary>
internal static class FusionVerb
{
    private const int Branches = 4;

    private const int SampleElements = 3 * 32 * 32;

    /// <summary>Of the copy whose rate is the roof: 128 MiB a side, more than any cache holds.</summary>
    private const int RoofElements = 1 << 25;

    private const int MaxSamples = int.MaxValue / (8 * SampleElements);

    public static Verb Verb(Ui ui)
    {
        var network = new Option<string>("--network") { Description = $"Shapes of {string.Join(", ", NetworkCatalog.Names)}; or a configuration file (.json). --branches takes several with commas between.", HelpName = "NAME", DefaultValueFactory = _ => "demo" };
        var batch = CommonOptions.Positive("--batch", "Images in the network's operations and in the step.", 16);
        var memory = new Option<bool>("--memory") { Description = "Measure batch sizes up to --batch instead: peak memory and images/s with blocks kept and recomputed." };
        var branches = new Option<bool>("--branches") { Description = "Tell instead what K = 1, 2, 4 and 8 branches cost: parameters, multiply-adds and memory of a step of --batch, predicted; its time at --measured-batch." };
        var measuredBatch = CommonOptions.Positive("--measured-batch", "For --branches: images of the steps that are timed.", 1);
        var roof = new Option<bool>("--roof") { Description = "Measure instead what memory alone limits (the loss at K = 1 to 8, GroupNorm+SiLU, solver steps, Adam) against the device's copy bandwidth." };
        var samples = CommonOptions.Positive("--samples", "For --roof: 3x32x32 samples whose size each state and activation has, about.", 4096);
        var quick = new Option<bool>("--quick") { Description = "Fewer repetitions and smaller states." };
        var csv = new Option<string?>("--csv") { Description = "Write the rows as CSV.", HelpName = "FILE" };
        var plot = new Option<string?>("--plot") { Description = "Write a roofline plot.", HelpName = "FILE.png" };
        var device = CommonOptions.Device();
        var threads = CommonOptions.Threads();
        var precision = CommonOptions.Precision();
        var json = CommonOptions.Json();
        var command = new Command("fusion", "Predicts from declared bytes and launches what each fusion saves, and measures it.")
        {
            network, batch, memory, branches, measuredBatch, roof, samples, quick, csv, plot, device, threads, precision, json,
        };
        command.SetAction((parse, cancellation) =>
        {
            ui.JsonOnly = parse.GetValue(json);
            if (new[] { memory, branches, roof }.Count(o => parse.GetValue(o)) > 1)
                throw new UsageException("--memory, --branches and --roof are tables of their own; ask for one");
            if (parse.GetValue(samples) > MaxSamples)
                throw new UsageException($"--samples takes at most {MaxSamples}: eight targets of more do not fit 32-bit indices");
            using var backend = parse.Open(device, threads, precision);
            backend.OnNotice = ui.Note;
            ui.Note($"device {backend.Name}: {backend.Description}");
            string name = parse.GetValue(network)!;
            int n = parse.GetValue(batch);
            bool fast = parse.GetValue(quick);
            if (parse.GetValue(branches))
                BranchTable.Run(ui, backend, name.Split(',', StringSplitOptions.TrimEntries), n, parse.GetValue(measuredBatch), fast, cancellation);
            else if (parse.GetValue(memory))
                Memory(ui, backend, NetworkCatalog.Find(name), n, fast);
            else if (parse.GetValue(roof))
                Roof(ui, backend, NetworkCatalog.Find(name), parse.GetValue(samples), fast, parse.GetValue(csv), parse.GetValue(plot), cancellation);
            else
                Fuse(ui, backend, NetworkCatalog.Find(name), n, fast, parse.GetValue(csv), parse.GetValue(plot), cancellation);
            return Task.FromResult(0);
        });
        return new Verb(command, "bdense fusion --quick", "bdense fusion --network edm-cifar10 --batch 128 --device cuda --json --plot fusion.png",
            "bdense fusion --memory --batch 64", "bdense fusion --roof --network edm-cifar10 --samples 4096", "bdense fusion --branches --network edm-cifar10,edm-imagenet64 --batch 128 --measured-batch 1");
    }

    internal static string Text(double value) => value.ToString(value >= 100 ? "0" : value >= 10 ? "0.0" : "0.00", CultureInfo.InvariantCulture);

    internal static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static void Fuse(Ui ui, Backend backend, UNetConfig config, int batch, bool quick, string? csv, string? plot, CancellationToken cancellation)
    {
        var speed = DeviceSpeed.Measure(backend, quick ? 1 << 22 : RoofElements);
        List<FusionRow> rows;
        using (var network = new UNet(backend, config, seed: 1))
            rows = Measure(ui, backend, speed, new FusionCases(network, batch, quick ? 1 << 18 : 1 << 22).All(), quick, cancellation);
        IReadOnlyList<StepRow> steps;
        using (var lab = new StepLab(backend, config, Branches))
            steps = ui.Stage("training step", quick ? 2 : 16, report => lab.Ablate(batch, TimeSpan.FromSeconds(quick ? 8 : 120), round =>
            {
                cancellation.ThrowIfCancellationRequested();
                report(round, "");
            }));

        Write(speed, rows, csv, plot);
        Report(ui, backend, speed, new() { ["batch"] = batch, ["rows"] = rows, ["steps"] = steps });
        Rows(ui, backend, speed, rows);
        ui.Line("same geometry, the composition with launches as wide as the fused kernel's:");
        foreach (var group in rows.GroupBy(r => (r.Name, r.Geometry)))
            ui.Line($"  {group.Key.Name}{(rows.Any(r => r.Name == group.Key.Name && r.Geometry != group.Key.Geometry) ? $" (K = {string.Join(", ", group.Select(r => r.Branches))})" : "")}: {group.Key.Geometry}");
        ui.Line($"a training step, K = {Branches}, batch {batch}:");
        Table(ui, steps);
        if (backend.Graphs is { Name: not "CUDA graph" } graphs && steps.Any(s => s.Name == StepLab.GraphName))
            ui.Line($"graph: {backend.Name} has none; {graphs.Name}, issued again one by one");
    }

    /// <summary>States and activations of about <paramref name="samples"/> x 3 x 32 x 32 elements, so that no cache holds them.</summary>
    private static void Roof(Ui ui, Backend backend, UNetConfig config, int samples, bool quick, string? csv, string? plot, CancellationToken cancellation)
    {
        int elements = samples * SampleElements;
        var speed = DeviceSpeed.Measure(backend, RoofElements);
        List<FusionRow> rows;
        using (var network = new UNet(backend, config, seed: 1))
        {
            int batch = Math.Max(1, elements / (config.Resolution * config.Resolution * config.ModelChannels));
            rows = Measure(ui, backend, speed, new FusionCases(network, batch, elements).MemoryBound(), quick, cancellation);
        }
        Write(speed, rows, csv, plot);
        Report(ui, backend, speed, new() { ["samples"] = samples, ["rows"] = rows });
        Rows(ui, backend, speed, rows);
    }

    private static void Report(Ui ui, Backend backend, DeviceSpeed speed, Dictionary<string, object> what)
    {
        var json = new Dictionary<string, object>
        {
            ["device"] = backend.Name,
            ["description"] = backend.Description,
            ["copyGigabytesPerSecond"] = speed.CopyBytesPerSecond / 1e9,
            ["gigaflopsPerSecond"] = speed.FlopsPerSecond / 1e9,
            ["launchMicroseconds"] = speed.LaunchSeconds * 1e6,
        };
        foreach (var (name, value) in what)
            json[name] = value;
        ui.Json(json);
    }

    private static List<FusionRow> Measure(Ui ui, Backend backend, DeviceSpeed speed, IEnumerable<Func<FusionCase>> makers, bool quick, CancellationToken cancellation)
    {
        var cases = makers.ToList();
        var rows = new List<FusionRow>();
        return ui.Stage("fusions", cases.Count, report =>
        {
            foreach (var make in cases)
            {
                cancellation.ThrowIfCancellationRequested();
                using var c = make();
                rows.Add(FusionLab.Measure(backend, speed, c, TimeSpan.FromSeconds(quick ? 0.3 : 4)));
                report(rows.Count, c.Name);
            }
            return rows;
        });
    }

    private static void Write(DeviceSpeed speed, IReadOnlyList<FusionRow> rows, string? csv, string? plot)
    {
        if (csv is not null)
            AtomicFile.WriteText(csv, FusionLab.ToCsv(rows));
        if (plot is not null)
            Charts.Write(plot, FusionLab.Roofline(speed, rows));
    }

    private static void Rows(Ui ui, Backend backend, DeviceSpeed speed, IReadOnlyList<FusionRow> rows)
    {
        ui.Line(string.Create(CultureInfo.InvariantCulture, $"copy {speed.CopyBytesPerSecond / 1e9:0.0} GB/s, matrix product {speed.FlopsPerSecond / 1e9:0.0} GFLOP/s, launch {speed.LaunchSeconds * 1e6:0.0} us"));
        ui.Table(["fusion", "K", "launches", "unfused", "MB", "unfused", "ms", "unfused", "same geometry", "predicted", "measured", "GB/s", "of copy"], rows.Select(r => new[]
        {
            r.Name, Text(r.Branches), Launches(r.LaunchesFused, r.KernelsFused), Launches(r.LaunchesUnfused, r.KernelsUnfused), Text(r.BytesFused / 1e6), Text(r.BytesUnfused / 1e6),
            Text(r.MillisecondsFused), Text(r.MillisecondsUnfused), r.MillisecondsUnfusedSameGeometry is { } ms ? Text(ms) : "none", Text(r.PredictedSpeedup) + "x",
            Text(r.MeasuredSpeedup) + "x", Text(r.GigabytesPerSecond), r.ShareOfCopyBandwidth.ToString("0%", CultureInfo.InvariantCulture),
        }));
        ui.Line(backend.KernelLaunches is null ? "launches: operations as declared" : "launches: operations as declared / kernels that the device launched for them");
    }

    private static string Launches(int declared, int? kernels) => kernels is { } k ? $"{Text(declared)} / {Text(k)}" : Text(declared);

    private static void Memory(Ui ui, Backend backend, UNetConfig config, int largest, bool quick)
    {
        using var lab = new StepLab(backend, config, Branches);
        int[] batches = [.. Enumerable.Range(0, 31).Select(i => 1 << i).TakeWhile(b => b < largest).Append(largest).TakeLast(quick ? 3 : 31)];
        var steps = lab.Memory(batches, TimeSpan.FromSeconds(quick ? 2 : 20));
        ui.Json(new { device = backend.Name, description = backend.Description, steps });
        Table(ui, steps);
    }

    private static void Table(Ui ui, IReadOnlyList<StepRow> steps) => ui.Table(["fusions", "batch", "ms", "host ms", "images/s", "peak MB", "time", "memory"], steps.Select(s =>
    {
        var first = steps.First(other => other.Batch == s.Batch);
        return new[]
        {
            s.Name, Text(s.Batch), Text(s.Milliseconds), Text(s.HostMilliseconds), Text(s.ImagesPerSecond), Text(s.PeakBytes / 1e6), Text(s.Milliseconds / first.Milliseconds) + "x",
            Text((double)s.PeakBytes / first.PeakBytes) + "x",
        };
    }));
}
