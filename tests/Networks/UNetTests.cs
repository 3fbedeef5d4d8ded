using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Model.Autodiff;
using BDense.Model.Checkpoints;
using BDense.Model.Networks;
using NUnit.Framework;

namespace BDense.Tests.Networks;

public sealed class UNetTests
{
    private ReferenceBackend _backend = null!;

    [SetUp]
    public void CreateBackend() => _backend = new ReferenceBackend(1);

    [TearDown]
    public void DisposeBackend() => _backend.Dispose();

    private static readonly string[] Families = [.. TinyNetwork.Families.Keys];

    // Through a checkpoint file, so that names, OIHW, the order of qkv's rows and every formula are compared at once.
    [TestCaseSource(nameof(Families))]
    public void Equals_its_family_in_double_precision(string family) => Compare(TinyNetwork.Families[family] with { Branches = 2 });

    [Test]
    public void Equals_DDPMpp_with_one_head_over_all_channels() => Compare(TinyNetwork.Config with { ChannelsPerHead = 0 });

    [Test]
    public void A_step_condition_that_is_not_given_is_as_if_there_were_no_layers_for_it()
    {
        var config = TinyNetwork.Families["adm with a step"];
        using var with = TinyNetwork.Create(_backend, config, seed: 8);
        using var without = new Network(_backend, config with { StepCondition = false }, seed: null);
        foreach (var p in without.Parameters.All)
            _backend.Copy(with.Parameters[p.Name].Value, p.Value);
        using Tensor x = TinyNetwork.Normal(_backend, TinyNetwork.Images(config, 1), 1),
            noise = TinyNetwork.Normal(_backend, new Shape(1), 2);
        using var tape = new Tape(_backend, recording: false);
        Assert.That(with.Forward(tape, tape.Input(x), noise).Data.ToArray(),
            Is.EqualTo(without.Forward(tape, tape.Input(x), noise).Data.ToArray()));
    }

    private void Compare(UNetConfig config)
    {
        using var folder = new TemporaryFolder();
        using (var network = TinyNetwork.Create(_backend, config, seed: 8))
            Checkpoint.Save(folder.Path, network);
        using var loaded = Checkpoint.Load(_backend, folder.Path);
        var tensors = SafeTensors.Read(folder[Checkpoint.ModelFile]).Tensors;
        LayerOracle oracle = config.Family switch
        {
            "ddpm" or "pd" => new DdpmOracle(tensors, config),
            "guided" => new GuidedOracle(tensors, config),
            _ => new EdmOracle(tensors, config),
        };

        const int N = 2;
        using var x = TinyNetwork.Normal(_backend, TinyNetwork.Images(config, N), 1);
        // DDPM's number is a step of 1000, progressive distillation's up to 1000.
        using var noise = config.NoiseInput != NoiseInput.LogSigma ? _backend.FromArray([3f, 411.5f], new Shape(N))
            : TinyNetwork.Normal(_backend, new Shape(N), 2);
        using var labels = config.LabelCount > 0 ? TinyNetwork.Normal(_backend, new Shape(N, config.LabelCount), 3) : null;
        using var augment = config.AugmentCount > 0 ? TinyNetwork.Normal(_backend, new Shape(N, config.AugmentCount), 4) : null;
        using var step = config.StepCondition ? _backend.FromArray([4f, 7f], new Shape(N)) : null;
        using var tape = new Tape(_backend, recording: false);
        var y = loaded.Forward(tape, tape.Input(x), noise, new ForwardOptions(null, labels, augment, step)).Data.ToArray();

        int pixels = config.Resolution * config.Resolution, channels = config.ImageChannels, heads = config.Branches * channels;
        for (int n = 0; n < N; n++)
        {
            var planes = new double[channels * pixels];
            var image = x.ToArray().AsSpan(n * planes.Length, planes.Length);
            for (int i = 0; i < planes.Length; i++)
                planes[i % channels * pixels + i / channels] = image[i];
            var expected = oracle.Forward(planes, noise.ToArray()[n], Row(labels, n), Row(augment, n), step?.ToArray()[n]);
            for (int i = 0; i < heads * pixels; i++)
            {
                double e = expected[i % heads * pixels + i / heads];
                Assert.That(y[n * heads * pixels + i], Is.EqualTo(e).Within(2e-4 * (1 + Math.Abs(e))),
                    $"sample {n}, pixel {i / heads}, channel {i % heads}");
            }
        }

        static double[] Row(Tensor? t, int n) =>
            t is null ? [] : t.ToArray().Skip(n * t.Shape[1]).Take(t.Shape[1]).Select(v => (double)v).ToArray();
    }

    [Test]
    public void Initial_values_depend_on_seed_and_name_alone()
    {
        var config = TinyNetwork.Config;
        using Network one = new(_backend, config, 1), same = new(_backend, config, 1), other = new(_backend, config, 2);
        using Network deeper = new(_backend, config with { BlocksPerLevel = 2, LabelCount = 0 }, 1);
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
        CheckStart(NetworkCatalog.FindUNet("small-32"), name, variance, mean, Math.Sqrt(3 * variance));
    }

    // ADM and diffusers: uniform of variance 1/3 / fan-in, biases too; Flax: normal of variance 1 / fan-in, cut at two deviations before
    // scaling.
    [TestCase("adm", "model.enc.32x32_block0.conv0.weight", 1.0 / 3 / (9 * 32), 1.7320508)]
    [TestCase("adm", "model.enc.32x32_block0.affine.bias", 1.0 / 3 / 128, 1.7320508)]
    [TestCase("adm", "model.enc.32x32_block0.conv1.weight", 0, 1)]
    [TestCase("adm", "model.out_conv.bias", 0, 1)]
    [TestCase("adm", "model.map_label.weight", 1, 6)]
    [TestCase("adm", "model.map_augment.weight", 0, 1)]
    [TestCase("ddpm", "down_blocks.0.resnets.0.conv2.weight", 1.0 / 3 / (9 * 32), 1.7320508)]
    [TestCase("ddpm", "conv_out.bias", 1.0 / 3 / (9 * 32), 1.7320508)]
    [TestCase("pd", "down_0.block_0.conv1.weight", 1.0 / (9 * 32), 2 / 0.8796256)]
    [TestCase("pd", "mid.attn_1.norm.qkv.weight", 1.0 / 64, 2 / 0.8796256)]
    [TestCase("pd", "down_0.block_0.conv2.weight", 0, 1)]
    [TestCase("pd", "dense0.bias", 0, 1)]
    [TestCase("guided", "input_blocks.1.0.in_layers.2.weight", 1.0 / 3 / (9 * 32), 1.7320508)]
    [TestCase("guided", "time_embed.0.bias", 1.0 / 3 / 32, 1.7320508)]
    [TestCase("guided", "label_emb.weight", 1, 6)]
    [TestCase("guided", "middle_block.1.qkv.weight", 1.0 / 3 / 64, 1.7320508)]
    [TestCase("guided", "middle_block.1.proj_out.weight", 0, 1)]
    [TestCase("guided", "out.2.bias", 0, 1)]
    public void Initial_values_are_those_of_each_family(string family, string name, double variance, double deviations)
    {
        bool isEdm = family is "ddpmpp" or "adm";
        var config = NetworkCatalog.FindUNet("small-32") with
        {
            Family = family,
            LabelCount = family == "ddpm" ? 0 : 10,
            AugmentCount = isEdm ? 9 : 0,
        };
        CheckStart(config, name, variance, 0, deviations * Math.Sqrt(variance));
    }

    private void CheckStart(UNetConfig config, string name, double variance, double mean, double largest)
    {
        using var network = new Network(_backend, config, seed: 1);
        var x = network.Parameters[name].Value.ToArray().Select(v => (double)v).ToArray();
        double average = x.Average(), spread = x.Average(v => (v - average) * (v - average)), noise = Math.Sqrt(variance / x.Length);
        Assert.That(average, Is.EqualTo(mean).Within(5 * noise));
        // A normal variable's squared deviation varies by 1.42 of its mean, a uniform one's by 0.9.
        Assert.That(spread, Is.EqualTo(variance).Within(5 * 1.42 * variance / Math.Sqrt(x.Length)));
        Assert.That(x.Max(v => Math.Abs(v - mean)), Is.LessThanOrEqualTo(largest * 1.000001));
    }

    [Test]
    public void Unfit_inputs_are_named()
    {
        using var network = new Network(_backend, TinyNetwork.Config, seed: 1);
        using var tape = new Tape(_backend, recording: false);
        using Tensor wrong = _backend.Empty(new Shape(2, 8, 8, 1)), right = _backend.Empty(new Shape(2, 8, 8, 3));
        using Tensor noise = _backend.Empty(new Shape(3)), labels = _backend.Empty(new Shape(2, 4)), two = _backend.Empty(new Shape(2));
        Assert.Multiple(() =>
        {
            Assert.That(() => network.Forward(tape, tape.Input(wrong), two),
                Throws.TypeOf<BDenseException>().With.Message.Contains("8 x 8 x 3"));
            Assert.That(() => network.Forward(tape, tape.Input(right), noise),
                Throws.TypeOf<BDenseException>().With.Message.Contains("3 noise levels"));
            Assert.That(() => network.Forward(tape, tape.Input(right), two, new ForwardOptions(null, labels)),
                Throws.TypeOf<BDenseException>().With.Message.Contains("labels of 2 x 3"));
        });
    }
}
