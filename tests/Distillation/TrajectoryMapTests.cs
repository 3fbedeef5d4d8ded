using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Training.Distillation;
using BDense.Training.Schedules;
using NUnit.Framework;

namespace BDense.Tests.Distillation;

public sealed class TrajectoryMapTests
{
    private static readonly double[] Nodes = [10.929, 5.994, 3.107, 1.5045, 0.6699];

    [Test]
    public void Chained_rows_are_Euler_steps_written_out([Values] Prediction prediction, [Values(1, 2, 4)] int branches, [Values]
    bool toZero)
    {
        var sigma = Nodes[..(branches + 1)];
        if (toZero)
            sigma[^1] = 0;
        var (x0, heads) = Numbers(branches);
        var c = Preconditioning.At(prediction, sigma[0], 0.5);
        double x = x0;
        var map = TrajectoryMap.Of(BranchLayout.Chained, prediction, 0.5, sigma, branches, 1);
        for (int b = 1; b <= branches; b++)
        {
            double d = c.Skip * x0 + c.Out * heads[b - 1];
            x += (sigma[b] - sigma[b - 1]) * (x - d) / sigma[b - 1];
            Assert.That(State(map, 0, b, x0, heads), Is.EqualTo(x).Within(1e-12), $"state {b}");
        }
    }

    [Test]
    public void Parallel_rows_are_DDIM_steps_from_the_start([Values] Prediction prediction)
    {
        var (x0, heads) = Numbers(4);
        var c = Preconditioning.At(prediction, Nodes[0], 0.5);
        var map = TrajectoryMap.Of(BranchLayout.Parallel, prediction, 0.5, Nodes, 4, 1);
        for (int b = 1; b <= 4; b++)
        {
            double d = c.Skip * x0 + c.Out * heads[b - 1];
            Assert.That(State(map, 0, b, x0, heads), Is.EqualTo(x0 + (Nodes[b] - Nodes[0]) * (x0 - d) / Nodes[0]).Within(1e-12),
                $"state {b}");
        }
    }

    [Test]
    public void To_zero_it_is_the_denoiser([Values] Prediction prediction, [Values] BranchLayout layout)
    {
        var map = TrajectoryMap.Of(layout, prediction, 0.5, [2.5, 0], 1, 1);
        var c = Preconditioning.At(prediction, 2.5, 0.5);
        Assert.That(map.Skip[0], Is.EqualTo(c.Skip).Within(1e-15));
        Assert.That(map.Map[0], Is.EqualTo(c.Out).Within(1e-15));
    }

    [Test]
    public void A_DDIM_step_in_sigma_space_is_the_published_one_in_alpha_and_sigma()
    {
        // z_s = alpha_s x^ + (sigma_s / sigma_t) (z_t - alpha_t x^), v-prediction x^ = alpha_t z_t - sigma_t v. Salimans and Ho 2022, eq.
        // 8.
        double t = 3.0, s = 0.8, x0 = 1.7, v = -0.4;
        double at = 1 / Math.Sqrt(1 + t * t), st = t * at, az = 1 / Math.Sqrt(1 + s * s), sz = s * az;
        double zt = at * x0, image = at * zt - st * v;
        double zs = az * image + sz / st * (zt - at * image);
        var map = TrajectoryMap.Of(BranchLayout.Parallel, Prediction.V, 0.5, [t, s], 1, 1);
        Assert.That(State(map, 0, 1, x0, [v]), Is.EqualTo(zs / az).Within(1e-12));
        // And its target for the image is the state difference over 1 - s / t.
        double target = (zs - sz / st * zt) / (az - sz / st * at);
        Assert.That((State(map, 0, 1, x0, [v]) - s / t * x0) / (1 - s / t), Is.EqualTo(target).Within(1e-12));
    }

    [Test]
    public void Every_sample_has_its_own_nodes()
    {
        double[] other = [3, 1, 0.2];
        var both = TrajectoryMap.Of(BranchLayout.Chained, Prediction.Edm, 0.5, [.. Nodes[..3], .. other], 2, 2);
        var first = TrajectoryMap.Of(BranchLayout.Chained, Prediction.Edm, 0.5, Nodes.AsSpan(0, 3), 2, 1);
        var second = TrajectoryMap.Of(BranchLayout.Chained, Prediction.Edm, 0.5, other, 2, 1);
        Assert.That(both.Map, Is.EqualTo(first.Map.Concat(second.Map)));
        Assert.That(both.Skip, Is.EqualTo(first.Skip.Concat(second.Skip)));
    }

    [Test]
    public void Fold_coefficients_are_the_published_ones()
    {
        // The two trained intervals of a student of NFE 2: 80, 10.929, .6699, .006 with three nodes between.
        var grid = NestedGrid.Of(ScheduleCatalog.Polynomial(0.006, 80), 4, 4);
        Assert.That(Coefficients(1), Is.EqualTo(new[] { 0.054, 0.111, 0.245, 0.591 }).Within(0.001));
        Assert.That(Coefficients(2), Is.EqualTo(new[] { 0.014, 0.042, 0.159, 0.786 }).Within(0.001));
        Assert.That(Coefficients(1).Sum(), Is.EqualTo(1).Within(1e-12));
        Assert.That(TrajectoryMap.Of(BranchLayout.Parallel, Prediction.Edm, 0.5, grid.Nodes(1), 4, 1).FoldCoefficients(),
            Is.EqualTo(new double[] { 0, 0, 0, 1 }));

        double[] Coefficients(int i) => TrajectoryMap.Of(BranchLayout.Chained, Prediction.Edm, 0.5, grid.Nodes(i), 4, 1).FoldCoefficients();
    }

    [Test]
    public void Folded_heads_give_the_chains_endpoint([Values] Prediction prediction)
    {
        var (x0, heads) = Numbers(4);
        var chain = TrajectoryMap.Of(BranchLayout.Chained, prediction, 0.5, Nodes, 4, 1);
        var single = TrajectoryMap.Of(BranchLayout.Chained, prediction, 0.5, [Nodes[0], Nodes[4]], 1, 1);
        double folded = chain.FoldCoefficients().Zip(heads, (c, f) => c * f).Sum();
        Assert.That(State(single, 0, 1, x0, [folded]), Is.EqualTo(State(chain, 0, 4, x0, heads)).Within(1e-12));
    }

    [Test]
    public void Bad_nodes_are_refused()
    {
        Assert.Throws<BDenseException>(() => TrajectoryMap.Of(BranchLayout.Chained, Prediction.Edm, 0.5, [1, 2], 1, 1));
        Assert.Throws<BDenseException>(() => TrajectoryMap.Of(BranchLayout.Chained, Prediction.Edm, 0.5, [3, 2, 1], 1, 2));
        Assert.Throws<UsageException>(() => TrajectoryMap.Of(BranchLayout.Chained, Prediction.Edm, 0.5, [3, 2, 1], 9, 1));
    }

    private static double State(TrajectoryMap map, int sample, int b, double x0, double[] heads)
    {
        int k = map.Branches;
        double x = map.Skip[sample * k + b - 1] * x0;
        for (int j = 0; j < k; j++)
            x += map.Map[(sample * k + b - 1) * k + j] * heads[j];
        return x;
    }

    private static (double X0, double[] Heads) Numbers(int branches) =>
        (7.3, [.. Enumerable.Range(0, branches).Select(j => Math.Sin(1 + 2.3 * j))]);
}
