using BDense.Kernels;
using BDense.Training.Averaging;
using NUnit.Framework;

namespace BDense.Tests.Watching;

/// <summary>Factors of averages that are made afterwards, held to the running sums over the weights of every iteration.</summary>
public sealed class PostHocEmaTests
{
    private static readonly (int Steps, int Every, double SigmaRel)[] s_cases =
        [(6, 2, 0.07), (12, 5, 0.08), (60, 3, 0.075), (240, 10, 0.06), (240, 10, 0.13), (240, 60, 0.05)];

    [TestCaseSource(nameof(s_cases))]
    public void Factors_sum_to_1_and_weights_that_stand_still_stay((int Steps, int Every, double SigmaRel) c)
    {
        var fit = PostHocEma.Fit(Stored(c.Steps, c.Every), c.SigmaRel, c.Steps);
        Assert.That(fit.Parts.Sum(part => part.Factor), Is.EqualTo(1).Within(1e-9));
        const double Weight = 3.25;
        var stored = fit.Parts.Select(part => Running(Enumerable.Repeat(Weight, c.Steps), part.Average.SigmaRel, part.Average.Step));
        Assert.That(fit.Parts.Zip(stored, (part, average) => part.Factor * average).Sum(), Is.EqualTo(Weight).Within(1e-8));
    }

    /// <summary>
    /// theta_gamma(t) = beta theta_gamma(t-1) + (1 - beta) theta(t) over all weights is met as nearly as the mismatch promises, wherever
    /// the weights lie: by the inequality of Cauchy and Schwarz, with the root mean square of what they differ by from their mean.
    /// </summary>
    [TestCaseSource(nameof(s_cases))]
    public void The_sum_is_the_running_average_within_its_mismatch((int Steps, int Every, double SigmaRel) c)
    {
        var fit = PostHocEma.Fit(Stored(c.Steps, c.Every), c.SigmaRel, c.Steps);
        var profile = PowerProfile.OfSigmaRel(c.SigmaRel);
        double length = Math.Sqrt(PowerProfile.Product(profile, c.Steps, profile, c.Steps));
        for (int seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            double at = 1000;
            double[] weights = [.. Enumerable.Range(0, c.Steps).Select(_ => at += random.NextDouble() - 0.5)];
            double made = fit.Parts.Sum(part => part.Factor * Running(weights, part.Average.SigmaRel, part.Average.Step)),
                expected = Running(weights, c.SigmaRel, c.Steps), mean = weights.Average(),
                spread = Math.Sqrt(weights.Sum(weight => (weight - mean) * (weight - mean)));
            Assert.That(made, Is.EqualTo(expected).Within(fit.Mismatch * length * spread + 1e-7), $"seed {seed}");
        }
    }

    [TestCase(1e-7, 240)]
    [TestCase(1e-300, 240)]
    [TestCase(0.07, 1)]
    public void What_cannot_be_made_is_refused(double sigmaRel, long step) =>
        Assert.That(() => PostHocEma.Fit(Stored(240, 10), sigmaRel, step), Throws.TypeOf<BDenseException>().With.Message.EqualTo(
            $"no average with sigma_rel {PowerProfile.Text(sigmaRel)} at iteration {step} can be made of what is stored: widths "
                + $"0.05, 0.1 at "
                + "iterations 10 to 240; ask for a width near to these, or for an end at an iteration that was stored"));

    [TestCase(1e-7, "0.0000001")]
    [TestCase(0.075, "0.075")]
    [TestCase(0.28859999999999997, "0.28859999999999997")]
    public void Widths_are_written_plainly(double sigmaRel, string text) => Assert.That(PowerProfile.Text(sigmaRel), Is.EqualTo(text));

    private static List<StoredAverage> Stored(int steps, int every) =>
        [.. from step in Enumerable.Range(1, steps)
            where step % every == 0 || step == steps
            from width in new[] { 0.05, 0.1 }
            select new StoredAverage("", step, width)];

    private static double Running(IEnumerable<double> weights, double sigmaRel, long steps)
    {
        var profile = PowerProfile.OfSigmaRel(sigmaRel);
        double average = 0;
        long t = 0;
        foreach (double weight in weights.Take((int)steps))
        {
            double beta = profile.Beta(++t);
            average = beta * average + (1 - beta) * weight;
        }
        return average;
    }
}
