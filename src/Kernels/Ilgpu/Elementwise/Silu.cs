using ILGPU;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    private protected override void SiluCore(Tensor x, Tensor y)
    {
        if (x.Type == ElementType.BFloat16)
            Launch(SiluBFloat16Kernel, x.Length / 4, Bits4(x), Bits4(y));
        else
            Launch(SiluKernel, x.Length, View(x), View(y));
    }

    private protected override void SiluBackwardCore(Tensor dy, Tensor x, Tensor dx)
    {
        if (x.Type == ElementType.BFloat16)
            Launch(SiluBackwardBFloat16Kernel, x.Length / 4, Bits4(dy), Bits4(x), Bits4(dx));
        else
            Launch(SiluBackwardKernel, x.Length, View(dy), View(x), View(dx));
    }

    /// <summary>y_i = x_i sigmoid(x_i). One thread an element; 4 bytes read, 4 written, 4 FLOPs.</summary>
    [Kernel(Hot = true)]
    internal static void SiluKernel(Index1D i, ArrayView<float> x, ArrayView<float> y) => y[i] = DeviceMath.Silu(x[i]);

    /// <summary>dx_i = dy_i sigmoid(x_i) (1 + x_i (1 - sigmoid(x_i))). One thread an element; 8 bytes read, 4 written, 7 FLOPs.</summary>
    [Kernel(Hot = true)]
    internal static void SiluBackwardKernel(Index1D i, ArrayView<float> dy, ArrayView<float> x, ArrayView<float> dx) =>
        dx[i] = dy[i] * DeviceMath.SiluDerivative(x[i]);

    /// <summary><see cref="SiluKernel"/> in BF16, four elements a thread; 8 bytes read, 8 written.</summary>
    [Kernel(Hot = true)]
    internal static void SiluBFloat16Kernel(Index1D i, ArrayView<BFloat16x4> x, ArrayView<BFloat16x4> y)
    {
        var v = InBFloat16.Widen(x[i]);
        y[i] = InBFloat16.Round(new Float4(DeviceMath.Silu(v.X), DeviceMath.Silu(v.Y), DeviceMath.Silu(v.Z), DeviceMath.Silu(v.W)));
    }

    /// <summary><see cref="SiluBackwardKernel"/> in BF16, four elements a thread; 16 bytes read, 8 written.</summary>
    [Kernel(Hot = true)]
    internal static void SiluBackwardBFloat16Kernel(
        Index1D i, ArrayView<BFloat16x4> dy, ArrayView<BFloat16x4> x, ArrayView<BFloat16x4> dx)
    {
        var v = InBFloat16.Widen(x[i]);
        var d = InBFloat16.Widen(dy[i]);
        dx[i] = InBFloat16.Round(new Float4(
            d.X * DeviceMath.SiluDerivative(v.X), d.Y * DeviceMath.SiluDerivative(v.Y),
            d.Z * DeviceMath.SiluDerivative(v.Z), d.W * DeviceMath.SiluDerivative(v.W)));
    }
}
