using BDense.Kernels;
using static BDense.Cases.Operand;

namespace BDense.Cases.Ops;

/// <summary>Distances of single differences, and their derivatives.</summary>
public static class RhoCases
{
    private const float Delta = 0.3f;

    /// <summary>Of every size.</summary>
    public static IEnumerable<OpCase> Rows()
    {
        foreach (var rho in Enum.GetValues<Distance>())
        {
            foreach (var (length, size) in new[]
                { (1, CaseSize.Tiny), (67, CaseSize.Tiny), (100_003, CaseSize.Small), (1 << 24, CaseSize.Large) })
            {
                var shape = new Shape(length);
                // Zeros among them: the kinks of |d|, and 0/0 if someone divides by the distance.
                Func<Random, int, float> d = (random, i) => i % 7 == 3 ? 0f : Values.Normal(random, i);
                yield return new("Rho", $"{length} {rho}", [In("d", shape, d), Out("y", shape)],
                    (b, t) => b.Rho(rho, Delta, t[0], t[1]), o => Map(o[0], o[1], v => TrajectoryLossCases.Rho(rho, Delta, v)))
                { Size = size, Tolerance = Tolerance.Tight };
                yield return new("RhoDerivative", $"{length} {rho}", [In("d", shape, d), Out("y", shape)],
                    (b, t) => b.RhoDerivative(rho, Delta, t[0], t[1]),
                    o => Map(o[0], o[1], v => TrajectoryLossCases.Derivative(rho, Delta, v)))
                { Size = size, Tolerance = Tolerance.Tight };
            }
        }
    }

    private static void Map(double[] x, double[] y, Func<double, double> f)
    {
        for (int i = 0; i < x.Length; i++)
            y[i] = f(x[i]);
    }
}
