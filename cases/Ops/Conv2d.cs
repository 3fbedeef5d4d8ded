using BDense.Kernels;
using static BDense.Cases.Operand;

namespace BDense.Cases.Ops;

/// <summary>Convolution, its two gradients, and the sizes that benchmarks take.</summary>
public static class Conv2dCases
{
    /// <summary>The 3x3 convolutions of small diffusion networks, as many channels out as in: what benchmarks time on CPUs.</summary>
    public static IReadOnlyList<Conv2dShape> Blocks { get; } =
    [
        Square(16, 32, 32, 32), Square(16, 32, 64, 64), Square(16, 32, 128, 128), Square(16, 16, 128, 128),
        Square(64, 16, 32, 32), Square(64, 8, 64, 64), Square(16, 8, 256, 256),
    ];

    /// <summary>Their first and last layers, a projection and a shortcut.</summary>
    public static IReadOnlyList<Conv2dShape> Ends { get; } =
        [Square(16, 32, 3, 64), Square(16, 32, 64, 3), Square(16, 16, 128, 128, 1), Square(16, 32, 128, 64, 1)];

    /// <summary>Layers of EDM's network for CIFAR-10, and of ADM's for ImageNet-64: what benchmarks time on GPUs.</summary>
    public static IReadOnlyList<Conv2dShape> Huge { get; } =
    [
        Square(64, 32, 128, 256), Square(64, 32, 256, 256), Square(64, 32, 512, 256), Square(64, 16, 256, 256), Square(64, 16, 512, 256),
        Square(64, 8, 256, 256), Square(64, 8, 512, 256), Square(64, 32, 512, 256, 1), Square(64, 32, 256, 3), Square(64, 32, 256, 12),
        Square(32, 64, 192, 192), Square(32, 32, 384, 384), Square(32, 16, 576, 576), Square(32, 8, 768, 768),
    ];

    private static Conv2dShape Square(int n, int size, int c, int k, int kernel = 3) => Conv2dShape.Same(n, size, size, c, k, kernel);

    /// <summary>Every product of the convolution: input element i times weight element j belongs to output element o.</summary>
    private static void ForEachTap(Conv2dShape s, Action<int, int, int> tap)
    {
        for (int n = 0; n < s.N; n++)
            for (int p = 0; p < s.P; p++)
                for (int q = 0; q < s.Q; q++)
                    for (int k = 0; k < s.K; k++)
                        for (int r = 0; r < s.R; r++)
                            for (int t = 0; t < s.S; t++)
                            {
                                int h = p * s.Stride + r - s.PadBegin, w = q * s.Stride + t - s.PadBegin;
                                if (h < 0 || h >= s.H || w < 0 || w >= s.W)
                                    continue;
                                for (int c = 0; c < s.C; c++)
                                    tap(((n * s.H + h) * s.W + w) * s.C + c, ((k * s.R + r) * s.S + t) * s.C + c,
                                        ((n * s.P + p) * s.Q + q) * s.K + k);
                            }
    }

    /// <summary>y = x * w + bias.</summary>
    public static void Forward(Conv2dShape s, double[] x, double[] w, double[]? bias, double[] y)
    {
        for (int o = 0; o < y.Length; o++)
            y[o] = bias is null ? 0 : bias[o % s.K];
        ForEachTap(s, (i, j, o) => y[o] += x[i] * w[j]);
    }

    /// <summary>dx, overwritten.</summary>
    public static void Dgrad(Conv2dShape s, double[] dy, double[] w, double[] dx)
    {
        Array.Clear(dx);
        ForEachTap(s, (i, j, o) => dx[i] += dy[o] * w[j]);
    }

    /// <summary>dw and dbias, added to.</summary>
    public static void Wgrad(Conv2dShape s, double[] x, double[] dy, double[] dw, double[]? dbias)
    {
        ForEachTap(s, (i, j, o) => dw[j] += dy[o] * x[i]);
        for (int o = 0; o < dy.Length && dbias is not null; o++)
            dbias[o % s.K] += dy[o];
    }

    private static IEnumerable<(Conv2dShape Shape, CaseSize Size)> Shapes()
    {
        yield return (Conv2dShape.Same(1, 1, 1, 1, 1, 1), CaseSize.Tiny);
        yield return (Conv2dShape.Same(1, 1, 1, 3, 5, 3), CaseSize.Tiny);
        yield return (Conv2dShape.Same(1, 4, 5, 3, 5, 3), CaseSize.Tiny);
        yield return (Conv2dShape.Same(2, 3, 3, 8, 4, 1), CaseSize.Tiny);
        yield return (new(1, 5, 4, 3, 4, 5, 3, 1, 2, 1), CaseSize.Tiny);
        yield return (new(1, 6, 6, 4, 3, 3, 3, 2, 0, 1), CaseSize.Tiny);
        yield return (new(2, 5, 7, 2, 3, 3, 3, 2, 1, 1), CaseSize.Tiny);
        yield return (Conv2dShape.Same(1, 8, 8, 5, 12, 3), CaseSize.Small);
        yield return (Conv2dShape.Same(3, 7, 9, 12, 24, 3), CaseSize.Small);
        yield return (Conv2dShape.Same(2, 8, 8, 96, 24, 3), CaseSize.Small);
        yield return (Conv2dShape.Same(2, 16, 16, 3, 64, 3), CaseSize.Small);
        yield return (Conv2dShape.Same(2, 16, 16, 64, 3, 3), CaseSize.Small);
        yield return (Conv2dShape.Same(2, 16, 16, 32, 64, 3), CaseSize.Small);
        yield return (Conv2dShape.Same(2, 8, 8, 96, 128, 1), CaseSize.Small);
        yield return (Conv2dShape.Same(5, 1, 1, 64, 64, 1), CaseSize.Small);
        yield return (Conv2dShape.Same(1, 2, 2, 130, 66, 3), CaseSize.Small);
        yield return (new(2, 9, 8, 7, 10, 5, 3, 1, 2, 2), CaseSize.Small);
        yield return (new(2, 16, 16, 32, 32, 3, 3, 2, 0, 1), CaseSize.Small);
        yield return (new(1, 12, 10, 5, 6, 4, 4, 4), CaseSize.Small);
        yield return (new(1, 9, 9, 4, 4, 1, 1, 2), CaseSize.Small);
        yield return (new(1, 6, 6, 4, 4, 3, 3), CaseSize.Small);
        yield return (Conv2dShape.Same(32, 32, 32, 64, 64, 3), CaseSize.Large);
        yield return (Conv2dShape.Same(32, 16, 16, 128, 128, 3), CaseSize.Large);
        yield return (Conv2dShape.Same(32, 16, 16, 256, 256, 1), CaseSize.Large);
    }

    /// <summary>All of them; benchmarks' sizes with a bias alone.</summary>
    public static IEnumerable<OpCase> Rows() =>
    [
        .. Shapes().SelectMany(row => Of(row.Shape, row.Size)),
        .. Blocks.Concat(Ends).SelectMany(s => Timed(s, CaseSize.Large)), .. Huge.SelectMany(s => Timed(s, CaseSize.Huge)),
    ];

    private static IEnumerable<OpCase> Timed(Conv2dShape s, CaseSize size) =>
        Of(s, size).Where(row => row.Op == "Conv2dDgrad" || row.Label.EndsWith("bias", StringComparison.Ordinal));

    /// <summary>Forward, dgrad and wgrad of a shape, with and without bias.</summary>
    public static IEnumerable<OpCase> Of(Conv2dShape s, CaseSize size)
    {
        foreach (bool bias in new[] { false, true })
        {
            string label = $"{Text(s)}{(bias ? " bias" : "")}";
            Operand[] ends = [In("x", s.Input), In("w", s.Weight), Out("y", s.Output)];
            yield return bias
                ? new("Conv2d", label, [.. ends, In("bias", new(s.K))], (b, t) => b.Conv2d(s, t[0], t[1], t[3], t[2]),
                    d => Forward(s, d[0], d[1], d[3], d[2]))
                { Size = size, Setting = s }
                : new("Conv2d", label, ends, (b, t) => b.Conv2d(s, t[0], t[1], null, t[2]),
                    d => Forward(s, d[0], d[1], null, d[2]))
                { Size = size, Setting = s };
            Operand[] wgrad = [In("x", s.Input), In("dy", s.Output), InOut("dw", s.Weight)];
            yield return bias
                ? new("Conv2dWgrad", label, [.. wgrad, InOut("dbias", new(s.K))], (b, t) => b.Conv2dWgrad(s, t[0], t[1], t[2], t[3]),
                    d => Wgrad(s, d[0], d[1], d[2], d[3]))
                { Size = size, Setting = s }
                : new("Conv2dWgrad", label, wgrad, (b, t) => b.Conv2dWgrad(s, t[0], t[1], t[2], null),
                    d => Wgrad(s, d[0], d[1], d[2], null))
                { Size = size, Setting = s };
        }
        yield return new("Conv2dDgrad", Text(s), [In("dy", s.Output), In("w", s.Weight), Out("dx", s.Input)],
            (b, t) => b.Conv2dDgrad(s, t[0], t[1], t[2]), d => Dgrad(s, d[0], d[1], d[2]))
        { Size = size, Setting = s };
    }

    /// <summary>At the tiny shapes.</summary>
    public static IEnumerable<GradientCase> Gradients()
    {
        foreach (var (s, _) in Shapes().Where(row => row.Size == CaseSize.Tiny))
        {
            double[][] at = [Values.NormalArray(1, s.Input.Length), Values.NormalArray(2, s.Weight.Length), Values.NormalArray(3, s.K)];
            double[] F(double[][] d)
            {
                var y = new double[s.Output.Length];
                Forward(s, d[0], d[1], d[2], y);
                return y;
            }
            yield return new("Conv2dDgrad", Text(s), at, F, (d, dy) =>
            {
                var dx = new double[s.Input.Length];
                Dgrad(s, dy, d[1], dx);
                return [dx, null, null];
            });
            yield return new("Conv2dWgrad", Text(s), at, F, (d, dy) =>
            {
                var (dw, dbias) = (new double[s.Weight.Length], new double[s.K]);
                Wgrad(s, d[0], dy, dw, dbias);
                return [null, dw, dbias];
            });
        }
    }

    private static string Text(Conv2dShape s) =>
        $"{s.R}x{s.S} {s.N}x{s.H}x{s.W}x{s.C}->{s.K} stride {s.Stride} pad {s.PadBegin},{s.PadEnd}";
}
