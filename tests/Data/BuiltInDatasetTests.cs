using BDense.Kernels;
using BDense.Training.Data;
using NUnit.Framework;

namespace BDense.Tests.Data;

public sealed class BuiltInDatasetTests
{
    [Test]
    public void SameSeedSameBitsWhateverTheCount()
    {
        var a = Dataset.Open(null, new DatasetOptions(Limit: 40, Seed: 5));
        var b = Dataset.Open(null, new DatasetOptions(Limit: 20, Seed: 5));
        var other = Dataset.Open(null, new DatasetOptions(Limit: 20, Seed: 6));
        Assert.That((a.Height, a.Width, a.Channels, a.Count, a.ClassCount), Is.EqualTo((16, 16, 3, 40, 10)));
        Assert.That(a.ToArray(0, 20), Is.EqualTo(b.ToArray(0, 20)));
        Assert.That(b.ToArray(0, 20), Is.Not.EqualTo(other.ToArray(0, 20)));
    }

    [Test]
    public void ValuesFillTheRangeAndClassesAreBalanced()
    {
        var data = Dataset.Open(null, new DatasetOptions(Limit: 1000, Seed: 1));
        float[] x = data.ToArray(0, data.Count);
        Assert.That(x.Min(), Is.InRange(-1f, -0.9f));
        Assert.That(x.Max(), Is.InRange(0.9f, 1f));
        double mean = x.Average(v => (double)v);
        Assert.That(Math.Sqrt(x.Average(v => (v - mean) * (v - mean))), Is.InRange(0.35, 0.75), "sigma_data is meant to be about 0.5");
        Assert.That(data.Labels!.CountBy(label => label).Select(pair => pair.Value), Has.All.InRange(60, 140).And.Exactly(10).Items);
    }

    [Test]
    public void TheSameScenesAtEveryResolution()
    {
        var coarse = Dataset.Open("", new DatasetOptions(16, 30));
        var fine = Dataset.Open("", new DatasetOptions(32, 30));
        Assert.That(fine.Labels, Is.EqualTo(coarse.Labels));
        float[] x = coarse.ToArray(0, 30), y = fine.ToArray(0, 30);
        for (int i = 0; i < x.Length; i++)
        {
            int c = i % 3, column = i / 3 % 16, row = i / 48 % 16, n = i / 768;
            float At(int dy, int dx) => y[((n * 32 + 2 * row + dy) * 32 + 2 * column + dx) * 3 + c];
            Assert.That(x[i], Is.EqualTo((At(0, 0) + At(0, 1) + At(1, 0) + At(1, 1)) / 4).Within(1e-5));
        }
    }

    [TestCase(3)]
    [TestCase(17)]
    [TestCase(128)]
    public void AResolutionThatIsNotThereIsAUsageError(int resolution) =>
        Assert.That(() => Dataset.Open(null, new DatasetOptions(resolution)),
            Throws.TypeOf<UsageException>().With.Message.Contains($"not {resolution}"));
}
