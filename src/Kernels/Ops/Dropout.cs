using BDense.Kernels.Profiling;

namespace BDense.Kernels;

public abstract partial class Backend
{
    /// <summary>
    /// y_i = x_i / (1 - p) where u_i >= p, else 0; u_i the uniform numbers of <paramref name="key"/>. The mask is never stored: the
    /// backward pass is the same call on dy with the same key. y may be x. Srivastava et al. 2014.
    /// </summary>
    /// <param name="x">Any shape; may be BF16.</param>
    /// <param name="p">Probability of a zero, 0 to below 1.</param>
    /// <param name="key">Element i uses number i of this sequence, which may start at a counter on the device.</param>
    /// <param name="y">As x, overwritten; may be BF16.</param>
    public void Dropout(Tensor x, float p, RandomKey key, Tensor y)
    {
        ExpectActivation(x, y.Shape);
        ExpectActivation(y, y.Shape);
        Require(p is >= 0f and < 1f, $"a dropout probability lies in [0, 1), not {p}");
        if (key.Counter is { } counter)
            Expect(counter, new Shape(RandomKey.CounterLength));
        Report(new OpCost(x.Bytes, y.Bytes, 2L * y.Length));
        Writes(y);
        if (!Computes)
            return;
        using var t = Operands(nameof(Dropout), x, y);
        DropoutCore(t.Read(x), p, key, t.Write(y));
        t.Store();
    }

    private protected abstract void DropoutCore(Tensor x, float p, RandomKey key, Tensor y);

    /// <summary>As <c>bdense profile</c> runs it.</summary>
    internal static IEnumerable<CatalogOperation> DropoutByName()
    {
        yield return OperationCatalog.OneToOne("dropout", (b, x, y) => b.Dropout(x, 0.1f, new RandomKey(7, 7), y));
    }
}
