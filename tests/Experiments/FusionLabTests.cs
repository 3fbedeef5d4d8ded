using System.Text.Json.Nodes;
using BDense.Benchmarks.Workloads;
using BDense.Experiments.Labs;
using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Profiling;
using BDense.Kernels.Reference;
using BDense.Model.Autodiff;
using BDense.Model.Networks;
using BDense.Tests.Cli;
using BDense.Tests.Training;
using BDense.Training.Runs;
using NUnit.Framework;

namespace BDense.Tests.Experiments;

/// <summary>What the fusion laboratory predicts is counted, not measured, so it can be told exactly.</summary>
public sealed class FusionLabTests
{
    private static readonly DeviceSpeed Speed = new(1e9, 1e12, 0);

    [Test]
    public void Predictions_are_those_of_the_formulas()
    {
        using var backend = new DryRunBackend();
        using var network = new Network(backend, TinyRuns.Config, seed: null);
        var seen = new HashSet<string>();
        foreach (var make in new FusionCases(network, 64, 1 << 16).All())
        {
            using var c = make();
            seen.Add(c.Name);
            var (fused, seconds, operations) = FusionLab.Predict(backend, Speed, c.Fused);
            var (plain, plainSeconds, plainOperations) = FusionLab.Predict(backend, Speed, c.Unfused);
            var (launches, plainLaunches) = (operations.Count, plainOperations.Count);
            if (c.Name == Fusion.ConvMoments.Name)
            {
                // What is not read a second time is in no declaration, and a dry run composes as the reference does.
                Assert.That(operations, Is.EqualTo(plainOperations));
                continue;
            }
            Assert.That(fused.Bytes, Is.LessThan(plain.Bytes), c.Name);
            // The weights of an upsampled convolution are launches of their own, forward and backward.
            if (c.Name is "folded-heads" or "conv-prologue")
                Assert.That(launches, Is.EqualTo(plainLaunches), c.Name);
            else if (c.Name != "resample-conv")
                Assert.That(launches, Is.LessThan(plainLaunches), c.Name);
            Assert.That(seconds, Is.LessThan(plainSeconds), c.Name);
            if (c.Name != "trajectory-loss")
                continue;
            long k = c.Branches, elements = 1365 * 48;
            Assert.That((launches, fused.Bytes), Is.EqualTo((1, 4 * (1 + 3 * k) * elements)));
            // Coefficients are a little more.
            Assert.That((double)plain.Bytes / (4 * (1 + 17 * k) * elements), Is.InRange(1, 1.03));
            Assert.That((double)plain.Bytes / fused.Bytes, Is.GreaterThan(k >= 4 ? 4 : 3));
        }
        Assert.That(seen, Is.EquivalentTo(Fusions.Names));
        // What is left is the network's, its gradients and nothing else.
        network.Dispose();
        Assert.That(backend.Pool.CurrentBytes, Is.Zero);
    }

    // Shapes, names and groups are taken from the network, whatever its family.
    [TestCaseSource(typeof(NetworkCatalog), nameof(NetworkCatalog.Names))]
    public void Every_network_has_a_case_for_every_fusion(string name)
    {
        using var backend = new DryRunBackend();
        using var network = new Network(backend, NetworkCatalog.Find(name), seed: null);
        var seen = new HashSet<string>();
        foreach (var make in new FusionCases(network, 64, 1 << 16).All())
        {
            using var c = make();
            seen.Add(c.Name);
            long fused = FusionLab.Predict(backend, Speed, c.Fused).Cost.Bytes,
                plain = FusionLab.Predict(backend, Speed, c.Unfused).Cost.Bytes;
            if (c.Name == Fusion.ConvMoments.Name)
                Assert.That(fused, Is.EqualTo(plain), "a dry run composes");
            else
                Assert.That(fused, Is.LessThan(plain), c.Name);
        }
        Assert.That(seen, Is.EquivalentTo(Fusions.Names));
    }

    [Test]
    public async Task The_command_prints_one_object_with_a_row_for_each_fusion()
    {
        using var folder = new TemporaryFolder();
        string file = Path.Combine(folder.Path, "tiny.json"), csv = Path.Combine(folder.Path, "rows.csv"),
            png = Path.Combine(folder.Path, "roofline.png");
        File.WriteAllText(file, TinyRuns.Config.ToJson());
        var run = await CliRun.Succeeds("fusion", "--quick", "--json", "--network", file, "--batch", "2", "--device", "cpu", "--csv", csv,
            "--plot", png);
        var rows = run.Json["rows"]!.AsArray();
        Assert.That(rows.Select(r => (string)r!["name"]!).Distinct(), Is.EquivalentTo(Fusions.Names));
        Assert.That(rows.Where(r => (string)r!["name"]! == "trajectory-loss").Select(r => (int)r!["branches"]!),
            Is.EqualTo(new[] { 1, 2, 4, 8 }));
        foreach (JsonNode? row in rows)
        {
            foreach (string number in new[] { "launchesFused", "launchesUnfused", "bytesFused", "bytesUnfused", "millisecondsFused",
                "millisecondsUnfused", "predictedSpeedup", "shareOfCopyBandwidth" })
                Assert.That((double)row![number]!, Is.GreaterThan(0), $"{row["name"]} {number}");
            Assert.That((double?)row!["millisecondsUnfusedSameGeometry"], Is.Null.Or.GreaterThan(0));
            Assert.That((string)row["geometry"]!,
                (double?)row["millisecondsUnfusedSameGeometry"] is null ? Does.StartWith("none: ") : Does.Not.StartWith("none"),
                "a reason for what is not there");
            Assert.That(row.AsObject().ContainsKey("kernelsFused") && row["kernelsFused"] is null,
                "operations of the reference are no launches");
        }
        var steps = run.Json["steps"]!.AsArray();
        Assert.That(Names("training"),
            Is.EqualTo(new[] { "all" }.Concat(Fusions.Names.Where(n => n != "folded-heads").Select(n => $"-{n}"))
                .Concat(["none", "all, recompute", "usual"])));
        Assert.That(Names("sampling"), Is.EqualTo(new[] { "all", "-precondition-step", "-folded-heads", "none", "usual,-folded-heads" }));
        Assert.That(File.ReadAllLines(csv), Has.Length.EqualTo(1 + rows.Count));
        Assert.That(File.ReadAllLines(Path.Combine(folder.Path, "rows-steps.csv")), Has.Length.EqualTo(1 + steps.Count));
        Assert.That(new FileInfo(png).Length, Is.GreaterThan(1000));

        IEnumerable<string> Names(string step) => steps.Where(s => (string)s!["step"]! == step).Select(s => (string)s!["name"]!);
    }

    [Test]
    public void A_fusion_that_the_device_composes_says_so()
    {
        // Thread by thread from the cache: the simulation has no kernel with a prologue.
        using var backend = DeviceCatalog.Open("ilgpu-cpu");
        using var network = new Network(backend, TinyRuns.Config, seed: 1);
        var composed = new List<string>();
        foreach (var make in new FusionCases(network, 1, 1).All([Fusion.ConvPrologue, Fusion.ConvEpilogue]))
        {
            using var c = make();
            var row = FusionLab.Measure(backend, Speed, c, TimeSpan.Zero);
            Assert.That(row.Composed, Is.EqualTo(row.BytesFused == row.BytesUnfused), c.Name);
            Assert.That(row.BytesReadFused + row.BytesWrittenFused, Is.EqualTo(row.BytesFused), c.Name);
            Assert.That(row.ParallelismSpeedup * row.FusionSpeedup, Is.EqualTo(row.MeasuredSpeedup).Within(1e-9), c.Name);
            if (row.Composed)
                composed.Add(c.Name);
        }
        Assert.That(composed, Is.EqualTo(new[] { "conv-prologue" }));
    }

    [Test]
    public void An_ablation_times_what_it_can_switch_off_and_says_what_it_cannot()
    {
        using var backend = new ReferenceBackend(1);
        using (var lab = new StepLab(backend, TinyRuns.Config with { Dropout = 0 }, 2))
        {
            var rows = lab.Ablate(2, TimeSpan.Zero, [Fusion.Dropout, Optimizer.FusedAdam]);
            Assert.That(rows.Select(r => r.Name), Is.EqualTo(new[] { "all", "-dropout", "-adam", "none", "all, recompute", "usual" }));
            Assert.That(rows.Where(r => r.Milliseconds is null).Select(r => r.Name), Is.EqualTo(new[] { "-dropout" }));
            Assert.That(rows[1].Note, Does.StartWith("not applicable: "));
            Assert.That(rows.Where(r => r.Milliseconds is not null).Select(r => r.Note), Is.All.Null);
            Assert.That(rows.Select(r => (r.Step, r.Branches, r.Batch)), Is.All.EqualTo(("training", 2, 2)));
        }
        using (var lab = new StepLab(backend, TinyRuns.Config, 2))
            Assert.That(lab.Ablate(2, TimeSpan.Zero, [Fusion.Dropout]).Select(r => r.Milliseconds), Is.All.GreaterThan(0));
        Assert.That(backend.Pool.CurrentBytes, Is.Zero);
    }

    [Test]
    public void The_same_step_is_timed_with_and_without_a_graph()
    {
        using var backend = DeviceCatalog.Open("ilgpu-cpu");
        var config = TinyRuns.Config with { ChannelMultipliers = [1], AttentionResolutions = [], BlocksPerLevel = 1 };
        using (var lab = new StepLab(backend, config, 2))
        {
            var sampling = lab.Sample(1, TimeSpan.Zero, []);
            Assert.That(sampling.Select(r => (r.Step, r.Name)),
                Is.EqualTo(
                    new[] { "all", "none", "usual,-folded-heads", "usual,-folded-heads, graph" }.Select(name => ("sampling", name))));
            Assert.That(sampling.Select(r => r.Note), Is.All.Null);
            Assert.That(sampling.Select(r => r.HostMilliseconds), Is.All.GreaterThan(0));
        }
        using (var lab = new StepLab(backend, config, 2))
        {
            var training = lab.Ablate(1, TimeSpan.Zero, []);
            Assert.That(training.Select(r => r.Name), Is.EqualTo(new[] { "all", "none", "all, recompute", "usual", "usual, graph" }));
            Assert.That(training.Select(r => r.Note), Is.All.Null);
            // A graph's blocks are its own; they count to no one else's peak.
            Assert.That(training[3].PeakBytes, Is.EqualTo(training[0].PeakBytes!.Value).Within(2).Percent);
            Assert.That(training[4].PeakBytes, Is.GreaterThan(training[3].PeakBytes!.Value));
        }
    }

    [Test]
    public void A_batch_that_does_not_fit_costs_its_own_row_alone()
    {
        using var backend = new ReferenceBackend(1);
        using (var lab = new StepLab(backend, TinyRuns.Config, 2))
        {
            var all = lab.Memory([2, 64], TimeSpan.Zero, long.MaxValue);
            string[] names = ["usual", "usual, recompute", "all", "all, recompute"];
            Assert.That(all.Select(r => r.Name), Is.EqualTo(names.Concat(names)));
            Assert.That(all.Select(r => r.Note), Is.All.Null);
            foreach (var row in all)
                Assert.That(row.PeakBytes, Is.InRange(row.PredictedPeakBytes!.Value, 1.3 * row.PredictedPeakBytes.Value),
                    $"{row.Name}, batch {row.Batch}");
            Assert.That(all[5].PeakBytes, Is.LessThan(all[4].PeakBytes!.Value), "recomputing saves");
            // By prediction, and where that is wrong by the device's own word.
            long between = (all[0].PeakBytes!.Value + all[5].PeakBytes!.Value) / 2;
            var refused = lab.Memory([2, 64], TimeSpan.Zero, between);
            Assert.That(refused.Select(r => r.Milliseconds is null), Is.EqualTo(all.Select(r => r.Batch == 64)));
            Assert.That(refused[4].Note, Does.StartWith("not measured: it takes "));
            backend.Pool.Trim();
            backend.Pool.LimitBytes = between;
            var failed = lab.Memory([64, 2], TimeSpan.Zero, long.MaxValue);
            Assert.That(failed.Select(r => r.Milliseconds is null), Is.EqualTo(failed.Select(r => r.Batch == 64)));
            Assert.That(failed[0].Note, Does.StartWith("out of memory: "));
        }
        Assert.That(backend.Pool.CurrentBytes, Is.Zero);
    }

    [Test]
    public void A_roof_is_searched_until_it_stops_rising()
    {
        using var backend = new ReferenceBackend(1);
        var speed = DeviceSpeed.Measure(backend, 1 << 16, TimeSpan.FromMilliseconds(5));
        Assert.That(speed.CopyBytesPerSecond, Is.GreaterThan(0));
        Assert.That(speed.FlopsPerSecond, Is.GreaterThan(0));
        Assert.That(speed.FlopsOf, Does.StartWith("matrix product of ").Or.StartWith("3x3 convolution of ["));
        Assert.That(backend.Pool.CurrentBytes, Is.Zero);
        var dull = new DeviceSpeed(1e9, 1e12, 1e-6);
        Assert.That(dull.Seconds(new OpCost(500, 500, 0)), Is.EqualTo(2e-6).Within(1e-12));
        Assert.That(dull.Seconds(new OpCost(500, 500, 3_000_000)), Is.EqualTo(4e-6).Within(1e-12));
    }

    [Test]
    public void The_steps_of_the_comparison_with_libtorch_are_the_same_under_other_fusions()
    {
        using var backend = new ReferenceBackend(1);
        foreach (Workload work in new Workload[] { new TrainingStep("tiny", TinyRuns.Config, 2),
            new Benchmarks.Workloads.Sampling("tiny", TinyRuns.Config, 2) })
        {
            var (usual, operations) = Run(work);
            var (plain, plainOperations) = Run(work.With(Fusions.None));
            Assert.That(plainOperations, Is.GreaterThan(operations), work.Name);
            Assert.That(plain.Keys, Is.EquivalentTo(usual.Keys));
            foreach (var (name, values) in usual)
            {
                // Of the norm, as the comparison has it: an update's first step magnifies the rounding of gradients near 0.
                double difference = values.Zip(plain[name], (a, b) => Math.Pow(a - b, 2)).Sum(), norm = values.Sum(a => Math.Pow(a, 2));
                Assert.That(Math.Sqrt(difference), Is.LessThanOrEqualTo(work.Tolerance * Math.Sqrt(norm)), $"{work.Name}: {name}");
            }
        }

        (Dictionary<string, float[]> Results, int Operations) Run(Workload work)
        {
            using var running = work.Start(backend);
            int operations = 0;
            backend.OnOp = (_, _) => operations++;
            running.Run();
            backend.OnOp = null;
            return (running.Results(), operations);
        }
    }

    [Test]
    public void Rows_are_written_as_comma_separated_values()
    {
        string text =
            Csv.Of([new StepRow("training", "all, \"recompute\"", 4, 16, 1234.5678), new StepRow("sampling", "none", 1, 2, Note: "no")]);
        Assert.That(text,
            Is.EqualTo("step,name,branches,batch,milliseconds,hostMilliseconds,peakBytes,imagesPerSecond,predictedPeakBytes,note\n"
            + "training,\"all, \"\"recompute\"\"\",4,16,1234.57,,,,,\nsampling,none,1,2,,,,,,no\n"));
    }

    [Test]
    public void A_rotation_visits_everyone_and_leaves_no_place_to_anyone()
    {
        var places = new int[4, 4];
        for (int round = 0; round < 8; round++)
        {
            int[] order = Rotation.Of(4, round);
            Assert.That(order.Order(), Is.EqualTo(new[] { 0, 1, 2, 3 }));
            for (int place = 0; place < 4; place++)
                places[order[place], place]++;
        }
        Assert.That(places.Cast<int>(), Is.All.EqualTo(2));
    }

    [Test]
    public void The_price_of_branches_is_that_of_the_last_convolution()
    {
        var c = TinyRuns.Config;
        using var backend = new ReferenceBackend(1);
        var rows = BranchLab.Measure(backend, "tiny", c, 8, 2, 1, long.MaxValue);
        Assert.That(rows.Select(r => r.Branches), Is.EqualTo(new[] { 1, 2, 4, 8 }));
        foreach (var row in rows)
        {
            int more = row.Branches - 1;
            long weights = 9 * c.ModelChannels * c.ImageChannels, pixels = c.Resolution * c.Resolution;
            Assert.That(row.Parameters - rows[0].Parameters, Is.EqualTo(more * (weights + c.ImageChannels)));
            Assert.That(row.ForwardMacs - rows[0].ForwardMacs, Is.EqualTo(more * weights * pixels));
            Assert.That(row.StepMacs - rows[0].StepMacs, Is.EqualTo(3 * more * weights * pixels));
            Assert.That(row.Milliseconds, Is.GreaterThan(0));
            Assert.That(row.SampleMilliseconds, Is.GreaterThan(0));
            Assert.That(row.FoldedMilliseconds, Is.GreaterThan(0));
            // The dry run knows all but what kernels rent for themselves.
            long predicted = BranchLab.Predict("tiny", c, row.Branches, 2).PredictedPeakBytes;
            Assert.That(row.PeakBytes, Is.InRange(predicted, 1.1 * predicted));
        }
        Assert.That(backend.Pool.CurrentBytes, Is.Zero);
        var refused = BranchLab.Measure(backend, "tiny", c, 8, 2, 1, freeBytes: 1000);
        Assert.That(refused.Select(r => r.Note), Is.All.StartsWith("not measured: a step of 2 takes "));
        Assert.That(refused.Select(r => r.Milliseconds), Is.All.Null);
    }

    [Test]
    public async Task Ablation_branches_and_memory_are_tables_of_their_own()
    {
        using var folder = new TemporaryFolder();
        string file = Path.Combine(folder.Path, "tiny.json"), csv = Path.Combine(folder.Path, "rows.csv");
        File.WriteAllText(file, TinyRuns.Config.ToJson());
        string[] common = ["--quick", "--json", "--network", file, "--batch", "4", "--device", "cpu", "--csv", csv];
        var run = await CliRun.Succeeds(["fusion", "--branches", .. common]);
        Assert.That(run.Json["rows"]!.AsArray().Select(r => (int)r!["branches"]!), Is.EqualTo(new[] { 1, 2, 4, 8 }));
        Assert.That(File.ReadAllLines(csv)[0], Does.StartWith("network,branches,parameters,"));
        run = await CliRun.Succeeds(["fusion", "--memory", .. common]);
        var steps = run.Json["steps"]!.AsArray();
        Assert.That(steps.Select(s => (int)s!["batch"]!).Distinct(), Is.EqualTo(new[] { 1, 2, 4 }));
        foreach (string number in new[] { "milliseconds", "peakBytes", "imagesPerSecond", "predictedPeakBytes" })
            Assert.That(steps.Select(s => (double)s![number]!), Is.All.GreaterThan(0), number);
        Assert.That(File.ReadAllLines(csv), Has.Length.EqualTo(1 + steps.Count));
        run = await CliRun.Succeeds(["fusion", "--ablation", "--only", "adam,folded-heads", "--branch-count", "2", "--dropout",
            "0.2", .. common]);
        steps = run.Json["steps"]!.AsArray();
        Assert.That(steps.Select(s => (string)s!["name"]!),
            Is.EqualTo(new[] { "all", "-adam", "none", "all, recompute", "usual", "all", "-folded-heads", "none", "usual,-folded-heads" }));
        Assert.That(steps.Select(s => (int)s!["branches"]!), Is.All.EqualTo(2));
        var both = await CliRun.Of("fusion", "--branches", "--memory", "--device", "cpu");
        Assert.That((both.ExitCode, both.Message),
            Is.EqualTo((2, "bdense: --ablation, --memory, --branches and --roof are tables of their own; ask for one")));
        var many = await CliRun.Of("fusion", "--ablation", "--branch-count", "9", "--device", "cpu");
        Assert.That((many.ExitCode, many.Message),
            Is.EqualTo((2, "bdense: --branch-count must be a whole number from 1 to 8, not '9' (see 'bdense fusion --help')")));
    }

    [Test]
    public async Task The_roof_is_measured_at_every_number_of_branches()
    {
        using var folder = new TemporaryFolder();
        string file = Path.Combine(folder.Path, "tiny.json");
        File.WriteAllText(file, TinyRuns.Config.ToJson());
        var run = await CliRun.Succeeds("fusion", "--roof", "--samples", "8", "--quick", "--json", "--network", file, "--device", "cpu");
        var rows = run.Json["rows"]!.AsArray();
        var losses = rows.Where(r => (string)r!["name"]! == "trajectory-loss").ToArray();
        Assert.That(losses.Select(r => (int)r!["branches"]!), Is.EqualTo(Enumerable.Range(1, 8)));
        Assert.That(losses.Select(r => (long)r!["bytesFused"]!),
            Is.EqualTo(Enumerable.Range(1, 8).Select(k => 4L * (1 + 3 * k) * 8 * 3072)));
        Assert.That(rows.Select(r => (string)r!["name"]!).Distinct(),
            Is.EquivalentTo(new[] { "groupnorm-silu", "trajectory-loss", "precondition-step", "adam" }));
        Assert.That(rows.Select(r => (double)r!["shareOfCopyBandwidth"]!), Is.All.GreaterThan(0));
        var many = await CliRun.Of("fusion", "--roof", "--samples", "100000", "--device", "cpu");
        Assert.That((many.ExitCode, many.Message),
            Is.EqualTo((2, "bdense: --samples must be a whole number from 1 to 87381, not '100000' (see 'bdense fusion --help')")));
    }

    [Test]
    public async Task The_list_says_of_each_what_is_declared()
    {
        var run = await CliRun.Succeeds("fusion", "--list", "--json");
        var fusions = run.Json["fusions"]!.AsArray();
        Assert.That(fusions.Select(f => (string)f!["name"]!), Is.EqualTo(Fusions.Names));
        foreach (string part in new[] { "does", "instead", "saves" })
            Assert.That(fusions.Select(f => ((string)f![part]!).Length), Is.All.GreaterThan(5), part);
        Assert.That(fusions.Where(f => f!["notUsual"] is not null).Select(f => (string)f!["name"]!), Is.EqualTo(new[] { "conv-prologue" }));
        var text = await CliRun.Succeeds("fusion", "--list");
        Assert.That(text.Output,
            Does.Contain("conv-prologue (not usual: it saves memory and costs time in training)").And
                .Contain("  instead  three launches a parameter"));
    }

    [Test]
    public async Task A_fusion_that_there_is_not_is_a_usage_error()
    {
        var run = await CliRun.Of("train", "--fuse", "all,-everything", "--out", Path.Combine(Path.GetTempPath(), "never"));
        Assert.That((run.ExitCode, run.Message),
            Is.EqualTo((2, $"bdense: there is no fusion 'everything'; there are all, none, usual, {string.Join(", ", Fusions.Names)}")));
    }
}
