using BDense.Kernels.Profiling;

namespace BDense.Kernels;

public abstract partial class Backend
{
    /// <summary>y = value, rounded where y is BF16.</summary>
    public void Fill(Tensor y, float value)
    {
        ExpectActivation(y, y.Shape);
        Report(new OpCost(0, y.Bytes, 0));
        Writes(y);
        if (!Computes)
            return;
        using var t = Operands(nameof(Fill), y);
        FillCore(t.Write(y), value);
        t.Store();
    }

    /// <summary>y = min(max(x, low), high); NaN stays NaN. y may be x.</summary>
    public void Clamp(Tensor x, float low, float high, Tensor y)
    {
        Expect(x, y.Shape);
        Expect(y, y.Shape);
        Require(low <= high, $"no range: {low} to {high}");
        Report(OpCost.Of(x.Length, y.Length, 2L * y.Length));
        Writes(y);
        if (Computes)
            ClampCore(x, low, high, y);
    }

    /// <summary>y = a * b, elementwise. y may be a or b; each may be BF16.</summary>
    public void Multiply(Tensor a, Tensor b, Tensor y)
    {
        ExpectActivation(a, y.Shape);
        ExpectActivation(b, y.Shape);
        ExpectActivation(y, y.Shape);
        Report(new OpCost(a.Bytes + b.Bytes, y.Bytes, y.Length));
        Writes(y);
        if (!Computes)
            return;
        using var t = Operands(nameof(Multiply), a, b, y);
        MultiplyCore(t.Read(a), t.Read(b), t.Write(y));
        t.Store();
    }

    private protected abstract void FillCore(Tensor y, float value);

    private protected abstract void ClampCore(Tensor x, float low, float high, Tensor y);

    private protected abstract void MultiplyCore(Tensor a, Tensor b, Tensor y);

    /// <summary>As <c>bdense profile</c> runs it.</summary>
    internal static IEnumerable<CatalogOperation> ElementwiseByName()
    {
        yield return OperationCatalog.OneToOne("fill", (b, _, y) => b.Fill(y, 1f));
        yield return OperationCatalog.OneToOne("clamp", (b, x, y) => b.Clamp(x, -1f, 1f, y));
        yield return new("multiply", ["LENGTH"], [OperationCatalog.UsualLength], (t, e) =>
        {
            Tensor a = t.Normal(new(e[0])), b = t.Normal(a.Shape), y = t.Empty(a.Shape);
            return [new("forward", () => t.Backend.Multiply(a, b, y))];
        });
    }
}
