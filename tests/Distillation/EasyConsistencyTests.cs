using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Tests.Training;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.Ect;
using BDense.Training.Runs;
using NUnit.Framework;

namespace BDense.Tests.Distillation;

/// <summary>
/// Easy consistency tuning: its pairs, its distance, its gradient, what it learns and how it samples. Resuming: <see cref="ResumeTests"/>.
/// </summary>
public sealed class EasyConsistencyTests
{
    private static readonly ConsistencyPairs Published = new(Q: 2, K: 8, B: 1);

    private TinyRuns _runs = null!;

    [SetUp]
    public void Start() => _runs = new TinyRuns();

    [TearDown]
    public void End()
    {
        Assert.That(_runs.Backend.Pool.CurrentBytes, Is.Zero, "a tensor was kept");
        _runs.Dispose();
    }

    // r = t (1 - n / q^(s+1)), n = 1 + 8 / (1 + e^t), by hand.
    [TestCase(2, 1.0, 0, 0.0, TestName = "n = 3.1515 is above q: the clean image")]
    [TestCase(2, 1.0, 3, 0.8030293)]
    [TestCase(2, 80.0, 0, 40.0, TestName = "n is 1 far from the data")]
    [TestCase(2, 5.0, 1, 3.6830712)]
    [TestCase(256, 0.1, 0, 0.0981249)]
    public void Pairs_are_those_of_the_formula(double q, double t, int stage, double r) =>
        Assert.That((Published with { Q = q }).Earlier(t, stage), Is.EqualTo(r).Within(1e-6 * t));

    [Test]
    public void The_earlier_level_is_never_negative_and_comes_nearer_stage_by_stage()
    {
        for (double t = 1e-4; t < 1e4; t *= 1.7)
        {
            double before = -1;
            for (int stage = 0; stage < 20; stage++)
            {
                double r = Published.Earlier(t, stage);
                Assert.That(r, Is.GreaterThanOrEqualTo(0).And.LessThan(t), $"t {t}, stage {stage}");
                Assert.That(r, Is.GreaterThanOrEqualTo(before), $"t {t}, stage {stage}");
                before = r;
            }
            Assert.That(before, Is.GreaterThan(0.99 * t));
        }
    }

    [Test]
    public void Weight_and_distance_are_those_of_the_formula()
    {
        Assert.That(ConsistencyPairs.Weight(0.5, 0.5), Is.EqualTo(8));
        Assert.That(ConsistencyPairs.Weight(80, 0.5), Is.EqualTo(4 + 1 / 6400.0).Within(1e-12));
        // Differences (3, 4) and (0, 0), c = 12: sqrt(25 + 144) - 12 = 1.
        var (distances, factors) = ImageDistance.Of([3, 5, 1, 1], [0, 1, 1, 1], 12, 2);
        Assert.That(distances, Is.EqualTo(new[] { 1.0, 0 }));
        Assert.That(factors[0], Is.EqualTo(1 / 13.0).Within(1e-15));
        var (norms, finite) = ImageDistance.Of([3, 5, 1, 1], [0, 1, 1, 1], 0, 2);
        Assert.That((norms[0], norms[1], finite[0], finite[1]), Is.EqualTo((5.0, 0.0, 0.2, 0.0)),
            "the plain norm, and no gradient where it has none");
    }

    [TestCase(Prediction.Edm, 0)]
    [TestCase(Prediction.Edm, 0.3)]
    [TestCase(Prediction.V, 0.3)]
    public void The_gradient_is_that_of_finite_differences(Prediction prediction, double huber)
    {
        using var network = _runs.TrainedTeacher(20, prediction);
        using var training = new EctTraining(network, TinyRuns.Data, new EctOptions { Huber = huber, Batch = 2, Updates = 8 });
        using var x = Networks.TinyNetwork.Normal(_runs.Backend, new Shape(2, 4, 4, 3), 7);
        using var target = Networks.TinyNetwork.Normal(_runs.Backend, new Shape(2, 4, 4, 3), 8);
        double[] levels = [0.7, 3];
        network.Parameters.ZeroGradients();
        training.Accumulate(x, levels, target, default);
        float[] gradient = network.Parameters.Gradients!.ToArray(), start = network.Parameters.Values.ToArray();
        double norm = Math.Sqrt(gradient.Sum(g => (double)g * g));
        double Along(double step)
        {
            float[] values = [.. start.Select((v, i) => (float)(v + step * gradient[i] / norm))];
            using var moved = _runs.Backend.FromArray(values, new Shape(start.Length));
            network.Parameters.CopyFrom(moved);
            return training.Accumulate(x, levels, target, default).Loss;
        }

        const double H = 2e-3;
        Assert.That((Along(H) - Along(-H)) / (2 * H), Is.EqualTo(norm).Within(0.01 * norm), "the slope along the gradient is its norm");
    }

    [Test]
    public void Tuning_lowers_the_loss()
    {
        using var teacher = _runs.TrainedTeacher(10);
        // At such levels the target is mostly the clean image. Nearer to it a weight of 1 / t^2 hides all else, far from it all agree
        // already.
        var options = new EctOptions { PMean = 0, PStd = 0.5, Stages = 1, Updates = 200, Batch = 16, LearningRate = 1e-3 };
        using var student = DistillationMethods.NewStudent(teacher, options);
        using (var training = DistillationMethods.Create(student, teacher, TinyRuns.Data, options))
            TrainingLoop.Run(training);
        var (before, after) = (Measured(teacher), Measured(student));
        Assert.That(after.Loss, Is.LessThan(0.8 * before.Loss));
        Assert.That(after.Branches[0], Is.LessThan(0.8 * before.Branches[0]), "without weights too");

        // The same images, levels and noise for both, none of which the tuning has seen.
        StepReport Measured(INetwork network)
        {
            using var copy = network.Clone();
            using var training = new EctTraining(copy, TinyRuns.Data, options with
            {
                Batch = 64,
                Updates = 1,
                LearningRate = 1e-30,
                Seed = 99,
            });
            return training.Step(0);
        }
    }

    [TestCase(1)]
    [TestCase(2)]
    public void It_samples_as_the_formula_says(int nfe)
    {
        using var network = _runs.TrainedTeacher(20);
        using var noise = Networks.TinyNetwork.Normal(_runs.Backend, new Shape(3, 4, 4, 3), 4);
        using var x = _runs.Backend.Empty(noise.Shape);
        _runs.Backend.Scale(noise, 80, x);
        var student = Student.Of(network, new EctOptions(), nfe);
        Assert.That((student.Evaluations, student.StartSigma), Is.EqualTo((nfe, 80.0)));
        using var got = student.Sample(x, fresh: Fresh);

        var denoiser = new Denoiser(network);
        using var one = denoiser.Denoise(x, 80);
        if (nfe == 2)
        {
            using var added = _runs.Backend.Empty(x.Shape);
            Fresh(0, added);
            _runs.Backend.LinearCombination([1f, 0.821f], [one, added], one);
        }
        using var two = nfe == 2 ? denoiser.Denoise(one, 0.821) : one.Share();
        Assert.That(got.ToArray(), Is.EqualTo(two.ToArray()));

        void Fresh(int step, Tensor y)
        {
            Assert.That(step, Is.Zero);
            _runs.Backend.RandomNormal(new RandomKey(6, 2), y);
        }
    }

    private static readonly object[][] Misfits =
    [
        ["trains one head (--branches 1), not 4", new EctOptions { Branches = 4, Jump = 4 }],
        ["1 evaluation or 2, not 3", new EctOptions { Nfe = 3 }],
        ["--q is above 1, not 1", new EctOptions { Q = 1 }],
        ["4 updates for 8 stages", new EctOptions { Updates = 4 }],
        ["--huber is 0 or more", new EctOptions { Huber = -1 }],
        ["between 0 and 80, not at 90", new EctOptions { MidSigma = 90 }],
    ];

    private static IEnumerable<TestCaseData> MisfitCases => Misfits.Select(m => new TestCaseData(m).SetArgDisplayNames((string)m[0]));

    [TestCaseSource(nameof(MisfitCases))]
    public void What_it_cannot_do_is_one_line(string mentioned, Distill options) =>
        Assert.That(Assert.Throws<UsageException>(() => options.Resolve())!.Message, Does.Contain(mentioned));

    [Test]
    public void Its_options_survive_their_file_and_nothing_else_is_in_it()
    {
        var options = new EctOptions { Q = 4, Stages = 3, Flip = true }.Resolve();
        var node = RunJson.ToNode<Distill>(options).AsObject();
        Assert.That(Distill.FromFile(node, "config.json"), Is.EqualTo(options));
        Assert.That(node["method"]!.GetValue<string>(), Is.EqualTo("ect"));
        Assert.That(node.Select(p => p.Key), Has.None.AnyOf("rounds", "solver", "toZero", "intervals"));
        Assert.That(options.Length().Obstacle, Does.Contain("3 stages"));
    }
}
