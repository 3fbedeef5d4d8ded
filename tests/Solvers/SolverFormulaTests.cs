using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Training.Solvers;
using NUnit.Framework;

namespace BDense.Tests.Solvers;

/// <summary>Single steps and coefficients against the published formulas, written out by hand.</summary>
public sealed class SolverFormulaTests
{
    private static readonly double[] Sigmas = [10, 6, 3.5, 2.2, 1.1];

    private ReferenceBackend _backend = null!;

    [SetUp]
    public void Start() => _backend = new ReferenceBackend(1);

    [TearDown]
    public void End()
    {
        Assert.That(_backend.Pool.CurrentBytes, Is.Zero);
        _backend.Dispose();
    }

    // Adams-Bashforth of order 2 on uneven steps, and of orders 3 and 4 on even ones.
    [Test]
    public void Extrapolation_in_sigma_is_Adams_Bashforth()
    {
        double h = Sigmas[2] - Sigmas[1], before = Sigmas[1] - Sigmas[0];
        Assert.That(SolverCatalog.ExtrapolationWeights(s => s, Sigmas, 1, 2),
            Is.EqualTo(new[] { h * (1 + h / (2 * before)), -h * h / (2 * before) }).Within(1e-12));
        double[] even = [10, 8, 6, 4, 2];
        Assert.That(SolverCatalog.ExtrapolationWeights(s => s, even, 3, 3),
            Is.EqualTo(new[] { -2 * 23 / 12.0, 2 * 16 / 12.0, -2 * 5 / 12.0 }).Within(1e-12));
        Assert.That(SolverCatalog.ExtrapolationWeights(s => s, even, 3, 4),
            Is.EqualTo(new[] { -110 / 24.0, 118 / 24.0, -74 / 24.0, 18 / 24.0 }).Within(1e-11));
    }

    // Whatever the time, a constant slope is integrated exactly, and one that is linear in that time by two points.
    [Test]
    public void Extrapolation_in_another_time_is_exact_for_its_polynomials()
    {
        double[] w = SolverCatalog.ExtrapolationWeights(Math.Log, Sigmas, 2, 3);
        Assert.That(w.Sum(), Is.EqualTo(Sigmas[3] - Sigmas[2]).Within(1e-12));
        // The integral of ln(sigma)^2 is sigma (ln^2 - 2 ln + 2).
        double Integral(double s) => s * (Math.Log(s) * Math.Log(s) - 2 * Math.Log(s) + 2);
        Assert.That(w.Select((v, j) => v * Math.Pow(Math.Log(Sigmas[2 - j]), 2)).Sum(),
            Is.EqualTo(Integral(Sigmas[3]) - Integral(Sigmas[2])).Within(1e-11));
    }

    // D = f(lambda), the same for every x: what each method makes of polynomials in lambda = -ln sigma is known. In data prediction
    // x(t') = (t'/t) x + t' * integral of e^lambda f; UniPC-3 with its corrector is exact for f of degree 3, 2 and 1.
    [TestCase("unipc-bh1", 1)]
    [TestCase("unipc-bh2", 1)]
    [TestCase("unipc-bh1", 2)]
    [TestCase("unipc-bh2", 2)]
    public void UniPC_integrates_polynomials_of_the_log_SNR(string name, int degree)
    {
        double[] t = [4, 3, 2.2, 1.7, 1.2];
        Denoise f = (x, sigma) =>
            x.Backend.FromArray(Enumerable.Repeat((float)Math.Pow(-Math.Log(sigma), degree), x.Length).ToArray(), x.Shape);
        var seen = new List<double>();
        using var start = _backend.FromArray([0f], new Shape(1));
        using var end = SolverCatalog.Find(name).Run(f, start, t, new SolverOptions
        {
            LowerOrderFinal = false,
            OnStep = s => seen.Add(s.State.ToArray()[0]),
        });
        // The last step, of order 3 and without a corrector, from the state before it.
        double Primitive(double s)
        {
            double l = -Math.Log(s);
            return Math.Exp(l) * (degree == 1 ? l - 1 : l * l - 2 * l + 2);
        }
        double expected = t[4] / t[3] * seen[^2] + t[4] * (Primitive(t[4]) - Primitive(t[3]));
        Assert.That(seen[^1], Is.EqualTo(expected).Within(2e-6));
    }

    [Test]
    public void The_noise_prediction_steps_are_as_published()
    {
        // Slopes e_0 = 2, e_1 = 3 at one step of order 2, by x - t' phi1 e_0 - t' phi1 / 2 (e_0 - e_1) / r_0.
        double[] t = [4, 2, 1.5];
        int call = 0;
        Denoise denoise = (x, sigma) =>
        {
            float e = call++ == 0 ? 3 : 2;
            return x.Backend.FromArray([(float)(x.ToArray()[0] - sigma * e)], x.Shape);
        };
        using var start = _backend.FromArray([10f], new Shape(1));
        using var end = SolverCatalog.DpmSolverEps2M(denoise, start, t, new SolverOptions { LowerOrderFinal = false });
        double first = 10 + (2 - 4) * 3, h = Math.Log(2 / 1.5), r0 = Math.Log(2) / h, phi1 = Math.Exp(h) - 1;
        Assert.That(end.ToArray()[0], Is.EqualTo(first - 1.5 * phi1 * 2 - 0.5 * 1.5 * phi1 * (2 - 3) / r0).Within(1e-5));
    }

    [Test]
    public void A_dynamic_threshold_clamps_each_sample_at_its_quantile()
    {
        float[] small = [0.1f, -0.5f, 0.3f, 0.2f, 0.9f], large = [4f, -2f, 1f, -3f, 0f];
        Denoise raw = (x, _) => x.Backend.FromArray([.. small, .. large], x.Shape);
        using var x = _backend.FromArray(new float[10], new Shape(2, 5));
        using var d = SolverCatalog.DynamicThreshold(raw, 0.875)(x, 1);
        // |large| sorted 0 1 2 3 4, rank 3.5: s = 3.5; the small sample's s is 1.
        Assert.That(d.ToArray(), Is.EqualTo(new[] { 0.1f, -0.5f, 0.3f, 0.2f, 0.9f, 1f, -2 / 3.5f, 1 / 3.5f, -3 / 3.5f, 0f }).Within(1e-6f));
        Assert.That(() => SolverCatalog.DynamicThreshold(raw, 0), Throws.TypeOf<UsageException>());
    }
}
