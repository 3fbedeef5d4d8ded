using BDense.Kernels;
using BDense.Training.Metrics;
using NUnit.Framework;

namespace BDense.Tests.Metrics;

public sealed class KernelDistanceTests
{
    private static float[] Normal(uint stream, int count, double mean, double deviation) =>
        [.. Enumerable.Range(0, count).Select(i => (float)(mean + deviation * Philox.Normal(new RandomKey(7, stream), i)))];

    [Test]
    public void The_formula_by_plain_loops()
    {
        const int D = 5, M = 9;
        float[] x = Normal(1, M * D, 0, 1), y = Normal(2, M * D, 0.3, 2);
        double same = 0, cross = 0;
        for (int i = 0; i < M; i++)
        {
            for (int j = 0; j < M; j++)
            {
                if (i != j)
                    same += K(x, i, x, j) + K(y, i, y, j);
                cross += K(x, i, y, j);
            }
        }
        double expected = same / (M * (M - 1)) - 2 * cross / (M * M);
        double mmd = KernelDistance.MaximumMeanDiscrepancy([.. x.Select(v => (double)v)], [.. y.Select(v => (double)v)], D);
        Assert.That(mmd, Is.EqualTo(expected).Within(1e-12 * Math.Abs(expected)));

        double K(float[] a, int i, float[] b, int j) =>
            Math.Pow(Enumerable.Range(0, D).Sum(k => (double)a[i * D + k] * b[j * D + k]) / D + 1, 3);
    }

    [Test]
    public void Gaussians_come_near_the_closed_form()
    {
        // In one dimension (xy + 1)^3 is the inner product of (1, sqrt 3 x, sqrt 3 x^2, x^3), whose means for N(m, s^2) are known:
        // E x^2 = m^2 + s^2, E x^3 = m^3 + 3 m s^2.
        const double M1 = 0, S1 = 1, M2 = 0.5, S2 = 1.2;
        double first = M1 - M2, second = M1 * M1 + S1 * S1 - M2 * M2 - S2 * S2,
            third = M1 * M1 * M1 + 3 * M1 * S1 * S1 - M2 * M2 * M2 - 3 * M2 * S2 * S2;
        double expected = 3 * first * first + 3 * second * second + third * third;
        var a = FeatureSample.Of(Normal(3, 40_000, M1, S1), 1);
        var far = KernelDistance.Between(a, FeatureSample.Of(Normal(4, 40_000, M2, S2), 1), subsets: 40, size: 1000);
        var near = KernelDistance.Between(a, FeatureSample.Of(Normal(5, 40_000, M1, S1), 1), subsets: 40, size: 1000);
        Assert.That(far.Mean, Is.EqualTo(expected).Within(0.15 * expected));
        Assert.That(Math.Abs(near.Mean), Is.LessThan(0.05 * expected), "no bias");
        Assert.That(far.Deviation, Is.GreaterThan(0));
        Assert.That(KernelDistance.Between(FeatureSample.Of([1, 2, 4], 1), FeatureSample.Of([1, 3, 4], 1)).Deviation, Is.Null,
            "one subset, that of all");
        Assert.That(KernelDistance.MaximumMeanDiscrepancy([1, 2, 4], [1, 2, 4], 1), Is.LessThan(0),
            "a set against itself: without bias means below 0");
    }

    [Test]
    public void A_sample_of_a_stream_does_not_depend_on_how_it_is_cut_and_favours_no_place()
    {
        var (whole, parts) = (new FeatureSample(1, 50), new FeatureSample(1, 50));
        float[] stream = [.. Enumerable.Range(0, 5000).Select(i => (float)i)];
        whole.Add(stream);
        parts.Add(stream.AsSpan(0, 70));
        var resumed = new FeatureSample(1, 50);
        resumed.Restore(parts.ToArray(), 70, "test");
        resumed.Add(stream.AsSpan(70));
        Assert.That(resumed.ToArray().Values, Is.EqualTo(whole.ToArray().Values));
        // The mean of 50 places of 5000 has a deviation of 204.
        Assert.That(((float[])whole.ToArray().Values).Average(), Is.EqualTo(2500).Within(800));
        Assert.That(() => KernelDistance.Between(FeatureSample.Of([1f], 1), whole),
            Throws.TypeOf<BDenseException>().With.Message.Contains("1 samples are too few"));
    }
}
