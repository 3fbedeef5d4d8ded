using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Model.Autodiff;
using BDense.Model.Networks;
using BDense.Tests.Networks;
using BDense.Training.Runs;
using NUnit.Framework;

namespace BDense.Tests.Training;

/// <summary>Whole passes and trainings with activations in BF16, on the reference: what they take, and what they come to.</summary>
[TestFixture]
internal sealed class BFloat16TrainingTests
{
    private static readonly string[] Families = [.. TinyNetwork.Families.Keys];

    /// <summary>Rounding each activation to eight bits moves the gradient by a few of them.</summary>
    [TestCaseSource(nameof(Families))]
    public void Gradients_are_those_of_float32_up_to_rounding(string family)
    {
        foreach (var fusions in new[] { Fusions.All, Fusions.None })
        {
            using var backend = new ReferenceBackend(1);
            using var network = TinyNetwork.Create(backend, TinyNetwork.Families[family], seed: 3);
            network.Parameters.EnableGradients();
            var execution = new Execution(fusions);
            var (loss, gradient) = Pass(network, execution, ElementType.Float32);
            var (rounded, roundedGradient) = Pass(network, execution, ElementType.BFloat16);
            Assert.That(roundedGradient, Is.Not.EqualTo(gradient), "nothing was rounded");
            Assert.That(Distance(roundedGradient, gradient), Is.LessThan(0.03), $"{fusions}");
            Assert.That(Distance(rounded, loss), Is.LessThan(0.02), $"{fusions}");
            // Blocks that are run again round the same values the same way.
            var (again, againGradient) = Pass(network, execution with { Recompute = true }, ElementType.BFloat16);
            Assert.That(again, Is.EqualTo(rounded));
            Assert.That(againGradient, Is.EqualTo(roundedGradient));
            long parameters = network.Parameters.Values.Storage.Bytes + network.Parameters.Gradients!.Storage.Bytes;
            Assert.That(backend.Pool.CurrentBytes, Is.LessThan(1.1 * parameters + 4096), "a tensor was kept");
        }
    }

    [Test]
    public void Losses_over_200_steps_are_within_1_percent_of_float32s()
    {
        double[] full = Losses(ElementType.Float32), half = Losses(ElementType.BFloat16);
        Assert.That(half, Is.Not.EqualTo(full));
        // The two wander apart step by step as any rounding makes them; what they learn does not.
        for (int i = 0; i < full.Length; i += 50)
        {
            double expected = full.Skip(i).Take(50).Average(), got = half.Skip(i).Take(50).Average();
            TestContext.Out.WriteLine(FormattableString.Invariant($"steps {i} to {i + 49}: {expected:0.0000} and {got:0.0000}"));
            Assert.That(got, Is.EqualTo(expected).Within(0.02 * expected), $"steps {i} to {i + 49}");
        }
        Assert.That(half.Average(), Is.EqualTo(full.Average()).Within(0.01 * full.Average()), "all 200");
        double worst = full.Zip(half, (a, b) => Math.Abs(a - b) / a).Max();
        TestContext.Out.WriteLine(FormattableString.Invariant($"a single step differs by {worst:0.0000} at most"));
    }

    [Test]
    public void A_step_of_EDMs_network_takes_40_percent_less_memory_by_a_dry_run()
    {
        var config = NetworkCatalog.FindUNet("edm-cifar10");
        foreach (int batch in new[] { 64, 128 })
        {
            long full = NetworkInfo.PeakBytes(config, batch, training: true);
            long half = NetworkInfo.PeakBytes(config, batch, training: true, ElementType.BFloat16);
            TestContext.Out.WriteLine(
                FormattableString.Invariant($"batch {batch}: {full / 1e9:0.00} GB, {half / 1e9:0.00} GB, {(double)half / full:0.000}"));
            Assert.That((double)half / full, Is.LessThanOrEqualTo(0.6));
        }
    }

    /// <summary>What the pool of a device that computes counted: copies for a backend without kernels of its own included.</summary>
    [Test]
    public void A_step_of_a_small_network_takes_40_percent_less_memory()
    {
        long full = Peak(ElementType.Float32), half = Peak(ElementType.BFloat16);
        TestContext.Out.WriteLine(FormattableString.Invariant($"{full} and {half} bytes, {(double)half / full:0.000}"));
        Assert.That((double)half / full, Is.LessThanOrEqualTo(0.6));

        static long Peak(ElementType activations)
        {
            using var backend = new ReferenceBackend(1) { ActivationType = activations };
            using var network = TinyNetwork.Create(backend, TinyNetwork.Config with { BlocksPerLevel = 3, Dropout = 0 }, seed: 3);
            network.Parameters.EnableGradients();
            long before = backend.Pool.CurrentBytes;
            backend.Pool.ResetPeak();
            Pass(network, Execution.Default, activations, batch: 32);
            return backend.Pool.PeakBytes - before;
        }
    }

    [Test]
    public void What_a_network_takes_and_gives_is_float32()
    {
        using var backend = new ReferenceBackend(1) { ActivationType = ElementType.BFloat16 };
        using var network = TinyNetwork.Create(backend, TinyNetwork.Config, seed: 3);
        using Tensor x = TinyNetwork.Normal(backend, TinyNetwork.Images(TinyNetwork.Config, 2), 1), noise = backend.Zeros(new(2));
        using var tape = new Tape(backend, recording: false);
        Assert.That(network.Forward(tape, tape.Input(x), noise).Type, Is.EqualTo(ElementType.Float32));
        Assert.That(network.Parameters.Values.Type, Is.EqualTo(ElementType.Float32));
        // Gradients have the type of their value; another is a fault of whoever wrote the operation.
        using var recording = new Tape(backend, recording: true);
        var input = recording.Input(x, requiresGradient: true);
        var rounded = recording.Convert(input, ElementType.BFloat16);
        Assert.That(() => recording.Contribute(rounded, recording.Scratch(x.Shape)),
            Throws.TypeOf<BDenseException>().With.Message.EqualTo("the gradient of a BF16 value is BF16, too, not float32"));
        using var dy = TinyNetwork.Normal(backend, x.Shape, 2);
        recording.Backward(rounded, dy);
        Assert.That(input.Gradient!.Type, Is.EqualTo(ElementType.Float32));
        Assert.That(input.Gradient.ToArray(), Is.EqualTo(dy.ToArray().Select(BFloat16.Rounded)));
    }

    private static double[] Losses(ElementType activations)
    {
        using var runs = new TinyRuns();
        runs.Backend.ActivationType = activations;
        using var network = runs.Teacher(config: TinyRuns.Config with { Dropout = 0 });
        using var training = new TeacherTraining(network, TinyRuns.Data,
            new TeacherOptions { Steps = 200, Batch = 32, LearningRate = 1e-3, Warmup = 5 });
        return [.. TrainingLoop.Run(training).Log.Select(l => l.Loss)];
    }

    private static (float[] Output, float[] Gradient) Pass(INetwork network, Execution execution, ElementType activations, int batch = 2)
    {
        var (backend, config) = (network.Backend, network.Config);
        var before = backend.ActivationType;
        backend.ActivationType = activations;
        using Tensor x = TinyNetwork.Normal(backend, TinyNetwork.Images(config, batch), 11),
            noise = TinyNetwork.Normal(backend, new Shape(batch), 14),
            weights = TinyNetwork.Normal(backend, TinyNetwork.Images(config, batch), 15);
        using var step = config.StepCondition ? TinyNetwork.Normal(backend, new Shape(batch), 16) : null;
        network.Parameters.ZeroGradients();
        using var tape = new Tape(backend, recording: true) { Execution = execution };
        var y = network.Forward(tape, tape.Input(x), noise, new ForwardOptions(new RandomKey(21, 22), Step: step));
        float[] output = y.Data.ToArray();
        tape.Backward(y, weights);
        backend.ActivationType = before;
        return (output, network.Parameters.Gradients!.ToArray());
    }

    /// <summary>|a - b| / |b|.</summary>
    private static double Distance(float[] a, float[] b) =>
        Math.Sqrt(a.Zip(b, (u, v) => Math.Pow(u - v, 2)).Sum() / b.Sum(v => Math.Pow(v, 2)));
}
