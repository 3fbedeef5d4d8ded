using BDense.Kernels;
using static BDense.Cases.Operand;

namespace BDense.Cases.Ops;

/// <summary>A vector for each sample added to all its pixels, and the gradient of that vector.</summary>
public static class BroadcastAddCases
{
    private static void Forward(int pixels, int channels, double[] x, double[] e, double[] y)
    {
        for (int i = 0; i < x.Length; i++)
            y[i] = x[i] + e[i / (pixels * channels) * channels + i % channels];
    }

    private static void Backward(int pixels, int channels, double[] dy, double[] de)
    {
        Array.Clear(de);
        for (int i = 0; i < dy.Length; i++)
            de[i / (pixels * channels) * channels + i % channels] += dy[i];
    }

    /// <summary>Of every size.</summary>
    public static IEnumerable<OpCase> Rows()
    {
        (int N, int Side, int C, CaseSize Size)[] rows =
        [
            (1, 1, 1, CaseSize.Tiny), (2, 3, 5, CaseSize.Tiny), (3, 16, 12, CaseSize.Small), (2, 16, 96, CaseSize.Small),
            (1, 33, 130, CaseSize.Small),
            (32, 32, 128, CaseSize.Large),
        ];
        foreach (var (n, side, c, size) in rows)
        {
            Shape x = new(n, side, side, c), e = new(n, c);
            string label = $"{n}x{side}x{side}x{c}";
            yield return new("BroadcastAdd", label, [In("x", x), In("e", e), Out("y", x)],
                (b, t) => b.BroadcastAdd(t[0], t[1], t[2]), d => Forward(side * side, c, d[0], d[1], d[2]))
            { Size = size, Tolerance = Tolerance.Tight };
            yield return new("BroadcastAdd", $"{label} in place", [InOut("x", x), In("e", e)],
                (b, t) => b.BroadcastAdd(t[0], t[1], t[0]), d => Forward(side * side, c, d[0], d[1], d[0]))
            { Size = size, Tolerance = Tolerance.Tight };
            yield return new("BroadcastAddBackward", label, [In("dy", x), Out("de", e)],
                (b, t) => b.BroadcastAddBackward(t[0], t[1]), d => Backward(side * side, c, d[0], d[1]))
            { Size = size };
        }
    }

    /// <summary>At small shapes.</summary>
    public static IEnumerable<GradientCase> Gradients()
    {
        yield return new("BroadcastAddBackward", "2x4x3", [Values.NormalArray(1, 24), Values.NormalArray(2, 6)],
            d =>
            {
                var y = new double[24];
                Forward(4, 3, d[0], d[1], y);
                return y;
            },
            (d, dy) =>
            {
                var de = new double[6];
                Backward(4, 3, dy, de);
                return [dy, de];
            });
    }
}
