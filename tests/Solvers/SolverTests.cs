using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Training.Schedules;
using BDense.Training.Solvers;
using NUnit.Framework;

namespace BDense.Tests.Solvers;

public sealed class SolverTests
{
    private static readonly string[] Names = [.. SolverCatalog.All.Select(s => s.Name)];
    private static readonly GaussianMixture Data = new(0.5, (0.6, -1), (0.4, 1));

    private ReferenceBackend _backend = null!;

    [SetUp]
    public void Start() => _backend = new ReferenceBackend(1);

    [TearDown]
    public void End()
    {
        Assert.That(_backend.Pool.CurrentBytes, Is.Zero, "a solver kept a tensor");
        _backend.Dispose();
    }

    [TestCaseSource(nameof(Names))]
    public void Takes_as_many_evaluations_as_it_declares(string name)
    {
        var solver = SolverCatalog.Find(name);
        foreach (bool toZero in new[] { false, true })
        {
            foreach (bool afs in new[] { false, true })
            {
                var mixture = new GaussianMixture(0.5, (1, 0));
                using var x = Noise(8, 80);
                using var y = solver.Run(mixture.Denoise, x, ScheduleCatalog.Polynomial(0.006, 80).Grid(6, toZero),
                    new SolverOptions { AnalyticalFirstStep = afs });
                int steps = toZero ? 6 : 5;
                Assert.That(mixture.Evaluations, Is.EqualTo(solver.Evaluations(steps, toZero, afs)),
                    $"to zero {toZero}, analytical first step {afs}");
            }
        }
    }

    [TestCaseSource(nameof(Names))]
    public void Shows_every_step_and_leaves_its_start_alone(string name)
    {
        var t = ScheduleCatalog.LogSnr(0.01, 40).Grid(6);
        var seen = new List<(int Index, double Sigma, float First)>();
        using var x = Noise(8, 40);
        var before = x.ToArray();
        using var y = SolverCatalog.Find(name).Run(Data.Denoise, x, t,
            new SolverOptions { OnStep = s => seen.Add((s.Index, s.Sigma, s.State.ToArray()[0])) });
        Assert.That(x.ToArray(), Is.EqualTo(before));
        Assert.That(seen.Select(s => s.Index), Is.EqualTo(new[] { 1, 2, 3, 4, 5 }));
        Assert.That(seen.Select(s => s.Sigma), Is.EqualTo(t[1..]));
        Assert.That(seen[^1].First, Is.EqualTo(y.ToArray()[0]));
    }

    [TestCaseSource(nameof(Names))]
    public void A_step_to_zero_lands_on_the_data(string name)
    {
        // One narrow mode: every path ends within it.
        var narrow = new GaussianMixture(0.01, (1, 0.7));
        using var x = Noise(8, 80);
        using var y = SolverCatalog.Find(name)
            .Run(narrow.Denoise, x, ScheduleCatalog.Polynomial(0.002, 80).Grid(18, toZero: true), SolverOptions.Default);
        Assert.That(y.ToArray(), Is.All.EqualTo(0.7f).Within(0.05f));
    }

    [Test]
    public void The_analytical_first_step_is_Euler_with_unit_variance()
    {
        double[] t = [80, 10.93];
        using var x = Noise(8, 80);
        using var y = SolverCatalog.Euler(Data.Denoise, x, t, new SolverOptions { AnalyticalFirstStep = true });
        var from = x.ToArray();
        var to = y.ToArray();
        for (int i = 0; i < from.Length; i++)
            Assert.That(to[i], Is.EqualTo(from[i] + (t[1] - t[0]) * from[i] / Math.Sqrt(1 + t[0] * t[0])).Within(1e-4));
    }

    [Test]
    public void Churn_adds_noise_of_the_right_amount_and_repeats_with_its_key()
    {
        // Data at one point: D = 0, so without churn x shrinks by t'/t; the raised noise has standard deviation t^ before that.
        Denoise zero = (x, _) => x.Backend.FromArray(new float[x.Length], x.Shape);
        double[] t = [2, 1];
        using var x = _backend.FromArray(new float[4000], new Shape(4000));
        SolverOptions With(ulong seed) => new() { Churn = new Churn(0.3, 0.5, 5, 1.003, new RandomKey(seed, 7)) };
        using var a = SolverCatalog.Heun(zero, x, t, With(1));
        using var b = SolverCatalog.Heun(zero, x, t, With(1));
        using var c = SolverCatalog.Heun(zero, x, t, With(2));
        Assert.That(a.ToArray(), Is.EqualTo(b.ToArray()));
        Assert.That(a.ToArray(), Is.Not.EqualTo(c.ToArray()));
        double raised = 2 * 1.3, expected = Math.Sqrt(raised * raised - 4) * 1.003;
        // Heun on dx/dt = x / t is exact: the ray through 0.
        double deviation = Math.Sqrt(a.ToArray().Select(v => (double)v * v).Average()) * raised;
        Assert.That(deviation, Is.EqualTo(expected).Within(0.05 * expected));
    }

    [Test]
    public void Churn_outside_its_range_changes_nothing()
    {
        var t = ScheduleCatalog.Polynomial(0.1, 20).Grid(5);
        using var x = Noise(8, 20);
        using var plain = SolverCatalog.Heun(Data.Denoise, x, t, SolverOptions.Default);
        using var outside = SolverCatalog.Heun(Data.Denoise, x, t, new SolverOptions { Churn = new Churn(40, 30, 50) });
        Assert.That(outside.ToArray(), Is.EqualTo(plain.ToArray()));
    }

    [Test]
    public void An_unknown_name_lists_the_known_ones()
    {
        var e = Assert.Throws<UsageException>(() => SolverCatalog.Find("rk45"));
        Assert.That(e!.Message, Does.Contain("rk45").And.Contain("euler").And.Contain("dpmpp3m"));
    }

    [Test]
    public void Ddim_is_Euler() => Assert.That(SolverCatalog.Find("DDIM"), Is.SameAs(SolverCatalog.Find("euler")));

    [Test]
    public void Rising_levels_are_refused()
    {
        using var x = Noise(4, 1);
        var e = Assert.Throws<BDenseException>(() => SolverCatalog.Euler(Data.Denoise, x, [1.0, 2.0], SolverOptions.Default));
        Assert.That(e!.Message, Does.Contain("1").And.Contain("2"));
    }

    [TestCaseSource(nameof(Names))]
    public void Cancellation_between_steps_leaks_nothing(string name)
    {
        using var cancel = new CancellationTokenSource();
        using var x = Noise(4, 80);
        var options = new SolverOptions { Cancellation = cancel.Token, OnStep = s => { if (s.Index == 2) cancel.Cancel(); } };
        Assert.Throws<OperationCanceledException>(
            () => SolverCatalog.Find(name).Run(Data.Denoise, x, ScheduleCatalog.Polynomial(0.1, 80).Grid(6), options));
    }

    private Tensor Noise(int n, double sigma) =>
        _backend.FromArray([.. Enumerable.Range(0, n).Select(i => (float)(sigma * Philox.Normal(new RandomKey(3, 1), i)))], new Shape(n));
}
