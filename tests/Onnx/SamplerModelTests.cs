using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Kernels.Tracing;
using BDense.Model.Autodiff;
using BDense.Model.Networks;
using BDense.Onnx;
using BDense.Tests.Networks;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.BranchDistillation;
using BDense.Training.Distillation.Methods.Ect;
using BDense.Training.Distillation.Methods.Pd;
using BDense.Training.Distillation.Methods.Sfd;
using BDense.Training.Samplers;
using BDense.Training.Solvers;
using NUnit.Framework;

namespace BDense.Tests.Onnx;

/// <summary>Whole samplers, run by ONNX Runtime and by the CPU reference from the same noise.</summary>
public sealed class SamplerModelTests
{
    /// <summary>From a network to its sampler and the noise level that it starts from.</summary>
    public delegate (Sampler Run, double Sigma) Maker(INetwork network);

    private static IEnumerable<TestCaseData<NetworkConfig, Maker>> Teachers()
    {
        foreach (var solver in SolverCatalog.All)
            yield return Case($"teacher, {solver.Name}", TinyNetwork.Config, new SamplerOptions { Solver = solver.Name, Steps = 4 });
        yield return Case("teacher, to 0", TinyNetwork.Config, new SamplerOptions { Solver = "dpmpp3m", Steps = 4, ToZero = true });
        yield return Case("teacher, clipped", TinyNetwork.Config, new SamplerOptions { Solver = "dpmpp2m", Steps = 4, Clip = true });
        yield return Case("teacher, analytical first step", TinyNetwork.Config,
            new SamplerOptions { Solver = "euler", Steps = 4, AnalyticalFirstStep = true });
        yield return Case("teacher, churned", TinyNetwork.Config, new SamplerOptions { Solver = "heun", Steps = 4, Churn = 2 });
        yield return Case("teacher of two parts", TinyNetwork.Families["pd"] with { Prediction = Prediction.Both },
            new SamplerOptions { Solver = "heun", Steps = 3 });

        static TestCaseData<NetworkConfig, Maker> Case(string name, NetworkConfig config, SamplerOptions options) => new(config, network =>
        {
            var sampler = SamplerBuilder.Build(network, options);
            return (sampler.Run, sampler.Sigma);
        })
        { TestName = $"Sampler, {name}" };
    }

    private static IEnumerable<TestCaseData<NetworkConfig, Maker>> Students()
    {
        var small = TinyNetwork.Config with { LabelCount = 0 };
        yield return Case("sfd", small, new SfdOptions { Nfe = 2 });
        yield return Case("sfd, K = 4", TinyNetwork.Config, new SfdOptions { Branches = 4, Nfe = 2 });
        yield return Case("sfd-v, K = 4, with a step", TinyNetwork.Families["adm with a step"],
            new SfdOptions { Branches = 4, Nfe = 3, StepCondition = true, NfeChoices = "2,3" });
        yield return Case("sfd, K = 4, clipped", small, new SfdOptions { Branches = 4, Nfe = 2 }, Thresholding.Clip);
        yield return Case("pd, K = 2", TinyNetwork.Families["pd"], new PdOptions { Branches = 2, Nfe = 2 });
        yield return Case("the authors' own, K = 2", small, new BranchDistillationOptions { Branches = 2 });
        yield return Case("ect, one step", TinyNetwork.Config, new EctOptions { Nfe = 1 });
        yield return Case("ect, two steps with fresh noise", TinyNetwork.Config, new EctOptions { Nfe = 2 });

        static TestCaseData<NetworkConfig, Maker> Case(string name, NetworkConfig config, Distill how, Thresholding? threshold = null) =>
            new(config with { Branches = how.Branches }, network =>
            {
                var student = Student.Of(network, how, threshold: threshold);
                return ((x, labels, fresh) => student.Sample(x, labels, fresh: fresh), student.StartSigma);
            })
            { TestName = $"Sampler, {name}" };
    }

    [TestCaseSource(nameof(Teachers))]
    [TestCaseSource(nameof(Students))]
    public void A_sampler_makes_our_images(NetworkConfig config, Maker maker)
    {
        using var backend = new ReferenceBackend(1);
        using var network = TinyNetwork.Create(backend, config, 5);
        using var run = new OnnxRun(Model(network, maker));
        foreach (int n in new[] { 1, 3 })
            CheckSame(run, network, maker, n);
    }

    [Test]
    public void Steps_that_were_fitted_are_inside()
    {
        using var backend = new ReferenceBackend(1);
        using var network = TinyNetwork.Create(backend, TinyNetwork.Config with { Branches = 2, LabelCount = 0 }, 5);
        CheckSame(network, on =>
        {
            var student = Student.Of(on, new SfdOptions { Branches = 2, Nfe = 2 });
            student.Fitted = FittedSteps.Of(student, [null, [0.01, 0.02, -0.03], [0.01, -0.02, 0.02, 0.03, -0.01]]);
            return ((x, labels, fresh) => student.Sample(x, labels, fresh: fresh), student.StartSigma);
        });
    }

    [Test]
    public void Heads_are_folded_inside_unless_they_are_wanted_as_they_are()
    {
        using var backend = new ReferenceBackend(1);
        using var network = TinyNetwork.Create(backend, TinyNetwork.Config with { Branches = 4, LabelCount = 0 }, 5);
        var (folded, heads) = (Model(network, Of(Fusions.Usual)), Model(network, Of(Fusions.Usual.Without(Student.FoldedHeads))));
        Assert.That(heads.ToArray(), Has.Length.GreaterThan(folded.ToArray().Length), "the head of each interval has K times the rows");
        // Without classes all that the embedding leads to is known: the noise levels are in nobody's way at run time.
        Assert.That(folded.Operators.Keys, Has.None.EqualTo("Gemm").And.None.EqualTo("Cos"));
        CheckSame(network, Of(Fusions.Usual.Without(Student.FoldedHeads)));

        static Maker Of(Fusions fusions) => on =>
        {
            on.Execution = new Execution(fusions);
            var student = Student.Of(on, new SfdOptions { Branches = 4, Nfe = 2 });
            return ((x, labels, fresh) => student.Sample(x, labels, fresh: fresh), student.StartSigma);
        };
    }

    [Test]
    public void A_class_of_its_own_takes_the_inputs_place()
    {
        using var backend = new ReferenceBackend(1);
        using var network = TinyNetwork.Create(backend, TinyNetwork.Config, 5);
        Maker heun = on => (SamplerBuilder.Build(on, new SamplerOptions { Steps = 3 }).Run, 80);
        using OnnxRun free = new(Model(network, heun)), own = new(Model(network, heun, class_: 2));
        Assert.That(own.Inputs, Is.EqualTo(new[] { "noise" }));
        var shape = TinyNetwork.Images(network.Config, 2);
        using var noise = TinyNetwork.Normal(backend, shape, 4);
        float[] expected = free.Images("noise", noise.ToArray(), shape).Classes(2, 2).Run();
        Assert.That(own.Images("noise", noise.ToArray(), shape).Run(), Is.EqualTo(expected).Within(1e-4));
        Assert.That(free.Images("noise", noise.ToArray(), shape).Classes(0, 1).Run(), Is.Not.EqualTo(expected).Within(1e-3));
    }

    private static OnnxModel Model(INetwork network, Maker maker, int? class_ = null)
    {
        using var tracing = new TracingBackend(1);
        using var traced = TracedNetwork.Copy(tracing, network);
        var (sampler, sigma) = maker(traced);
        return SamplerModel.Of(traced, sigma, (x, labels, fresh) => sampler(x, labels, (step, noise) => fresh(step, noise)), class_);
    }

    private static void CheckSame(INetwork network, Maker maker)
    {
        using var run = new OnnxRun(Model(network, maker));
        CheckSame(run, network, maker, 2);
    }

    private static void CheckSame(OnnxRun run, INetwork network, Maker maker, int n)
    {
        var (sampler, sigma) = maker(network);
        var backend = network.Backend;
        var shape = TinyNetwork.Images(network.Config, n);
        var draws = ImageDraws.Of(12);
        using Tensor noise = backend.Empty(shape), x = backend.Empty(shape);
        draws.Start(noise, 0, 1);
        draws.Start(x, 0, sigma);
        using var labels = draws.Labels(network, 0, n);
        run.Images("noise", noise.ToArray(), shape);
        if (labels is not null)
            run.Classes([.. Enumerable.Range(0, n).Select(i => (long)draws.ClassOf(i, network.Config.LabelCount))]);
        var asked = new List<string>();
        using var images = sampler(x, labels, (step, fresh) =>
        {
            draws.Fresh(fresh, 0, step);
            asked.Add($"fresh{step}");
            run.Images(asked[^1], fresh.ToArray(), shape);
        });
        Assert.That(run.Inputs.Where(name => name.StartsWith("fresh", StringComparison.Ordinal)), Is.EqualTo(asked));
        float[] ours = images.ToArray(), theirs = run.Run();
        // A network of random weights leaves [-1, 1]: 1e-4 of what it makes.
        double largest = Math.Max(1, ours.Max(Math.Abs));
        Assert.That(theirs, Is.EqualTo(ours).Within(1e-4 * largest), $"{n} images, to {largest} at most");
    }
}
