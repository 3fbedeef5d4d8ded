using System.Runtime.CompilerServices;
using BDense.Kernels.Profiling;

namespace BDense.Kernels;

/// <summary>
/// A 3x3 kernel behind an upsampling by copies. Output row 2i reads rows i-1, i, i of x through taps 0, 1, 2, and row 2i+1 rows i, i, i+1:
/// so y[2i+u-1] gets x[i] times w[2-u] + w[3-u] for u = 0..3, where w has taps 0..2 alone. In both directions that is the transpose of a
/// convolution of stride 2 with 4x4 taps.
/// </summary>
public abstract partial class Backend
{
    /// <summary>large[c,u,v,k] = sum of w[k,r,s,c] over r = 2-u, 3-u and s = 2-v, 3-v within the kernel.</summary>
    /// <param name="w">[K,3,3,C]</param>
    /// <param name="large">[C,4,4,K], overwritten.</param>
    public void UpsampleWeights(Tensor w, Tensor large)
    {
        CheckUpsampleWeights(w, large);
        Report(OpCost.Of(w.Length, large.Length, 4L * w.Length - large.Length));
        Writes(large);
        if (Computes)
            UpsampleWeightsCore(w, large);
    }

    /// <summary>dw[k,r,s,c] += sum of dlarge[c,u,v,k] over u = 2-r, 3-r and v = 2-s, 3-s.</summary>
    /// <param name="dlarge">[C,4,4,K]</param>
    /// <param name="dw">[K,3,3,C], accumulated.</param>
    public void UpsampleWeightsBackward(Tensor dlarge, Tensor dw)
    {
        CheckUpsampleWeights(dw, dlarge);
        Report(OpCost.Of((long)dlarge.Length + dw.Length, dw.Length, 4L * dw.Length));
        Writes(dw);
        if (Computes)
            UpsampleWeightsBackwardCore(dlarge, dw);
    }

    private protected abstract void UpsampleWeightsCore(Tensor w, Tensor large);

    private protected abstract void UpsampleWeightsBackwardCore(Tensor dlarge, Tensor dw);

    private void CheckUpsampleWeights(Tensor w, Tensor large, [CallerMemberName] string op = "")
    {
        Expect(w, w.Shape, op: op);
        Require(w.Shape is { Rank: 4 } s && s[1] == 3 && s[2] == 3, $"{w.Shape} is not a 3x3 kernel [K,3,3,C]", op);
        Expect(large, new Shape(w.Shape[3], 4, 4, w.Shape[0]), op: op);
    }

    /// <summary>As <c>bdense profile</c> runs it.</summary>
    internal static IEnumerable<CatalogOperation> UpsampleWeightsByName()
    {
        yield return new("upsample-weights", ["K", "C"], [64, 64], (t, e) =>
        {
            Tensor w = t.Normal(new(e[0], 3, 3, e[1])), large = t.Empty(new(e[1], 4, 4, e[0])), dlarge = t.Normal(large.Shape),
                dw = t.Zeros(w.Shape);
            return [new("forward", () => t.Backend.UpsampleWeights(w, large)),
                new("backward", () => t.Backend.UpsampleWeightsBackward(dlarge, dw))];
        });
    }
}
