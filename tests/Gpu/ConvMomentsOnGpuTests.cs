using BDense.Experiments.Labs;
using BDense.Kernels;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.Profiling;
using BDense.Model.Autodiff;
using BDense.Model.Networks;
using BDense.Tests.Ops;
using BDense.Tests.Training;
using NUnit.Framework;

namespace BDense.Tests.Gpu;

/// <summary>Statistics from a convolution's registers, in the precisions that have them: both ways, forward and gradient.</summary>
[TestFixtureSource(nameof(Fixtures))]
internal sealed class ConvMomentsOnGpuTests(string device, Precision precision)
{
    private static IEnumerable<TestFixtureData> Fixtures =>
        [DeviceFixtures.On(DeviceFixtures.CudaDevice, Precision.Tf32), DeviceFixtures.On(DeviceFixtures.CudaDevice, Precision.Bf16)];

    /// <summary>Images of 64 and of 16 pixels, groups of two blocks of channels and of four.</summary>
    private static readonly UNetConfig s_config =
        TinyRuns.Config with { Resolution = 8, ModelChannels = 16, AttentionResolutions = [4], Groups = 4 };

    private Backends.Lease? _lease;
    private IlgpuBackend _backend = null!;

    [OneTimeSetUp]
    public void Open() => _lease = Backends.Borrow(device);

    [OneTimeTearDown]
    public void Close() => _lease?.Dispose();

    [SetUp]
    public void Start()
    {
        _backend = (IlgpuBackend)_lease!.Backend;
        _backend.Precision = precision;
        _backend.ActivationType = precision == Precision.Bf16 ? ElementType.BFloat16 : ElementType.Float32;
    }

    [TearDown]
    public void End()
    {
        (_backend.Precision, _backend.ActivationType) = (Precision.Fp32, ElementType.Float32);
        Assert.That(_backend.Pool.CurrentBytes, Is.Zero, "a tensor was kept");
    }

    private Network Network()
    {
        var network = new Network(_backend, s_config, seed: 1);
        foreach (var parameter in network.Parameters.All)
        {
            _backend.RandomNormal(new RandomKey(1, 9, (ulong)parameter.Offset), parameter.Value);
            _backend.Scale(parameter.Value, 0.2f, parameter.Value);
        }
        return network;
    }

    /// <summary>The laboratory's case.</summary>
    [Test]
    public void Both_ways_compute_the_same()
    {
        using var network = Network();
        foreach (var make in new FusionCases(network, 2, 1).All([Fusion.ConvMoments]))
        {
            using var c = make();
            var (fused, plain) = (c.ResultsOf(c.Fused), c.ResultsOf(c.Unfused));
            foreach (var (name, values) in plain)
            {
                double scale = values.Max(Math.Abs), error = values.Zip(fused[name]).Max(pair => Math.Abs(pair.First - pair.Second));
                // An operand in the middle between two values of BF16 or TF32 (2^-8 and 2^-11 apart) goes to either side.
                Assert.That(error, Is.LessThanOrEqualTo((precision == Precision.Bf16 ? 1e-2 : 5e-4) * scale), $"{c.Shapes}: {name}");
            }
            if (!_backend.IsVirtual)
                continue;
            string[] kernels = [.. Profiler.On(_backend).Run("", c.Fused).Launches.Select(launch => launch.Kernel)];
            Assert.That(kernels, Has.Some.Contains("Measured").And.Some.EqualTo("GroupNormMergeMomentsKernel"));
            Assert.That(kernels, Has.None.Contains("GroupNormPartial"));
            kernels = [.. Profiler.On(_backend).Run("", c.Unfused).Launches.Select(launch => launch.Kernel)];
            Assert.That(kernels, Has.Some.Contains("GroupNormPartial").And.None.Contains("Measured").And.None.Contains("Moments"));
        }
    }

    /// <summary>Whole networks: through blocks, concatenations, attention, and blocks that are run again.</summary>
    [Test]
    public void A_step_of_a_network_is_the_same_both_ways_and_to_the_bit_when_run_again()
    {
        using var network = Network();
        network.Parameters.EnableGradients();
        var (plain, plainKernels) = Counted(network, new Execution(Fusions.Usual.Without(Fusion.ConvMoments)));
        var (measured, kernels) = Counted(network, new Execution(Fusions.Usual));
        var again = Step(network, new Execution(Fusions.Usual, Recompute: true));
        if (_backend.IsVirtual)
        {
            Assert.That(plainKernels, Has.Some.StartsWith("GroupNormPartial").And.None.Contains("Measured"));
            Assert.That(kernels, Has.Some.Contains("Measured").And.None.StartsWith("GroupNormPartial"), "every normalisation has moments");
        }
        double tolerance = precision == Precision.Bf16 ? 0.02 : 1e-3;
        TestContext.Out.WriteLine($"{Distance(measured.Output, plain.Output)}, {Distance(measured.Gradient, plain.Gradient)}");
        Assert.That(Distance(measured.Output, plain.Output), Is.LessThan(tolerance));
        Assert.That(Distance(measured.Gradient, plain.Gradient), Is.LessThan(tolerance));
        Assert.That(again.Output, Is.EqualTo(measured.Output));
        Assert.That(again.Gradient, Is.EqualTo(measured.Gradient));
    }

    /// <summary>With the kernels that it launched, where they are counted.</summary>
    private ((float[] Output, float[] Gradient) Results, string[] Kernels) Counted(Network network, Execution execution)
    {
        if (!_backend.IsVirtual)
            return (Step(network, execution), []);
        (float[], float[]) results = default;
        var pass = Profiler.On(_backend).Run("", () => results = Step(network, execution));
        return (results, [.. pass.Launches.Select(launch => launch.Kernel)]);
    }

    private (float[] Output, float[] Gradient) Step(Network network, Execution execution)
    {
        var config = network.Config;
        var shape = new Shape(2, config.Resolution, config.Resolution, config.ImageChannels);
        using Tensor x = _backend.Empty(shape), dy = _backend.Empty(shape), noise = _backend.Zeros(new Shape(2));
        _backend.RandomNormal(new RandomKey(5, 6), x);
        _backend.RandomNormal(new RandomKey(5, 7), dy);
        network.Parameters.ZeroGradients();
        using var tape = new Tape(_backend, recording: true) { Execution = execution };
        var y = network.Forward(tape, tape.Input(x), noise);
        float[] output = y.Data.ToArray();
        tape.Backward(y, dy);
        return (output, network.Parameters.Gradients!.ToArray());
    }

    private static double Distance(float[] a, float[] b) =>
        Math.Sqrt(a.Zip(b, (u, v) => Math.Pow(u - v, 2)).Sum() / b.Sum(v => Math.Pow(v, 2)));
}
