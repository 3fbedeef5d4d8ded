using BDense.Kernels.Profiling;

namespace BDense.Kernels;

/// <summary>Sums in a fixed order: the same bits on the same device, whatever the number of threads.</summary>
public abstract partial class Backend
{
    /// <summary>y[0] = sum_i x_i; x may be BF16.</summary>
    public void Sum(Tensor x, Tensor y)
    {
        ExpectActivation(x, x.Shape);
        Expect(y, new Shape(1));
        Report(new OpCost(x.Bytes, y.Bytes, x.Length));
        Writes(y);
        if (!Computes)
            return;
        using var t = Operands(nameof(Sum), x);
        SumCore(t.Read(x), y);
    }

    /// <summary>y[0] = sum_i x_i^2; not finite if any x is not (or if the sum overflows).</summary>
    public void SumOfSquares(Tensor x, Tensor y)
    {
        Expect(x, x.Shape);
        Expect(y, new Shape(1));
        Report(OpCost.Of(x.Length, 1, 2L * x.Length));
        Writes(y);
        if (Computes)
            SumOfSquaresCore(x, y);
    }

    private protected abstract void SumCore(Tensor x, Tensor y);

    private protected abstract void SumOfSquaresCore(Tensor x, Tensor y);

    /// <summary>As <c>bdense profile</c> runs it.</summary>
    internal static IEnumerable<CatalogOperation> ReductionByName()
    {
        foreach (var (name, run) in new (string, Action<Backend, Tensor, Tensor>)[] { ("sum", (b, x, y) => b.Sum(x, y)),
            ("sum-of-squares", (b, x, y) => b.SumOfSquares(x, y)) })
        {
            yield return new(name, ["LENGTH"], [1 << 18], (t, e) =>
            {
                Tensor x = t.Normal(new(e[0])), y = t.Empty(new(1));
                return [new("forward", () => run(t.Backend, x, y))];
            });
        }
    }
}
