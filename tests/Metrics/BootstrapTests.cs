using BDense.Kernels;
using BDense.Training.Metrics;
using NUnit.Framework;

namespace BDense.Tests.Metrics;

public sealed class BootstrapTests
{
    [Test]
    public void EndpointErrorByHand()
    {
        var e = EndpointError.Between([0, 0, 1, 2, 3, 4], [0, 2, 1, 2, 2, 1], 2);
        Assert.That(e.Rmse, Is.EqualTo(new[] { Math.Sqrt(2), 0, Math.Sqrt(5) }).Within(1e-12));
        Assert.That(e.L1, Is.EqualTo(new[] { 1.0, 0, 2 }).Within(1e-12));
        Assert.That(() => EndpointError.Between([1, 2, 3], [1, 2, 3], 2), Throws.ArgumentException);
        Assert.That(() => EndpointError.Between([1, 2], [1, 2, 3, 4], 2), Throws.ArgumentException);
        Assert.That(() => EndpointError.Between([], [], 2), Throws.ArgumentException);
    }

    [Test]
    public void OneSeedGivesTheNormalIntervalOfTheMean()
    {
        double[] x = Normals(400, 3, mean: 2, deviation: 0.5);
        double mean = x.Average(), standardError = Math.Sqrt(x.Sum(v => (v - mean) * (v - mean)) / 399 / 400);
        var interval = Bootstrap.Mean([x]);
        Assert.That(interval.Mean, Is.EqualTo(mean).Within(1e-12));
        Assert.That((mean - interval.Low) / standardError, Is.EqualTo(1.96).Within(0.2));
        Assert.That((interval.High - mean) / standardError, Is.EqualTo(1.96).Within(0.2));
    }

    [TestCase(2, 12.706)]
    [TestCase(3, 4.303)]
    [TestCase(5, 2.776)]
    public void SeedsThatDifferGiveStudentsInterval(int seeds, double t)
    {
        // Samples all alike: only the seeds vary, and the interval is mean +- t s / sqrt(S).
        double[] means = [.. Enumerable.Range(0, seeds).Select(s => (double)s)];
        double mean = means.Average(), standardError = Math.Sqrt(means.Sum(v => (v - mean) * (v - mean)) / (seeds - 1) / seeds);
        var interval = Bootstrap.Mean([.. means.Select(m => Enumerable.Repeat(m, 10).ToArray())]);
        Assert.That((interval.High - mean) / standardError, Is.EqualTo(t).Within(0.03 * t));
        Assert.That((mean - interval.Low) / standardError, Is.EqualTo(t).Within(0.03 * t));
    }

    [Test]
    public void SameSeedSameInterval()
    {
        double[][] x = [Normals(50, 1), Normals(50, 2)];
        var first = Bootstrap.Mean(x, seed: 9);
        Assert.That(Bootstrap.Mean(x, seed: 9), Is.EqualTo(first));
        Assert.That(Bootstrap.Mean(x, seed: 10), Is.Not.EqualTo(first));
    }

    [TestCase(-0.05, Verdict.Better)]
    [TestCase(0.05, Verdict.Worse)]
    [TestCase(0, Verdict.NoDifference)]
    public void APairedDifferenceFarBelowTheSpreadIsSeen(double shift, Verdict expected)
    {
        // Samples spread by 1, paired differences by 0.02.
        double[][] baseline = [.. Enumerable.Range(0, 3).Select(s => Normals(200, 10, mean: 5))];
        double[][] candidate =
            [.. baseline.Select((x, s) => x.Zip(Normals(200, (uint)(20 + s), deviation: 0.02), (v, e) => v + shift + e).ToArray())];
        var comparison = Bootstrap.Compare(baseline, candidate);
        Assert.That(comparison.Verdict, Is.EqualTo(expected));
        Assert.That(comparison.Difference.Mean, Is.EqualTo(shift).Within(0.005));
        Assert.That(comparison.Relative, Is.EqualTo(shift / 5).Within(0.002));
        Assert.That(comparison.Seeds, Is.EqualTo(3));
        var reverse = Bootstrap.Compare(candidate, baseline).Verdict;
        Assert.That(reverse,
            Is.EqualTo(expected switch { Verdict.Better => Verdict.Worse, Verdict.Worse => Verdict.Better, _ => Verdict.NoDifference }));
    }

    [Test]
    public void SeedsThatDisagreeAllowNoVerdict()
    {
        // Each seed alone would be called better, by very different amounts.
        double[] baseline = Normals(300, 1, mean: 5);
        double[][] candidates = [[.. baseline.Select(v => v - 0.01)], [.. baseline.Select(v => v - 0.2)]];
        Assert.That(Bootstrap.Compare([baseline], [candidates[0]]).Verdict, Is.EqualTo(Verdict.Better));
        Assert.That(Bootstrap.Compare([baseline], [candidates[1]]).Verdict, Is.EqualTo(Verdict.Better));
        Assert.That(Bootstrap.Compare([baseline, baseline], candidates).Verdict, Is.EqualTo(Verdict.NoDifference));
    }

    [Test]
    public void WithoutADifferenceOneVerdictInTwentyIsWrong([Values(1, 2, 3)] int seeds)
    {
        // Two-way: seeds shift all samples, samples vary too. The share of false verdicts is 5%, with a deviation of 1.5% over 200 trials.
        const int Trials = 200, Count = 60;
        double seedDeviation = seeds == 1 ? 0 : 0.3;
        int wrong = 0;
        for (uint trial = 0; trial < Trials; trial++)
        {
            double[] shifts = Normals(seeds, 10_000 + trial, deviation: seedDeviation);
            double[][] candidate = [.. shifts.Select((shift, s) => Normals(Count, 100_000 + 10 * trial + (uint)s, mean: shift))];
            double[][] baseline = [.. shifts.Select(_ => new double[Count])];
            if (Bootstrap.Compare(baseline, candidate, seed: trial, resamples: 400).Verdict != Verdict.NoDifference)
                wrong++;
        }
        Assert.That(wrong / (double)Trials, Is.InRange(0.0, 0.1));
    }

    [Test]
    public void UnpairedInputIsRefused()
    {
        Assert.That(() => Bootstrap.Mean([]), Throws.ArgumentException);
        Assert.That(() => Bootstrap.Mean([[1, 2], [1]]), Throws.ArgumentException);
        Assert.That(() => Bootstrap.Compare([[1, 2]], [[1, 2], [1, 2]]), Throws.ArgumentException);
        Assert.That(() => Bootstrap.Compare([[1, 2]], [[1]]), Throws.ArgumentException);
    }

    private static double[] Normals(int count, uint stream, double mean = 0, double deviation = 1) =>
        [.. Enumerable.Range(0, count).Select(i => mean + deviation * Philox.Normal(new RandomKey(77, stream), i))];
}
