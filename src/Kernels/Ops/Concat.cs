using System.Runtime.CompilerServices;
using BDense.Kernels.Profiling;

namespace BDense.Kernels;

public abstract partial class Backend
{
    /// <summary>y[i, :] = a[i, :] followed by b[i, :], over the channels (the last extent) of every pixel i. Each may be BF16.</summary>
    /// <param name="a">[...,Ca]</param>
    /// <param name="b">[...,Cb], the same pixels.</param>
    /// <param name="y">[...,Ca+Cb], overwritten.</param>
    public void Concat(Tensor a, Tensor b, Tensor y)
    {
        CheckConcat(a, b, y);
        Report(new OpCost(a.Bytes + b.Bytes, y.Bytes, 0));
        Writes(y);
        if (!Computes)
            return;
        using var t = Operands(nameof(Concat), a, b, y);
        ConcatCore(t.Read(a), t.Read(b), t.Write(y));
        t.Store();
    }

    /// <summary>The inverse and the gradient of <see cref="Concat"/>: y's channels dealt out to a and b, both overwritten.</summary>
    public void Split(Tensor y, Tensor a, Tensor b)
    {
        CheckConcat(a, b, y);
        Report(new OpCost(y.Bytes, a.Bytes + b.Bytes, 0));
        Writes(a);
        Writes(b);
        if (!Computes)
            return;
        using var t = Operands(nameof(Split), y, a, b);
        SplitCore(t.Read(y), t.Write(a), t.Write(b));
        t.Store();
    }

    private protected abstract void ConcatCore(Tensor a, Tensor b, Tensor y);

    private protected abstract void SplitCore(Tensor y, Tensor a, Tensor b);

    private void CheckConcat(Tensor a, Tensor b, Tensor y, [CallerMemberName] string op = "")
    {
        ExpectActivation(a, a.Shape, op: op);
        ExpectActivation(b, b.Shape, op: op);
        ExpectActivation(y, y.Shape, op: op);
        Require(a.Shape.Rank > 0 && b.Shape.Rank > 0 && y.Shape.Rank > 0 && a.Shape[-1] + b.Shape[-1] == y.Shape[-1]
            && a.Length / a.Shape[-1] == y.Length / y.Shape[-1] && b.Length / b.Shape[-1] == y.Length / y.Shape[-1],
            $"channels of {a.Shape} and {b.Shape} do not make {y.Shape}", op);
    }

    /// <summary>As <c>bdense profile</c> runs it.</summary>
    internal static IEnumerable<CatalogOperation> ConcatByName()
    {
        yield return new("concat", ["PIXELS", "A", "B"], [1024, 64, 64], (t, e) =>
        {
            Tensor a = t.Normal(new(e[0], e[1])), b = t.Normal(new(e[0], e[2])), y = t.Empty(new(e[0], e[1] + e[2]));
            return [new("forward", () => t.Backend.Concat(a, b, y)), new("backward", () => t.Backend.Split(y, a, b))];
        });
    }
}
