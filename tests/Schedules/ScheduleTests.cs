using BDense.Kernels;
using BDense.Training.Schedules;
using NUnit.Framework;

namespace BDense.Tests.Schedules;

public sealed class ScheduleTests
{
    [Test]
    public void Polynomial_agrees_with_published_nodes()
    {
        var student = ScheduleCatalog.Polynomial(0.006, 80).Grid(4);
        var teacher = ScheduleCatalog.Polynomial(0.006, 80).Grid(13);
        double[] expected = [80, 51.157, 31.730, 19.003, 10.929, 5.994, 3.107, 1.5045, 0.6699, 0.2683, 0.0936, 0.0271, 0.006];
        Assert.That(student, Is.EqualTo(new[] { 80, 10.9293, 0.6699, 0.006 }).Within(1e-4));
        for (int i = 0; i < expected.Length; i++)
            Assert.That(teacher[i], Is.EqualTo(expected[i]).Within(0.0006), $"node {i}");
    }

    [Test]
    public void LogSnr_is_a_geometric_sequence() =>
        Assert.That(ScheduleCatalog.LogSnr(0.01, 100).Grid(5), Is.EqualTo(new[] { 100, 10, 1, 0.1, 0.01 }).Within(1e-12));

    [Test]
    public void Cosine_is_progressive_distillations_log_snr()
    {
        // lambda(t) = -2 ln tan(a t + b), b = atan(e^(-20/2)), a = atan(e^(20/2)) - b.
        double b = Math.Atan(Math.Exp(-10)), a = Math.Atan(Math.Exp(10)) - b;
        var grid = ScheduleCatalog.Cosine(Math.Exp(-10), Math.Exp(10)).Grid(9);
        for (int i = 0; i < 9; i++)
            Assert.That(-2 * Math.Log(grid[i]), Is.EqualTo(-2 * Math.Log(Math.Tan(a * (1 - i / 8.0) + b))).Within(1e-6));
        Assert.That(grid[4], Is.EqualTo(1).Within(1e-9), "half way signal and noise are equal");
    }

    [Test]
    public void Discrete_is_linear_beta_in_sigma_space()
    {
        var schedule = ScheduleCatalog.Discrete(0.001, 1000);
        // abar_1000 = 4.0358e-5 for 1e-4 .. 0.02.
        Assert.That(schedule.SigmaMax, Is.EqualTo(Math.Sqrt((1 - 4.0358e-5) / 4.0358e-5)).Within(0.01));
        Assert.That(schedule.SigmaMin, Is.EqualTo(Math.Sqrt(1e-4 / (1 - 1e-4))).Within(1e-9));
        Assert.That(schedule.Grid(1000), Is.Ordered.Descending);
    }

    [TestCase(1)]
    [TestCase(2)]
    public void Time_uniform_is_even_in_the_processes_time(double rho)
    {
        // Song et al. 2021: beta_min = 0.1, beta_d = 19.9 belong to sigma(1e-3) and sigma(1).
        double Sigma(double t) => Math.Sqrt(Math.Exp(19.9 * t * t / 2 + 0.1 * t) - 1);
        var grid = ScheduleCatalog.TimeUniform(Sigma(1e-3), Sigma(1), rho).Grid(6);
        for (int i = 0; i < 6; i++)
        {
            double t = Math.Pow(1 + i / 5.0 * (Math.Pow(1e-3, 1 / rho) - 1), rho);
            Assert.That(grid[i], Is.EqualTo(Sigma(t)).Within(1e-6 * Sigma(t)), $"node {i}");
        }
    }

    [Test]
    public void To_zero_appends_zero() => Assert.That(ScheduleCatalog.LogSnr(0.1, 10).Grid(3, toZero: true)[^1], Is.Zero);

    [TestCase("polynomial")]
    [TestCase("logsnr")]
    [TestCase("cosine")]
    [TestCase("time-uniform")]
    [TestCase("time-quadratic")]
    public void Nests_at_any_division(string name)
    {
        foreach (int branches in new[] { 1, 2, 3, 4, 8 })
        {
            var grid = NestedGrid.Of(ScheduleCatalog.Find(name), 4, branches);
            Assert.That(grid.Teacher, Has.Count.EqualTo(branches * 3 + 1));
            Assert.That(grid.Intervals, Is.EqualTo(3));
            for (int i = 0; i < 3; i++)
            {
                var nodes = grid.Nodes(i);
                Assert.That(nodes, Has.Length.EqualTo(branches + 1));
                Assert.That(nodes[0], Is.EqualTo(grid.Student[i]));
                Assert.That(nodes[^1], Is.EqualTo(grid.Student[i + 1]));
                Assert.That(nodes, Is.Ordered.Descending);
            }
        }
    }

    [Test]
    public void A_schedule_that_does_not_nest_is_named()
    {
        double[] student = [10, 1, 0.1], teacher = [10, 3, 1.5, 0.5, 0.1];
        var e = Assert.Throws<BDenseException>(() => NestedGrid.Of(student, teacher, 2, "mine"));
        Assert.That(e!.Message, Does.Contain("mine").And.Contain("node 1").And.Contain("1.5"));
        Assert.Throws<BDenseException>(() => NestedGrid.Of(student, teacher, 3));
    }

    [Test]
    public void Bad_ranges_and_names_are_refused()
    {
        Assert.Throws<UsageException>(() => ScheduleCatalog.Polynomial(0, 80));
        Assert.Throws<UsageException>(() => ScheduleCatalog.Polynomial(5, 1));
        Assert.Throws<UsageException>(() => ScheduleCatalog.Polynomial(0.1, 80, -1));
        Assert.Throws<UsageException>(() => ScheduleCatalog.LogSnr(0.1, double.PositiveInfinity));
        Assert.Throws<UsageException>(() => ScheduleCatalog.LogSnr(0.1, 1).Grid(1));
        Assert.Throws<UsageException>(() => ScheduleCatalog.Discrete(0.01, 80).Grid(2000));
        var e = Assert.Throws<UsageException>(() => ScheduleCatalog.Find("sigmoid"));
        Assert.That(e!.Message, Does.Contain("sigmoid").And.Contain("polynomial").And.Contain("cosine"));
    }
}
