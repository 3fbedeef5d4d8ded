using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Reference;
using BDense.Model.Autodiff;
using BDense.Model.Networks;
using NUnit.Framework;

namespace BDense.Tests.Networks;

public sealed class DenoiserTests
{
    private static readonly Prediction[] Predictions = Enum.GetValues<Prediction>();

    // A network that knows image and noise: whatever it predicts, D is the image. z = alpha x_sigma, alpha^2 + sigma_vp^2 = 1.
    [Test]
    public void A_perfect_prediction_gives_the_image([Values(0.002, 0.5, 1.0, 80.0)] double sigma, [ValueSource(nameof(Predictions))]
    Prediction prediction)
    {
        const double Image = 0.37, Noise = -1.2;
        double x = Image + sigma * Noise, alpha = 1 / Math.Sqrt(1 + sigma * sigma), sigmaVp = sigma * alpha;
        var p = Preconditioning.At(prediction, sigma, 0.5);
        double f = prediction switch
        {
            Prediction.Eps => Noise,
            Prediction.X => Image,
            // Both are merged to v before the coefficients meet them.
            Prediction.V or Prediction.Both => alpha * Noise - sigmaVp * Image,
            // Karras et al. 2022, eq. 8: what makes the effective target of F unit variance.
            _ => (Image - 0.25 / (sigma * sigma + 0.25) * x) / (sigma * 0.5 / Math.Sqrt(sigma * sigma + 0.25)),
        };
        Assert.That(p.Skip * x + p.Out * f, Is.EqualTo(Image).Within(1e-9 * (1 + sigma)));
        Assert.That(p.Noise, Is.EqualTo(Math.Log(sigma) / 4));
        Assert.That(p.In, Is.EqualTo(1 / Math.Sqrt(sigma * sigma + (prediction == Prediction.Edm ? 0.25 : 1))).Within(1e-12));
    }

    [TestCase(0)]
    [TestCase(-1)]
    [TestCase(double.NaN)]
    [TestCase(double.PositiveInfinity)]
    public void Noise_levels_are_positive(double sigma) =>
        Assert.That(() => Preconditioning.At(Prediction.Edm, sigma, 0.5), Throws.TypeOf<ArgumentOutOfRangeException>());

    [Test]
    public void Mixed_noise_levels_equal_one_at_a_time()
    {
        using var backend = new ReferenceBackend(1);
        using var network = TinyNetwork.Create(backend, TinyNetwork.Config, seed: 1);
        var denoiser = new Denoiser(network);
        double[] sigmas = [0.05, 1.5, 40];
        using var x = TinyNetwork.Normal(backend, TinyNetwork.Images(network.Config, sigmas.Length), 2);
        using var tape = new Tape(backend, recording: false);
        var heads = denoiser.Heads(tape, x, sigmas);
        var shape = TinyNetwork.Images(network.Config, 1);
        for (int n = 0; n < sigmas.Length; n++)
        {
            using var one = x.View(n * shape.Length, shape);
            using var d = denoiser.Denoise(one, sigmas[n]);
            var p = denoiser.At(sigmas[n]);
            var (xs, ds) = (one.ToArray(), d.ToArray());
            for (int i = 0; i < shape.Length; i++)
                Assert.That(ds[i], Is.EqualTo(p.Skip * xs[i] + p.Out * heads.Data.ToArray()[n * shape.Length + i]).Within(1e-4));
        }
    }

    [Test]
    public void A_network_of_several_branches_has_no_single_image()
    {
        using var backend = new DryRunBackend();
        using var network = new Network(backend, TinyNetwork.Config with { Branches = 2 }, seed: null);
        using var x = backend.Empty(TinyNetwork.Images(network.Config, 1));
        long before = backend.Pool.CurrentBytes;
        Assert.That(() => new Denoiser(network).Denoise(x, 1), Throws.TypeOf<BDenseException>().With.Message.Contains("fold"));
        Assert.That(backend.Pool.CurrentBytes, Is.EqualTo(before));
    }
}
