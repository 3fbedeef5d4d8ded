using BDense.Kernels.Profiling;

namespace BDense.Kernels;

public abstract partial class Backend
{
    /// <summary>y = x * sigmoid(x), elementwise; each may be BF16. Elfwing et al. 2017.</summary>
    public void Silu(Tensor x, Tensor y)
    {
        ExpectActivation(x, x.Shape);
        ExpectActivation(y, x.Shape);
        Report(new OpCost(x.Bytes, y.Bytes, 4L * x.Length));
        Writes(y);
        if (!Computes)
            return;
        using var t = Operands(nameof(Silu), x, y);
        SiluCore(t.Read(x), t.Write(y));
        t.Store();
    }

    /// <summary>dx = dy * sigmoid(x) * (1 + x * (1 - sigmoid(x))), elementwise; each may be BF16.</summary>
    public void SiluBackward(Tensor dy, Tensor x, Tensor dx)
    {
        ExpectActivation(x, x.Shape);
        ExpectActivation(dy, x.Shape);
        ExpectActivation(dx, x.Shape);
        Report(new OpCost(dy.Bytes + x.Bytes, dx.Bytes, 7L * x.Length));
        Writes(dx);
        if (!Computes)
            return;
        using var t = Operands(nameof(SiluBackward), dy, x, dx);
        SiluBackwardCore(t.Read(dy), t.Read(x), t.Write(dx));
        t.Store();
    }

    private protected abstract void SiluCore(Tensor x, Tensor y);

    private protected abstract void SiluBackwardCore(Tensor dy, Tensor x, Tensor dx);

    /// <summary>As <c>bdense profile</c> runs it.</summary>
    internal static IEnumerable<CatalogOperation> SiluByName()
    {
        yield return OperationCatalog.OneToOne("silu", (b, x, y) => b.Silu(x, y), (b, dy, x, dx) => b.SiluBackward(dy, x, dx));
    }
}
