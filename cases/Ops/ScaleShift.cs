using BDense.Kernels;
using static BDense.Cases.Operand;

namespace BDense.Cases.Ops;

/// <summary>Each sample's scale and shift for each channel, with and without SiLU.</summary>
public static class ScaleShiftCases
{
    private static void Forward(int c, bool silu, double[] x, double[] scaleShift, double[] y)
    {
        int n = scaleShift.Length / (2 * c), image = x.Length / n;
        for (int i = 0; i < x.Length; i++)
        {
            int at = i / image * 2 * c + i % c;
            double u = scaleShift[at] * x[i] + scaleShift[at + c];
            y[i] = silu ? u / (1 + Math.Exp(-u)) : u;
        }
    }

    /// <summary>Of every size.</summary>
    public static IEnumerable<OpCase> Rows()
    {
        foreach (var (n, pixels, c, size) in new[]
        {
            (1, 1, 1, CaseSize.Tiny), (2, 3, 4, CaseSize.Tiny), (2, 6, 5, CaseSize.Tiny), (3, 49, 36, CaseSize.Small),
            (2, 256, 64, CaseSize.Small),
            (1, 100, 130, CaseSize.Small), (32, 1024, 128, CaseSize.Large),
        })
        {
            foreach (bool silu in new[] { false, true })
            {
                Shape x = new(n, pixels, c);
                yield return new("ScaleShift", $"{n}x{pixels}x{c}{(silu ? " silu" : "")}",
                    [In("x", x), In("scaleShift", new(n, 2 * c)), Out("y", x)],
                    (b, t) => b.ScaleShift(t[0], t[1], silu, t[2]), d => Forward(c, silu, d[0], d[1], d[2]))
                { Size = size, Setting = silu };
            }
        }
    }
}
