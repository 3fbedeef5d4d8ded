using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Model;
using NUnit.Framework;

namespace BDense.Tests.Networks;

public sealed class UNetTests
{
    private ReferenceBackend _backend = null!;

    [SetUp]
    public void CreateBackend() => _backend = new ReferenceBackend(1);

    [TearDown]
    public void DisposeBackend() => _backend.Dispose();

    // Through a checkpoint file, so that names, OIHW, the interleaved qkv rows and every formula are compared at once.
    [TestCase(0)]
    [TestCase(4)]
    public void Equals_EDM_in_double_precision(int channelsPerHead)
    {
        var config = TinyNetwork.Config with { ChannelsPerHead = channelsPerHead, Branches = 2 };
        using var folder = new TemporaryFolder();
        using (var network = TinyNetwork.Create(_backend, config, seed: 8))
            Checkpoint.Save(folder.Path, network);
        using var loaded = Checkpoint.Load(_backend, folder.Path);
        var oracle = new EdmOracle(SafeTensors.Read(folder[Checkpoint.ModelFile]).Tensors, config);

        const int N = 2;
        using var x = TinyNetwork.Normal(_backend, TinyNetwork.Images(config, N), 1);
        using var noise = TinyNetwork.Normal(_backend, new Shape(N), 2);
        using var labels = TinyNetwork.Normal(_backend, new Shape(N, config.LabelCount), 3);
        using var augment = TinyNetwork.Normal(_backend, new Shape(N, config.AugmentCount), 4);
        using var tape = new Tape(_backend, recording: false);
        var y = loaded.Forward(tape, tape.Input(x), noise, new ForwardOptions(null, labels, augment)).Data.ToArray();

        int pixels = config.Resolution * config.Resolution, channels = config.ImageChannels, heads = config.Branches * channels;
        for (int n = 0; n < N; n++)
        {
            var planes = new double[channels * pixels];
            var image = x.ToArray().AsSpan(n * planes.Length, planes.Length);
            for (int i = 0; i < planes.Length; i++)
                planes[i % channels * pixels + i / channels] = image[i];
            var expected = oracle.Forward(planes, noise.ToArray()[n], Row(labels, n), Row(augment, n));
            for (int i = 0; i < heads * pixels; i++)
            {
                double e = expected[i % heads * pixels + i / heads];
                Assert.That(y[n * heads * pixels + i], Is.EqualTo(e).Within(2e-4 * (1 + Math.Abs(e))), $"sample {n}, pixel {i / heads}, channel {i % heads}");
            }
        }

        static double[] Row(Tensor t, int n) => t.ToArray().Skip(n * t.Shape[1]).Take(t.Shape[1]).Select(v => (double)v).ToArray();
    }

    [Test]
    public void Initial_values_depend_on_seed_and_name_alone()
    {
        var config = TinyNetwork.Config;
        using UNet one = new(_backend, config, 1), same = new(_backend, config, 1), other = new(_backend, config, 2);
        using UNet deeper = new(_backend, config with { BlocksPerLevel = 2, LabelCount = 0 }, 1);
        const string Name = "model.enc.8x8_block0.conv0.weight";
        var values = one.Parameters[Name].Value.ToArray();
        Assert.Multiple(() =>
        {
            Assert.That(same.Parameters.Values.ToArray(), Is.EqualTo(one.Parameters.Values.ToArray()));
            Assert.That(other.Parameters[Name].Value.ToArray(), Is.Not.EqualTo(values));
            Assert.That(deeper.Parameters[Name].Value.ToArray(), Is.EqualTo(values));
            Assert.That(one.Parameters["model.enc.8x8_block0.conv1.weight"].Value.ToArray(), Is.Not.EqualTo(values));
        });
    }

    // Xavier-uniform: variance 2 / (fan-in + fan-out) times gain squared; zero for biases, one for gamma.
    [TestCase("model.enc.32x32_block0.conv0.weight", 2.0 / (9 * 64), 0)]
    [TestCase("model.enc.32x32_block0.conv1.weight", 1e-10 * 2.0 / (9 * 64), 0)]
    [TestCase("model.dec.8x8_in0.qkv.weight", 0.2 * 2.0 / (64 + 192), 0)]
    [TestCase("model.map_layer0.weight", 2.0 / (32 + 128), 0)]
    [TestCase("model.dec.32x32_aux_conv.weight", 1e-10 * 2.0 / (9 * 35), 0)]
    [TestCase("model.enc.32x32_block0.conv0.bias", 0, 0)]
    [TestCase("model.enc.32x32_block0.norm0.weight", 0, 1)]
    public void Initial_values_are_those_of_EDM(string name, double variance, double mean)
    {
        using var network = new UNet(_backend, NetworkCatalog.Find("small-32"), seed: 1);
        var x = network.Parameters[name].Value.ToArray().Select(v => (double)v).ToArray();
        double average = x.Average(), spread = x.Average(v => (v - average) * (v - average)), noise = Math.Sqrt(variance / x.Length);
        Assert.That(average, Is.EqualTo(mean).Within(5 * noise));
        // A uniform variable's squared deviation varies by 0.9 of its mean.
        Assert.That(spread, Is.EqualTo(variance).Within(5 * 0.9 * variance / Math.Sqrt(x.Length)));
        Assert.That(x.Max(v => Math.Abs(v - mean)), Is.LessThanOrEqualTo(Math.Sqrt(3 * variance) * 1.000001));
    }

    [Test]
    public void Unfit_inputs_are_named()
    {
        using var network = new UNet(_backend, TinyNetwork.Config, seed: 1);
        using var tape = new Tape(_backend, recording: false);
        using Tensor wrong = _backend.Empty(new Shape(2, 8, 8, 1)), right = _backend.Empty(new Shape(2, 8, 8, 3));
        using Tensor noise = _backend.Empty(new Shape(3)), labels = _backend.Empty(new Shape(2, 4)), two = _backend.Empty(new Shape(2));
        Assert.Multiple(() =>
        {
            Assert.That(() => network.Forward(tape, tape.Input(wrong), two), Throws.TypeOf<BDenseException>().With.Message.Contains("8 x 8 x 3"));
            Assert.That(() => network.Forward(tape, tape.Input(right), noise), Throws.TypeOf<BDenseException>().With.Message.Contains("3 noise levels"));
            Assert.That(() => network.Forward(tape, tape.Input(right), two, new ForwardOptions(null, labels)),
                Throws.TypeOf<BDenseException>().With.Message.Contains("labels of 2 x 3"));
        });
    }
}
