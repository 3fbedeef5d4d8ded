using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Training.Schedules;
using BDense.Training.Solvers;
using NUnit.Framework;

namespace BDense.Tests.Solvers;

/// <summary>Every solver's error falls with the number of steps as its order says, on ODEs whose solution is known.</summary>
public sealed class OrderOfConvergenceTests
{
    private static readonly GaussianMixture One = new(0.8, (1, 0.5));
    private static readonly GaussianMixture Three = new(0.4, (0.5, -1.2), (0.3, 0.4), (0.2, 1.6));

    private ReferenceBackend _backend = null!;

    [SetUp]
    public void Start() => _backend = new ReferenceBackend(1);

    [TearDown]
    public void End() => _backend.Dispose();

    // So many steps that the first, of order 1, no longer matter, and so few that truncation stands well above float32's rounding.
    [TestCase("euler", 24, 0.9, 1.1)]
    [TestCase("heun", 24, 1.8, 2.2)]
    [TestCase("dpm2", 24, 1.8, 2.2)]
    [TestCase("dpmpp2m", 48, 1.8, 2.2)]
    [TestCase("dpmpp3m", 48, 1.8, 2.4)]
    [TestCase("dpmpp3m-exact", 48, 2.7, 3.7)]
    [TestCase("ipndm", 24, 1.8, 2.3)]
    [TestCase("dpm2m-eps", 48, 1.8, 2.2)]
    [TestCase("dpm3m-eps", 48, 1.6, 2.4)]
    [TestCase("unipc-bh1", 8, 3.4, 5.5)]
    [TestCase("unipc-bh2", 8, 3.4, 5.5)]
    [TestCase("deis-tab", 12, 3.4, 5.4)]
    [TestCase("lms", 24, 3.2, 4.6)]
    public void On_one_Gaussian(string name, int steps, double low, double high) =>
        Assert.That(Slope(name, One, One.SolveExactly, ScheduleCatalog.Polynomial(0.3, 20), steps), Is.InRange(low, high));

    [TestCase("euler", 24, 0.9, 1.1)]
    [TestCase("heun", 24, 1.8, 2.2)]
    [TestCase("dpm2", 24, 1.8, 2.2)]
    [TestCase("dpmpp2m", 24, 1.8, 2.3)]
    [TestCase("dpmpp3m", 48, 1.6, 2.2)]
    [TestCase("dpmpp3m-exact", 24, 2.8, 3.4)]
    [TestCase("ipndm", 24, 1.8, 2.3)]
    [TestCase("dpm2m-eps", 24, 1.8, 2.3)]
    [TestCase("dpm3m-eps", 48, 1.6, 2.4)]
    [TestCase("unipc-bh1", 24, 3.4, 5.2)]
    [TestCase("unipc-bh2", 24, 3.4, 5.2)]
    [TestCase("deis-tab", 24, 3.2, 4.6)]
    [TestCase("lms", 24, 3.2, 4.6)]
    public void On_a_mixture(string name, int steps, double low, double high) =>
        Assert.That(Slope(name, Three, Three.Solve, ScheduleCatalog.Polynomial(0.1, 20), steps), Is.InRange(low, high));

    [Test]
    public void Ipndm_gains_its_full_order_on_even_steps() =>
        Assert.That(Slope("ipndm", One, One.SolveExactly, new Schedule("even", 1, 10, u => 10 - 9 * u), 48), Is.InRange(3.2, 4.3));

    [Test]
    public void The_published_third_order_update_beats_the_second_at_few_steps() =>
        Assert.That(Error("dpmpp3m", Three, Three.Solve, ScheduleCatalog.Polynomial(0.1, 20), 12, 0),
            Is.LessThan(0.5 * Error("dpmpp2m", Three, Three.Solve, ScheduleCatalog.Polynomial(0.1, 20), 12, 0)));

    [TestCase(1, 0.8, 1.3)]
    [TestCase(2, 1.7, 2.5)]
    public void A_lower_order_can_be_asked_for(int order, double low, double high) =>
        Assert.That(Slope("dpmpp3m", One, One.SolveExactly, ScheduleCatalog.Polynomial(0.1, 20), 24, order), Is.InRange(low, high));

    [Test]
    public void Lower_order_final_ends_with_orders_two_and_one()
    {
        // With D a constant all orders agree; with it linear in ln sigma only order 2 and more are exact, so the last step must err.
        var t = ScheduleCatalog.LogSnr(0.1, 10).Grid(9);
        Denoise linear = (x, sigma) => x.Backend.FromArray(Enumerable.Repeat((float)Math.Log(sigma), x.Length).ToArray(), x.Shape);
        using var start = _backend.FromArray(new float[4], new Shape(4));
        using var full = SolverCatalog.DpmSolverPlusPlus2M(linear, start, t, new SolverOptions { LowerOrderFinal = false });
        using var lower = SolverCatalog.DpmSolverPlusPlus2M(linear, start, t, SolverOptions.Default);
        double difference = Math.Abs(full.ToArray()[0] - lower.ToArray()[0]);
        // Between the two: phi1 / 2 (D_0 - D_1) / r_0 in the last step, which here is (1 - t'/t) / 2 * h with r_0 = 1.
        double h = Math.Log(t[7] / t[8]);
        Assert.That(difference, Is.EqualTo((1 - t[8] / t[7]) / 2 * h).Within(1e-5));
    }

    /// <summary>log2 of the ratio of the root mean square errors with n and 2n steps.</summary>
    private double Slope(string name, GaussianMixture mixture, Func<double, double, double, double> solution, Schedule schedule, int steps,
        int order = 0)
    {
        double coarse = Error(name, mixture, solution, schedule, steps, order),
            fine = Error(name, mixture, solution, schedule, 2 * steps, order);
        TestContext.Out.WriteLine(FormattableString.Invariant($"{name}: {coarse:g4} with {steps} steps, {fine:g4} with {2 * steps}"));
        return Math.Log2(coarse / fine);
    }

    private double Error(string name, GaussianMixture mixture, Func<double, double, double, double> solution, Schedule schedule,
        int steps, int order)
    {
        var start = Enumerable.Range(0, 16).Select(i => (float)(schedule.SigmaMax * (-1.6 + 3.1 * i / 15))).ToArray();
        using var x = _backend.FromArray(start, new Shape(start.Length));
        using var end = SolverCatalog.Find(name)
            .Run(mixture.Denoise, x, schedule.Grid(steps + 1), new SolverOptions { LowerOrderFinal = false, Order = order });
        var got = end.ToArray();
        return Math.Sqrt(start.Select((v, i) => Math.Pow(got[i] - solution(v, schedule.SigmaMax, schedule.SigmaMin), 2)).Average());
    }
}
