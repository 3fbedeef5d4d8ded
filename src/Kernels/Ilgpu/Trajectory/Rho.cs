using ILGPU;
using ILGPU.Algorithms;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    private protected override void RhoCore(Distance rho, float delta, Tensor d, Tensor y) =>
        Launch(RhoKernel, y.Length, View(d), (int)rho, delta, View(y));

    private protected override void RhoDerivativeCore(Distance rho, float delta, Tensor d, Tensor y) =>
        Launch(RhoDerivativeKernel, y.Length, View(d), (int)rho, delta, View(y));

    /// <summary>y_i = rho(d_i). One thread an element; 4 bytes read, 4 written, up to 6 FLOPs.</summary>
    [Kernel]
    internal static void RhoKernel(Index1D i, ArrayView<float> d, int rho, float delta, ArrayView<float> y)
    {
        float v = d[i];
        // Without the cancellation of sqrt(d^2 + delta^2) - delta.
        y[i] = rho == (int)Distance.L1 ? (v < 0f ? -v : v) : rho == (int)Distance.L2 ? v * v
            : v * v / (XMath.Sqrt(v * v + delta * delta) + delta);
    }

    /// <summary>y_i = rho'(d_i). One thread an element; 4 bytes read, 4 written, up to 5 FLOPs.</summary>
    [Kernel]
    internal static void RhoDerivativeKernel(Index1D i, ArrayView<float> d, int rho, float delta, ArrayView<float> y)
    {
        float v = d[i];
        y[i] = rho == (int)Distance.L1 ? (v > 0f ? 1f : v < 0f ? -1f : v) : rho == (int)Distance.L2 ? v + v
            : v / XMath.Sqrt(v * v + delta * delta);
    }
}
