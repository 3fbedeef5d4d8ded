using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Model.Autodiff;
using BDense.Model.Networks;
using BDense.Tests.Ops;
using NUnit.Framework;

namespace BDense.Tests.Networks;

/// <summary>
/// Whole networks on each device against the managed reference, fused and not: F, and the gradient of &lt;G, F&gt; of every parameter.
/// </summary>
[TestFixtureSource(typeof(DeviceFixtures), nameof(DeviceFixtures.Ilgpu))]
internal sealed class DeviceNetworkTests(string device)
{
    private const int Samples = 2;

    // Two channels a group, as in unet.cu's network, which vectors of four channels do not respect.
    private static readonly UNetConfig Narrow = TinyNetwork.Families["guided"] with { Resolution = 4, AttentionResolutions = [2] };

    private static readonly Dictionary<string, UNetConfig> Networks = new()
    {
        ["plain"] = Narrow,
        ["convolutions"] = Narrow with { Resampler = Resampler.Convolution, Branches = 2 },
        ["blocks, scale and shift, classes"] = Narrow with { Resampler = Resampler.Block, AdaptiveScale = true, LabelCount = 3 },
    };

    private Backends.Lease? _lease;
    private Backend _backend = null!;
    private ReferenceBackend _reference = null!;

    private static IEnumerable<string> Names => Networks.Keys;

    [OneTimeSetUp]
    public void Open()
    {
        _lease = Backends.Borrow(device);
        _reference = new ReferenceBackend(1);
    }

    [SetUp]
    public void Take() => _backend = _lease!.Backend;

    [OneTimeTearDown]
    public void Close()
    {
        _lease?.Dispose();
        _reference?.Dispose();
    }

    [Test]
    public void A_guided_network_equals_the_reference([ValueSource(nameof(Names))] string name, [Values("all", "usual", "none")]
    string fusions)
    {
        var config = Networks[name];
        var (expected, expectedGradients) = Run(_reference, config, Fusions.None);
        var (output, gradients) = Run(_backend, config, Fusions.Parse(fusions));
        Assert.That(Distance(output, expected), Is.LessThan(1e-5));
        Assert.That(Distance(gradients, expectedGradients), Is.LessThan(1e-5));
        Assert.That(_backend.Pool.CurrentBytes, Is.Zero, "a tensor was kept");
    }

    private static (float[] Output, float[] Gradients) Run(Backend backend, UNetConfig config, Fusions fusions)
    {
        using var network = TinyNetwork.Create(backend, config, seed: 9);
        network.Parameters.EnableGradients();
        var heads = new Shape(Samples, config.Resolution, config.Resolution, config.Branches * config.HeadChannels);
        using Tensor x = TinyNetwork.Normal(backend, TinyNetwork.Images(config, Samples), 1),
            noise = backend.FromArray([3f, 411.5f], new Shape(Samples)),
            g = TinyNetwork.Normal(backend, heads, 2);
        using var labels = config.LabelCount > 0 ? TinyNetwork.Normal(backend, new Shape(Samples, config.LabelCount), 3) : null;
        using var tape = new Tape(backend, recording: true) { Execution = new Execution(fusions) };
        var y = network.Forward(tape, tape.Input(x), noise, new ForwardOptions(new RandomKey(4, 5), labels));
        float[] output = y.Data.ToArray();
        tape.Backward(y, g);
        return (output, network.Parameters.Gradients!.ToArray());
    }

    /// <summary>||a - b|| / ||b||</summary>
    private static double Distance(float[] a, float[] b)
    {
        double difference = 0, size = 0;
        for (int i = 0; i < b.Length; i++)
        {
            difference += ((double)a[i] - b[i]) * (a[i] - b[i]);
            size += (double)b[i] * b[i];
        }
        return Math.Sqrt(difference / size);
    }
}
