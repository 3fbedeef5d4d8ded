using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Training.Distillation;
using BDense.Training.Runs;
using NUnit.Framework;

namespace BDense.Tests.Distillation;

public sealed class BranchWeightsTests
{
    private static readonly double[] Nodes = [10.9293, 5.994, 3.107, 1.5045, 0.6699];

    [Test]
    public void Quadrature_is_the_fold_coefficients()
    {
        var map = TrajectoryMap.Of(BranchLayout.Chained, Prediction.Edm, 0.5, Nodes, 4, 1);
        Assert.That(At("quadrature"), Is.EqualTo(map.FoldCoefficients()).Within(1e-12));
    }

    [Test]
    public void Quadrature_to_zero_is_the_endpoint() =>
        Assert.That(BranchWeights.Parse("quadrature").At([2, 1, 0], 0), Is.EqualTo(new double[] { 0, 1 }));

    [Test]
    public void Exponential_has_the_authors_searched_sets()
    {
        Assert.That(At("exponential:1.23014,-4.08537"), Is.EqualTo(new[] { 0.016817, 0.057543, 0.196896, 0.673724 }).Within(2e-5));
        double sum = 0.016817 + 0.057543 + 0.196896 + 0.673724;
        Assert.That(At("exponential"), Is.EqualTo(new[] { 0.016817 / sum, 0.057543 / sum, 0.196896 / sum, 0.673724 / sum }).Within(1e-5));
    }

    [Test]
    public void Ramp_goes_from_equal_to_endpoint()
    {
        Assert.That(At("ramp", 0), Is.EqualTo(new[] { 0.25, 0.25, 0.25, 0.25 }));
        Assert.That(At("ramp", 0.5), Is.EqualTo(new[] { 0.125, 0.125, 0.125, 0.625 }));
        Assert.That(At("ramp", 1), Is.EqualTo(new double[] { 0, 0, 0, 1 }));
    }

    [Test]
    public void A_ramp_ends_where_it_is_told_to()
    {
        Assert.That(At("ramp:0.5", 0.25), Is.EqualTo(At("ramp", 0.5)).Within(1e-12));
        Assert.That(At("ramp:0.5", 0.7), Is.EqualTo(new double[] { 0, 0, 0, 1 }));
    }

    [TestCase("annealed", 0.25)]
    [TestCase("annealed:0.8", 0.4)]
    public void Annealed_goes_from_quadrature_to_endpoint(string text, double halfway)
    {
        double[] c = At("quadrature");
        Assert.That(At(text, 0), Is.EqualTo(c).Within(1e-12));
        Assert.That(At(text, halfway)[..3], Is.EqualTo(c[..3].Select(v => v / 2)).Within(1e-12));
        Assert.That(At(text, 2 * halfway), Is.EqualTo(new double[] { 0, 0, 0, 1 }).Within(1e-12));
        Assert.That(At(text, 1), Is.EqualTo(new double[] { 0, 0, 0, 1 }).Within(1e-12));
    }

    [TestCase("uniform")]
    [TestCase("endpoint")]
    [TestCase("annealed")]
    [TestCase("ramp:0.4")]
    [TestCase("aligned")]
    [TestCase("quadrature")]
    [TestCase("exponential:2")]
    [TestCase("ramp")]
    [TestCase("learned")]
    public void Sums_to_one(string text) => Assert.That(At(text, 0.3).Sum(), Is.EqualTo(1).Within(1e-12));

    [TestCase("fixed:0.1,0.2,0.3,0.4")]
    [TestCase("exponential:1.5")]
    [TestCase("learned")]
    public void Text_comes_back(string text) => Assert.That(BranchWeights.Parse(text).ToString(), Is.EqualTo(text));

    [TestCase("quadratic", "quadrature")]
    [TestCase("fixed", "one a branch")]
    [TestCase("fixed:1,x", "'x'")]
    [TestCase("fixed:0,0", "above 0")]
    [TestCase("fixed:-1,2", "0 or more")]
    [TestCase("uniform:3", "without numbers")]
    [TestCase("exponential:1,2,3", "exponential:a")]
    [TestCase("ramp:0", "up to 1")]
    [TestCase("annealed:1.5", "up to 1")]
    [TestCase("annealed:0.5,1", "annealed:p")]
    public void Faults_are_named(string text, string expected) =>
        Assert.That(Assert.Throws<UsageException>(() => BranchWeights.Parse(text))!.Message, Does.Contain(expected));

    [Test]
    public void As_many_fixed_weights_as_branches() => Assert.Throws<UsageException>(() => At("fixed:1,2,3"));

    [TestCase(Distance.L1, 1)]
    [TestCase(Distance.PseudoHuber, 1)]
    [TestCase(Distance.L2, 1)]
    public void A_likelihood_drifts_to_the_easy_branches(Distance distance, double power)
    {
        // Its stationary point is w ~ 1 / l, for Laplace and for a Gaussian on squares alike.
        double[] l = [0.01, 0.02, 0.05, 0.1];
        var learned = new LearnedScales([At("quadrature")], distance);
        for (int i = 0; i < 5000; i++)
            learned.Update(0, l);
        double sum = l.Sum(v => Math.Pow(v, -power));
        Assert.That(learned.Weights(0), Is.EqualTo(l.Select(v => Math.Pow(v, -power) / sum)).Within(1e-3));
    }

    [Test]
    public void Learned_weights_begin_as_given_and_are_restored_bit_for_bit()
    {
        var learned = new LearnedScales([At("quadrature"), At("uniform")], Distance.L1);
        Assert.That(learned.Weights(0), Is.EqualTo(At("quadrature")).Within(1e-9));
        learned.Update(1, [0.1, 0.2, 0.3, 0.4]);
        var node = RunJson.ToNode(learned.LogScales);
        var other = new LearnedScales([At("uniform"), At("uniform")], Distance.L1);
        other.Restore(RunJson.FromNode<double[][]>(System.Text.Json.Nodes.JsonNode.Parse(RunJson.ToText(node)), "test"));
        Assert.That(other.LogScales, Is.EqualTo(learned.LogScales));
        Assert.Throws<BDenseException>(() => other.Restore([[1, 2]]));
    }

    private static double[] At(string text, double progress = 0) => BranchWeights.Parse(text).At(Nodes, progress);
}
