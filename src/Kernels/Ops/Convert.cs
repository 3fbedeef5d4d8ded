using BDense.Kernels.Profiling;

namespace BDense.Kernels;

public abstract partial class Backend
{
    /// <summary>
    /// y = x in the element type of y: from float32 to BF16 to nearest, ties to even (<see cref="BFloat16"/>), else exact.
    /// </summary>
    /// <param name="x">Any shape and element type.</param>
    /// <param name="y">As x, of any element type, overwritten.</param>
    public void Convert(Tensor x, Tensor y)
    {
        ExpectActivation(x, y.Shape);
        ExpectActivation(y, y.Shape);
        Report(new OpCost(x.Bytes, y.Bytes, 0));
        Writes(y);
        if (!Computes)
            return;
        if (x.Type != y.Type)
        {
            ConvertCore(x, y);
            return;
        }
        using var t = Operands(nameof(LinearCombination), x, y);
        LinearCombinationCore([1f], [t.Read(x)], t.Write(y));
        t.Store();
    }

    /// <summary>From one type to another.</summary>
    private protected abstract void ConvertCore(Tensor x, Tensor y);

    /// <summary>As <c>bdense profile</c> runs it.</summary>
    internal static IEnumerable<CatalogOperation> ConvertByName()
    {
        yield return new("convert", ["LENGTH"], [OperationCatalog.UsualLength], (t, e) =>
        {
            Tensor x = t.Normal(new(e[0])), y = t.Empty(x.Shape, ElementType.BFloat16);
            return [new("forward", () => t.Backend.Convert(x, y)), new("backward", () => t.Backend.Convert(y, x))];
        });
    }
}
