using System.Runtime.CompilerServices;
using BDense.Kernels.Profiling;

namespace BDense.Kernels;

public abstract partial class Backend
{
    /// <summary>y = rho(d), elementwise, as <see cref="Distance"/> defines it. y may be d.</summary>
    /// <param name="rho">Distance.</param>
    /// <param name="delta">Of the pseudo-Huber distance, above 0; ignored by the others.</param>
    /// <param name="d">Any shape.</param>
    /// <param name="y">As d, overwritten.</param>
    public void Rho(Distance rho, float delta, Tensor d, Tensor y)
    {
        CheckRho(rho, delta, d, y);
        Report(OpCost.Of(d.Length, y.Length, 4L * y.Length));
        Writes(y);
        if (Computes)
            RhoCore(rho, delta, d, y);
    }

    /// <summary>y = rho'(d), elementwise: sign(d), 2d, or d / sqrt(d^2 + delta^2). y may be d.</summary>
    public void RhoDerivative(Distance rho, float delta, Tensor d, Tensor y)
    {
        CheckRho(rho, delta, d, y);
        Report(OpCost.Of(d.Length, y.Length, 4L * y.Length));
        Writes(y);
        if (Computes)
            RhoDerivativeCore(rho, delta, d, y);
    }

    private protected abstract void RhoCore(Distance rho, float delta, Tensor d, Tensor y);

    private protected abstract void RhoDerivativeCore(Distance rho, float delta, Tensor d, Tensor y);

    private void CheckRho(Distance rho, float delta, Tensor d, Tensor y, [CallerMemberName] string op = "")
    {
        Require(rho != Distance.PseudoHuber || delta > 0, $"pseudo-Huber needs a delta above 0, not {delta}", op);
        Expect(d, y.Shape, op: op);
        Expect(y, y.Shape, op: op);
    }

    /// <summary>As <c>bdense profile</c> runs it.</summary>
    internal static IEnumerable<CatalogOperation> RhoByName()
    {
        yield return OperationCatalog.OneToOne("rho", (b, x, y) => b.Rho(Distance.PseudoHuber, 1f, x, y),
            (b, _, x, dx) => b.RhoDerivative(Distance.PseudoHuber, 1f, x, dx));
    }
}
