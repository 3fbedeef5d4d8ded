using System.Runtime.CompilerServices;
using BDense.Kernels.Profiling;

namespace BDense.Kernels;

/// <summary>The box filter [1,1]: 2x2 averages down, 2x2 copies up (EDM's <c>resample_filter=[1,1]</c>).</summary>
public abstract partial class Backend
{
    /// <summary>
    /// y[n,p,q,c] = factor * sum of the 2x2 block of x at (2p,2q). Factor 1/4 is the mean; factor 1 the gradient of <see cref="Upsample"/>.
    /// </summary>
    /// <param name="x">[N,2P,2Q,C]; may be BF16.</param>
    /// <param name="y">[N,P,Q,C], overwritten; may be BF16.</param>
    /// <param name="factor">Multiplies the sum.</param>
    public void Downsample(Tensor x, Tensor y, float factor = 0.25f)
    {
        CheckResample(x, y);
        Report(new OpCost(x.Bytes, y.Bytes, x.Length));
        Writes(y);
        if (!Computes)
            return;
        using var t = Operands(nameof(Downsample), x, y);
        DownsampleCore(t.Read(x), t.Write(y), factor);
        t.Store();
    }

    /// <summary>
    /// y[n,h,w,c] = factor * x[n, h/2, w/2, c]. Factor 1 is nearest-neighbour; factor 1/4 the gradient of <see cref="Downsample"/>.
    /// </summary>
    /// <param name="x">[N,P,Q,C]; may be BF16.</param>
    /// <param name="y">[N,2P,2Q,C], overwritten; may be BF16.</param>
    /// <param name="factor">Multiplies every copy.</param>
    public void Upsample(Tensor x, Tensor y, float factor = 1f)
    {
        CheckResample(y, x);
        Report(new OpCost(x.Bytes, y.Bytes, y.Length));
        Writes(y);
        if (!Computes)
            return;
        using var t = Operands(nameof(Upsample), x, y);
        UpsampleCore(t.Read(x), t.Write(y), factor);
        t.Store();
    }

    private protected abstract void DownsampleCore(Tensor x, Tensor y, float factor);

    private protected abstract void UpsampleCore(Tensor x, Tensor y, float factor);

    private void CheckResample(Tensor large, Tensor small, [CallerMemberName] string op = "")
    {
        ExpectActivation(large, large.Shape, op: op);
        ExpectActivation(small, small.Shape, op: op);
        Require(large.Shape.Rank == 4 && small.Shape.Rank == 4 && large.Shape[0] == small.Shape[0] && large.Shape[3] == small.Shape[3]
            && large.Shape[1] == 2 * small.Shape[1] && large.Shape[2] == 2 * small.Shape[2],
            $"{large.Shape} is not twice as large as {small.Shape}", op);
    }

    /// <summary>As <c>bdense profile</c> runs it.</summary>
    internal static IEnumerable<CatalogOperation> ResampleByName()
    {
        yield return new("downsample", ["N", "SIZE", "C"], [4, 32, 64], (t, e) =>
        {
            Tensor large = t.Normal(new(e[0], e[1], e[1], e[2])), small = t.Empty(new(e[0], e[1] / 2, e[1] / 2, e[2]));
            return [new("forward", () => t.Backend.Downsample(large, small)),
                new("backward", () => t.Backend.Upsample(small, large, 0.25f))];
        });
        yield return new("upsample", ["N", "SIZE", "C"], [4, 16, 64], (t, e) =>
        {
            Tensor small = t.Normal(new(e[0], e[1], e[1], e[2])), large = t.Empty(new(e[0], 2 * e[1], 2 * e[1], e[2]));
            return [new("forward", () => t.Backend.Upsample(small, large)), new("backward", () => t.Backend.Downsample(large, small, 1f))];
        });
    }
}
