using BDense.Kernels;
using static BDense.Cases.Operand;

namespace BDense.Cases.Ops;

/// <summary>Weights of four 2x2 convolutions that are one 3x3 convolution of a doubled image.</summary>
public static class UpsampleWeightsCases
{
    /// <summary>Which 3x3 taps reach which of the 4x4: element i of [K,3,3,C] and j of [C,4,4,K].</summary>
    private static void ForEachPair(int k, int c, Action<int, int> pair)
    {
        for (int o = 0; o < k; o++)
            for (int r = 0; r < 3; r++)
                for (int s = 0; s < 3; s++)
                    for (int i = 0; i < c; i++)
                        foreach (int u in new[] { 2 - r, 3 - r })
                            foreach (int v in new[] { 2 - s, 3 - s })
                                pair(((o * 3 + r) * 3 + s) * c + i, ((i * 4 + u) * 4 + v) * k + o);
    }

    private static void Forward(int k, int c, double[] w, double[] large)
    {
        Array.Clear(large);
        ForEachPair(k, c, (i, j) => large[j] += w[i]);
    }

    /// <summary>Of every size.</summary>
    public static IEnumerable<OpCase> Rows()
    {
        foreach (var (k, c, size) in new[] { (1, 1, CaseSize.Tiny), (5, 3, CaseSize.Tiny), (24, 36, CaseSize.Small),
            (256, 256, CaseSize.Large) })
        {
            Shape w = new(k, 3, 3, c), large = new(c, 4, 4, k);
            yield return new("UpsampleWeights", $"{k}x3x3x{c}", [In("w", w), Out("large", large)], (b, t) => b.UpsampleWeights(t[0], t[1]),
                d => Forward(k, c, d[0], d[1]))
            { Size = size, Tolerance = Tolerance.Tight };
            yield return new("UpsampleWeightsBackward", $"{k}x3x3x{c}", [In("dlarge", large), InOut("dw", w)],
                (b, t) => b.UpsampleWeightsBackward(t[0], t[1]), d => ForEachPair(k, c, (i, j) => d[1][i] += d[0][j]))
            { Size = size, Tolerance = Tolerance.Tight };
        }
    }

    /// <summary>At small shapes.</summary>
    public static IEnumerable<GradientCase> Gradients()
    {
        yield return new("UpsampleWeightsBackward", "3x3x3x2", [Values.NormalArray(1, 54)],
            d =>
            {
                var large = new double[96];
                Forward(3, 2, d[0], large);
                return large;
            },
            (_, dlarge) =>
            {
                var dw = new double[54];
                ForEachPair(3, 2, (i, j) => dw[i] += dlarge[j]);
                return [dw];
            });
    }
}
