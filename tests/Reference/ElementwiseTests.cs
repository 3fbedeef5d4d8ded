using BDense.Kernels;
using NUnit.Framework;

namespace BDense.Tests.Reference;

/// <summary>The operations without a reduction, at lengths around the vectors' and the tasks'.</summary>
public class ElementwiseTests(int lanes) : ReferenceTest(lanes)
{
    private static readonly int[] s_lengths = [1, 7, 8, 33, 8192, 20_001];

    [TestCaseSource(nameof(s_lengths))]
    public void Fill_and_Clamp(int length)
    {
        float[] x = Values(length, 1);
        x[0] = float.NaN;
        var y = Run([x], [new float[length], new float[length]], (backend, i, o) =>
        {
            backend.Fill(o[0], 1.5f);
            backend.Clamp(i[0], -1, 0.5f, o[1]);
        });
        Assert.That(y[0], Is.All.EqualTo(1.5f));
        Assert.That(y[1][0], Is.NaN, "Clamp keeps NaN");
        Close(y[1][1..], i => Math.Clamp(x[i + 1], -1, 0.5f), 0, "y");
    }

    [TestCaseSource(nameof(s_lengths))]
    public void Silu(int length)
    {
        float[] x = Values(length, 1).Select(v => 10 * v).ToArray(), dy = Values(length, 2);
        var y = Run([x, dy], [new float[length], new float[length]], (backend, i, o) =>
        {
            backend.Silu(i[0], o[0]);
            backend.SiluBackward(i[1], i[0], o[1]);
        });
        double Sigmoid(double v) => 1 / (1 + Math.Exp(-v));
        Close(y[0], i => x[i] * Sigmoid(x[i]), 1e-6, "y");
        Close(y[1], i => dy[i] * Sigmoid(x[i]) * (1 + x[i] * (1 - Sigmoid(x[i]))), 2e-6, "dx");
    }

    [Test]
    public void Linear_combination([Range(1, 8)] int terms, [Values(1, 3)] int n, [Values(5, 8192 + 13)] int elements)
    {
        int length = n * elements;
        float[] c = Values(n * terms, 9);
        float[][] x = Enumerable.Range(0, terms).Select(j => Values(length, j)).ToArray();
        // The last output is also the last term: in place.
        var y = Run([c, .. x], [new float[length], new float[length], x[^1]], (backend, i, o) =>
        {
            backend.LinearCombination(c.AsSpan(0, terms), i[1..], o[0]);
            using var perSample = i[0].Reshape(new Shape(n, terms));
            backend.LinearCombinationPerSample(perSample, i[1..], o[1]);
            backend.LinearCombination(c.AsSpan(0, terms), [.. i[1..^1], o[2]], o[2]);
        });
        Close(y[0], i => Enumerable.Range(0, terms).Sum(j => (double)c[j] * x[j][i]), 2e-6, "y");
        Close(y[1], i => Enumerable.Range(0, terms).Sum(j => (double)c[i / elements * terms + j] * x[j][i]), 2e-6, "y per sample");
        Assert.That(y[2], Is.EqualTo(y[0]), "in place");
    }

    [Test]
    public void Add_of_two_is_exact()
    {
        float[] a = Values(1000, 1), b = Values(1000, 2);
        var y = Run([a, b], [new float[1000]], (backend, i, o) => backend.Add(i[0], i[1], o[0]));
        Assert.That(y[0], Is.EqualTo(a.Zip(b, (p, q) => p + q)));
    }

    [Test]
    public void Embedding([Values] bool sinFirst)
    {
        float[] t = [0f, 0.3f, 1000f, -77f], frequencies = Values(5, 1);
        var y = Run([t, frequencies], [new float[4 * 10]], (backend, i, o) => backend.Embedding(i[0], i[1], o[0], sinFirst))[0];
        Close(y, i =>
        {
            int n = i / 10, j = i % 10;
            double a = (double)t[n] * frequencies[j % 5];
            return j < 5 == sinFirst ? Math.Sin(a) : Math.Cos(a);
        }, 1e-6, "y");
    }

    private static IEnumerable<AdamStep> Steps()
    {
        yield return new AdamStep(1e-2f, 1);
        yield return new AdamStep(1e-2f, 7, 0.8f, 0.95f, 1e-6f, WeightDecay: 0.1f, GradientScale: 0.25f, ClipNorm: 0.5f, EmaDecay: 0.9f);
    }

    [Test]
    public void Adam([ValueSource(nameof(Steps))] AdamStep s, [Values(1, 13, 8195)] int length, [Values] bool withEma)
    {
        float[] p = Values(length, 1), g = Values(length, 2), m = Values(length, 3), v = Values(length, 4).Select(Math.Abs).ToArray(),
            ema = Values(length, 5);
        var y = Run([g], [p, m, v, ema, new float[1]], (backend, i, o) =>
        {
            backend.SumOfSquares(i[0], o[4]);
            backend.Adam(s, o[0], i[0], o[1], o[2], withEma ? o[3] : null, o[4]);
        });
        double norm = s.GradientScale * Math.Sqrt(g.Sum(a => (double)a * a));
        double factor = s.GradientScale * Math.Min(1, s.ClipNorm / norm);
        double M(int i) => (double)s.Beta1 * m[i] + (1 - (double)s.Beta1) * factor * g[i];
        double V(int i) => (double)s.Beta2 * v[i] + (1 - (double)s.Beta2) * factor * g[i] * factor * g[i];
        double P(int i) =>
            p[i] - s.LearningRate
                * (M(i) / (1 - Math.Pow(s.Beta1, s.Step)) / (Math.Sqrt(V(i) / (1 - Math.Pow(s.Beta2, s.Step))) + s.Epsilon)
            + s.WeightDecay * p[i]);
        Close(y[0], P, 1e-6, "p");
        Close(y[1], M, 1e-6, "m");
        Close(y[2], V, 1e-6, "v");
        Close(y[3], i => withEma ? (double)s.EmaDecay * ema[i] + (1 - (double)s.EmaDecay) * P(i) : ema[i], 1e-6, "ema");
    }

    [TestCase(float.NaN)]
    [TestCase(float.PositiveInfinity)]
    public void Adam_changes_nothing_if_the_norm_is_not_finite(float bad)
    {
        float[] p = Values(100, 1), g = Values(100, 2);
        g[37] = bad;
        var y = Run([g], [p, p, p, p, new float[1]], (backend, i, o) =>
        {
            backend.SumOfSquares(i[0], o[4]);
            backend.Adam(new AdamStep(1, 1), o[0], i[0], o[1], o[2], o[3], o[4]);
        });
        Assert.That(float.IsFinite(y[4][0]), Is.False);
        Assert.That(y[..4], Is.All.EqualTo(p));
    }
}
