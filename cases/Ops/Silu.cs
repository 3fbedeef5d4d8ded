using BDense.Kernels;
using static BDense.Cases.Operand;

namespace BDense.Cases.Ops;

/// <summary>x sigmoid(x), and its gradient.</summary>
public static class SiluCases
{
    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    private static void Forward(double[] x, double[] y)
    {
        for (int i = 0; i < x.Length; i++)
            y[i] = x[i] * Sigmoid(x[i]);
    }

    private static void Backward(double[] dy, double[] x, double[] dx)
    {
        for (int i = 0; i < x.Length; i++)
            dx[i] = dy[i] * Sigmoid(x[i]) * (1 + x[i] * (1 - Sigmoid(x[i])));
    }

    /// <summary>Of every size.</summary>
    public static IEnumerable<OpCase> Rows()
    {
        // exp overflows float beyond 88: the far values must come out as 0 and x, not as NaN.
        var far = Values.Of(-1000f, -200f, -104f, -89f, -88f, -80f, -20f, -1f, -1e-20f, 0f, 1e-20f, 1f, 20f, 80f, 88f, 89f, 104f, 200f,
            1000f);
        var wide = Values.Around(0f, 4f);
        (int Length, CaseSize Size, string Note, Func<Random, int, float> X)[] rows =
        [
            (1, CaseSize.Tiny, "", wide), (19, CaseSize.Tiny, " far", far), (67, CaseSize.Tiny, "", wide),
            (100_003, CaseSize.Small, "", wide),
            (1 << 24, CaseSize.Large, "", wide),
        ];
        foreach (var (length, size, note, x) in rows)
        {
            var shape = new Shape(length);
            yield return new("Silu", $"{length}{note}", [In("x", shape, x), Out("y", shape)],
                (b, t) => b.Silu(t[0], t[1]), d => Forward(d[0], d[1]))
            { Size = size, Tolerance = Tolerance.Tight };
            yield return new("SiluBackward", $"{length}{note}", [In("dy", shape), In("x", shape, x), Out("dx", shape)],
                (b, t) => b.SiluBackward(t[0], t[1], t[2]), d => Backward(d[0], d[1], d[2]))
            { Size = size, Tolerance = Tolerance.Tight };
        }
    }

    /// <summary>At small shapes.</summary>
    public static IEnumerable<GradientCase> Gradients()
    {
        yield return new("SiluBackward", "40", [[.. Values.NormalArray(1, 36), -30, 0, 30, 5]],
            d =>
            {
                var y = new double[40];
                Forward(d[0], y);
                return y;
            },
            (d, dy) =>
            {
                var dx = new double[40];
                Backward(dy, d[0], dx);
                return [dx];
            });
    }
}
