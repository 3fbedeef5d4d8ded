using ILGPU;

namespace BDense.Kernels.Ilgpu;

// The kernels of group normalisation over activations in BF16: half the bytes, the same float32 in between. Statistics, parameters, scale
// and shift and their gradients are float32.
public sealed partial class IlgpuBackend
{
    private void GroupNormApplyBits(
        GroupNormGeometry g, bool vector, Tensor x, Tensor stats, Tensor gamma, Tensor beta, Tensor scaleShift, Tensor y)
    {
        if (vector)
            Launch(GroupNormApply4BFloat16Kernel, x.Length / 4, g, Bits4(x), View(stats), View4(gamma), View4(beta), View4(scaleShift),
                Bits4(y));
        else
            Launch(GroupNormApplyBFloat16Kernel, x.Length, g, Bits(x), View(stats), View(gamma), View(beta), View(scaleShift), Bits(y));
    }

    private void GroupNormBackwardPartialBits(GroupNormGeometry g, bool vector, int threads, Tensor dy, Tensor x, Tensor stats,
        Tensor gamma, Tensor beta, Tensor scaleShift, Tensor partial)
    {
        if (vector)
            Launch(GroupNormBackwardPartial4BFloat16Kernel, threads / 4, g, Bits4(dy), Bits4(x), View(stats), View4(gamma), View4(beta),
                View4(scaleShift), View4(partial));
        else
            Launch(GroupNormBackwardPartialBFloat16Kernel, threads, g, Bits(dy), Bits(x), View(stats), View(gamma), View(beta),
                View(scaleShift), View(partial));
    }

    private void GroupNormBackwardApplyBits(GroupNormGeometry g, bool vector, Tensor dy, Tensor x, Tensor stats, Tensor means,
        Tensor gamma, Tensor beta, Tensor scaleShift, Tensor dx)
    {
        if (vector)
            Launch(GroupNormBackwardApply4BFloat16Kernel, x.Length / 4, g, Bits4(dy), Bits4(x), View(stats), View(means), View4(gamma),
                View4(beta), View4(scaleShift), Bits4(dx));
        else
            Launch(GroupNormBackwardApplyBFloat16Kernel, x.Length, g, Bits(dy), Bits(x), View(stats), View(means), View(gamma),
                View(beta), View(scaleShift), Bits(dx));
    }

    /// <summary><see cref="GroupNormPartialKernel"/>; 2 bytes an element read from memory.</summary>
    [Kernel(128)]
    internal static void GroupNormPartialBFloat16Kernel(Index1D t, GroupNormGeometry g, ArrayView<ushort> x, ArrayView<float> partial) =>
        GroupNormPartial<InBFloat16, ushort>(t, g, x, partial);

    /// <summary><see cref="GroupNormPartial4Kernel"/>; 2 bytes an element read from memory.</summary>
    [Kernel(128, Hot = true)]
    internal static void GroupNormPartial4BFloat16Kernel(
        Index1D t, GroupNormGeometry g, ArrayView<BFloat16x4> x, ArrayView<Float2> partial) =>
        GroupNormPartial4<InBFloat16, BFloat16x4>(t, g, x, partial);

    /// <summary><see cref="GroupNormApply4Kernel"/>; 8 bytes read, 8 written.</summary>
    [Kernel(Hot = true)]
    internal static void GroupNormApply4BFloat16Kernel(Index1D i, GroupNormGeometry g, ArrayView<BFloat16x4> x, ArrayView<float> stats,
        ArrayView<Float4> gamma, ArrayView<Float4> beta, ArrayView<Float4> scaleShift, ArrayView<BFloat16x4> y) =>
        GroupNormApply4<InBFloat16, BFloat16x4>(i, g, x, stats, gamma, beta, scaleShift, y);

    /// <summary><see cref="GroupNormApplyKernel"/>; 2 bytes read, 2 written.</summary>
    [Kernel]
    internal static void GroupNormApplyBFloat16Kernel(Index1D i, GroupNormGeometry g, ArrayView<ushort> x, ArrayView<float> stats,
        ArrayView<float> gamma, ArrayView<float> beta, ArrayView<float> scaleShift, ArrayView<ushort> y) =>
        GroupNormApply<InBFloat16, ushort>(i, g, x, stats, gamma, beta, scaleShift, y);

    /// <summary><see cref="GroupNormBackwardPartialKernel"/>; 4 bytes read an element.</summary>
    [Kernel(128)]
    internal static void GroupNormBackwardPartialBFloat16Kernel(Index1D t, GroupNormGeometry g, ArrayView<ushort> dy, ArrayView<ushort> x,
        ArrayView<float> stats, ArrayView<float> gamma, ArrayView<float> beta, ArrayView<float> scaleShift, ArrayView<float> partial) =>
        GroupNormBackwardPartial<InBFloat16, ushort>(t, g, dy, x, stats, gamma, beta, scaleShift, partial);

    /// <summary><see cref="GroupNormBackwardPartial4Kernel"/>; 4 bytes read an element.</summary>
    [Kernel(128, Hot = true)]
    internal static void GroupNormBackwardPartial4BFloat16Kernel(Index1D t, GroupNormGeometry g, ArrayView<BFloat16x4> dy,
        ArrayView<BFloat16x4> x, ArrayView<float> stats, ArrayView<Float4> gamma, ArrayView<Float4> beta, ArrayView<Float4> scaleShift,
        ArrayView<Float4> partial) =>
        GroupNormBackwardPartial4<InBFloat16, BFloat16x4>(t, g, dy, x, stats, gamma, beta, scaleShift, partial);

    /// <summary><see cref="GroupNormBackwardApply4Kernel"/>; 4 bytes read an element, 2 written.</summary>
    [Kernel(Hot = true)]
    internal static void GroupNormBackwardApply4BFloat16Kernel(Index1D i, GroupNormGeometry g, ArrayView<BFloat16x4> dy,
        ArrayView<BFloat16x4> x, ArrayView<float> stats, ArrayView<float> means, ArrayView<Float4> gamma, ArrayView<Float4> beta,
        ArrayView<Float4> scaleShift, ArrayView<BFloat16x4> dx) =>
        GroupNormBackwardApply4<InBFloat16, BFloat16x4>(i, g, dy, x, stats, means, gamma, beta, scaleShift, dx);

    /// <summary><see cref="GroupNormBackwardApplyKernel"/>; 4 bytes read, 2 written.</summary>
    [Kernel]
    internal static void GroupNormBackwardApplyBFloat16Kernel(Index1D i, GroupNormGeometry g, ArrayView<ushort> dy, ArrayView<ushort> x,
        ArrayView<float> stats, ArrayView<float> means, ArrayView<float> gamma, ArrayView<float> beta, ArrayView<float> scaleShift,
        ArrayView<ushort> dx) =>
        GroupNormBackwardApply<InBFloat16, ushort>(i, g, dy, x, stats, means, gamma, beta, scaleShift, dx);
}
