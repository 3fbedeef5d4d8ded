using BDense.Kernels;
using BDense.Kernels.Reference;
using NUnit.Framework;

namespace BDense.Tests.Reference;

/// <summary>Convolution on the CPU against loops in double precision: partial panels, strides, uneven pads, few pixels.</summary>
public sealed class ConvolutionReferenceTests
{
    private static readonly Conv2dShape[] Shapes =
    [
        Conv2dShape.Same(1, 1, 1, 1, 1, 1),
        Conv2dShape.Same(2, 1, 1, 5, 7, 3),
        Conv2dShape.Same(33, 1, 1, 13, 29, 1),
        Conv2dShape.Same(2, 5, 3, 3, 24, 3),
        Conv2dShape.Same(3, 4, 4, 24, 12, 3),
        Conv2dShape.Same(2, 6, 7, 24, 3, 3),
        Conv2dShape.Same(1, 9, 9, 17, 41, 3),
        Conv2dShape.Same(5, 8, 8, 48, 40, 3),
        Conv2dShape.Same(1, 33, 18, 20, 24, 3),
        Conv2dShape.Same(20, 4, 4, 34, 18, 3),
        new(2, 9, 8, 18, 20, 3, 3, 1, 0, 0),
        new(2, 8, 9, 20, 50, 3, 3, 1, 2, 1),
        Conv2dShape.Same(2, 11, 13, 33, 16, 1),
        Conv2dShape.Same(1, 3, 70, 130, 33, 5),
        Conv2dShape.Same(1, 40, 17, 200, 8, 3),
        Conv2dShape.Same(70, 12, 12, 4, 9, 3),
        new(2, 8, 8, 6, 10, 3, 3, 2, 0, 1),
        new(2, 7, 9, 6, 18, 3, 3, 2, 1, 1),
        new(1, 9, 10, 4, 5, 2, 4, 3, 2, 0),
        new(2, 6, 6, 9, 11, 1, 1, 2),
        new(2, 7, 6, 9, 11, 1, 1, 3, 1, 1),
        new(1, 12, 5, 3, 8, 4, 2, 1, 3, 2),
        new(2, 6, 9, 8, 16, 3, 2),
        new(1, 5, 5, 2, 3, 1, 1, 1, 2, 2),
        // Few outputs or inputs; and more channels than one task of Winograd's wgrad sums.
        Conv2dShape.Same(2, 7, 6, 32, 3, 3),
        Conv2dShape.Same(3, 5, 5, 16, 8, 3),
        Conv2dShape.Same(2, 6, 5, 1, 48, 3),
        new(2, 8, 8, 16, 4, 3, 3, 2, 0, 1),
        Conv2dShape.Same(5, 6, 7, 130, 200, 3),
        Conv2dShape.Same(36, 10, 9, 17, 20, 3),
    ];


    [Test]
    public void ForwardIsTheSum(
        [ValueSource(nameof(Shapes))] Conv2dShape s, [ValueSource(typeof(Widths), nameof(Widths.Tested))] int lanes, [Values] bool withBias)
    {
        float[] x = Noise(s.Input, 1), w = Noise(s.Weight, 2), b = Noise(new Shape(s.K), 3);
        var expected = new double[s.Output.Length];
        ForEach(s, (xi, wi, yi) => expected[yi] += (double)x[xi] * w[wi]);
        for (int i = 0; withBias && i < expected.Length; i++)
            expected[i] += b[i % s.K];

        using var backend = new ReferenceBackend(2, lanes);
        using var y = backend.FromArray(Garbage(s.Output), s.Output);
        using var tx = backend.FromArray(x, s.Input);
        using var tw = backend.FromArray(w, s.Weight);
        using var tb = backend.FromArray(b, new Shape(s.K));
        backend.Conv2d(s, tx, tw, withBias ? tb : null, y);
        ReferenceCheck.Close(y.ToArray(), expected, s.R * s.S * s.C);
    }

    [Test]
    public void DgradIsTheAdjoint([ValueSource(nameof(Shapes))] Conv2dShape s, [ValueSource(typeof(Widths), nameof(Widths.Tested))]
    int lanes)
    {
        float[] dy = Noise(s.Output, 4), w = Noise(s.Weight, 5);
        var expected = new double[s.Input.Length];
        ForEach(s, (xi, wi, yi) => expected[xi] += (double)dy[yi] * w[wi]);

        using var backend = new ReferenceBackend(2, lanes);
        using var tdy = backend.FromArray(dy, s.Output);
        using var tw = backend.FromArray(w, s.Weight);
        using var dx = backend.FromArray(Garbage(s.Input), s.Input);
        backend.Conv2dDgrad(s, tdy, tw, dx);
        ReferenceCheck.Close(dx.ToArray(), expected, s.R * s.S * s.K);
    }

    [Test]
    public void WgradAccumulates([ValueSource(nameof(Shapes))] Conv2dShape s, [ValueSource(typeof(Widths), nameof(Widths.Tested))]
    int lanes)
    {
        float[] x = Noise(s.Input, 6), dy = Noise(s.Output, 7), dw = Noise(s.Weight, 8), db = Noise(new Shape(s.K), 9);
        double[] expectedW = Array.ConvertAll(dw, v => (double)v), expectedB = Array.ConvertAll(db, v => (double)v);
        ForEach(s, (xi, wi, yi) => expectedW[wi] += (double)dy[yi] * x[xi]);
        for (int i = 0; i < dy.Length; i++)
            expectedB[i % s.K] += dy[i];

        using var backend = new ReferenceBackend(2, lanes);
        using var tx = backend.FromArray(x, s.Input);
        using var tdy = backend.FromArray(dy, s.Output);
        using var tdw = backend.FromArray(dw, s.Weight);
        using var tdb = backend.FromArray(db, new Shape(s.K));
        backend.Conv2dWgrad(s, tx, tdy, tdw, tdb);
        ReferenceCheck.Close(tdw.ToArray(), expectedW, s.N * s.P * s.Q);
        ReferenceCheck.Close(tdb.ToArray(), expectedB, s.N * s.P * s.Q);
    }

    [Test]
    public void WgradInManyChunksAccumulatesOnceEach()
    {
        // Three images of 0.76 million packed floats: a chunk of two and a chunk of one.
        var s = new Conv2dShape(3, 64, 64, 160, 120, 1, 1, 2);
        float[] x = Noise(s.Input, 6), dy = Noise(s.Output, 7);
        double[] expectedW = new double[s.Weight.Length], expectedB = new double[s.K];
        ForEach(s, (xi, wi, yi) => expectedW[wi] += (double)dy[yi] * x[xi]);
        for (int i = 0; i < dy.Length; i++)
            expectedB[i % s.K] += dy[i];

        using var backend = new ReferenceBackend(2);
        using var tx = backend.FromArray(x, s.Input);
        using var tdy = backend.FromArray(dy, s.Output);
        using var tdw = backend.FromArray(new float[s.Weight.Length], s.Weight);
        using var tdb = backend.FromArray(new float[s.K], new Shape(s.K));
        backend.Conv2dWgrad(s, tx, tdy, tdw, tdb);
        ReferenceCheck.Close(tdw.ToArray(), expectedW, s.N * s.P * s.Q);
        ReferenceCheck.Close(tdb.ToArray(), expectedB, s.N * s.P * s.Q);
    }

    [Test]
    public void ThreadsDoNotChangeABit([ValueSource(nameof(Shapes))] Conv2dShape s, [ValueSource(typeof(Widths), nameof(Widths.Tested))]
    int lanes)
    {
        var results = new List<float[]>();
        foreach (int threads in new[] { 1, 2, 5 })
        {
            using var backend = new ReferenceBackend(threads, lanes);
            using var x = backend.FromArray(Noise(s.Input, 1), s.Input);
            using var w = backend.FromArray(Noise(s.Weight, 2), s.Weight);
            using var y = backend.Empty(s.Output);
            using var dx = backend.Empty(s.Input);
            using var dw = backend.FromArray(new float[s.Weight.Length], s.Weight);
            using var db = backend.FromArray(new float[s.K], new Shape(s.K));
            backend.Conv2d(s, x, w, null, y);
            backend.Conv2dDgrad(s, y, w, dx);
            backend.Conv2dWgrad(s, x, y, dw, db);
            results.Add([.. y.ToArray(), .. dx.ToArray(), .. dw.ToArray(), .. db.ToArray()]);
        }
        Assert.That(results[1], Is.EqualTo(results[0]));
        Assert.That(results[2], Is.EqualTo(results[0]));
    }

    [Test]
    public void LinearIsAConvolution()
    {
        var s = new LinearShape(37, 50, 21);
        using var backend = new ReferenceBackend(2);
        float[] x = Noise(s.Conv.Input, 1), w = Noise(s.Conv.Weight, 2);
        var expected = new double[s.N * s.Out];
        for (int n = 0; n < s.N; n++)
        {
            for (int o = 0; o < s.Out; o++)
            {
                for (int i = 0; i < s.In; i++)
                    expected[(n * s.Out) + o] += (double)x[(n * s.In) + i] * w[(o * s.In) + i];
            }
        }
        using var tx = backend.FromArray(x, new Shape(s.N, s.In));
        using var tw = backend.FromArray(w, new Shape(s.Out, s.In));
        using var y = backend.Empty(new Shape(s.N, s.Out));
        backend.Linear(s, tx, tw, null, y);
        ReferenceCheck.Close(y.ToArray(), expected, s.In);
    }

    [Test]
    public void AWarmCallMakesNoGarbage([Values(3, 12, 32)] int inputs, [Values(3, 12, 32)] int outputs, [Values(1, 2)] int threads)
    {
        var s = Conv2dShape.Same(2, 8, 8, inputs, outputs, 3);
        using var backend = new ReferenceBackend(threads);
        using var x = backend.FromArray(Noise(s.Input, 1), s.Input);
        using var w = backend.FromArray(Noise(s.Weight, 2), s.Weight);
        using var b = backend.FromArray(Noise(new Shape(s.K), 2), new Shape(s.K));
        using var y = backend.Empty(s.Output);
        void Step()
        {
            backend.Conv2d(s, x, w, b, y);
            backend.Conv2dDgrad(s, y, w, x);
            backend.Conv2dWgrad(s, x, y, w, b);
        }
        for (int i = 0; i < 3; i++)
            Step();
        long before = GC.GetAllocatedBytesForCurrentThread(), driver = backend.Pool.DeviceAllocations;
        Step();
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
        Assert.That(backend.Pool.DeviceAllocations, Is.EqualTo(driver));
    }

    /// <summary>Calls back with the indices into x, w and y of every product.</summary>
    internal static void ForEach(Conv2dShape s, Action<int, int, int> visit)
    {
        for (int n = 0; n < s.N; n++)
            for (int p = 0; p < s.P; p++)
                for (int q = 0; q < s.Q; q++)
                    for (int r = 0; r < s.R; r++)
                        for (int t = 0; t < s.S; t++)
                        {
                            int h = (p * s.Stride) + r - s.PadBegin, w = (q * s.Stride) + t - s.PadBegin;
                            if (h < 0 || h >= s.H || w < 0 || w >= s.W)
                                continue;
                            for (int k = 0; k < s.K; k++)
                                for (int c = 0; c < s.C; c++)
                                    visit(
                                        (((n * s.H) + h) * s.W + w) * s.C + c,
                                        (((k * s.R) + r) * s.S + t) * s.C + c,
                                        (((n * s.P) + p) * s.Q + q) * s.K + k);
                        }
    }

    private static float[] Noise(Shape shape, int seed) => ReferenceCheck.Noise(shape.Length, seed);

    private static float[] Garbage(Shape shape)
    {
        var values = new float[shape.Length];
        Array.Fill(values, float.NaN);
        return values;
    }
}
