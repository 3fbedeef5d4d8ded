using BDense.Kernels;
using static BDense.Cases.Operand;

namespace BDense.Cases.Ops;

/// <summary>Images halved and doubled.</summary>
public static class ResampleCases
{
    /// <summary>Flat index in the small image of the block that element i of the large one (n x 2p x 2q x c) lies in.</summary>
    private static int Small(int p, int q, int c, int i)
    {
        int channel = i % c, w = i / c % (2 * q), h = i / c / (2 * q) % (2 * p), n = i / (4 * p * q * c);
        return ((n * p + h / 2) * q + w / 2) * c + channel;
    }

    private static void Down(int p, int q, int c, double[] x, double[] y, double factor)
    {
        Array.Clear(y);
        for (int i = 0; i < x.Length; i++)
            y[Small(p, q, c, i)] += factor * x[i];
    }

    private static void Up(int p, int q, int c, double[] x, double[] y, double factor)
    {
        for (int i = 0; i < y.Length; i++)
            y[i] = factor * x[Small(p, q, c, i)];
    }

    /// <summary>Of every size.</summary>
    public static IEnumerable<OpCase> Rows()
    {
        (int N, int P, int Q, int C, CaseSize Size)[] rows =
        [
            (1, 1, 1, 1, CaseSize.Tiny), (2, 2, 3, 5, CaseSize.Tiny), (2, 8, 8, 12, CaseSize.Small), (3, 5, 7, 96, CaseSize.Small),
            (32, 16, 16, 128, CaseSize.Large),
        ];
        foreach (var (n, p, q, c, size) in rows)
        {
            Shape large = new(n, 2 * p, 2 * q, c), small = new(n, p, q, c);
            foreach (float factor in new[] { 0.25f, 1f })
            {
                string label = FormattableString.Invariant($"{n}x{p}x{q}x{c} factor {factor}");
                yield return new("Downsample", label, [In("x", large), Out("y", small)],
                    (b, t) => b.Downsample(t[0], t[1], factor), d => Down(p, q, c, d[0], d[1], factor))
                { Size = size, Tolerance = Tolerance.Tight, Setting = factor };
                yield return new("Upsample", label, [In("x", small), Out("y", large)],
                    (b, t) => b.Upsample(t[0], t[1], factor), d => Up(p, q, c, d[0], d[1], factor))
                { Size = size, Tolerance = Tolerance.Tight, Setting = factor };
            }
        }
    }

    /// <summary>At small shapes.</summary>
    public static IEnumerable<GradientCase> Gradients()
    {
        yield return new("Upsample", "as the gradient of Downsample", [Values.NormalArray(1, 2 * 24 * 3)],
            d =>
            {
                var y = new double[2 * 6 * 3];
                Down(2, 3, 3, d[0], y, 0.25);
                return y;
            },
            (d, dy) =>
            {
                var dx = new double[2 * 24 * 3];
                Up(2, 3, 3, dy, dx, 0.25);
                return [dx];
            });
        yield return new("Downsample", "as the gradient of Upsample", [Values.NormalArray(1, 2 * 6 * 3)],
            d =>
            {
                var y = new double[2 * 24 * 3];
                Up(2, 3, 3, d[0], y, 1);
                return y;
            },
            (d, dy) =>
            {
                var dx = new double[2 * 6 * 3];
                Down(2, 3, 3, dy, dx, 1);
                return [dx];
            });
    }
}
