using System.Text.Json.Nodes;
using BDense.Kernels;
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
            Assert.That(row!.AsObject().ContainsKey("millisecondsUnfusedSameGeometry"));
        }
        var steps = run.Json["steps"]!.AsArray().Select(s => (string)s!["name"]!);
        Assert.That(steps, Is.EqualTo(new[] { "all" }.Concat(Fusions.Names.Where(n => n != "folded-heads").Select(n => $"-{n}")).Concat(["none", "all, recompute"])));
        Assert.That(File.ReadAllLines(csv), Has.Length.EqualTo(1 + rows.Count));
        Assert.That(new FileInfo(png).Length, Is.GreaterThan(1000));
    }

    [Test]
    public async Task A_fusion_that_there_is_not_is_a_usage_error()
    {
        var run = await CliRun.Of("train", "--fuse", "all,-everything", "--out", Path.Combine(Path.GetTempPath(), "never"));
        Assert.That((run.ExitCode, run.Message), Is.EqualTo((2, $"bdense: there is no fusion 'everything'; there are all, none, {string.Join(", ", Fusions.Names)}")));
    }
}
