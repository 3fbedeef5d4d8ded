using System.Runtime.CompilerServices;
using BDense.Kernels.Profiling;

namespace BDense.Kernels;

public abstract partial class Backend
{
    /// <summary>y[n,i,c] = x[n,i,c] + e[n,c]: an embedding added to every pixel. y may be x.</summary>
    /// <param name="x">[N,Pixels,C], any shape whose first extent is N and whose last is C; may be BF16.</param>
    /// <param name="e">[N,C]</param>
    /// <param name="y">As x, overwritten; may be BF16.</param>
    public void BroadcastAdd(Tensor x, Tensor e, Tensor y)
    {
        CheckBroadcast(x, e);
        ExpectActivation(y, x.Shape);
        Report(new OpCost(x.Bytes + e.Bytes, y.Bytes, y.Length));
        Writes(y);
        if (!Computes)
            return;
        using var t = Operands(nameof(BroadcastAdd), x, y);
        BroadcastAddCore(t.Read(x), e, t.Write(y));
        t.Store();
    }

    /// <summary>de[n,c] = sum_i dy[n,i,c], overwritten: the gradient of the broadcast operand; over pixels in a fixed order.</summary>
    public void BroadcastAddBackward(Tensor dy, Tensor de)
    {
        CheckBroadcast(dy, de);
        Report(new OpCost(dy.Bytes, de.Bytes, dy.Length));
        Writes(de);
        if (!Computes)
            return;
        using var t = Operands(nameof(BroadcastAddBackward), dy);
        BroadcastAddBackwardCore(t.Read(dy), de);
    }

    private protected abstract void BroadcastAddCore(Tensor x, Tensor e, Tensor y);

    private protected abstract void BroadcastAddBackwardCore(Tensor dy, Tensor de);

    private void CheckBroadcast(Tensor x, Tensor e, [CallerMemberName] string op = "")
    {
        Require(e.Shape.Rank == 2 && x.Shape.Rank >= 2 && x.Shape[0] == e.Shape[0] && x.Shape[-1] == e.Shape[1],
            $"{e.Shape} does not broadcast over {x.Shape}; expected [N,...,C] and [N,C]", op);
        ExpectActivation(x, x.Shape, op: op);
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
