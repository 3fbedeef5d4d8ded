using BDense.Kernels;
using static BDense.Cases.Operand;

namespace BDense.Cases.Ops;

/// <summary>Filling, multiplying, clamping.</summary>
public static class ElementwiseCases
{
    /// <summary>Of every size.</summary>
    public static IEnumerable<OpCase> Rows()
    {
        foreach (var (length, size) in new[] { (1, CaseSize.Tiny), (67, CaseSize.Tiny), (100_003, CaseSize.Small),
            (1 << 24, CaseSize.Large) })
        {
            var shape = new Shape(length);
            yield return new("Fill", $"{length}", [Out("y", shape)], (b, t) => b.Fill(t[0], -0.3f), d => Array.Fill(d[0], -0.3f))
            { Size = size, Tolerance = Tolerance.Exact };
            yield return new("Multiply", $"{length}", [In("a", shape), In("b", shape), Out("y", shape)],
                (b, t) => b.Multiply(t[0], t[1], t[2]),
                d => d[2] = [.. d[0].Zip(d[1], (u, v) => u * v)])
            { Size = size, Tolerance = Tolerance.Tight };
            yield return new("Clamp", $"{length}", [In("x", shape), Out("y", shape)], (b, t) => b.Clamp(t[0], -0.5f, 1f, t[1]),
                d => Clamp(d[0], -0.5, 1, d[1]))
            { Size = size, Tolerance = Tolerance.Exact, Setting = (-0.5f, 1f) };
            yield return new("Clamp", $"{length} in place", [InOut("x", shape)], (b, t) => b.Clamp(t[0], -0.5f, 1f, t[0]),
                d => Clamp(d[0], -0.5, 1, d[0]))
            { Size = size, Tolerance = Tolerance.Exact, Setting = (-0.5f, 1f) };
        }
        var odd = Values.Of(float.NaN, float.PositiveInfinity, float.NegativeInfinity, -1f, 1f, 0f, 2f, -2f, float.NaN);
        yield return new("Clamp", "NaN and infinities", [In("x", new(37), odd), Out("y", new(37))], (b, t) => b.Clamp(t[0], -1f, 1f, t[1]),
            d => Clamp(d[0], -1, 1, d[1]))
        { Size = CaseSize.Tiny, Tolerance = Tolerance.Exact };
    }

    private static void Clamp(double[] x, double low, double high, double[] y)
    {
        for (int i = 0; i < x.Length; i++)
            y[i] = x[i] < low ? low : x[i] > high ? high : x[i];
    }
}
