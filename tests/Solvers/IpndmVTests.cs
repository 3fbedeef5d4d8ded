using System.Text.Json.Nodes;
using BDense.Kernels.Reference;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.Sfd;
using BDense.Training.Runs;
using BDense.Training.Schedules;
using BDense.Training.Solvers;
using NUnit.Framework;

namespace BDense.Tests.Solvers;

/// <summary>iPNDM_v as published and as it is meant: two methods, under two names.</summary>
public sealed class IpndmVTests
{
    private static readonly double[] Uneven = [10, 6, 3.5, 2.2, 1.1], Even = [10, 8, 6, 4, 2];

    // The authors' own lines (diff-sampler 68d5ce4, diff-solvers-main/solvers.py), run on these levels in Python with unit vectors for d.
    private static readonly double[][] Published =
    [
        [1],
        [1.3125, -0.3125],
        [1.7426666666666666, -1.0443333333333333, 0.3016666666666667],
        [2.034151268209973, -1.3980867850098622, 0.3927960526315789, -0.024011965811965814],
    ];

    [Test]
    public void The_published_weights_are_the_authors()
    {
        for (int i = 0; i < 4; i++)
            Assert.That(SolverCatalog.IpndmVWeights(Uneven, i, i + 1), Is.EqualTo(Published[i]).Within(1e-12), $"step {i}");
        Assert.That(SolverCatalog.IpndmVWeights(Even, 3, 4).Select(w => 24 * w),
            Is.EqualTo(new double[] { 57, -65, 43, -11 }).Within(1e-10), "where Adams-Bashforth has 55, -59, 37, -9");
    }

    [Test]
    public void Two_orders_agree_with_the_exact_method_and_two_do_not()
    {
        for (int i = 0; i < 4; i++)
        {
            double h = Uneven[i + 1] - Uneven[i];
            double[] exact = [.. SolverCatalog.ExtrapolationWeights(s => s, Uneven, i, i + 1).Select(w => w / h)];
            double difference = SolverCatalog.IpndmVWeights(Uneven, i, i + 1).Zip(exact, (a, b) => Math.Abs(a - b)).Max();
            Assert.That(difference, i < 2 ? Is.LessThan(1e-10) : Is.GreaterThan(0.05), $"step {i}");
        }
    }

    [Test]
    public void A_step_of_the_published_method_has_those_weights()
    {
        using var backend = new ReferenceBackend(1);
        double[] slopes = [3, -1, 2, 0.5];
        int call = 0;
        using var x = backend.FromArray([10f], new BDense.Kernels.Shape(1));
        using var y = SolverCatalog.Find("ipndm-v")
            .Run((state, sigma) => state.Backend.FromArray([(float)(state.ToArray()[0] - sigma * slopes[call++])], state.Shape), x, Uneven,
                SolverOptions.Default);
        double expected = 10;
        for (int i = 0; i < 4; i++)
            expected += (Uneven[i + 1] - Uneven[i]) * Published[i].Select((w, j) => w * slopes[i - j]).Sum();
        Assert.That(y.ToArray()[0], Is.EqualTo(expected).Within(1e-5));
    }

    [TestCase("ipndm-v", "ipndm-v-published")]
    [TestCase("IPNDM-V", "ipndm-v-published")]
    [TestCase("lms", "lms")]
    [TestCase("deis-rhoab", "lms")]
    public void Both_have_a_name(string asked, string found) => Assert.That(SolverCatalog.Find(asked).Name, Is.EqualTo(found));

    [Test]
    public void In_older_files_the_name_means_the_exact_method()
    {
        using var folder = new TemporaryFolder();
        string file = folder.Write("old.json", """{ "kind": "gits", "solver": "ipndm-v", "sigmas": [80, 5, 0.1] }"""u8.ToArray());
        Assert.That(ScheduleFile.Read(file).Sampler(null, null).Solver.Name, Is.EqualTo("lms"));
        new ScheduleFile(ScheduleFile.Gits, SolverCatalog.Find("ipndm-v").Name, [80, 5, 0.1]).Write(file);
        Assert.That(ScheduleFile.Read(file).Sampler(null, null).Solver.Name, Is.EqualTo("ipndm-v-published"));

        var asked = new SfdOptions { Solver = "ipndm-v" }.Resolve();
        Assert.That(Distill.FromFile(RunJson.ToNode(asked), "config.json").Resolve(), Is.EqualTo(asked), "what is written now comes back");
        var old = RunJson.ToNode(asked).AsObject();
        old["solver"] = "ipndm-v";
        Assert.That(((SfdOptions)Distill.FromFile(old, "config.json")).Solver, Is.EqualTo("lms"));
        // So an old run resumes under its new name, and under no other.
        Assert.That(RunData.Difference(Run(old), Run(RunJson.ToNode(new SfdOptions { Solver = "lms" }.Resolve()))), Is.Null);
        Assert.That(RunData.Difference(Run(old), Run(RunJson.ToNode(asked))),
            Is.EqualTo("distill.solver is \"lms\", not \"ipndm-v-published\""));

        static JsonObject Run(JsonNode distill) => new() { ["kind"] = "distill", ["distill"] = distill.DeepClone() };
    }
}
