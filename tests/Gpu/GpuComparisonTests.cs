using BDense.Benchmarks.Gpu;
using BDense.Kernels.Devices;
using BDense.Kernels.Reference;
using BDense.Model.Autodiff;
using NUnit.Framework;

namespace BDense.Tests.AgainstPyTorch;

/// <summary>The comparison with PyTorch: what is written for the peer, and what is made of its answer.</summary>
public sealed class GpuComparisonTests
{
    private static readonly GpuRow Row = new("gemm", GpuRows.Gemm, "tf32",
        new Dictionary<string, int> { ["m"] = 1000, ["n"] = 1000, ["k"] = 1000 });

    private static GpuResult Result(string variant, double ms, double spread, float[]? outputs) =>
        new(Row.Name, variant, ms, ms * (1 - spread), ms * (1 + spread), 60, null,
            outputs is null ? null : new Dictionary<string, float[]> { ["c"] = outputs }, null)
        { Bytes = 12_000_000, Flops = 2_000_000_000, Clock = [1700, 1755, 1980] };

    [TestCase(0.5, 0.01, "faster")]
    [TestCase(1.5, 0.01, "slower")]
    [TestCase(1.005, 0.001, "same")]
    [TestCase(1.1, 0.2, "cannot tell")]
    public void Verdicts_follow_ratio_and_spread(double ratio, double spread, string verdict)
    {
        var row = JoinedRow.Of(Row, [Result("eager", ratio, spread, [1, 2])],
            [Result("eager", 3, spread, [1, 2]), Result("graph", 1, spread, null)], new Roofs(null, new Dictionary<string, double>()));
        Assert.That(row.Verdict, Is.EqualTo(verdict));
        Assert.That(row.Ratio, Is.EqualTo(ratio).Within(1e-12), "against the peer's fastest variant");
        Assert.That(row.PeerVariant, Is.EqualTo("graph"));
        Assert.That(row.RatioOfVariant["eager"], Is.EqualTo(ratio / 3).Within(1e-12));
        Assert.That(row.Clock, Is.EqualTo("1700/1755/1980; 1700/1755/1980"));
    }

    [TestCase(1.0f, 2.0f, false)]
    [TestCase(1.001f, 2.0f, false)]
    [TestCase(1.02f, 2.0f, true)]
    [TestCase(float.NaN, 2.0f, true)]
    public void Results_that_differ_give_no_verdict_on_speed(float first, float second, bool differ)
    {
        var row = JoinedRow.Of(Row, [Result("eager", 0.5, 0.01, [first, second])], [Result("eager", 1, 0.01, [1, 2])],
            new Roofs(null, new Dictionary<string, double>()));
        Assert.That(row.Verdict == "results differ", Is.EqualTo(differ));
    }

    [Test]
    public void A_fast_row_without_compared_results_is_suspect()
    {
        var roofs = new Roofs(1e12, new Dictionary<string, double> { ["tf32"] = 4e12 });
        var row = JoinedRow.Of(Row, [Result("eager", 0.8, 0.01, null)], [Result("eager", 1, 0.01, [1, 2])], roofs);
        Assert.That(row.Note, Does.StartWith("suspect"));
        // 2 GFLOP at 4 TFLOP/s are 0.5 ms, 12 MB at 1 TB/s 0.012 ms.
        Assert.That(row.Limiter, Is.EqualTo("arithmetic"));
        Assert.That(row.ShareOfRoof, Is.EqualTo(0.5 / 0.8).Within(1e-9));
    }

    /// <summary>The time that counts may be a graph's: then its results must have been compared, whatever the eager run gave.</summary>
    [TestCase(true, true, null, "faster")]
    [TestCase(false, true, "suspect", "faster")]
    [TestCase(true, false, "suspect", "faster")]
    public void A_fast_graph_is_suspect_until_its_own_results_are_compared(bool ours, bool theirs, string? note, string verdict)
    {
        var row = JoinedRow.Of(Row, [Result("eager", 3, 0.01, [1, 2]), Result("graph", 0.5, 0.01, ours ? [1, 2] : null)],
            [Result("eager", 3, 0.01, [1, 2]), Result("compile", 1, 0.01, theirs ? [1, 2] : null)],
            new Roofs(null, new Dictionary<string, double>()));
        Assert.That(row.Note, note is null ? Is.Null : Does.StartWith(note));
        Assert.That((row.Verdict, row.Variant, row.PeerVariant), Is.EqualTo((verdict, "graph", "compile")));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void A_graph_or_compiled_run_with_other_results_gives_no_verdict(bool ours)
    {
        var row = JoinedRow.Of(Row, [Result("eager", 3, 0.01, [1, 2]), Result("graph", 0.5, 0.01, [1, ours ? 3 : 2])],
            [Result("eager", 3, 0.01, [1, 2]), Result("compile", 1, 0.01, [1, ours ? 2 : 3])],
            new Roofs(null, new Dictionary<string, double>()));
        Assert.That((row.Verdict, row.Goal), Is.EqualTo(("results differ", (Goal?)null)));
    }

    [Test]
    public void Goals_are_judged_by_row_and_in_sum()
    {
        var dims = new Dictionary<string, int> { ["batch"] = 8 };
        GpuRow[] rows = [new("a", GpuRows.ConvForward, "tf32", dims), new("b", GpuRows.ConvForward, "tf32", dims),
            new("c", GpuRows.ConvForward, "tf32", dims),
            new("d", GpuRows.TrainingStep, "tf32", dims, System.Text.Json.JsonSerializer.SerializeToElement(1))];
        GpuResult Time(string name, string variant, double ms, long? peak = null) =>
            new(name, variant, ms, ms, ms, 60, peak, new Dictionary<string, float[]> { ["y"] = [1] }, null) { HostMilliseconds = 2 };
        var machine = new Dictionary<string, string> { ["rerun"] = "--device cuda --seed 3" };
        // c's results differ: it counts nowhere.
        var ours = new GpuReport(machine,
            [Time("a", "eager", 0.5), Time("b", "eager", 1.8),
                Time("c", "eager", 9) with { Outputs = new Dictionary<string, float[]> { ["y"] = [2] } },
            Time("d", "eager", 4, 900), Time("d", "graph", 2, 1000)]);
        var peer = new GpuReport(machine,
            [Time("a", "eager", 1), Time("b", "eager", 1), Time("c", "eager", 1), Time("d", "eager", 2.5, 2000),
                Time("d", "compile", 1, 1500)]);
        var joined = JoinCommand.Rows(rows, ours, peer);
        Assert.That(joined.Select(r => r.Goal?.IsMet), Is.EqualTo(new bool?[] { true, false, null, true }));
        Assert.That(Goals.Summary(rows, joined).Select(g => (g.Name, Math.Round(g.Value, 3), g.IsMet, g.Of)), Is.EqualTo(new[]
        {
            ("conv-forward tf32, geometric mean", 0.949, true, 2), ("conv-forward tf32, worst shape", 1.8, false, 2),
            ("d, time against eager", 0.8, true, 1), ("d, time against torch.compile", 2, false, 1),
            ("d, peak memory against eager", 0.5, true, 1),
        }));
        Assert.That((joined[3].Step!.ImagesPerSecond, joined[3].Step!.PeerImagesPerSecond["compile"], joined[3].Step!.HostMilliseconds),
            Is.EqualTo((4000.0, 8000.0, 2.0)));
        Assert.That(joined[0].Rerun, Does.Contain("--device cuda --seed 3").And.Contain("--filter \"a\""));
    }

    [Test]
    public void Restoring_undoes_a_run_and_shows_what_is_not_written()
    {
        using var backend = new ReferenceBackend(1);
        foreach (var row in GpuRows.All(quick: true))
        {
            using var work = new GpuWork(backend, row, Fusions.Usual, GpuInputs.Quick(7), scratch: null);
            work.Restore();
            // Of training F is evaluated by then; all else that is overwritten waits for a run.
            if (row.Network is null && row.Kind is not (GpuRows.ConvWgrad or GpuRows.Adam))
                Assert.That(work.Outputs().Values.Any(v => v.All(float.IsNaN)), row.Name);
            work.Run(0);
            var first = work.Outputs();
            work.Run(0);
            work.Restore();
            work.Run(0);
            foreach (var (name, values) in work.Outputs())
                Assert.That(values, Is.EqualTo(first[name]), $"{row.Name}: {name}");
        }
    }

    [Test]
    public void Another_seed_draws_other_inputs()
    {
        using var backend = new ReferenceBackend(1);
        var row = GpuRows.All(quick: true).First(r => r.Kind == GpuRows.Gemm);
        float[] Results(int seed)
        {
            using var work = new GpuWork(backend, row, Fusions.Usual, GpuInputs.Quick(seed), scratch: null);
            work.Run(0);
            return work.Outputs()["c"];
        }
        float[] first = Results(1), again = Results(1), other = Results(2);
        Assert.That(again, Is.EqualTo(first));
        Assert.That(other, Is.Not.EqualTo(first));
    }

    [Test]
    public void Missing_sides_say_why()
    {
        var missing = new GpuResult(Row.Name, "eager", null, null, null, 0, null, null, "out of memory");
        var row = JoinedRow.Of(Row, [missing], [Result("eager", 1, 0.01, [1, 2])], new Roofs(null, new Dictionary<string, double>()));
        Assert.That((row.Verdict, row.Note), Is.EqualTo(("no comparison", "out of memory")));
    }

    // Computed by torch_peer.py: draw((4,), 1), draw((4,), 17).
    [TestCase(1, new[] { -0.7578458786010742f, 0.7927230596542358f, -0.8372061252593994f, -0.691379189491272f })]
    [TestCase(17, new[] { -0.8020704984664917f, 0.8020141124725342f, 0.36244404315948486f, -0.3033106327056885f })]
    public void Hashed_values_are_those_of_the_peer(int seed, float[] expected) =>
        Assert.That(HashedValues.Draw(4, seed), Is.EqualTo(expected));

    [Test]
    public void Row_names_are_unique([Values] bool quick)
    {
        var names = GpuRows.All(quick).Select(r => r.Name).ToList();
        Assert.That(names, Is.Unique);
        Assert.That(names, Is.Not.Empty);
    }

    [Test]
    public void Headline_rows_exist() =>
        Assert.That(GpuRows.Headline, Is.SubsetOf(GpuRows.All(quick: false).Select(r => r.Name)).And.Unique);

    [Test]
    public void Every_small_row_runs_and_gives_results()
    {
        using var backend = new ReferenceBackend(1);
        foreach (var row in GpuRows.All(quick: true))
        {
            using var work = new GpuWork(backend, row, Fusions.All, GpuInputs.Quick(5), scratch: null);
            for (int set = 0; set < work.Sets; set++)
                work.Run(set);
            work.Restore();
            work.Run(0);
            foreach (var (name, values) in work.Outputs())
                Assert.That(values.All(float.IsFinite) && values.Any(v => v != 0), $"{row.Name}: {name}");
        }
    }

    [Test]
    public void A_row_captured_as_a_graph_gives_the_same_results()
    {
        using var backend = DeviceCatalog.Open("ilgpu-cpu");
        foreach (var row in GpuRows.All(quick: true)
            .Where(r => r.Kind is GpuRows.GroupNormBackward or GpuRows.SolverStep or GpuRows.TrajectoryLoss))
        {
            using var work = new GpuWork(backend, row, Fusions.All, GpuInputs.Quick(5), scratch: null);
            work.Run(0);
            var launched = work.Outputs();
            var graphs = work.Capture();
            Assert.That(graphs, Is.Not.Null.And.Count.EqualTo(work.Sets), row.Name);
            graphs![0].Run();
            foreach (var (name, values) in work.Outputs())
            {
                if (!name.StartsWith("dgamma", StringComparison.Ordinal) && !name.StartsWith("dbeta", StringComparison.Ordinal))
                    Assert.That(values, Is.EqualTo(launched[name]), $"{row.Name}: {name}");
            }
        }
    }
}
