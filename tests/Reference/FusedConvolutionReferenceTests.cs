using BDense.Kernels;
using BDense.Kernels.Reference;
using NUnit.Framework;

namespace BDense.Tests.Reference;

/// <summary>Fused convolutions on the CPU, by every register width, against loops in double precision.</summary>
public sealed class FusedConvolutionReferenceTests
{
    private static readonly Conv2dShape[] Shapes =
    [
        // By Winograd's products: whole registers, partial ones, odd images; some channels by groups.
        Conv2dShape.Same(3, 8, 6, 16, 32, 3),
        Conv2dShape.Same(2, 7, 5, 20, 37, 3),
        Conv2dShape.Same(2, 4, 4, 48, 16, 3),
        // To few outputs, from few inputs, 1x1, strided.
        Conv2dShape.Same(2, 6, 5, 32, 3, 3),
        Conv2dShape.Same(2, 6, 8, 3, 24, 3),
        Conv2dShape.Same(3, 4, 6, 18, 33, 1),
        new(2, 8, 8, 6, 10, 3, 3, 2, 0, 1),
    ];


    [Test]
    public void ForwardIsActivationSumAndEpilogue([ValueSource(nameof(Shapes))]
    Conv2dShape s, [ValueSource(typeof(Widths), nameof(Widths.Tested))] int lanes,
        [Values] bool halve, [Values] bool all)
    {
        float[] x = Noise(Source(s, halve).Length, 1), w = Noise(s.Weight.Length, 2), scaleShift = Noise(s.N * 2 * s.C, 3);
        float[] bias = Noise(s.K, 4), embedding = Noise(s.N * s.K, 5), residual = Noise(s.Output.Length, 6);
        const float Scale = 0.75f;
        double[] u = Activated(s, x, scaleShift, halve), expected = new double[s.Output.Length];
        ForEach(s, (xi, wi, yi) => expected[yi] += u[xi] * w[wi]);
        for (int i = 0; i < expected.Length; i++)
        {
            int k = i % s.K, n = i / (s.P * s.Q * s.K);
            expected[i] = Scale * (expected[i] + residual[i] + (all ? bias[k] + embedding[(n * s.K) + k] : 0));
            if (all)
                expected[i] = Silu(expected[i]);
        }

        using var backend = new ReferenceBackend(3, lanes);
        using Tensor tx = backend.FromArray(x, Source(s, halve)), tw = backend.FromArray(w, s.Weight), y = backend.Empty(s.Output);
        using Tensor factors = backend.FromArray(scaleShift, new Shape(s.N, 2 * s.C)), b = backend.FromArray(bias, new Shape(s.K));
        using Tensor e = backend.FromArray(embedding, new Shape(s.N, s.K)), r = backend.FromArray(residual, s.Output);
        var prologue = new ConvolutionPrologue(factors, true, halve ? Resampling.Down : Resampling.None);
        backend.FusedConv2d(s, tx, tw, prologue, all ? new(b, e, r, Scale, true) : new(null, null, r, Scale), y);
        ReferenceCheck.Close(y.ToArray(), expected, s.R * s.S * s.C);
    }

    [Test]
    public void WgradSumsWithTheActivatedInput([ValueSource(nameof(Shapes))]
    Conv2dShape s, [ValueSource(typeof(Widths), nameof(Widths.Tested))] int lanes, [Values] bool halve)
    {
        float[] x = Noise(Source(s, halve).Length, 1), dy = Noise(s.Output.Length, 2), scaleShift = Noise(s.N * 2 * s.C, 3);
        float[] dw = Noise(s.Weight.Length, 4), db = Noise(s.K, 5);
        double[] u = Activated(s, x, scaleShift, halve), expectedW = Array.ConvertAll(dw, v => (double)v),
            expectedB = Array.ConvertAll(db, v => (double)v);
        ForEach(s, (xi, wi, yi) => expectedW[wi] += u[xi] * dy[yi]);
        for (int i = 0; i < dy.Length; i++)
            expectedB[i % s.K] += dy[i];

        using var backend = new ReferenceBackend(3, lanes);
        using Tensor tx = backend.FromArray(x, Source(s, halve)), tdy = backend.FromArray(dy, s.Output);
        using Tensor factors = backend.FromArray(scaleShift, new Shape(s.N, 2 * s.C));
        using Tensor tdw = backend.FromArray(dw, s.Weight), tdb = backend.FromArray(db, new Shape(s.K));
        backend.FusedConv2dWgrad(s, tx, new(factors, true, halve ? Resampling.Down : Resampling.None), tdy, tdw, tdb);
        ReferenceCheck.Close(tdw.ToArray(), expectedW, s.N * s.P * s.Q);
        ReferenceCheck.Close(tdb.ToArray(), expectedB, s.N * s.P * s.Q);
    }

    [Test]
    public void UpsampledInputsAreCopiesOfPixels([ValueSource(typeof(Widths), nameof(Widths.Tested))] int lanes, [Values(3, 20)]
    int outputs)
    {
        var s = Conv2dShape.Same(2, 8, 6, 16, outputs, 3);
        var small = new Shape(s.N, s.H / 2, s.W / 2, s.C);
        float[] x = Noise(small.Length, 1), w = Noise(s.Weight.Length, 2), residual = Noise(s.Output.Length, 3),
            dy = Noise(s.Output.Length, 4);
        var at = new int[s.Input.Length];
        for (int i = 0; i < at.Length; i++)
        {
            int c = i % s.C, column = i / s.C % s.W, row = i / s.C / s.W % s.H, n = i / s.C / s.W / s.H;
            at[i] = ((((n * s.H / 2) + (row / 2)) * (s.W / 2)) + (column / 2)) * s.C + c;
        }
        double[] y = Array.ConvertAll(residual, v => (double)v), dx = new double[x.Length], dw = new double[w.Length];
        ForEach(s, (xi, wi, yi) =>
        {
            y[yi] += (double)x[at[xi]] * w[wi];
            dx[at[xi]] += (double)dy[yi] * w[wi];
            dw[wi] += (double)dy[yi] * x[at[xi]];
        });

        using var backend = new ReferenceBackend(3, lanes);
        using Tensor tx = backend.FromArray(x, small), tw = backend.FromArray(w, s.Weight), r = backend.FromArray(residual, s.Output);
        using Tensor tdy = backend.FromArray(dy, s.Output), ty = backend.Empty(s.Output), tdx = backend.Empty(small),
            tdw = backend.Zeros(s.Weight);
        var prologue = new ConvolutionPrologue(null, Resampling: Resampling.Up);
        backend.FusedConv2d(s, tx, tw, prologue, new(null, null, r), ty);
        backend.FusedConv2dDgrad(s, tdy, tw, Resampling.Up, tdx);
        backend.FusedConv2dWgrad(s, tx, prologue, tdy, tdw, null);
        ReferenceCheck.Close(ty.ToArray(), y, 9 * s.C);
        ReferenceCheck.Close(tdx.ToArray(), dx, 36 * s.K);
        ReferenceCheck.Close(tdw.ToArray(), dw, s.N * s.P * s.Q);
    }

    private static Shape Source(Conv2dShape s, bool halve) => halve ? new(s.N, 2 * s.H, 2 * s.W, s.C) : s.Input;

    /// <summary>silu(scale x + shift), or the means of its 2x2 blocks.</summary>
    private static double[] Activated(Conv2dShape s, float[] x, float[] scaleShift, bool halve)
    {
        int factor = halve ? 2 : 1;
        var u = new double[s.Input.Length];
        for (int i = 0; i < x.Length; i++)
        {
            int c = i % s.C, column = i / s.C % (factor * s.W), row = i / s.C / (factor * s.W) % (factor * s.H),
                n = i / (factor * factor * s.H * s.W * s.C);
            double v = Silu(((double)scaleShift[(2 * n * s.C) + c] * x[i]) + scaleShift[(((2 * n) + 1) * s.C) + c]);
            u[((((n * s.H) + (row / factor)) * s.W) + (column / factor)) * s.C + c] += v / (factor * factor);
        }
        return u;
    }

    private static double Silu(double x) => x / (1 + Math.Exp(-x));

    private static float[] Noise(int length, int seed) => ReferenceCheck.Noise(length, seed);

    private static void ForEach(Conv2dShape s, Action<int, int, int> visit) => ConvolutionReferenceTests.ForEach(s, visit);
}
