using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Model;
using BDense.Tests.Cli;
using BDense.Training;
using NUnit.Framework;

namespace BDense.Tests;

/// <summary>What the fusion laboratory predicts is counted, not measured, so it can be told exactly.</summary>
public sealed class FusionLabTests
{
    private static readonly DeviceSpeed Speed = new(1e9, 1e12, 0);

    [Test]
    public void Predictions_are_those_of_the_formulas()
    {
        using var backend = new DryRunBackend();
        using var network = new UNet(backend, TinyRuns.Config, seed: null);
        var seen = new HashSet<string>();
        foreach (var make in new FusionCases(network, 64, 1 << 16).All())
        {
            using var c = make();
            seen.Add(c.Name);
            var (fused, seconds, launches) = FusionLab.Predict(backend, Speed, c.Fused);
            var (plain, plainSeconds, plainLaunches) = FusionLab.Predict(backend, Speed, c.Unfused);
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
        using var network = new UNet(backend, NetworkCatalog.Find(name), seed: null);
        var seen = new HashSet<string>();
        foreach (var make in new FusionCases(network, 64, 1 << 16).All())
        {
            using var c = make();
            seen.Add(c.Name);
            Assert.That(FusionLab.Predict(backend, Speed, c.Fused).Cost.Bytes, Is.LessThan(FusionLab.Predict(backend, Speed, c.Unfused).Cost.Bytes), c.Name);
        }
        Assert.That(seen, Is.EquivalentTo(Fusions.Names));
    }

    [Test]
    public async Task The_command_prints_one_object_with_a_row_for_each_fusion()
    {
        using var folder = new TemporaryFolder();
        string file = Path.Combine(folder.Path, "tiny.json"), csv = Path.Combine(folder.Path, "rows.csv"), png = Path.Combine(folder.Path, "roofline.png");
        File.WriteAllText(file, TinyRuns.Config.ToJson());
        var run = await CliRun.Succeeds("fusion", "--quick", "--json", "--network", file, "--batch", "2", "--device", "cpu", "--csv", csv, "--plot", png);
        var rows = run.Json["rows"]!.AsArray();
        Assert.That(rows.Select(r => (string)r!["name"]!).Distinct(), Is.EquivalentTo(Fusions.Names));
        Assert.That(rows.Where(r => (string)r!["name"]! == "trajectory-loss").Select(r => (int)r!["branches"]!), Is.EqualTo(new[] { 1, 2, 4, 8 }));
        foreach (JsonNode? row in rows)
        {
            foreach (string number in new[] { "launchesFused", "launchesUnfused", "bytesFused", "bytesUnfused", "millisecondsFused", "millisecondsUnfused", "predictedSpeedup", "shareOfCopyBandwidth" })
                Assert.That((double)row![number]!, Is.GreaterThan(0), $"{row["name"]} {number}");
            Assert.That((double?)row!["millisecondsUnfusedSameGeometry"], Is.Null.Or.GreaterThan(0));
            Assert.That((string)row["geometry"]!, (double?)row["millisecondsUnfusedSameGeometry"] is null ? Does.StartWith("none: ") : Does.Not.StartWith("none"), "a reason for what is not there");
            Assert.That(row.AsObject().ContainsKey("kernelsFused") && row["kernelsFused"] is null, "operations of the reference are no launches");
        }
        var steps = run.Json["steps"]!.AsArray().Select(s => (string)s!["name"]!);
        Assert.That(steps, Is.EqualTo(new[] { "all" }.Concat(Fusions.Names.Where(n => n != "folded-heads").Select(n => $"-{n}")).Concat(["none", "all, recompute"])));
        Assert.That(File.ReadAllLines(csv), Has.Length.EqualTo(1 + rows.Count));
        Assert.That(new FileInfo(png).Length, Is.GreaterThan(1000));
    }

    [TestCase("cpu")]
    [TestCase("ilgpu-cpu")]
    public void The_third_variant_computes_what_the_composition_does(string device)
    {
        // Those that have work of their own: the result is where the composition puts it.
        using var backend = Devices.Open(device);
        using var network = new UNet(backend, TinyRuns.Config with { Resolution = 4 }, seed: 1);
        int checks = 0;
        foreach (var make in new FusionCases(network, 2, 1).All())
        {
            using var c = make();
            if (c.Name != "precondition-step" || c.UnfusedSameGeometry is null || c.UnfusedSameGeometry == c.Unfused)
                continue;
            var states = (Tensor)c.Owned.Last(o => o is Tensor { Shape: { Rank: 4 } shape } && shape[0] == c.Branches);
            c.Unfused();
            float[] expected = states.ToArray();
            backend.Fill(states, 0f);
            c.UnfusedSameGeometry();
            Assert.That(states.ToArray(), Is.EqualTo(expected).Within(1e-4), c.Name);
            Assert.That(expected, Is.Unique.And.Not.All.EqualTo(0f));
            checks++;
        }
        Assert.That(checks, Is.EqualTo(1));
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
    public async Task Branches_and_memory_are_two_tables()
    {
        using var folder = new TemporaryFolder();
        string file = Path.Combine(folder.Path, "tiny.json");
        File.WriteAllText(file, TinyRuns.Config.ToJson());
        var run = await CliRun.Succeeds("fusion", "--branches", "--quick", "--json", "--network", file, "--batch", "4", "--device", "cpu");
        Assert.That(run.Json["rows"]!.AsArray().Select(r => (int)r!["branches"]!), Is.EqualTo(new[] { 1, 2, 4, 8 }));
        var both = await CliRun.Of("fusion", "--branches", "--memory", "--device", "cpu");
        Assert.That((both.ExitCode, both.Message), Is.EqualTo((2, "bdense: --memory, --branches and --roof are tables of their own; ask for one")));
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
        Assert.That(losses.Select(r => (long)r!["bytesFused"]!), Is.EqualTo(Enumerable.Range(1, 8).Select(k => 4L * (1 + 3 * k) * 8 * 3072)));
        Assert.That(rows.Select(r => (string)r!["name"]!).Distinct(), Is.EquivalentTo(new[] { "groupnorm-silu", "trajectory-loss", "precondition-step", "adam" }));
        Assert.That(rows.Select(r => (double)r!["shareOfCopyBandwidth"]!), Is.All.GreaterThan(0));
        var many = await CliRun.Of("fusion", "--roof", "--samples", "100000", "--device", "cpu");
        Assert.That((many.ExitCode, many.Message), Is.EqualTo((2, "bdense: --samples takes at most 87381: eight targets of more do not fit 32-bit indices")));
    }

    [Test]
    public async Task A_fusion_that_there_is_not_is_a_usage_error()
    {
        var run = await CliRun.Of("train", "--fuse", "all,-everything", "--out", Path.Combine(Path.GetTempPath(), "never"));
        Assert.That((run.ExitCode, run.Message), Is.EqualTo((2, $"bdense: there is no fusion 'everything'; there are all, none, {string.Join(", ", Fusions.Names)}")));
    }
}
