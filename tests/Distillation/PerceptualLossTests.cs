using BDense.Kernels;
using BDense.Tests.Metrics;
using BDense.Tests.Training;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.Sfd;
using BDense.Training.Solvers;
using NUnit.Framework;

namespace BDense.Tests.Distillation;

public sealed class PerceptualLossTests
{
    private TinyRuns _runs = null!;

    [SetUp]
    public void Start() => _runs = new TinyRuns();

    [TearDown]
    public void End()
    {
        Assert.That(_runs.Backend.Pool.CurrentBytes, Is.Zero, "a tensor was kept");
        _runs.Dispose();
    }

    private string File => _runs.Folder.Write("distance.onnx", TinyOnnx.SquaredDistance());

    [Test]
    public void It_is_the_files_distance_and_gradient()
    {
        float[] x = [.. Enumerable.Range(0, 2 * 2 * 3 * 3).Select(i => i / 10f)], y = [.. x.Select((v, i) => v * v)];
        using var loss = new PerceptualLoss(File);
        var (value, gradient) = loss.Compute(x, y, new Shape(2, 2, 3, 3));
        Assert.That(gradient, Is.EqualTo(x.Zip(y, (a, b) => a - b)).Within(1e-6f));
        // A channel's mean of squares over its 6 pixels, summed over channels and images.
        Assert.That(value, Is.EqualTo(x.Zip(y, (a, b) => Math.Pow(a - b, 2)).Sum() / 6).Within(1e-4));
    }

    [TestCase(BranchLayout.Chained)]
    [TestCase(BranchLayout.Parallel)]
    public void Its_gradient_goes_through_the_endpoint_to_the_weights(BranchLayout layout)
    {
        // The file's gradient x - y is that of half the squared distance: the same as an L2 loss on the last branch with weight E / 2.
        using var network = Networks.TinyNetwork.Create(_runs.Backend, TinyRuns.Config with { Branches = 2, Dropout = 0 }, seed: 3);
        network.Parameters.EnableGradients();
        using var x = Networks.TinyNetwork.Normal(_runs.Backend, new Shape(3, 4, 4, 3), 1);
        using var targets = Networks.TinyNetwork.Normal(_runs.Backend, new Shape(2, 3 * 48), 2);
        double[] nodes = [3, 1.5, 0.5];
        using var loss = new PerceptualLoss(File);

        float[] plain = Gradient(Distance.L1, [0.3, 0.7], null), square = Gradient(Distance.L2, [0, 24], null),
            both = Gradient(Distance.L1, [0.3, 0.7], loss);
        for (int i = 0; i < both.Length; i++)
            Assert.That(both[i], Is.EqualTo(plain[i] + square[i]).Within(1e-4f * (1 + Math.Abs(square[i]))), $"{i}");
        Assert.That(square.Max(Math.Abs), Is.GreaterThan(0.1f));

        float[] Gradient(Distance distance, double[] weights, PerceptualLoss? perceptual)
        {
            network.Parameters.ZeroGradients();
            new TrajectoryObjective(network, layout, distance, 1).Accumulate(x, nodes, weights, targets, default, perceptual: perceptual);
            return network.Parameters.Gradients!.ToArray();
        }
    }

    [Test]
    public void It_counts_in_the_last_interval_alone()
    {
        using var teacher = _runs.Teacher(seed: 2);
        double[] losses = [.. new[] { null, File }.Select(file =>
        {
            // A learning rate of next to nothing, so that both go the same way.
            var options = new SfdOptions { Nfe = 2, Batch = 2, LearningRate = 1e-30, Perceptual = file };
            using var student = DistillationMethods.NewStudent(teacher, options);
            using var training = DistillationMethods.Create(student, teacher, null, options);
            return training.Step(0).Loss;
        })];
        using var network = DistillationMethods.NewStudent(teacher, new SfdOptions { Nfe = 2 });
        var o = new SfdOptions { Nfe = 2, Batch = 2 }.Resolve();
        using var noise = DistillationMethods.Latents(teacher, o, 0);
        using var end = SolverCatalog.Find("dpmpp3m")
            .Run(new BDense.Model.Networks.Denoiser(teacher).AsDenoise(), noise, [.. o.Grid(4).Teacher], SolverOptions.Default);
        using var got = Student.Of(network, o with { Dropout = false }).Sample(noise);
        double expected = end.ToArray().Zip(got.ToArray(), (a, b) => Math.Pow(a - b, 2)).Sum() / 16 / 2 / 2;
        Assert.That(expected, Is.GreaterThan(1e-4));
        // Training has dropout, sampling has none.
        Assert.That(losses[1] - losses[0], Is.EqualTo(expected).Within(0.5 * expected));
    }

    [Test]
    public void Other_files_are_refused()
    {
        Assert.That(Assert.Throws<BDenseException>(() => _ = new PerceptualLoss(_runs.Folder["none.onnx"]))!.Message,
            Does.Contain("no such file"));
        string other = _runs.Folder.Write("means.onnx", TinyOnnx.ChannelMeans());
        Assert.That(Assert.Throws<BDenseException>(() => _ = new PerceptualLoss(other))!.Message,
            Does.Contain("student and teacher to loss and gradient, this network images to means"));
        string text = _runs.Folder.Write("text.onnx", "no network"u8.ToArray());
        Assert.That(Assert.Throws<BDenseException>(() => _ = new PerceptualLoss(text))!.Message, Does.Contain("not an ONNX network"));
    }
}
