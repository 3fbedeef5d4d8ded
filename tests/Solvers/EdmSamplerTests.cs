using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Model.Networks;
using BDense.Tests.Networks;
using BDense.Training.Samplers;
using BDense.Training.Schedules;
using BDense.Training.Solvers;
using NUnit.Framework;

namespace BDense.Tests.Solvers;

/// <summary>
/// The final samples of EDM's sampler, down to sigma 0, against the algorithm written from the paper, from the same noise.
/// </summary>
public sealed class EdmSamplerTests
{
    private const int Images = 3;

    private static readonly UNetConfig Config = TinyNetwork.Config with { LabelCount = 0, AugmentCount = 0, Dropout = 0 };

    private ReferenceBackend _backend = null!;

    [SetUp]
    public void Start() => _backend = new ReferenceBackend(1);

    [TearDown]
    public void End()
    {
        Assert.That(_backend.Pool.CurrentBytes, Is.Zero);
        _backend.Dispose();
    }

    // The paper's settings for CIFAR-10, those of its stochastic sampler for ImageNet, and churn at every level.
    [TestCase("edm", 18, 0, 0, 0, 1)]
    [TestCase("edm-ffhq64", 40, 0, 0, 0, 1)]
    [TestCase("edm-imagenet64", 40, 40, 0.05, 50, 1.003)]
    [TestCase("edm", 18, 30, 0, double.PositiveInfinity, 1.007)]
    public void Ends_where_the_papers_algorithm_ends(string preset, int steps, double churn, double low, double high, double scale)
    {
        using var network = TinyNetwork.Create(_backend, Config, seed: 4);
        var sampler = SamplerBuilder.Build(network, SamplerPresets.Find(preset).Options with
        {
            Steps = steps,
            Churn = churn,
            ChurnMin = churn > 0 ? low : null,
            ChurnMax = churn > 0 && double.IsFinite(high) ? high : null,
            ChurnNoise = churn > 0 ? scale : null,
        });
        Assert.That(sampler.Evaluations, Is.EqualTo(2 * steps - 1));
        var draws = ImageDraws.Of(11);
        float[] got = Sampling.Generate(network, sampler.Run, draws, Images, 2, sampler.Sigma);

        var denoiser = new Denoiser(network);
        double[] expected = EdmSampler.Sample(Denoised, Drawn(y => draws.Start(y, 0, 1)), EdmSampler.Steps(steps, 7, 0.002, 80), churn, low,
            high, scale, i => Drawn(y => draws.Fresh(y, 0, i)));
        double worst = got.Zip(expected, (a, b) => Math.Abs(a - b)).Max();
        TestContext.Out.WriteLine(FormattableString.Invariant($"largest difference {worst:g3}, largest value {expected.Max(Math.Abs):g3}"));
        Assert.That(worst, Is.LessThan(1e-5));
        Assert.That(expected.Max(Math.Abs), Is.InRange(0.1, 10));

        // As EDM calls its networks: the state is a double, the network sees a float.
        double[] Denoised(double[] x, double sigma)
        {
            using var state = _backend.FromArray([.. x.Select(v => (float)v)], TinyNetwork.Images(Config, Images));
            using var d = denoiser.Denoise(state, sigma);
            return [.. d.ToArray().Select(v => (double)v)];
        }
    }

    [TestCase(0)]
    [TestCase(40)]
    public void Ends_there_with_a_denoiser_in_double_precision(double churn)
    {
        var mixture = new GaussianMixture(0.3, (0.5, -1.2), (0.3, 0.4), (0.2, 1.6));
        double[] t = EdmSampler.Steps(18, 7, 0.002, 80);
        var draws = ImageDraws.Of(3);
        using var x = _backend.Empty(TinyNetwork.Images(Config, Images));
        draws.Start(x, 0, 80);
        using var y = SolverCatalog.Heun(mixture.Denoise, x, ScheduleCatalog.Polynomial(0.002, 80).Grid(18, toZero: true), new SolverOptions
        {
            Churn = churn == 0 ? null : new Churn(churn, 0.05, 50, 1.003) { Fresh = (i, noise) => draws.Fresh(noise, 0, i) },
        });
        double[] expected = EdmSampler.Sample((state, sigma) => [.. state.Select(v => mixture.Expected(v, sigma))],
            Drawn(n => draws.Start(n, 0, 1)), t, churn, 0.05, 50, 1.003,
            i => Drawn(n => draws.Fresh(n, 0, i)));
        double worst = y.ToArray().Zip(expected, (a, b) => Math.Abs(a - b)).Max();
        TestContext.Out.WriteLine(FormattableString.Invariant($"largest difference {worst:g3}"));
        Assert.That(worst, Is.LessThan(1e-5));
    }

    private double[] Drawn(Action<Tensor> draw)
    {
        using var y = _backend.Empty(TinyNetwork.Images(Config, Images));
        draw(y);
        return [.. y.ToArray().Select(v => (double)v)];
    }
}
