using System.Globalization;
using BDense.Benchmarks.Workloads;
using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Model.Autodiff;
using BDense.Model.Checkpoints;
using BDense.Model.Networks;
using BDense.Peers;
using NUnit.Framework;
using static TorchSharp.torch;
using Tensor = BDense.Kernels.Tensor;

namespace BDense.Parity;

/// <summary>
/// Whole networks against libtorch: written as a checkpoint, read back as a state_dict, run through <see cref="TorchState"/>; the raw
/// output F and the gradient of sum(G F) with respect to every parameter and to the image.
/// </summary>
/// <remarks>
/// The error is the largest |ours - theirs| over the largest |theirs| of that tensor; for gradients, whose tensors differ by orders of
/// magnitude and may be zero in exact arithmetic (the keys' bias), over at least 1e-3 of the largest gradient of all.
/// The full networks, minutes and gigabytes each, are run by name: <c>--filter Name~Full</c>.
/// </remarks>
[TestFixture, Category("Libtorch")]
public sealed class NetworkParityTests
{
    private const int Samples = 2;

    private static readonly UNetConfig Narrow = new()
    {
        Resolution = 16,
        ModelChannels = 32,
        ChannelMultipliers = [1, 2],
        BlocksPerLevel = 2,
        AttentionResolutions = [8],
        Dropout = 0.1f,
    };

    /// <summary>Each family with all that it knows.</summary>
    private static readonly Dictionary<string, UNetConfig> Families = new()
    {
        ["ddpmpp"] = Narrow with { AugmentCount = 9 },
        ["ddpmpp, classes, step, K = 4"] = Narrow with
        {
            AugmentCount = 9,
            LabelCount = 10,
            StepCondition = true,
            Branches = 4,
            ChannelMultipliers = [2, 2],
            AttentionResolutions = [16],
        },
        ["adm, classes"] = Narrow with { Family = "adm", LabelCount = 10, ChannelsPerHead = 16, SkipScale = 1, Epsilon = 1e-5 },
        ["adm, classes, augmentation, step, K = 4"] = Narrow with
        {
            Family = "adm",
            LabelCount = 10,
            AugmentCount = 9,
            StepCondition = true,
            Branches = 4,
            ChannelsPerHead = 16,
            SkipScale = 1,
            Epsilon = 1e-5,
            ChannelMultipliers = [1, 2, 3],
            AttentionResolutions = [8, 4],
        },
        ["ddpm, K = 2"] = Narrow with
        {
            Family = "ddpm",
            SkipScale = 1,
            Groups = 8,
            Branches = 2,
            AttentionResolutions = [16],
            Prediction = Prediction.Eps,
            NoiseInput = NoiseInput.Timestep,
        },
        ["pd"] = Narrow with { Family = "pd", SkipScale = 1, Groups = 8, Prediction = Prediction.X, NoiseInput = NoiseInput.InverseCosine },
        ["pd, classes, image and noise, K = 2"] = Narrow with
        {
            Family = "pd",
            SkipScale = 1,
            Groups = 8,
            LabelCount = 10,
            ChannelsPerHead = 16,
            Branches = 2,
            Prediction = Prediction.Both,
            NoiseInput = NoiseInput.InverseCosine,
        },
        ["guided"] = Guided with { EmbeddingPeriod = 1000 },
        ["guided, convolutions, qkv by head"] = Guided with { Resampler = Resampler.Convolution, QkvByHead = true },
        ["guided, blocks, classes, scale and shift, K = 2"] = Guided with
        {
            Resampler = Resampler.Block,
            AdaptiveScale = true,
            LabelCount = 10,
            Branches = 2,
        },
    };

    private static UNetConfig Guided => Narrow with
    {
        Family = "guided",
        SkipScale = 1,
        Groups = 8,
        Epsilon = 1e-5,
        ChannelsPerHead = 16,
        Prediction = Prediction.Eps,
        NoiseInput = NoiseInput.Timestep,
    };

    private static IEnumerable<string> Names => Families.Keys;

    [OneTimeSetUp]
    public void Open()
    {
        if (Libtorch.WhyNot() is { } reason)
            Assert.Ignore(reason);
        set_num_threads(Environment.ProcessorCount);
    }

    [TestCaseSource(nameof(Names))]
    public void Narrow_network(string name) => Compare(name, Families[name], 1e-4);

    [Explicit("a minute and gigabytes each")]
    [TestCase("edm-cifar10", 1)]
    [TestCase("edm-cifar10-cond", 1)]
    [TestCase("sfd-cifar10", 4)]
    [TestCase("ddpm-cifar10", 2)]
    [TestCase("pd-cifar10", 1)]
    [TestCase("edm-ffhq64", 1)]
    [TestCase("edm-imagenet64", 1)]
    [TestCase("sfd-imagenet64", 4)]
    [TestCase("pd-imagenet64", 1)]
    [TestCase("unet-cu", 1)]
    [TestCase("unet-cu", 4)]
    public void Full_network(string name, int branches) =>
        Compare(name, NetworkCatalog.FindUNet(name) with { Branches = branches }, 1e-3, samples: 1);

    private static void Compare(string name, UNetConfig config, double tolerance, int samples = Samples)
    {
        string folder = Directory.CreateTempSubdirectory("bdense-parity-").FullName;
        try
        {
            var (output, gradients, x) = Ours(config, samples, folder);
            using var scope = NewDisposeScope();
            var file = SafeTensors.Read(Path.Combine(folder, "weights.safetensors"));
            using TorchState theirs = config.Family switch
            {
                "ddpm" or "pd" => new TorchDdpm(file, config),
                "guided" => new TorchGuided(file, config),
                _ => new TorchEdm(file, config),
            };
            var image = Inputs(config, samples);
            var input = Layout.ChannelsSecond(image.X, image.Images, channelsLast: false);
            input.requires_grad = true;
            var y = theirs.Forward(input, tensor(image.Noise), Rows(image.Labels, samples), Rows(image.Augment, samples),
                image.Step is null ? null : tensor(image.Step));
            var names = theirs.Tensors.Keys.ToList();
            var g = Layout.ChannelsSecond(image.G,
                new Shape(samples, config.Resolution, config.Resolution, config.Branches * config.HeadChannels), channelsLast: false);
            var d = autograd.grad([y], [.. names.Select(n => theirs.Tensors[n]), input], [g]);

            double forward = Error(output, Layout.ChannelsLast(y), 0);
            double largest = d.Take(names.Count).Max(t => t.abs().max().item<float>());
            var errors = names.Select((n, i) => (Name: n, Error: Error(gradients[n].Data, Layout.Values(d[i]), 1e-3 * largest)))
                .Append((Name: "the image", Error: Error(x, Layout.ChannelsLast(d[^1]), 0))).ToList();
            var worst = errors.MaxBy(e => e.Error);
            TestContext.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{name}: maximum relative error {forward:0.0e+0} forward, {worst.Error:0.0e+0} gradient ({worst.Name}), "
                    + $"{names.Count} tensors"));
            Assert.That(names, Is.EquivalentTo(gradients.Keys.Where(n => !n.EndsWith("resample_filter", StringComparison.Ordinal))));
            Assert.That(forward, Is.LessThan(tolerance));
            Assert.That(worst.Error, Is.LessThan(tolerance), worst.Name);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Our side, with the weights left in a file, and the gradients as a checkpoint stores weights.</summary>
    private static (float[] Output, IReadOnlyDictionary<string, HostTensor> Gradients, float[] ImageGradient) Ours(UNetConfig config,
        int samples, string folder)
    {
        using var backend = new ReferenceBackend();
        using var network = new Network(backend, config, seed: null);
        var flat = new float[network.Parameters.Values.Length];
        int seed = 100;
        foreach (var p in network.Parameters.All)
        {
            // Of sizes where each matters, unlike initial values: variance 1/fan-in, gamma near 1, biases near 0.
            bool gamma = p.Shape.Rank == 1 && p.Name.EndsWith("weight", StringComparison.Ordinal);
            double width = p.Shape.Rank == 1 ? 0.3 : Math.Sqrt(3.0 * p.Shape[0] / p.Shape.Length);
            float[] u = Workload.Uniform(p.Shape.Length, seed++);
            for (int i = 0; i < u.Length; i++)
                flat[p.Offset + i] = (float)((gamma ? 1 : 0) + width * u[i]);
        }
        network.Parameters.Values.Upload(flat);
        network.Parameters.EnableGradients();
        Checkpoint.Save(Path.Combine(folder, "weights.safetensors"), network);

        var image = Inputs(config, samples);
        using Tensor x = backend.FromArray(image.X, image.Images), noise = backend.FromArray(image.Noise, new Shape(samples));
        using var labels = image.Labels is null ? null : backend.FromArray(image.Labels, new Shape(samples, config.LabelCount));
        using var augment = image.Augment is null ? null : backend.FromArray(image.Augment, new Shape(samples, config.AugmentCount));
        using var step = image.Step is null ? null : backend.FromArray(image.Step, new Shape(samples));
        using var tape = Tape.For(network, recording: true);
        var input = tape.Input(x, requiresGradient: true);
        var y = network.Forward(tape, input, noise, new ForwardOptions(null, labels, augment, step));
        float[] output = y.Data.ToArray();
        using (var g = backend.FromArray(image.G, y.Shape))
            tape.Backward(y, g);
        Checkpoint.Save(Path.Combine(folder, "gradients.safetensors"), network, network.Parameters.Gradients);
        return (output, SafeTensors.Read(Path.Combine(folder, "gradients.safetensors")).Tensors, input.Gradient!.ToArray());
    }

    private sealed record NetworkInputs(Shape Images, float[] X, float[] G, float[] Noise, float[]? Labels, float[]? Augment,
        float[]? Step);

    private static NetworkInputs Inputs(UNetConfig c, int n)
    {
        var images = new Shape(n, c.Resolution, c.Resolution, c.ImageChannels);
        bool numbered = c.NoiseInput != NoiseInput.LogSigma;
        return new NetworkInputs(images, Workload.Uniform(images.Length, 1),
            Workload.Uniform(images.Length / c.ImageChannels * c.HeadChannels * c.Branches, 2),
            [.. Workload.Uniform(n, 3).Select(u => numbered ? 500 + 499 * u : u)], Of(c.LabelCount, 4), Of(c.AugmentCount, 5),
            c.StepCondition ? [.. Enumerable.Range(4, n).Select(i => (float)i)] : null);

        float[]? Of(int width, int seed) => width == 0 ? null : Workload.Uniform(n * width, seed);
    }

    private static Torch? Rows(float[]? values, int n) => values is null ? null : tensor(values, n, values.Length / n);

    private static double Error(float[] ours, float[] theirs, double least)
    {
        Assert.That(ours, Has.Length.EqualTo(theirs.Length));
        double difference = 0, size = least;
        for (int i = 0; i < ours.Length; i++)
        {
            difference = Math.Max(difference, Math.Abs((double)ours[i] - theirs[i]));
            size = Math.Max(size, Math.Abs(theirs[i]));
        }
        return difference / Math.Max(size, 1e-30);
    }
}
