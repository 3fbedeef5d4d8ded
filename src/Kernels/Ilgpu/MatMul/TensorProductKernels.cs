using BDense.Kernels.Ilgpu.Generated;
using BDense.Kernels.Ilgpu.Tiles;

namespace BDense.Kernels.Ilgpu;

/// <summary>
/// Matrix products once for each layout, tile and precision: see <see cref="TensorMultiply"/>. N an operand as it is, T one that is stored
/// transposed, A first; both transposed is left to float32.
/// </summary>
public sealed partial class IlgpuBackend
{
    [Kernel(256, Hot = true, DynamicSharedBytes = 73728)]
    internal static void TensorProductNN128x256Tf32Kernel(TensorProduct g) =>
        TensorMultiply<Tile128x256, TensorFragments64x64, Tf32, SumInnermost, SumOutermost>(g);

    [Kernel(256, Hot = true, DynamicSharedBytes = 73728)]
    internal static void TensorProductNN128x256Bf16Kernel(TensorProduct g) =>
        TensorMultiply<Tile128x256, TensorFragments64x64, Bf16, SumInnermost, SumOutermost>(g);

    [Kernel(128, Hot = true)]
    internal static void TensorProductNN128x128x4Tf32Kernel(TensorProduct g) =>
        TensorMultiply<Tile128x128x4, TensorFragments64x64, Tf32, SumInnermost, SumOutermost>(g);

    [Kernel(128, Hot = true)]
    internal static void TensorProductNN128x128x4Bf16Kernel(TensorProduct g) =>
        TensorMultiply<Tile128x128x4, TensorFragments64x64, Bf16, SumInnermost, SumOutermost>(g);

    [Kernel(128, Hot = true, Resident = 4)]
    internal static void TensorProductNN64x64Tf32Kernel(TensorProduct g) =>
        TensorMultiply<Tile64x64, TensorFragments32x32, Tf32, SumInnermost, SumOutermost>(g);

    [Kernel(128, Hot = true, Resident = 4)]
    internal static void TensorProductNN64x64Bf16Kernel(TensorProduct g) =>
        TensorMultiply<Tile64x64, TensorFragments32x32, Bf16, SumInnermost, SumOutermost>(g);

    [Kernel(256, Hot = true, DynamicSharedBytes = 73728)]
    internal static void TensorProductNT128x256Tf32Kernel(TensorProduct g) =>
        TensorMultiply<Tile128x256, TensorFragments64x64, Tf32, SumInnermost, SumInnermost>(g);

    [Kernel(256, Hot = true, DynamicSharedBytes = 73728)]
    internal static void TensorProductNT128x256Bf16Kernel(TensorProduct g) =>
        TensorMultiply<Tile128x256, TensorFragments64x64, Bf16, SumInnermost, SumInnermost>(g);

    [Kernel(128, Hot = true)]
    internal static void TensorProductNT128x128x4Tf32Kernel(TensorProduct g) =>
        TensorMultiply<Tile128x128x4, TensorFragments64x64, Tf32, SumInnermost, SumInnermost>(g);

    [Kernel(128, Hot = true)]
    internal static void TensorProductNT128x128x4Bf16Kernel(TensorProduct g) =>
        TensorMultiply<Tile128x128x4, TensorFragments64x64, Bf16, SumInnermost, SumInnermost>(g);

    [Kernel(128, Hot = true, Resident = 4)]
    internal static void TensorProductNT64x64Tf32Kernel(TensorProduct g) =>
        TensorMultiply<Tile64x64, TensorFragments32x32, Tf32, SumInnermost, SumInnermost>(g);

    [Kernel(128, Hot = true, Resident = 4)]
    internal static void TensorProductNT64x64Bf16Kernel(TensorProduct g) =>
        TensorMultiply<Tile64x64, TensorFragments32x32, Bf16, SumInnermost, SumInnermost>(g);

    [Kernel(256, Hot = true, DynamicSharedBytes = 73728)]
    internal static void TensorProductTN128x256Tf32Kernel(TensorProduct g) =>
        TensorMultiply<Tile128x256, TensorFragments64x64, Tf32, SumOutermost, SumOutermost>(g);

    [Kernel(256, Hot = true, DynamicSharedBytes = 73728)]
    internal static void TensorProductTN128x256Bf16Kernel(TensorProduct g) =>
        TensorMultiply<Tile128x256, TensorFragments64x64, Bf16, SumOutermost, SumOutermost>(g);

    [Kernel(128, Hot = true)]
    internal static void TensorProductTN128x128x4Tf32Kernel(TensorProduct g) =>
        TensorMultiply<Tile128x128x4, TensorFragments64x64, Tf32, SumOutermost, SumOutermost>(g);

    [Kernel(128, Hot = true)]
    internal static void TensorProductTN128x128x4Bf16Kernel(TensorProduct g) =>
        TensorMultiply<Tile128x128x4, TensorFragments64x64, Bf16, SumOutermost, SumOutermost>(g);

    [Kernel(128, Hot = true, Resident = 4)]
    internal static void TensorProductTN64x64Tf32Kernel(TensorProduct g) =>
        TensorMultiply<Tile64x64, TensorFragments32x32, Tf32, SumOutermost, SumOutermost>(g);

    [Kernel(128, Hot = true, Resident = 4)]
    internal static void TensorProductTN64x64Bf16Kernel(TensorProduct g) =>
        TensorMultiply<Tile64x64, TensorFragments32x32, Bf16, SumOutermost, SumOutermost>(g);
}
