using System.Runtime.CompilerServices;
using BDense.Kernels.Profiling;

namespace BDense.Kernels;

public abstract partial class Backend
{
    /// <summary>y[n,i,c] = x[n,i,c] + e[n,c]: an embedding added to every pixel. y may be x.</summary>
    /// <param name="x">[N,Pixels,C], any shape whose first extent is N and whose last is C.</param>
    /// <param name="e">[N,C]</param>
    /// <param name="y">As x, overwritten.</param>
    public void BroadcastAdd(Tensor x, Tensor e, Tensor y)
    {
        CheckBroadcast(x, e);
        Expect(y, x.Shape);
        Report(OpCost.Of((long)x.Length + e.Length, y.Length, y.Length));
        Writes(y);
        if (Computes)
            BroadcastAddCore(x, e, y);
    }

    /// <summary>de[n,c] = sum_i dy[n,i,c], overwritten: the gradient of the broadcast operand; over pixels in a fixed order.</summary>
    public void BroadcastAddBackward(Tensor dy, Tensor de)
    {
        CheckBroadcast(dy, de);
        Report(OpCost.Of(dy.Length, de.Length, dy.Length));
        Writes(de);
        if (Computes)
            BroadcastAddBackwardCore(dy, de);
    }

    private protected abstract void BroadcastAddCore(Tensor x, Tensor e, Tensor y);

    private protected abstract void BroadcastAddBackwardCore(Tensor dy, Tensor de);

    private void CheckBroadcast(Tensor x, Tensor e, [CallerMemberName] string op = "")
    {
        Require(e.Shape.Rank == 2 && x.Shape.Rank >= 2 && x.Shape[0] == e.Shape[0] && x.Shape[-1] == e.Shape[1],
            $"{e.Shape} does not broadcast over {x.Shape}; expected [N,...,C] and [N,C]", op);
        Expect(x, x.Shape, op: op);
        Expect(e, e.Shape, op: op);
    }

    /// <summary>As <c>bdense profile</c> runs it.</summary>
    internal static IEnumerable<CatalogOperation> BroadcastAddByName()
    {
        yield return new("broadcast-add", ["N", "SIZE", "C"], [4, 16, 64], (t, e) =>
        {
            Tensor x = t.Normal(new(e[0], e[1] * e[1], e[2])), embedding = t.Normal(new(e[0], e[2])), y = t.Empty(x.Shape),
                de = t.Empty(embedding.Shape);
            return [new("forward", () => t.Backend.BroadcastAdd(x, embedding, y)),
                new("backward", () => t.Backend.BroadcastAddBackward(x, de))];
        });
    }
}
