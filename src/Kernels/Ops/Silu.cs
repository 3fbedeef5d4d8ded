using BDense.Kernels.Profiling;

namespace BDense.Kernels;

public abstract partial class Backend
{
    /// <summary>y = x * sigmoid(x), elementwise. Elfwing et al. 2017.</summary>
    public void Silu(Tensor x, Tensor y)
    {
        Expect(x, x.Shape);
        Expect(y, x.Shape);
        Report(OpCost.Of(x.Length, x.Length, 4L * x.Length));
        Writes(y);
        if (Computes)
            SiluCore(x, y);
    }

    /// <summary>dx = dy * sigmoid(x) * (1 + x * (1 - sigmoid(x))), elementwise.</summary>
    public void SiluBackward(Tensor dy, Tensor x, Tensor dx)
    {
        Expect(x, x.Shape);
        Expect(dy, x.Shape);
        Expect(dx, x.Shape);
        Report(OpCost.Of(2L * x.Length, x.Length, 7L * x.Length));
        Writes(dx);
        if (Computes)
            SiluBackwardCore(dy, x, dx);
    }

    private protected abstract void SiluCore(Tensor x, Tensor y);

    private protected abstract void SiluBackwardCore(Tensor dy, Tensor x, Tensor dx);

    /// <summary>As <c>bdense profile</c> runs it.</summary>
    internal static IEnumerable<CatalogOperation> SiluByName()
    {
        yield return OperationCatalog.OneToOne("silu", (b, x, y) => b.Silu(x, y), (b, dy, x, dx) => b.SiluBackward(dy, x, dx));
    }
}
