using BDense.Kernels;
using static BDense.Cases.Operand;

namespace BDense.Cases.Ops;

/// <summary>Sums over all elements.</summary>
public static class ReductionCases
{
    /// <summary>Of every size.</summary>
    public static IEnumerable<OpCase> Rows()
    {
        foreach (var (length, size) in new[] { (1, CaseSize.Tiny), (67, CaseSize.Tiny), (63, CaseSize.Small), (64, CaseSize.Small),
            (257, CaseSize.Small), (4096, CaseSize.Small),
            (100_003, CaseSize.Small), ((1 << 20) + 7, CaseSize.Small), (1 << 24, CaseSize.Large) })
        {
            var shape = new Shape(length);
            // A mean of 1, so that the sum does not cancel and the error has a scale.
            yield return new("Sum", $"{length}", [In("x", shape, Values.Around(1f, 1f)), Out("y", new(1))], (b, t) => b.Sum(t[0], t[1]),
                d => d[1][0] = d[0].Sum())
            { Size = size, Tolerance = new(1e-11, 3e-6) };
            yield return new("SumOfSquares", $"{length}", [In("x", shape), Out("y", new(1))], (b, t) => b.SumOfSquares(t[0], t[1]),
                d => d[1][0] = d[0].Sum(v => v * v))
            { Size = size, Tolerance = new(1e-11, 3e-6) };
        }
    }
}
