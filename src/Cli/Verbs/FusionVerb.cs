using System.CommandLine;
using BDense.Cli.Reports;
using BDense.Cli.Terminal;
using BDense.Experiments;
using BDense.Experiments.Drawing;
using BDense.Experiments.Labs;
using BDense.Kernels;
using BDense.Kernels.Profiling;
using BDense.Model.Autodiff;
using BDense.Model.Checkpoints;
using BDense.Model.Networks;

namespace BDense.Cli.Verbs;

/// <summary>
/// <c>bdense fusion</c>: what each fusion is predicted to save and what it saves, alone and in whole steps; what memory and branches cost.
/// </summary>
internal static class FusionVerb
{
    private const int SampleElements = 3 * 32 * 32;

    /// <summary>Of the copy whose rate is the roof: 128 MiB a side, more than any cache holds.</summary>
    private const int RoofElements = 1 << 25;

    /// <summary>Eight targets of more do not fit 32-bit indices.</summary>
    private const int MaxSamples = int.MaxValue / (8 * SampleElements);

    public static Verb Verb(Ui ui)
    {
        var network = new Option<string>("--network")
        {
            Description = $"Shapes of {string.Join(", ", NetworkCatalog.Names)}; or a configuration file (.json). --branches takes "
                + "several with commas between.",
            HelpName = "NAME",
            DefaultValueFactory = _ => "demo",
        };
        var batch = Numbers.Int("--batch", "Images in the network's operations and in the step.", 16, min: 1, max: Most.Batch);
        var only = new Option<string?>("--only")
        {
            Description = "These fusions alone, with commas between: as rows, and to be switched off in steps.",
            HelpName = "NAMES",
        };
        var list = new Option<bool>("--list")
        {
            Description = "Say instead what each fusion does, what is done without it, and what it saves.",
        };
        var ablation = new Option<bool>("--ablation")
        {
            Description = "The table of whole steps alone: training with each fusion off in turn, and sampling.",
        };
        var memory = new Option<bool>("--memory")
        {
            Description = "Measure batch sizes up to --batch instead: peak memory and images/s with blocks kept and recomputed.",
        };
        var branches = new Option<bool>("--branches")
        {
            Description = "Tell instead what K = 1, 2, 4 and 8 branches cost: parameters, multiply-adds and memory of a step of --batch, "
                + "predicted; its time at --measured-batch.",
        };
        var measuredBatch = Numbers.Int("--measured-batch", "For --branches: images of the steps that are timed.", 1, min: 1,
            max: Most.Batch);
        var roof = new Option<bool>("--roof")
        {
            Description = "Measure instead what memory alone limits (the loss at K = 1 to 8, GroupNorm+SiLU, solver steps, Adam) against "
                + "the device's copy bandwidth.",
        };
        var samples = Numbers.Int("--samples", "For --roof: 3x32x32 samples whose size each state and activation has, about.", 4096, min: 1,
            max: MaxSamples);
        var count = Numbers.Int("--branch-count", $"K of the student whose steps are measured; 1 to {Backend.MaxBranches}.", 4, min: 1,
            max: Backend.MaxBranches);
        var dropout = Numbers.OptionalProbability("--dropout",
            "Dropout of the student whose steps are measured, in the place of the network's own: without any there is none to ablate.");
        var quick = new Option<bool>("--quick") { Description = "Fewer repetitions and smaller states." };
        var csv = new Option<string?>("--csv")
        {
            Description = "Write the rows as CSV; those of whole steps, where both are measured, to a second file whose name has -steps "
                + "before its ending.",
            HelpName = "FILE",
        };
        var plot = new Option<string?>("--plot") { Description = "Write a roofline plot.", HelpName = "FILE.png" };
        var device = CommonOptions.Device();
        var threads = CommonOptions.Threads();
        var precision = CommonOptions.Precision();
        var json = CommonOptions.Json();
        var command = new Command("fusion", "Predicts from declared bytes and launches what each fusion saves, and measures it.")
        {
            network, batch, only, list, ablation, memory, branches, measuredBatch, roof, samples, count, dropout, quick, csv, plot, device,
            threads, precision, json,
        };
        command.SetAction((parse, cancellation) =>
        {
            ui.JsonOnly = parse.GetValue(json);
            if (parse.GetValue(list))
            {
                ui.Json(new { fusions = FusionCatalog.All });
                FusionTables.List(ui, FusionCatalog.All);
                return Task.FromResult(0);
            }
            if (new[] { ablation, memory, branches, roof }.Count(o => parse.GetValue(o)) > 1)
                throw new UsageException("--ablation, --memory, --branches and --roof are tables of their own; ask for one");
            if (parse.GetValue(plot) is not null && new[] { ablation, memory, branches }.Any(o => parse.GetValue(o)))
                throw new UsageException("--plot is for single fusions; --ablation, --memory and --branches have none to plot");
            var fusions = parse.GetValue(only)?.Split(',', StringSplitOptions.TrimEntries).Select(Fusions.Find).ToArray();
            using var backend = parse.Open(device, threads, precision);
            backend.OnNotice = ui.Note;
            ui.Note($"device {backend.Name}: {backend.Description}");
            string name = parse.GetValue(network)!;
            var run = new Run(ui, backend, parse.GetValue(batch), fusions, parse.GetValue(count), parse.GetValue(dropout),
                parse.GetValue(quick), parse.GetValue(csv), parse.GetValue(plot),
                parse.GetValue(precision).ToString().ToLowerInvariant(), cancellation);
            if (parse.GetValue(branches))
                BranchTable.Run(ui, backend, name.Split(',', StringSplitOptions.TrimEntries), run.Batch, parse.GetValue(measuredBatch),
                    run.Quick, run.Csv, cancellation);
            else if (parse.GetValue(memory))
                run.Memory(NetworkCatalog.Find(name));
            else if (parse.GetValue(roof))
                run.Roof(NetworkCatalog.FindUNet(name), parse.GetValue(samples));
            else if (parse.GetValue(ablation))
                run.Ablation(NetworkCatalog.Find(name));
            else if (Profiler.IsOn(backend))
                run.Counted(NetworkCatalog.FindUNet(name));
            else
                run.Everything(NetworkCatalog.FindUNet(name));
            return Task.FromResult(0);
        });
        return new Verb(command, "bdense fusion --quick",
            "bdense fusion --network edm-cifar10 --batch 128 --device cuda --json --plot fusion.png",
            "bdense fusion --ablation --only adam,trajectory-loss --branch-count 8", "bdense fusion --memory --batch 64",
            "bdense fusion --roof --network edm-cifar10 --samples 4096",
            "bdense fusion --branches --network edm-cifar10,edm-imagenet64 --batch 128 --measured-batch 1");
    }

    /// <summary>One call of the command.</summary>
    private sealed record Run(Ui Ui, Backend Backend, int Batch, IReadOnlyCollection<Fusion>? Only, int Branches, float? Dropout,
        bool Quick, string? Csv, string? Plot, string Precision,
        CancellationToken Cancellation)
    {
        public void Everything(UNetConfig config)
        {
            DeviceSpeed speed;
            List<FusionRow> rows;
            using (var network = new Network(Backend, config, seed: 1))
            {
                var cases = new FusionCases(network, Batch, Quick ? 1 << 18 : 1 << 22).All(Only).ToList();
                Ui.Expect(Roofs, FusionsOf(cases.Count), StepsOf(false), StepsOf(true));
                speed = Speed(Quick ? 1 << 22 : RoofElements);
                rows = Measure(speed, cases);
            }
            var steps = Steps(config);
            Write(speed, rows);
            if (Csv is not null)
                AtomicFile.WriteText(Path.Combine(Path.GetDirectoryName(Csv) ?? "",
                    Path.GetFileNameWithoutExtension(Csv) + "-steps" + Path.GetExtension(Csv)), Experiments.Labs.Csv.Of(steps));
            Report(speed, new() { ["batch"] = Batch, ["rows"] = rows, ["steps"] = steps });
            FusionTables.Fusions(Ui, Backend, speed, rows);
            FusionTables.Geometries(Ui, rows);
            FusionTables.Steps(Ui, steps);
            Graphs(steps);
        }

        /// <summary>On a virtual GPU: bytes counted in the place of times.</summary>
        public void Counted(UNetConfig config)
        {
            if (Plot is not null)
                throw new UsageException($"--plot shows times, and {Backend.Name} counts instead of timing");
            using var network = new Network(Backend, config, seed: 1);
            var profiler = Profiler.On(Backend);
            var cases = new FusionCases(network, Batch, Quick ? 1 << 16 : 1 << 20).All(Only).ToList();
            var rows = Ui.Stage("fusions", cases.Count, report => cases.Select((make, i) =>
            {
                Cancellation.ThrowIfCancellationRequested();
                using var c = make();
                var row = CountedFusion.Of(profiler, c);
                report(i + 1, c.Name);
                return row;
            }).ToList(), "cases");
            if (Csv is not null)
                AtomicFile.WriteText(Csv, Experiments.Labs.Csv.Of(rows));
            Ui.Json(new { device = Backend.Name, description = Backend.Description, precision = Precision, batch = Batch, rows });
            FusionTables.Counted(Ui, rows);
        }

        public void Ablation(NetworkConfig config)
        {
            Ui.Expect(StepsOf(false), StepsOf(true));
            var steps = Steps(config);
            Report(steps);
            FusionTables.Steps(Ui, steps);
            Graphs(steps);
        }

        /// <summary>
        /// States and activations of about <paramref name="samples"/> x 3 x 32 x 32 elements, so that no cache holds them.
        /// </summary>
        public void Roof(UNetConfig config, int samples)
        {
            int elements = samples * SampleElements;
            DeviceSpeed speed;
            List<FusionRow> rows;
            using (var network = new Network(Backend, config, seed: 1))
            {
                int batch = Math.Max(1, elements / (config.Resolution * config.Resolution * config.ModelChannels));
                var cases = new FusionCases(network, batch, elements).MemoryBound(Only).ToList();
                Ui.Expect(Roofs, FusionsOf(cases.Count));
                speed = Speed(RoofElements);
                rows = Measure(speed, cases);
            }
            Write(speed, rows);
            Report(speed, new() { ["samples"] = samples, ["rows"] = rows });
            FusionTables.Fusions(Ui, Backend, speed, rows);
            FusionTables.Geometries(Ui, rows);
        }

        public void Memory(NetworkConfig config)
        {
            using var lab = new StepLab(Backend, Student(config), Branches) { Cancellation = Cancellation };
            int[] batches =
                [.. Enumerable.Range(0, 31).Select(i => 1 << i).TakeWhile(b => b < Batch).Append(Batch).TakeLast(Quick ? 3 : 31)];
            double each = Quick ? 2 : 20;
            Ui.Expect(new PlannedStage("batch sizes", each * batches.Length));
            var steps = Ui.Stage("batch sizes", batches.Length,
                report => lab.Memory(batches, TimeSpan.FromSeconds(each), UsableMemory.Of(Backend), done => report(done, "")),
                "batch sizes");
            Report(steps);
            FusionTables.Steps(Ui, steps);
        }

        private NetworkConfig Student(NetworkConfig config) => config with { Dropout = Dropout ?? config.Dropout };

        private double SecondsACase => Quick ? 0.3 : 4;

        private PlannedStage Roofs => new("roofs", Quick ? 1 : 4);

        private PlannedStage FusionsOf(int cases) => new("fusions", SecondsACase * cases);

        private PlannedStage StepsOf(bool sampling) =>
            new(sampling ? "sampling step" : "training step", Quick ? sampling ? 1 : 8 : sampling ? 30 : 120);

        private DeviceSpeed Speed(int elements) =>
            Ui.Stage("roofs", 1, _ => DeviceSpeed.Measure(Backend, elements, TimeSpan.FromSeconds(Quick ? 0.2 : 1), Cancellation),
                "device");

        /// <summary>Training last: the gradients that it needs stay.</summary>
        private IReadOnlyList<StepRow> Steps(NetworkConfig config)
        {
            var rows = new List<StepRow>();
            foreach (bool sampling in new[] { false, true })
            {
                using var lab = new StepLab(Backend, Student(config), Branches) { Cancellation = Cancellation };
                var budget = TimeSpan.FromSeconds(StepsOf(sampling).Work);
                rows.AddRange(Ui.Stage(StepsOf(sampling).Name, Quick ? 2 : 16, report =>
                {
                    Action<int> onRound = round => report(round, "");
                    return sampling ? lab.Sample(Batch, budget, Only, onRound) : lab.Ablate(Batch, budget, Only, onRound);
                }, "rounds"));
            }
            return rows;
        }

        private List<FusionRow> Measure(DeviceSpeed speed, List<Func<FusionCase>> cases)
        {
            var rows = new List<FusionRow>();
            return Ui.Stage("fusions", cases.Count, report =>
            {
                foreach (var make in cases)
                {
                    Cancellation.ThrowIfCancellationRequested();
                    using var c = make();
                    rows.Add(FusionLab.Measure(Backend, speed, c, TimeSpan.FromSeconds(SecondsACase), Cancellation));
                    report(rows.Count, c.Name);
                }
                return rows;
            }, "cases");
        }

        private void Write(DeviceSpeed speed, IReadOnlyList<FusionRow> rows)
        {
            if (Csv is not null)
                AtomicFile.WriteText(Csv, Experiments.Labs.Csv.Of(rows));
            if (Plot is not null)
                AtomicFile.Write(Plot, stream => stream.Write(Charts.Png(1200, 800, FusionLab.Roofline(speed, rows))));
        }

        private void Report(DeviceSpeed speed, Dictionary<string, object> what)
        {
            var json = new Dictionary<string, object>
            {
                ["device"] = Backend.Name,
                ["description"] = Backend.Description,
                ["precision"] = Precision,
                ["copyGigabytesPerSecond"] = speed.CopyBytesPerSecond / 1e9,
                ["gigaflopsPerSecond"] = speed.FlopsPerSecond / 1e9,
                ["gigaflopsOf"] = speed.FlopsOf,
                ["launchMicroseconds"] = speed.LaunchSeconds * 1e6,
            };
            foreach (var (name, value) in what)
                json[name] = value;
            Ui.Json(json);
        }

        private void Report(IReadOnlyList<StepRow> steps)
        {
            if (Csv is not null)
                AtomicFile.WriteText(Csv, Experiments.Labs.Csv.Of(steps));
            Ui.Json(new { device = Backend.Name, description = Backend.Description, precision = Precision, steps });
        }

        private void Graphs(IReadOnlyList<StepRow> steps)
        {
            if (Backend.Graphs is { Name: not "CUDA graph" } graphs && steps.Any(s => s.Name.EndsWith(", graph", StringComparison.Ordinal)))
                Ui.Line($"graph: {Backend.Name} has none; {graphs.Name}, issued again one by one");
        }
    }
}
