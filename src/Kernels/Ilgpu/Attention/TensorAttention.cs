using BDense.Kernels.Ilgpu.Attention;
using BDense.Kernels.Ptx.Attention;
using BDense.Kernels.Ptx.Hopper;

namespace BDense.Kernels.Ilgpu;

/// <summary>Attention on tensor cores: see <see cref="AttentionKernel"/> and <see cref="WarpgroupAttentionKernel"/>.</summary>
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
        var g = Arguments(s) with { Qkv = Address(qkv), Result = Address(y), LogSumExp = Address(lse) };
        LaunchAttention(s, AttentionPass.Forward, precision, g, isRounded: qkv.Type == ElementType.BFloat16);
        return true;
    }

    /// <summary>Backward on tensor cores: true if it was done, false where the plan says otherwise.</summary>
    private bool TensorAttentionBackward(in AttentionShape s, Tensor dy, Tensor qkv, Tensor y, Tensor lse, Tensor dqkv)
    {
        var precision = AttentionPrecision(s, AreAligned(dy, qkv, y, dqkv), backward: true);
        if (precision == Precision.Fp32)
            return false;
        using var statistics = TensorAttentionStatistics(s, dy, y, lse);
        var g = Arguments(s) with
        {
            Qkv = Address(qkv),
            Dy = Address(dy),
            Statistics = Address(statistics),
            Result = Address(dqkv),
        };
        foreach (var pass in Ptx.Attention.AttentionKernel.Backward(s.HeadSize))
            LaunchAttention(s, pass, precision, g, isRounded: qkv.Type == ElementType.BFloat16);
        return true;
    }

    /// <summary>One pass: on Hopper's own instructions where they take it.</summary>
    private void LaunchAttention(in AttentionShape s, AttentionPass pass, Precision precision, AttentionArguments g, bool isRounded)
    {
        if (!IsHopper || precision != Precision.Bf16 || !AttentionPlan.IsForWarpgroups(s, g.Qkv | g.Dy, SharedLimit))
        {
            LaunchWritten(new AttentionKernel(s.HeadSize, ShapeOf(precision), pass, isRounded), AttentionPlan.Groups(s), g);
            return;
        }
        var kernel = new WarpgroupAttentionKernel(s.HeadSize, pass, isRounded);
        LaunchWritten(kernel, AttentionPlan.Groups(s, WarpgroupAttentionKernel.Rows), new WarpgroupAttentionArguments
        {
            Projections = isRounded ? MapOf(kernel.Projections(g.Qkv, s.N, s.Tokens, s.Heads)) : default,
            OutputGradient = isRounded && g.Dy != 0 ? MapOf(kernel.Outputs(g.Dy, s.N, s.Tokens, s.Heads)) : default,
            Problem = g,
        });
    }

    /// <summary>Whether both directions' kernels of BF16 take a shape.</summary>
    private bool IsTensorAttention(in AttentionShape s, bool backward) =>
        Precision == Precision.Bf16 && AttentionPlan.Choose(Precision, s, aligned: true, backward, SharedLimit) == Precision.Bf16;

    private static AttentionArguments Arguments(in AttentionShape s) =>
        new() { Tokens = s.Tokens, Heads = s.Heads, Scale = 1f / MathF.Sqrt(s.HeadSize) };
}
