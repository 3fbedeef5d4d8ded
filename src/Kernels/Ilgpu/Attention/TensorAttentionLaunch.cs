using BDense.Kernels.Ilgpu.Attention;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    private Precision AttentionPrecision(in AttentionShape s, bool aligned, bool backward)
    {
        if (Precision == Precision.Fp32)
            return Precision.Fp32;
        var precision = AttentionPlan.Choose(Precision, s, aligned, backward, SharedLimit);
        NoticePrecision(s, precision, backward);
        return precision;
    }

    /// <summary>Forward on tensor cores: true if it was done, false where the plan says otherwise.</summary>
    private bool TensorAttentionForward(in AttentionShape s, Tensor qkv, Tensor y, Tensor lse)
    {
        var precision = AttentionPrecision(s, Aligned(qkv) && Aligned(y), backward: false);
        if (precision == Precision.Fp32)
            return false;
        LaunchGroups(AttentionKernels(s.HeadSize, precision)[0], AttentionPlan.Groups(s), Geometry(s),
            new TensorAttentionAddresses { Qkv = Address(qkv), Result = Address(y), LogSumExp = Address(lse) });
        return true;
    }

    /// <summary>Backward on tensor cores: true if it was done, false where the plan says otherwise.</summary>
    private bool TensorAttentionBackward(in AttentionShape s, Tensor dy, Tensor qkv, Tensor y, Tensor lse, Tensor dqkv)
    {
        var precision = AttentionPrecision(s, AreAligned(dy, qkv, y, dqkv), backward: true);
        if (precision == Precision.Fp32)
            return false;
        using var statistics = TensorAttentionStatistics(s, dy, y, lse);
        var a = new TensorAttentionAddresses
        {
            Qkv = Address(qkv),
            Dy = Address(dy),
            Statistics = Address(statistics),
            Result = Address(dqkv),
        };
        foreach (var kernel in AttentionKernels(s.HeadSize, precision).AsSpan(1))
            LaunchGroups(kernel, AttentionPlan.Groups(s), Geometry(s), a);
        return true;
    }

    /// <summary>Forward, then all that the backward pass needs.</summary>
    private static Action<AttentionGeometry, TensorAttentionAddresses>[] AttentionKernels(int head, Precision precision) =>
        (head, precision) switch
        {
            (32, Precision.Tf32) => Attention32Tf32,
            (32, _) => Attention32Bf16,
            (64, Precision.Tf32) => Attention64Tf32,
            (64, _) => Attention64Bf16,
            (128, Precision.Tf32) => Attention128Tf32,
            (128, _) => Attention128Bf16,
            (_, Precision.Tf32) => Attention256Tf32,
            _ => Attention256Bf16,
        };

    private static readonly Action<AttentionGeometry, TensorAttentionAddresses>[] Attention32Tf32 =
        [TensorAttention32Tf32Kernel, TensorAttentionQueryGradient32Tf32Kernel, TensorAttentionKeyValueGradient32Tf32Kernel];

    private static readonly Action<AttentionGeometry, TensorAttentionAddresses>[] Attention32Bf16 =
        [TensorAttention32Bf16Kernel, TensorAttentionQueryGradient32Bf16Kernel, TensorAttentionKeyValueGradient32Bf16Kernel];

    private static readonly Action<AttentionGeometry, TensorAttentionAddresses>[] Attention64Tf32 =
        [TensorAttention64Tf32Kernel, TensorAttentionQueryGradient64Tf32Kernel, TensorAttentionKeyValueGradient64Tf32Kernel];

    private static readonly Action<AttentionGeometry, TensorAttentionAddresses>[] Attention64Bf16 =
        [TensorAttention64Bf16Kernel, TensorAttentionQueryGradient64Bf16Kernel, TensorAttentionKeyValueGradient64Bf16Kernel];

    private static readonly Action<AttentionGeometry, TensorAttentionAddresses>[] Attention128Tf32 =
        [TensorAttention128Tf32Kernel, TensorAttentionQueryGradient128Tf32Kernel, TensorAttentionKeyValueGradient128Tf32Kernel];

    private static readonly Action<AttentionGeometry, TensorAttentionAddresses>[] Attention128Bf16 =
        [TensorAttention128Bf16Kernel, TensorAttentionQueryGradient128Bf16Kernel, TensorAttentionKeyValueGradient128Bf16Kernel];

    private static readonly Action<AttentionGeometry, TensorAttentionAddresses>[] Attention256Tf32 =
        [TensorAttention256Tf32Kernel, TensorAttentionQueryGradient256Tf32Kernel, TensorAttentionKeyGradient256Tf32Kernel,
            TensorAttentionValueGradient256Tf32Kernel];

    private static readonly Action<AttentionGeometry, TensorAttentionAddresses>[] Attention256Bf16 =
        [TensorAttention256Bf16Kernel, TensorAttentionQueryGradient256Bf16Kernel, TensorAttentionKeyGradient256Bf16Kernel,
            TensorAttentionValueGradient256Bf16Kernel];
}
