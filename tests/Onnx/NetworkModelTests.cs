using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Model.Autodiff;
using BDense.Model.Networks;
using BDense.Onnx;
using BDense.Tests.Networks;
using BDense.TransformerDenoiser;
using NUnit.Framework;

namespace BDense.Tests.Onnx;

/// <summary>Networks of every family, run by ONNX Runtime and by the CPU reference on the same images.</summary>
public sealed class NetworkModelTests
{
    private static readonly float[] s_sigmas = [0.5f, 20, 0.0125f];

    private static IEnumerable<TestCaseData<NetworkConfig>> Networks()
    {
        foreach (var (name, config) in TinyNetwork.Families)
            yield return Case(name, config);
        yield return Case("plain, outside", PlainConfig.Tiny);
        NetworkCatalog.Register<TransformerConfig>(TransformerConfig.Name);
        yield return Case("transformer, outside", new TransformerConfig { Resolution = 8, Width = 16, LabelCount = 3 });
        foreach (var prediction in Enum.GetValues<Prediction>())
            yield return Case($"prediction {prediction}", TinyNetwork.Config with { Prediction = prediction });
        foreach (var input in Enum.GetValues<NoiseInput>())
            yield return Case($"noise input {input}", TinyNetwork.Config with { NoiseInput = input });
        yield return Case("Fourier features", TinyNetwork.Config with { Embedding = NoiseEmbedding.Fourier });
        yield return Case("grey images", TinyNetwork.Config with { ImageChannels = 1 });
        yield return Case("K = 3", TinyNetwork.Config with { Branches = 3 });
        yield return Case("K = 2 of two parts", TinyNetwork.Families["pd"] with { Branches = 2, Prediction = Prediction.Both });
        yield return Case("K = 4, transformer", new TransformerConfig { Resolution = 8, Width = 16, Branches = 4 });

        static TestCaseData<NetworkConfig> Case(string name, NetworkConfig config) => new(config) { TestName = $"Network, {name}" };
    }

    [TestCaseSource(nameof(Networks))]
    public void A_network_denoises_as_ours_does(NetworkConfig config)
    {
        using var backend = new ReferenceBackend(1);
        using var network = TinyNetwork.Create(backend, config, 5);
        using var run = new OnnxRun(NetworkModel.Of(network));
        foreach (int n in new[] { 1, 3 })
            CheckSame(run, network, n);
    }

    [Test]
    public void Folded_heads_are_the_plain_network_that_they_stand_for()
    {
        using var backend = new ReferenceBackend(1);
        using var student = TinyNetwork.Create(backend, TinyNetwork.Config with { Branches = 3, StepCondition = true }, 6);
        using var folded = new FoldedNetwork(student, [0.5, 0.2, 0.3]);
        using var plain = BranchHead.Fold(student, [0.5, 0.2, 0.3]);
        using var run = new OnnxRun(NetworkModel.Of(folded));
        CheckSame(run, plain, 2);
    }

    [Test]
    public void The_same_network_makes_the_same_file()
    {
        using ReferenceBackend one = new(1), two = new(2);
        using Network first = TinyNetwork.Create(one, TinyNetwork.Config, 5), second = TinyNetwork.Create(two, TinyNetwork.Config, 5);
        Assert.That(NetworkModel.Of(second).ToArray(), Is.EqualTo(NetworkModel.Of(first).ToArray()));
    }

    [Test]
    public void A_class_that_there_is_not_stops_the_run()
    {
        using var backend = new ReferenceBackend(1);
        using var network = TinyNetwork.Create(backend, TinyNetwork.Config, 5);
        using var run = new OnnxRun(NetworkModel.Of(network));
        foreach (long outside in new[] { -1L, 3, 7 })
        {
            run.Images("x", new float[8 * 8 * 3], TinyNetwork.Images(network.Config, 1)).Floats("sigma", 1).Classes(outside);
            Assert.That(run.Run, Throws.Exception.With.Message.Contains("indices element out of data bounds"), $"class {outside}");
        }
    }

    /// <summary>Ours: c_skip x + c_out F of each head, in double precision from the heads.</summary>
    private static void CheckSame(OnnxRun run, INetwork network, int n)
    {
        var c = network.Config;
        var backend = network.Backend;
        var shape = TinyNetwork.Images(c, n);
        using var x = TinyNetwork.Normal(backend, shape, 9);
        run.Images("x", x.ToArray(), shape).Floats("sigma", s_sigmas[..n]);
        long[] classes = [.. Enumerable.Range(0, n).Select(i => (long)(c.LabelCount - 1 - i))];
        using var labels = c.LabelCount == 0 ? null : backend.Zeros(new Shape(n, c.LabelCount));
        if (labels is not null)
        {
            labels.Upload([.. classes.SelectMany(one => Enumerable.Range(0, c.LabelCount).Select(i => i == one ? 1f : 0f))]);
            run.Classes(classes);
        }
        using var step = c.StepCondition ? backend.FromArray([.. Enumerable.Repeat(4f, n)], new Shape(n)) : null;
        if (step is not null)
            run.Floats("step", step.ToArray());
        float[] theirs = run.Run();

        var denoiser = new Denoiser(network);
        using var tape = Tape.For(network, recording: false);
        float[] heads = denoiser.Heads(tape, x, [.. s_sigmas[..n].Select(s => (double)s)],
            new ForwardOptions(Labels: labels, Step: step)).Data.ToArray();
        float[] image = x.ToArray();
        int channels = c.ImageChannels, all = c.Branches * channels, each = c.Resolution * c.Resolution * all;
        Assert.That(theirs, Has.Length.EqualTo(heads.Length));
        for (int e = 0; e < heads.Length; e++)
        {
            var p = denoiser.At(s_sigmas[e / each]);
            double ours = p.Skip * image[e / all * channels + e % all % channels] + p.Out * heads[e];
            double scale = Math.Max(1, Math.Abs(p.Out));
            Assert.That(theirs[e], Is.EqualTo(ours).Within(1e-4 * scale), $"element {e} of {n} images");
        }
    }
}
