using BDense.Kernels.Ilgpu.Convolution;
using BDense.Kernels.Ilgpu.Generated;
using BDense.Kernels.Ilgpu.Tiles;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

/// <summary>The implicit GEMM of forward and dgrad, once for each tile and precision: see <see cref="TensorConvolve"/>.</summary>
public sealed partial class IlgpuBackend
{
    [Kernel(256, Hot = true, DynamicSharedBytes = 73728)]
    internal static void TensorConv128x256Tf32Kernel(TensorConvolution g, ArrayView<float> bias) =>
        TensorConvolve<Tile128x256, TensorFragments64x64, Tf32, PlainInput>(g, bias);

    [Kernel(256, Hot = true, DynamicSharedBytes = 73728)]
    internal static void TensorConv128x256Bf16Kernel(TensorConvolution g, ArrayView<float> bias) =>
        TensorConvolve<Tile128x256, TensorFragments64x64, Bf16, PlainInput>(g, bias);

    [Kernel(256, Hot = true, Resident = 2)]
    internal static void TensorConv128x128Tf32Kernel(TensorConvolution g, ArrayView<float> bias) =>
        TensorConvolve<Tile128x128, TensorFragments64x32, Tf32, PlainInput>(g, bias);

    [Kernel(256, Hot = true, Resident = 2)]
    internal static void TensorConv128x128Bf16Kernel(TensorConvolution g, ArrayView<float> bias) =>
        TensorConvolve<Tile128x128, TensorFragments64x32, Bf16, PlainInput>(g, bias);

    [Kernel(128, Hot = true, Resident = 2)]
    internal static void TensorConv128x128x4Tf32Kernel(TensorConvolution g, ArrayView<float> bias) =>
        TensorConvolve<Tile128x128x4, TensorFragments64x64, Tf32, PlainInput>(g, bias);

    [Kernel(128, Hot = true, Resident = 2)]
    internal static void TensorConv128x128x4Bf16Kernel(TensorConvolution g, ArrayView<float> bias) =>
        TensorConvolve<Tile128x128x4, TensorFragments64x64, Bf16, PlainInput>(g, bias);

    [Kernel(128, Hot = true, Resident = 3)]
    internal static void TensorConv128x64Tf32Kernel(TensorConvolution g, ArrayView<float> bias) =>
        TensorConvolve<Tile128x64, TensorFragments64x32, Tf32, PlainInput>(g, bias);

    [Kernel(128, Hot = true, Resident = 3)]
    internal static void TensorConv128x64Bf16Kernel(TensorConvolution g, ArrayView<float> bias) =>
        TensorConvolve<Tile128x64, TensorFragments64x32, Bf16, PlainInput>(g, bias);

    [Kernel(128, Hot = true, Resident = 3)]
    internal static void TensorConv64x128Tf32Kernel(TensorConvolution g, ArrayView<float> bias) =>
        TensorConvolve<Tile64x128, TensorFragments64x32, Tf32, PlainInput>(g, bias);

    [Kernel(128, Hot = true, Resident = 3)]
    internal static void TensorConv64x128Bf16Kernel(TensorConvolution g, ArrayView<float> bias) =>
        TensorConvolve<Tile64x128, TensorFragments64x32, Bf16, PlainInput>(g, bias);

    [Kernel(128, Hot = true, Resident = 4)]
    internal static void TensorConv64x64Tf32Kernel(TensorConvolution g, ArrayView<float> bias) =>
        TensorConvolve<Tile64x64, TensorFragments32x32, Tf32, PlainInput>(g, bias);

    [Kernel(128, Hot = true, Resident = 4)]
    internal static void TensorConv64x64Bf16Kernel(TensorConvolution g, ArrayView<float> bias) =>
        TensorConvolve<Tile64x64, TensorFragments32x32, Bf16, PlainInput>(g, bias);

    [Kernel(128, Hot = true, Resident = 4)]
    internal static void TensorConv128x32Tf32Kernel(TensorConvolution g, ArrayView<float> bias) =>
        TensorConvolve<Tile128x32, TensorFragments32x32, Tf32, PlainInput>(g, bias);

    [Kernel(128, Hot = true, Resident = 4)]
    internal static void TensorConv128x32Bf16Kernel(TensorConvolution g, ArrayView<float> bias) =>
        TensorConvolve<Tile128x32, TensorFragments32x32, Bf16, PlainInput>(g, bias);

    [Kernel(256, Hot = true)]
    internal static void TensorConvActivated128x128Tf32Kernel(TensorConvolution g, ArrayView<float> bias) =>
        TensorConvolve<Tile128x128, TensorFragments64x32, Tf32, ActivatedInput>(g, bias);

    [Kernel(256, Hot = true)]
    internal static void TensorConvActivated128x128Bf16Kernel(TensorConvolution g, ArrayView<float> bias) =>
        TensorConvolve<Tile128x128, TensorFragments64x32, Bf16, ActivatedInput>(g, bias);

    [Kernel(128, Hot = true)]
    internal static void TensorConvActivated64x64Tf32Kernel(TensorConvolution g, ArrayView<float> bias) =>
        TensorConvolve<Tile64x64, TensorFragments32x32, Tf32, ActivatedInput>(g, bias);

    [Kernel(128, Hot = true)]
    internal static void TensorConvActivated64x64Bf16Kernel(TensorConvolution g, ArrayView<float> bias) =>
        TensorConvolve<Tile64x64, TensorFragments32x32, Bf16, ActivatedInput>(g, bias);

    [Kernel(128, Hot = true)]
    internal static void TensorConvActivated128x32Tf32Kernel(TensorConvolution g, ArrayView<float> bias) =>
        TensorConvolve<Tile128x32, TensorFragments32x32, Tf32, ActivatedInput>(g, bias);

    [Kernel(128, Hot = true)]
    internal static void TensorConvActivated128x32Bf16Kernel(TensorConvolution g, ArrayView<float> bias) =>
        TensorConvolve<Tile128x32, TensorFragments32x32, Bf16, ActivatedInput>(g, bias);
}
