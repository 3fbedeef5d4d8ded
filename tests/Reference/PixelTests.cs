using BDense.Kernels;
using NUnit.Framework;

namespace BDense.Tests.Reference;

/// <summary>Operations over pixels and channels that add, move or sum.</summary>
public class PixelTests(int lanes) : ReferenceTest(lanes)
{
    [Test]
    public void Broadcast_add([Values(1, 3)] int n, [Values(1, 7)] int pixels, [Values(3, 5, 24, 64, 100)] int c)
    {
        float[] x = Values(n * pixels * c, 1), e = Values(n * c, 2);
        var y = Run([x, e], [new float[x.Length], new float[e.Length]], (backend, i, o) =>
        {
            using var x3 = i[0].Reshape(new Shape(n, pixels, c));
            using var y3 = o[0].Reshape(new Shape(n, pixels, c));
            using var e2 = i[1].Reshape(new Shape(n, c));
            using var de = o[1].Reshape(new Shape(n, c));
            backend.BroadcastAdd(x3, e2, y3);
            backend.BroadcastAddBackward(x3, de);
        });
        Close(y[0], i => (double)x[i] + e[i / (pixels * c) * c + i % c], 1e-7, "y");
        Close(y[1], i => Enumerable.Range(0, pixels).Sum(p => (double)x[(i / c * pixels + p) * c + i % c]), 1e-6, "de");
    }

    [TestCase(1, 3, 5)]
    [TestCase(7, 24, 1)]
    [TestCase(300, 64, 32)]
    public void Concat_and_Split(int pixels, int ca, int cb)
    {
        float[] a = Values(pixels * ca, 1), b = Values(pixels * cb, 2);
        var y = Run([a, b], [new float[a.Length + b.Length], new float[a.Length], new float[b.Length]], (backend, i, o) =>
        {
            using var ta = i[0].Reshape(new Shape(pixels, ca));
            using var tb = i[1].Reshape(new Shape(pixels, cb));
            using var ty = o[0].Reshape(new Shape(pixels, ca + cb));
            using var backA = o[1].Reshape(new Shape(pixels, ca));
            using var backB = o[2].Reshape(new Shape(pixels, cb));
            backend.Concat(ta, tb, ty);
            backend.Split(ty, backA, backB);
        });
        Close(y[0], i => i % (ca + cb) < ca ? a[i / (ca + cb) * ca + i % (ca + cb)] : b[i / (ca + cb) * cb + i % (ca + cb) - ca], 0, "y");
        Assert.That(y[1], Is.EqualTo(a));
        Assert.That(y[2], Is.EqualTo(b));
    }

    [TestCase(1, 1, 1, 3)]
    [TestCase(3, 2, 5, 24)]
    [TestCase(2, 8, 8, 13)]
    public void Resample(int n, int p, int q, int c)
    {
        float[] small = Values(n * p * q * c, 1), large = Values(4 * small.Length, 2);
        var y = Run([small, large], [new float[small.Length], new float[large.Length]], (backend, i, o) =>
        {
            using var s = i[0].Reshape(new Shape(n, p, q, c));
            using var l = i[1].Reshape(new Shape(n, 2 * p, 2 * q, c));
            using var down = o[0].Reshape(s.Shape);
            using var up = o[1].Reshape(l.Shape);
            backend.Downsample(l, down);
            backend.Upsample(s, up, 0.5f);
        });
        int Large(int sample, int h, int w, int channel) => ((sample * 2 * p + h) * 2 * q + w) * c + channel;
        Close(y[0], i =>
        {
            int channel = i % c, w = i / c % q, h = i / c / q % p, sample = i / c / q / p;
            return 0.25 * ((double)large[Large(sample, 2 * h, 2 * w, channel)] + large[Large(sample, 2 * h, 2 * w + 1, channel)]
                + large[Large(sample, 2 * h + 1, 2 * w, channel)] + large[Large(sample, 2 * h + 1, 2 * w + 1, channel)]);
        }, 1e-6, "down");
        Close(y[1], i =>
        {
            int channel = i % c, w = i / c % (2 * q), h = i / c / (2 * q) % (2 * p), sample = i / c / (2 * q) / (2 * p);
            return 0.5 * small[((sample * p + h / 2) * q + w / 2) * c + channel];
        }, 1e-7, "up");
    }

    [TestCase(1)]
    [TestCase(31)]
    [TestCase(8192)]
    [TestCase(100_003)]
    public void Reduction(int length)
    {
        float[] x = Values(length, 1).Select(v => v + 1).ToArray();
        var y = Run([x], [new float[1], new float[1]], (backend, i, o) =>
        {
            backend.Sum(i[0], o[0]);
            backend.SumOfSquares(i[0], o[1]);
        });
        Close(y[0], _ => x.Sum(v => (double)v), 1e-6, "sum");
        Close(y[1], _ => x.Sum(v => (double)v * v), 1e-6, "sum of squares");
    }
}
