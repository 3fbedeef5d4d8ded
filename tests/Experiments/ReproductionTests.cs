using BDense.Cli.Reports;
using BDense.Experiments.Paper;
using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Model.Networks;
using BDense.Tests.Metrics;
using BDense.Training.Data;
using BDense.Training.Metrics;
using NUnit.Framework;

namespace BDense.Tests.Experiments;

public sealed class ReproductionTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void Make()
    {
        _folder = new TemporaryFolder();
        Npz.Write(_folder["data.npz"],
            ("images",
                new NpyArray([80, 8, 8, 3],
                    Enumerable.Range(0, 80 * 192).Select(i => (byte)(Philox.Uniform(new RandomKey(1, 1), i / 48) * 255)).ToArray())));
        _folder.Write("means.onnx", TinyOnnx.ChannelMeans());
    }

    [TearDown]
    public void Clean() => _folder.Dispose();

    // The real plan of the scale, with its sizes cut down to a test's.
    private static ReproductionPlan Plan(string table, params int[] settings)
    {
        var plan = ReproductionPlan.Of(PaperTable.Find(table), "tiny", settings, 2, 1);
        return plan with
        {
            Network = new UNetConfig
            {
                Resolution = 8,
                ModelChannels = 8,
                ChannelMultipliers = [1, 2],
                BlocksPerLevel = 1,
                AttentionResolutions = [4],
            },
            Teacher = plan.Teacher! with { Steps = 3, Batch = 4 },
            Cells = [.. plan.Cells.Select(c => c with { Options = c.Options.ForDryRun() with { Updates = 4, Batch = 4 } })],
            Noises = 70,
            FineSteps = 4,
            FidImages = 20,
        };
    }

    private ReproductionOutcome Run(ReproductionPlan plan, IImageFeatures? features = null, ulong seed = 1, bool isCancelled = false)
    {
        using var backend = new ReferenceBackend(1);
        var outcome = Reproduction.Run(backend,
            new ReproductionOptions(_folder["out"], plan, _folder["data.npz"], null, seed) { Features = features }, new PlannedStages(),
            new CancellationToken(isCancelled));
        Assert.That(backend.Pool.CurrentBytes, Is.Zero, "it leaks");
        return outcome;
    }

    [TestCase("table2-cifar10", 2)]
    [TestCase("table1", 256)]
    public void A_table_is_made_from_the_images_and_finished_stages_are_not_done_again(string table, int setting)
    {
        var plan = Plan(table, setting);
        Assert.That(() => Run(plan, isCancelled: true), Throws.TypeOf<OperationCanceledException>().With.Message.Contains("resume"));
        using var features = new OnnxFeatures(_folder["means.onnx"]);
        var outcome = Run(plan, features);
        var r = outcome.Results;
        var column = plan.Table.Columns.Single(c => c.Setting == setting);
        Assert.That(r.Rows.Select(row => row.PaperFid), Is.EqualTo(new double?[] { column.Plain, column.Dense, null }));
        Assert.That(r.Seeds, Is.EqualTo(2));
        foreach (var row in r.Rows)
        {
            Assert.That(row.FineRmse.Mean, Is.GreaterThan(0).And.InRange(row.FineRmse.Low, row.FineRmse.High));
            Assert.That(row.Frechet!.Value.Mean, Is.GreaterThan(0));
            Assert.That(row.Fid is null, Is.EqualTo(row.Branches == 0));
        }
        Assert.That(r.Comparisons.Select(c => c.Metric), Is.EqualTo(new[] { "RMSE teacher", "RMSE fine", "Fréchet*", "FID" }));
        Assert.That(r.Comparisons.All(c => c.PaperDifference == column.Dense - column.Plain));
        Assert.That(outcome.Pictures, Has.Count.EqualTo(3));

        // One student anew, all else as it was.
        string kept = _folder[$"out/results/{plan.Cells[0].Name}.json"], other = _folder[$"out/results/{plan.Cells[1].Name}.json"];
        var written = File.GetLastWriteTimeUtc(other);
        File.Delete(kept);
        var again = Run(plan, features).Results;
        Assert.That(again.Rows.Select(row => (row.Method, row.EndpointRmse, row.FineRmse, row.Frechet, row.Fid)),
            Is.EqualTo(r.Rows.Select(row => (row.Method, row.EndpointRmse, row.FineRmse, row.Frechet, row.Fid))));
        Assert.That(File.GetLastWriteTimeUtc(other), Is.EqualTo(written));

        // Figures of another teacher are not these.
        string whole = File.ReadAllText(other), teacher = System.Text.Json.Nodes.JsonNode.Parse(whole)!["madeFrom"]!["teacher"]!.ToString();
        File.WriteAllText(other, whole.Replace(teacher, new string('0', 64), StringComparison.Ordinal));
        Run(plan, features);
        Assert.That(File.ReadAllText(other), Is.EqualTo(whole));

        ReproduceReport.Write(_folder["out"], outcome);
        string markdown = File.ReadAllText(_folder["out/table.md"]);
        Assert.That(markdown,
            Does.Contain($"| {plan.Table.DenseTitle} | {plan.Table.Branches} | {setting} |").And.Contain("not FID").And
                .Contain("What differs from the paper"));
        foreach (string file in new[] { "report.html", "results.json", "samples.png", "errors.png" })
            Assert.That(new FileInfo(_folder[$"out/{file}"]).Length, Is.GreaterThan(500), file);
    }

    [Test]
    public void What_is_missing_or_does_not_fit_is_told_in_one_line()
    {
        using var backend = new ReferenceBackend(1);
        var plan = Plan("table2-cifar10", 2);
        var full = ReproductionPlan.Of(PaperTable.Find("table2-cifar10"), "full", null, 0, 1);
        Assert.That(() => Reproduction.Run(backend, new ReproductionOptions(_folder["x"], plan, null, null, 1), new PlannedStages()),
            Throws.TypeOf<UsageException>().With.Message.Contains("needs the images: give --data PATH (CIFAR-10)"));
        Assert.That(() => Reproduction.Run(backend, new ReproductionOptions(_folder["x"], full, null, null, 1), new PlannedStages()),
            Throws.TypeOf<UsageException>().With.Message.Contains("needs --teacher: edm-cifar10's weights"));
        Assert.That(() => PaperTable.Find("table3"),
            Throws.TypeOf<UsageException>().With.Message.Contains(
                "did you mean 'table1'? There are table1, table2-cifar10, table2-imagenet64"));
        Assert.That(() => ReproductionPlan.Of(plan.Table, "huge", null, 0, 1),
            Throws.TypeOf<UsageException>().With.Message.Contains("there are tiny, small, full"));
        Assert.That(() => ReproductionPlan.Of(plan.Table, "tiny", [7], 0, 1),
            Throws.TypeOf<UsageException>().With.Message.Contains("has no NFE 7; it has 2, 3, 4, 5"));
        Assert.That(Directory.Exists(_folder["x"]), Is.False);
        Run(plan);
        Assert.That(() => Run(plan, seed: 2),
            Throws.TypeOf<BDenseException>().With.Message.Contains("holds another reproduction: seed is 1, not 2"));
        var changed = plan with { Cells = [.. plan.Cells.Select(c => c with { Options = c.Options with { Updates = 6 } })] };
        Assert.That(() => Run(changed),
            Throws.TypeOf<BDenseException>().With.Message.Contains("was distilled otherwise: updates is 4, not 6"));
    }

    [TestCase("table1", "tiny")]
    [TestCase("table1", "small")]
    [TestCase("table1", "full")]
    [TestCase("table2-cifar10", "tiny")]
    [TestCase("table2-cifar10", "small")]
    [TestCase("table2-cifar10", "full")]
    [TestCase("table2-imagenet64", "tiny")]
    [TestCase("table2-imagenet64", "small")]
    [TestCase("table2-imagenet64", "full")]
    public void Every_plan_pairs_its_students(string table, string scale)
    {
        var plan = ReproductionPlan.Of(PaperTable.Find(table), scale, null, 0, 5);
        plan.Network?.Validate(scale);
        plan.Teacher?.Validate();
        Assert.That(plan.Cells.Select(c => c.Name), Is.Unique);
        foreach (var group in plan.Cells.GroupBy(c => (c.Setting, c.Options.Seed)))
        {
            Assert.That(group.Select(c => c.Options.Branches), Is.EqualTo(new[] { 1, plan.Table.Branches }));
            Assert.That(group.Select(c => (c.Options.Updates, c.Options.Batch, c.Options.Nfe, c.Options.LearningRate, c.Options.Jump))
                .Distinct().Count(), Is.EqualTo(1));
        }
    }
}
