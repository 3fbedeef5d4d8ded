using BDense.Kernels.Ilgpu.Attention;
using BDense.Kernels.Ilgpu.Generated;

namespace BDense.Kernels.Ilgpu;

/// <summary>
/// Attention on tensor cores, once for each head size and precision: see <see cref="TensorAttend"/> and
/// <see cref="TensorAttentionGradient"/>.
/// </summary>
public sealed partial class IlgpuBackend
{
    [Kernel(TensorAttentionTile.Threads, Hot = true, DynamicSharedBytes = 27648)]
    internal static void TensorAttention32Tf32Kernel(AttentionGeometry g, TensorAttentionAddresses a) =>
        TensorAttend<TensorAttention32Tf32, TensorQueryPass>(g, a);

    [Kernel(TensorAttentionTile.Threads, Hot = true, DynamicSharedBytes = 36864)]
    internal static void TensorAttentionQueryGradient32Tf32Kernel(AttentionGeometry g, TensorAttentionAddresses a) =>
        TensorAttentionGradient<TensorAttention32Tf32, TensorQueryPass, NoSecond>(g, a);

    [Kernel(TensorAttentionTile.Threads, Hot = true, DynamicSharedBytes = 36864)]
    internal static void TensorAttentionKeyValueGradient32Tf32Kernel(AttentionGeometry g, TensorAttentionAddresses a) =>
        TensorAttentionGradient<TensorAttention32Tf32, TensorKeyPass, TensorAttention32Tf32>(g, a);

    [Kernel(TensorAttentionTile.Threads, Hot = true, DynamicSharedBytes = 15360)]
    internal static void TensorAttention32Bf16Kernel(AttentionGeometry g, TensorAttentionAddresses a) =>
        TensorAttend<TensorAttention32Bf16, TensorQueryPass>(g, a);

    [Kernel(TensorAttentionTile.Threads, Hot = true, DynamicSharedBytes = 20480)]
    internal static void TensorAttentionQueryGradient32Bf16Kernel(AttentionGeometry g, TensorAttentionAddresses a) =>
        TensorAttentionGradient<TensorAttention32Bf16, TensorQueryPass, NoSecond>(g, a);

    [Kernel(TensorAttentionTile.Threads, Hot = true, DynamicSharedBytes = 20480)]
    internal static void TensorAttentionKeyValueGradient32Bf16Kernel(AttentionGeometry g, TensorAttentionAddresses a) =>
        TensorAttentionGradient<TensorAttention32Bf16, TensorKeyPass, TensorAttention32Bf16>(g, a);

    [Kernel(TensorAttentionTile.Threads, Hot = true, DynamicSharedBytes = 52224)]
    internal static void TensorAttention64Tf32Kernel(AttentionGeometry g, TensorAttentionAddresses a) =>
        TensorAttend<TensorAttention64Tf32, TensorQueryPass>(g, a);

    [Kernel(TensorAttentionTile.Threads, Hot = true, DynamicSharedBytes = 69632)]
    internal static void TensorAttentionQueryGradient64Tf32Kernel(AttentionGeometry g, TensorAttentionAddresses a) =>
        TensorAttentionGradient<TensorAttention64Tf32, TensorQueryPass, NoSecond>(g, a);

    [Kernel(TensorAttentionTile.Threads, Hot = true, DynamicSharedBytes = 69632)]
    internal static void TensorAttentionKeyValueGradient64Tf32Kernel(AttentionGeometry g, TensorAttentionAddresses a) =>
        TensorAttentionGradient<TensorAttention64Tf32, TensorKeyPass, TensorAttention64Tf32>(g, a);

    [Kernel(TensorAttentionTile.Threads, Hot = true, DynamicSharedBytes = 27648)]
    internal static void TensorAttention64Bf16Kernel(AttentionGeometry g, TensorAttentionAddresses a) =>
        TensorAttend<TensorAttention64Bf16, TensorQueryPass>(g, a);

    [Kernel(TensorAttentionTile.Threads, Hot = true, DynamicSharedBytes = 36864)]
    internal static void TensorAttentionQueryGradient64Bf16Kernel(AttentionGeometry g, TensorAttentionAddresses a) =>
        TensorAttentionGradient<TensorAttention64Bf16, TensorQueryPass, NoSecond>(g, a);

    [Kernel(TensorAttentionTile.Threads, Hot = true, DynamicSharedBytes = 36864)]
    internal static void TensorAttentionKeyValueGradient64Bf16Kernel(AttentionGeometry g, TensorAttentionAddresses a) =>
        TensorAttentionGradient<TensorAttention64Bf16, TensorKeyPass, TensorAttention64Bf16>(g, a);

    [Kernel(TensorAttentionTile.Threads, Hot = true, DynamicSharedBytes = 67584)]
    internal static void TensorAttention128Tf32Kernel(AttentionGeometry g, TensorAttentionAddresses a) =>
        TensorAttend<TensorAttention128Tf32, TensorQueryPass>(g, a);

    [Kernel(TensorAttentionTile.Threads, Hot = true, DynamicSharedBytes = 101376)]
    internal static void TensorAttentionQueryGradient128Tf32Kernel(AttentionGeometry g, TensorAttentionAddresses a) =>
        TensorAttentionGradient<TensorAttention128Tf32, TensorQueryPass, NoSecond>(g, a);

    [Kernel(TensorAttentionTile.Threads, Hot = true, DynamicSharedBytes = 101376)]
    internal static void TensorAttentionKeyValueGradient128Tf32Kernel(AttentionGeometry g, TensorAttentionAddresses a) =>
        TensorAttentionGradient<TensorAttention128Tf32, TensorKeyPass, TensorAttention128Tf32>(g, a);

    [Kernel(TensorAttentionTile.Threads, Hot = true, DynamicSharedBytes = 34816)]
    internal static void TensorAttention128Bf16Kernel(AttentionGeometry g, TensorAttentionAddresses a) =>
        TensorAttend<TensorAttention128Bf16, TensorQueryPass>(g, a);

    [Kernel(TensorAttentionTile.Threads, Hot = true, DynamicSharedBytes = 52224)]
    internal static void TensorAttentionQueryGradient128Bf16Kernel(AttentionGeometry g, TensorAttentionAddresses a) =>
        TensorAttentionGradient<TensorAttention128Bf16, TensorQueryPass, NoSecond>(g, a);

    [Kernel(TensorAttentionTile.Threads, Hot = true, DynamicSharedBytes = 52224)]
    internal static void TensorAttentionKeyValueGradient128Bf16Kernel(AttentionGeometry g, TensorAttentionAddresses a) =>
        TensorAttentionGradient<TensorAttention128Bf16, TensorKeyPass, TensorAttention128Bf16>(g, a);

    [Kernel(TensorAttentionTile.Threads, Hot = true, DynamicSharedBytes = 99840)]
    internal static void TensorAttention256Tf32Kernel(AttentionGeometry g, TensorAttentionAddresses a) =>
        TensorAttend<TensorAttention256Tf32, TensorQueryPass>(g, a);

    [Kernel(TensorAttentionTile.Threads, Hot = true, DynamicSharedBytes = 166400)]
    internal static void TensorAttentionQueryGradient256Tf32Kernel(AttentionGeometry g, TensorAttentionAddresses a) =>
        TensorAttentionGradient<TensorAttention256Tf32, TensorQueryPass, NoSecond>(g, a);

    [Kernel(TensorAttentionTile.Threads, Hot = true, DynamicSharedBytes = 166400)]
    internal static void TensorAttentionKeyGradient256Tf32Kernel(AttentionGeometry g, TensorAttentionAddresses a) =>
        TensorAttentionGradient<TensorAttention256Tf32, TensorKeyPass, NoSecond>(g, a);

    [Kernel(TensorAttentionTile.Threads, Hot = true, DynamicSharedBytes = 99840)]
    internal static void TensorAttentionValueGradient256Tf32Kernel(AttentionGeometry g, TensorAttentionAddresses a) =>
        TensorAttend<TensorAttention256Tf32, TensorKeyPass>(g, a);

    [Kernel(TensorAttentionTile.Threads, Hot = true, DynamicSharedBytes = 50688)]
    internal static void TensorAttention256Bf16Kernel(AttentionGeometry g, TensorAttentionAddresses a) =>
        TensorAttend<TensorAttention256Bf16, TensorQueryPass>(g, a);

    [Kernel(TensorAttentionTile.Threads, Hot = true, DynamicSharedBytes = 84480)]
    internal static void TensorAttentionQueryGradient256Bf16Kernel(AttentionGeometry g, TensorAttentionAddresses a) =>
        TensorAttentionGradient<TensorAttention256Bf16, TensorQueryPass, NoSecond>(g, a);

    [Kernel(TensorAttentionTile.Threads, Hot = true, DynamicSharedBytes = 84480)]
    internal static void TensorAttentionKeyGradient256Bf16Kernel(AttentionGeometry g, TensorAttentionAddresses a) =>
        TensorAttentionGradient<TensorAttention256Bf16, TensorKeyPass, NoSecond>(g, a);

    [Kernel(TensorAttentionTile.Threads, Hot = true, DynamicSharedBytes = 50688)]
    internal static void TensorAttentionValueGradient256Bf16Kernel(AttentionGeometry g, TensorAttentionAddresses a) =>
        TensorAttend<TensorAttention256Bf16, TensorKeyPass>(g, a);
}
