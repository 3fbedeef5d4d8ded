using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Training.Data;
using BDense.Training.Metrics;
using MathNet.Numerics.LinearAlgebra;
using NUnit.Framework;

namespace BDense.Tests.Metrics;

public sealed class FrechetDistanceTests
{
    [Test]
    public void DiagonalGaussiansByHand()
    {
        // Commuting covariances: |m1 - m2|^2 + sum (sqrt(a) - sqrt(b))^2.
        double[] a = [1, 4, 0, 9], b = [4, 4, 1, 0.25];
        double d = FrechetDistance.Between(Vec(0, 1, 2, 3), Matrix<double>.Build.Diagonal(a), Vec(1, 1, 0, 3),
            Matrix<double>.Build.Diagonal(b));
        Assert.That(d, Is.EqualTo(5 + 1 + 0 + 1 + 6.25).Within(1e-10));
    }

    [Test]
    public void RotatedTogetherTheDistanceStays()
    {
        var rotation = Matrix<double>.Build.Dense(4, 4, (i, j) => Philox.Normal(new RandomKey(1, 1), 4 * i + j)).QR().Q;
        Matrix<double> Rotated(params double[] d) => rotation * Matrix<double>.Build.Diagonal(d) * rotation.Transpose();
        double d2 = FrechetDistance.Between(Vec(0, 0, 0, 0), Rotated(1, 4, 9, 0.01), Vec(0, 0, 0, 0), Rotated(4, 1, 9, 0.04));
        Assert.That(d2, Is.EqualTo(1 + 1 + 0 + 0.01).Within(1e-10));
    }

    [Test]
    public void TwoByTwoThatDoNotCommute()
    {
        // In two dimensions tr sqrt(S1 S2) = sqrt(tr(S1 S2) + 2 sqrt(det S1 det S2)).
        var s1 = Matrix<double>.Build.DenseOfArray(new[,] { { 2, 0.7 }, { 0.7, 1 } });
        var s2 = Matrix<double>.Build.DenseOfArray(new[,] { { 1, -0.4 }, { -0.4, 3 } });
        double cross = Math.Sqrt((s1 * s2).Trace() + 2 * Math.Sqrt(s1.Determinant() * s2.Determinant()));
        Assert.That(FrechetDistance.Between(Vec(0, 0), s1, Vec(0, 0), s2), Is.EqualTo(7 - 2 * cross).Within(1e-10));
        Assert.That(FrechetDistance.Between(Vec(0, 0), s2, Vec(0, 0), s1), Is.EqualTo(7 - 2 * cross).Within(1e-10));
        Assert.That(FrechetDistance.Between(Vec(0, 0), s1, Vec(0, 0), s1), Is.EqualTo(0).Within(1e-10));
    }

    [Test]
    public void StatisticsAreThoseOfTheWholeHoweverItIsCut()
    {
        const int Dimension = 3, Count = 50;
        // A mean far above the spread, where naive sums of squares lose digits.
        float[] x = [.. Enumerable.Range(0, Dimension * Count).Select(i => (float)(1000 + Philox.Normal(new RandomKey(2, 2), i)))];
        var whole = new FeatureStatistics(Dimension);
        whole.Add(x);
        var parts = new FeatureStatistics(Dimension);
        parts.Add(x.AsSpan(0, 3));
        parts.Add(x.AsSpan(3, 60));
        parts.Add(x.AsSpan(63));
        Assert.That(parts.Covariance(), Is.EqualTo(whole.Covariance()));
        for (int i = 0; i < Dimension; i++)
        {
            double[] column = [.. Enumerable.Range(0, Count).Select(n => (double)x[n * Dimension + i])];
            Assert.That(whole.Mean()[i], Is.EqualTo(column.Average()).Within(1e-10));
            for (int j = 0; j < Dimension; j++)
            {
                double[] other = [.. Enumerable.Range(0, Count).Select(n => (double)x[n * Dimension + j])];
                double expected = column.Zip(other, (u, v) => (u - column.Average()) * (v - other.Average())).Sum() / (Count - 1);
                Assert.That(whole.Covariance()[i, j], Is.EqualTo(expected).Within(1e-10));
            }
        }
    }

    [Test]
    public void SampledGaussiansComeNearTheClosedForm()
    {
        // Means apart by (1, 0), deviations 1 and (2, 1): d^2 = 1 + 1.
        FeatureStatistics Sample(uint stream, double mean, double deviation)
        {
            var statistics = new FeatureStatistics(2);
            statistics.Add(
                [.. Enumerable.Range(0, 40_000)
                    .Select(i =>
                        (float)((i % 2 == 0 ? mean : 0) + (i % 2 == 0 ? deviation : 1) * Philox.Normal(new RandomKey(3, stream), i)))]);
            return statistics;
        }

        Assert.That(FrechetDistance.Between(Sample(1, 0, 1), Sample(2, 1, 2)), Is.EqualTo(2).Within(0.1));
        Assert.That(FrechetDistance.Between(Sample(1, 0, 1), Sample(2, 0, 1)), Is.EqualTo(0).Within(0.005));
    }

    [Test]
    public void BadInputEndsInOneLine()
    {
        var few = new FeatureStatistics(4);
        few.Add(new float[16]);
        Assert.That(() => FrechetDistance.Between(few, few),
            Throws.TypeOf<BDenseException>().With.Message.Contains("the first: 4 samples are too few for 4 features; at least 5"));
        Assert.That(() => few.Add([1, 2, float.NaN, 4]),
            Throws.TypeOf<BDenseException>().With.Message.Contains("feature 2 of sample 4 is not finite"));
        Assert.That(() => few.Add([1, 2]), Throws.ArgumentException);
    }

    [Test]
    public void RandomFeaturesTellBlurredScenesFromSharpOnes()
    {
        using var backend = new ReferenceBackend(1);
        using var features = new RandomFeatures(backend, 3);
        long before = backend.Pool.CurrentBytes;
        var data = Dataset.Open(null, new DatasetOptions(16, 400));
        float[] first = data.ToArray(0, 200), second = data.ToArray(200, 200);
        float[] blurred = Blur(second, 16, 16, 3);

        var a = features.Statistics(first, 16, 16);
        Assert.That(a.Count, Is.EqualTo(200));
        double same = FrechetDistance.Between(a, features.Statistics(first, 16, 16, batch: 7));
        double other = FrechetDistance.Between(a, features.Statistics(second, 16, 16));
        double blur = FrechetDistance.Between(a, features.Statistics(blurred, 16, 16));

        Assert.That(same, Is.EqualTo(0).Within(1e-4));
        Assert.That(other, Is.GreaterThan(10 * same + 1e-4));
        Assert.That(blur, Is.GreaterThan(1.3 * other));
        Assert.That(backend.Pool.CurrentBytes, Is.EqualTo(before), "tensors left over");
        using var wrong = backend.Zeros(new Shape(1, 16, 16, 4));
        Assert.That(() => features.Compute(wrong), Throws.TypeOf<BDenseException>().With.Message.Contains("1 x 16 x 16 x 4"));
    }

    // Mean over 3 x 3 pixels; the border stays.
    private static float[] Blur(float[] images, int height, int width, int channels)
    {
        float[] result = [.. images];
        int row = width * channels;
        for (int i = 0; i < images.Length; i++)
        {
            if (i / channels % width is 0 || i / channels % width == width - 1 || i / row % height is 0 || i / row % height == height - 1)
                continue;
            float sum = 0;
            for (int dy = -row; dy <= row; dy += row)
                sum += images[i + dy - channels] + images[i + dy] + images[i + dy + channels];
            result[i] = sum / 9;
        }
        return result;
    }

    private static Vector<double> Vec(params double[] x) => Vector<double>.Build.Dense(x);
}
