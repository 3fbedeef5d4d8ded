using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Training.Solvers;
using NUnit.Framework;

namespace BDense.Tests.Solvers;

public sealed class AmedFixedTests
{
    private static readonly GaussianMixture Data = new(0.4, (0.6, -1), (0.4, 1));
    private static readonly double[] Grid = [20, 4, 0.9, 0.1];

    private ReferenceBackend _backend = null!;

    [SetUp]
    public void Start() => _backend = new ReferenceBackend(1);

    [TearDown]
    public void End()
    {
        Assert.That(_backend.Pool.CurrentBytes, Is.Zero, "a tensor was kept");
        _backend.Dispose();
    }

    [TestCase(false)]
    [TestCase(true)]
    public void With_r_one_half_and_c_one_it_is_DPM_Solver_2(bool toZero)
    {
        double[] t = toZero ? [.. Grid, 0] : Grid, half = [.. Grid.Select(_ => 0.5)], one = [.. Grid.Select(_ => 1.0)];
        using var x = Noise(1);
        var mixture = new GaussianMixture(0.4, (0.6, -1), (0.4, 1));
        using Tensor got = SolverCatalog.AmedFixed(half[..(t.Length - 1)], one[..(t.Length - 1)])(mixture.Denoise, x, t,
            SolverOptions.Default), expected = SolverCatalog.DpmSolver2(Data.Denoise, x, t, SolverOptions.Default);
        Assert.That(got.ToArray(), Is.EqualTo(expected.ToArray()).Within(1e-5f));
        Assert.That(mixture.Evaluations, Is.EqualTo(6 + (toZero ? 1 : 0)));
        Assert.Throws<BDenseException>(() => SolverCatalog.AmedFixed(half, one)(Data.Denoise, x, [3, 2], SolverOptions.Default));
    }

    // x' = x + c (t' - t) (y - D(y; s)) / s with y = x + (s - t) (x - D(x; t)) / t and s = t'^r t^(1-r), by hand.
    [Test]
    public void A_step_is_as_published()
    {
        double r = 0.3, c = 1.1, t = 4, to = 1.5, s = Math.Pow(to, r) * Math.Pow(t, 1 - r), x = 2.5;
        double y = x + (s - t) * (x - Data.Expected(x, t)) / t, expected = x + c * (to - t) * (y - Data.Expected(y, s)) / s;
        using var start = _backend.FromArray([2.5f], new Shape(1, 1));
        using var end = SolverCatalog.AmedFixed([r], [c])(Data.Denoise, start, [t, to], SolverOptions.Default);
        Assert.That(end.ToArray()[0], Is.EqualTo(expected).Within(1e-5));
    }

    [Test]
    public void Its_own_numbers_are_found_again()
    {
        double[] ratios = [0.35, 0.62, 0.48], scales = [0.97, 1.04, 1.01];
        using Tensor a = Noise(1), b = Noise(2);
        var targets = new[] { a, b }.Select(x => Ends(SolverCatalog.AmedFixed(ratios, scales), x)).ToArray();
        var (gotRatios, gotScales) = AmedFit.Fit([(Data.Denoise, a), (Data.Denoise, b)], Grid, targets);
        Assert.That(gotRatios, Is.EqualTo(ratios).Within(0.02));
        Assert.That(gotScales, Is.EqualTo(scales).Within(0.02));
    }

    [Test]
    public void On_other_noises_it_beats_DPM_Solver_2()
    {
        using Tensor fit = Noise(3), other = Noise(4);
        var (ratios, scales) = AmedFit.Fit([(Data.Denoise, fit)], Grid, [Exact(fit)]);
        float[] exact = Exact(other)[^1];
        double own = Rms(Ends(SolverCatalog.AmedFixed(ratios, scales), other)[^1], exact),
            plain = Rms(Ends(SolverCatalog.DpmSolver2, other)[^1], exact);
        TestContext.Out.WriteLine(FormattableString.Invariant($"{plain:g4} DPM-Solver-2, {own:g4} fitted"));
        Assert.That(own, Is.LessThan(0.7 * plain));
    }

    private float[][] Ends(SolverFunction solver, Tensor x)
    {
        var ends = new List<float[]>();
        using var end = solver(Data.Denoise, x, Grid, new SolverOptions { OnStep = s => ends.Add(s.State.ToArray()) });
        return [.. ends];
    }

    private static float[][] Exact(Tensor x) =>
        [.. Grid[1..].Select(to => x.ToArray().Select(v => (float)Data.Solve(v, Grid[0], to)).ToArray())];

    private Tensor Noise(uint key)
    {
        var values = new float[48];
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)(Grid[0] * Philox.Normal(new RandomKey(5, key), i));
        return _backend.FromArray(values, new Shape(6, 8));
    }

    private static double Rms(float[] a, float[] b) => Math.Sqrt(a.Zip(b, (x, y) => Math.Pow(x - y, 2)).Average());
}
