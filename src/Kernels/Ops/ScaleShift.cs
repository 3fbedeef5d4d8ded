using BDense.Kernels.Profiling;

namespace BDense.Kernels;

public abstract partial class Backend
{
    /// <summary>y[n,i,c] = scale[n,c] x[n,i,c] + shift[n,c], through SiLU if asked for: a normalisation whose factors are known.</summary>
    /// <param name="x">[N,Pixels,C], any shape whose first extent is N and whose last is C; may be BF16.</param>
    /// <param name="scaleShift">[N,2C]: C scales, then C shifts, of each sample.</param>
    /// <param name="silu">Whether SiLU follows.</param>
    /// <param name="y">As x, overwritten; may be BF16.</param>
    public void ScaleShift(Tensor x, Tensor scaleShift, bool silu, Tensor y)
    {
        Require(x.Shape.Rank >= 2 && scaleShift.Shape == new Shape(x.Shape[0], 2 * x.Shape[-1]),
            $"{scaleShift.Shape} does not scale and shift {x.Shape}; expected [N,...,C] and [N,2C]");
        ExpectActivation(x, x.Shape);
        Expect(scaleShift, scaleShift.Shape);
        ExpectActivation(y, x.Shape);
        Report(new OpCost(x.Bytes + scaleShift.Bytes, y.Bytes, (silu ? 6L : 2L) * y.Length));
        Writes(y);
        if (!Computes)
            return;
        using var t = Operands(nameof(ScaleShift), x, y);
        ScaleShiftCore(t.Read(x), scaleShift, silu, t.Write(y));
        t.Store();
    }

    private protected abstract void ScaleShiftCore(Tensor x, Tensor scaleShift, bool silu, Tensor y);

    /// <summary>As <c>bdense profile</c> runs it.</summary>
    internal static IEnumerable<CatalogOperation> ScaleShiftByName()
    {
        yield return new("scale-shift", ["N", "SIZE", "C"], [4, 16, 64], (t, e) =>
        {
            Tensor x = t.Normal(new(e[0], e[1] * e[1], e[2])), factors = t.Normal(new(e[0], 2 * e[2])), y = t.Empty(x.Shape);
            return [new("forward", () => t.Backend.ScaleShift(x, factors, silu: true, y))];
        });
    }
}
