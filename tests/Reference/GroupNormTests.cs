using BDense.Kernels;
using NUnit.Framework;

namespace BDense.Tests.Reference;

public class GroupNormTests(int lanes) : ReferenceTest(lanes)
{
    private static IEnumerable<GroupNormShape> Shapes()
    {
        foreach (bool silu in (bool[])[false, true])
        {
            yield return new GroupNormShape(1, 1, 3, 1, 1e-5f, silu);
            yield return new GroupNormShape(3, 7, 3, 3, 1e-5f, silu);
            yield return new GroupNormShape(1, 7, 5, 1, 1e-6f, silu);
            yield return new GroupNormShape(3, 49, 24, 8, 1e-5f, silu);
            yield return new GroupNormShape(2, 64, 64, 16, 1e-6f, silu);
            yield return new GroupNormShape(1, 35, 1001, 7, 1e-5f, silu);
        }
    }

    [Test]
    public void Forward_and_backward([ValueSource(nameof(Shapes))] GroupNormShape s, [Values] bool adaptive)
    {
        float[] x = Values(s.Activation.Length, 1), dy = Values(x.Length, 2), gamma = Values(s.C, 3), beta = Values(s.C, 4);
        float[] scaleShift = Values(s.ScaleShift.Length, 5), dgamma = Values(s.C, 6), dbeta = Values(s.C, 7);
        var r = Run([x, dy, gamma, beta, scaleShift],
            [new float[x.Length], new float[s.Stats.Length], new float[x.Length], dgamma, dbeta, new float[scaleShift.Length]],
            (backend, i, o) =>
            {
                backend.GroupNorm(s, i[0], i[2], i[3], adaptive ? i[4] : null, o[0], o[1]);
                backend.GroupNormBackward(s, i[1], i[0], o[1], i[2], i[3], adaptive ? i[4] : null, o[2], o[3], o[4],
                    adaptive ? o[5] : null);
            });

        int size = s.C / s.Groups;
        double count = (double)size * s.Pixels;
        double[] y = new double[x.Length], dx = new double[x.Length], stats = new double[s.Stats.Length],
            dss = new double[scaleShift.Length];
        double[] dg = Array.ConvertAll(dgamma, v => (double)v), db = Array.ConvertAll(dbeta, v => (double)v);
        for (int n = 0; n < s.N; n++)
        {
            for (int g = 0; g < s.Groups; g++)
            {
                var places =
                    (from p in Enumerable.Range(0, s.Pixels)
                     from c in Enumerable.Range(g * size,
                        size)
                     select (I: (n * s.Pixels + p) * s.C + c, C: c)).ToArray();
                double mean = places.Average(e => x[e.I]), variance = places.Average(e => (x[e.I] - mean) * (x[e.I] - mean));
                double rstd = 1 / Math.Sqrt(variance + s.Epsilon), mean1 = 0, mean2 = 0;
                (stats[(n * s.Groups + g) * 2], stats[(n * s.Groups + g) * 2 + 1]) = (mean, rstd);
                var dxhat = new double[places.Length];
                for (int e = 0; e < places.Length; e++)
                {
                    var (i, c) = places[e];
                    double scale = adaptive ? 1 + (double)scaleShift[n * 2 * s.C + c] : 1, shift = adaptive
                        ? scaleShift[n * 2 * s.C + s.C + c] : 0;
                    double xhat = (x[i] - mean) * rstd, u = (xhat * gamma[c] + beta[c]) * scale + shift, sigmoid = 1 / (1 + Math.Exp(-u));
                    y[i] = s.Silu ? u * sigmoid : u;
                    double du = s.Silu ? dy[i] * sigmoid * (1 + u * (1 - sigmoid)) : dy[i];
                    dg[c] += du * scale * xhat;
                    db[c] += du * scale;
                    dss[n * 2 * s.C + c] += du * (xhat * gamma[c] + beta[c]);
                    dss[n * 2 * s.C + s.C + c] += du;
                    dxhat[e] = du * scale * gamma[c];
                    mean1 += dxhat[e] / count;
                    mean2 += dxhat[e] * xhat / count;
                }
                for (int e = 0; e < places.Length; e++)
                    dx[places[e].I] = rstd * (dxhat[e] - mean1 - (x[places[e].I] - mean) * rstd * mean2);
            }
        }
        Close(r[0], i => y[i], 1e-5, "y");
        Close(r[1], i => stats[i], 1e-5, "stats");
        Close(r[2], i => dx[i], 2e-5 * Math.Max(1, stats.Max()), "dx");
        Close(r[3], i => dg[i], 2e-5, "dgamma");
        Close(r[4], i => db[i], 2e-5, "dbeta");
        if (adaptive)
            Close(r[5], i => dss[i], 2e-5, "dscaleShift");
    }

    /// <summary>Also where the first pixels are far from the rest, as zero padding makes them.</summary>
    [TestCase(0)]
    [TestCase(4)]
    public void A_mean_a_thousand_times_the_deviation_costs_no_accuracy(int zeroPixels)
    {
        var s = new GroupNormShape(1, 1024, 32, 4, 1e-5f, false);
        var random = new Random(1);
        float[] x = Enumerable.Range(0, s.Activation.Length).Select(i =>
            i < zeroPixels * s.C ? 1000f : (float)(1000 + Math.Sqrt(12) * (random.NextDouble() - 0.5))).ToArray();
        if (zeroPixels > 0)
            x[0] = 0;
        float[] ones = Enumerable.Repeat(1f, s.C).ToArray();
        var r = Run([x, ones, new float[s.C]], [new float[x.Length], new float[s.Stats.Length]],
            (backend, i, o) => backend.GroupNorm(s, i[0], i[1], i[2], null, o[0], o[1]));
        for (int g = 0; g < s.Groups; g++)
        {
            double[] group = x.Where((_, i) => i % s.C / 8 == g).Select(v => (double)v).ToArray();
            double mean = group.Average(), rstd = 1 / Math.Sqrt(group.Average(v => (v - mean) * (v - mean)) + s.Epsilon);
            Assert.That(r[1][2 * g], Is.EqualTo(mean).Within(1e-4), "mean");
            Assert.That(r[1][2 * g + 1], Is.EqualTo(rstd).Within(1e-5 * rstd), "rstd");
        }
    }

    [Test]
    public void NaN_stays_in_its_group_and_shows()
    {
        var s = new GroupNormShape(1, 9, 8, 2, 1e-5f, true);
        float[] x = Values(s.Activation.Length, 1), gamma = Values(8, 2);
        x[8 * 4 + 5] = float.NaN;
        float[] y = Run([x, gamma, gamma], [new float[x.Length], new float[s.Stats.Length]],
            (backend, i, o) => backend.GroupNorm(s, i[0], i[1], i[2], null, o[0], o[1]))[0];
        Assert.That(y.Where((_, i) => i % 8 >= 4), Is.All.NaN);
        Assert.That(y.Where((_, i) => i % 8 < 4), Is.All.Not.NaN);
    }
}
