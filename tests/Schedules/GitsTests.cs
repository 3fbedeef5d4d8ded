using System.Globalization;
using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Tests.Solvers;
using BDense.Training.Schedules;
using BDense.Training.Solvers;
using NUnit.Framework;

namespace BDense.Tests.Schedules;

public sealed class GitsTests
{
    private const int Dimension = 24;

    private static readonly GaussianMixture Data = new(0.3, (0.5, -1.2), (0.3, 0.4), (0.2, 1.6));

    private ReferenceBackend _backend = null!;

    [SetUp]
    public void Start() => _backend = new ReferenceBackend(1);

    [TearDown]
    public void End()
    {
        Assert.That(_backend.Pool.CurrentBytes, Is.Zero, "a tensor was kept");
        _backend.Dispose();
    }

    [TestCase(1, 1.0)]
    [TestCase(2, 1.15)]
    [TestCase(3, 1.15)]
    [TestCase(4, 0.7)]
    [TestCase(7, 1.15)]
    public void The_path_is_the_cheapest_of_all(int steps, double memory)
    {
        const int Last = 7;
        var costs = new double[Last + 1, Last + 1];
        for (int i = 0; i < Last; i++)
        {
            for (int j = i + 1; j <= Last; j++)
                costs[i, j] = Philox.Uniform(new RandomKey(11, (uint)steps), i * 8 + j) * (j - i) * (j - i) - 0.1;
        }
        int[] best = Enumerable.Range(0, 1 << (Last - 1))
            .Select(set => (int[])[0, .. Enumerable.Range(1, Last - 1).Where(i => (set >> (i - 1) & 1) == 1), Last])
            .Where(path => path.Length == steps + 1).MinBy(Cost)!;
        Assert.That(Gits.Path(costs, steps, memory), Is.EqualTo(best));

        // A step counts memory times as much as the one before it.
        double Cost(int[] path) => Enumerable.Range(0, path.Length - 1).Sum(k => Math.Pow(memory, k) * costs[path[k], path[k + 1]]);
    }

    [Test]
    public void Costs_are_what_a_step_adds_to_the_distance_from_the_chord()
    {
        double[] grid = ScheduleCatalog.Polynomial(0.05, 20).Grid(6);
        using var x = Noise(1, 3);
        var costs = Gits.Costs([(Data.Denoise, x)], SolverCatalog.Find("euler"), grid);
        var states = new List<double[]> { Doubles(x.ToArray()) };
        using (SolverCatalog.Find("euler")
            .Run(Data.Denoise, x, grid, new SolverOptions { OnStep = s => states.Add(Doubles(s.State.ToArray())) }))
        {
        }
        for (int i = 0; i < 5; i++)
        {
            for (int j = i + 1; j <= 5; j++)
            {
                double sum = 0;
                for (int n = 0; n < 3; n++)
                {
                    double[] from = Sample(i, n),
                        step = [.. from.Select(v => v + (grid[j] - grid[i]) * (v - Data.Expected(v, grid[i])) / grid[i])];
                    sum += (Deviation(step, n) - Deviation(Sample(j, n), n)) / 3;
                }
                Assert.That(costs[i, j], Is.EqualTo(sum).Within(1e-3), $"{i} to {j}");
            }
        }
        Assert.That(costs[2, 1], Is.Zero);

        double[] Sample(int node, int n) => states[node][(n * Dimension)..((n + 1) * Dimension)];
        double Deviation(double[] y, int n)
        {
            double[] u = [.. Sample(5, n).Zip(Sample(0, n), (e, s) => e - s)], v = [.. y.Zip(Sample(0, n), (e, s) => e - s)];
            double along = Dot(u, v) / Dot(u, u);
            return Math.Sqrt(v.Zip(u, (a, b) => Math.Pow(a - along * b, 2)).Sum());
        }
    }

    [TestCase("euler", 5)]
    [TestCase("euler", 8)]
    public void On_other_noises_Eulers_method_errs_less_on_it_than_on_the_polynomial(string solver, int steps)
    {
        var schedule = ScheduleCatalog.Polynomial(0.006, 80);
        using Tensor fit = Noise(2, 32), other = Noise(3, 32);
        double[] fitted = Gits.Fit([(Data.Denoise, fit)], SolverCatalog.Find("ipndm"), schedule.Grid(Gits.Nodes), steps);
        Assert.That(fitted, Has.Length.EqualTo(steps + 1).And.Ordered.Descending);
        Assert.That((fitted[0], fitted[^1]), Is.EqualTo((80.0, 0.006)));
        double plain = Error(schedule.Grid(steps + 1)), own = Error(fitted);
        TestContext.Out.WriteLine(
            string.Create(CultureInfo.InvariantCulture,
                $"{solver}, {steps} steps: {plain:g4} polynomial, {own:g4} fitted: "
                    + $"{string.Join(", ", fitted.Select(s => s.ToString("g3", System.Globalization.CultureInfo.InvariantCulture)))}"));
        Assert.That(own, Is.LessThan(plain));

        double Error(double[] grid)
        {
            using var end = SolverCatalog.Find(solver).Run(Data.Denoise, other, grid, SolverOptions.Default);
            using var exact = SolverCatalog.Find("heun").Run(Data.Denoise, other, schedule.Grid(301), SolverOptions.Default);
            return Math.Sqrt(end.ToArray().Zip(exact.ToArray(), (a, b) => Math.Pow(a - b, 2)).Average());
        }
    }

    [Test]
    public void A_given_schedule_meets_its_nodes_nests_and_comes_back_from_its_text()
    {
        double[] nodes = [80, 21.5, 3.3333333333333335, 0.4, 0.006];
        var schedule = ScheduleCatalog.Find(ScheduleCatalog.Text(nodes));
        Assert.That(schedule.Grid(5), Is.EqualTo(nodes), "bit for bit");
        Assert.That((schedule.SigmaMax, schedule.SigmaMin), Is.EqualTo((80.0, 0.006)));
        var nested = NestedGrid.Of(schedule, 5, 4);
        Assert.That(nested.Student, Is.EqualTo(nodes));
        Assert.That(nested.Teacher, Is.Ordered.Descending);
        // Between two nodes even in the seventh root, as the polynomial schedule is.
        Assert.That(Math.Pow(nested.Teacher[2], 1 / 7.0), Is.EqualTo((Math.Pow(80, 1 / 7.0) + Math.Pow(21.5, 1 / 7.0)) / 2).Within(1e-12));
        Assert.That(schedule.Grid(9).Where((_, i) => i % 2 == 0), Is.EqualTo(nodes));
        Assert.Throws<BDenseException>(() => ScheduleCatalog.Given([1, 2]));
        Assert.That(ScheduleCatalog.Given([1, 0]).Grid(2), Is.EqualTo(new double[] { 1, 0 }), "the last may be 0");
        Assert.Throws<BDenseException>(() => ScheduleCatalog.Given([1, 0, -1]));
        Assert.Throws<UsageException>(() => ScheduleCatalog.Find("given:1,x"));
        Assert.Throws<UsageException>(() => Gits.Path(new double[4, 4], 4, 1.15));
    }

    private Tensor Noise(uint key, int samples)
    {
        var values = new float[samples * Dimension];
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)(80 * Philox.Normal(new RandomKey(21, key), i));
        return _backend.FromArray(values, new Shape(samples, Dimension));
    }

    private static double[] Doubles(float[] x) => [.. x.Select(v => (double)v)];

    private static double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();
}
