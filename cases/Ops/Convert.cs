using BDense.Kernels;
using static BDense.Cases.Operand;

namespace BDense.Cases.Ops;

/// <summary>From float32 to BF16 and back.</summary>
public static class ConvertCases
{
    /// <summary>Of every size.</summary>
    public static IEnumerable<OpCase> Rows()
    {
        // Ties to even and odd, the largest and beyond it, subnormal numbers, NaN.
        var odd = Values.Of(1.00390625f, 1.01171875f, -1.00390625f, 3.3895314e38f, 3.3961775e38f, 3.4028235e38f, 1e-40f, -1e-45f, -0f,
            float.NaN, float.PositiveInfinity, float.NegativeInfinity, 0.1f);
        (int Length, CaseSize Size, string Note, Func<Random, int, float> X)[] rows =
        [
            (1, CaseSize.Tiny, "", Values.Normal), (64, CaseSize.Tiny, "", Values.Normal), (67, CaseSize.Tiny, " odd", odd),
            (100_003, CaseSize.Small, "", Values.Normal), (1 << 24, CaseSize.Large, "", Values.Normal),
        ];
        foreach (var (length, size, note, x) in rows)
        {
            var shape = new Shape(length);
            foreach (var (from, to) in new[] { (ElementType.Float32, ElementType.BFloat16), (ElementType.BFloat16, ElementType.Float32),
                (ElementType.BFloat16, ElementType.BFloat16) })
            {
                yield return new("Convert", $"{length}{note} {from.Text()} to {to.Text()}",
                    [In("x", shape, x) with { Type = from }, Out("y", shape) with { Type = to }],
                    (b, t) => b.Convert(t[0], t[1]), d => d[0].CopyTo(d[1], 0))
                { Size = size, Tolerance = Tolerance.Exact };
            }
        }
    }
}
