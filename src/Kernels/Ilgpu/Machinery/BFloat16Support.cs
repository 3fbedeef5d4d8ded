namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    /// <remarks>
    /// What a network's activations go through, as its shapes have them: channels by fours, tensors of the pool, all activations BF16; a
    /// convolution and its gradients on tensor cores read and write either type. The rest (views that start anywhere, prologues, plain
    /// attention) is widened, computed and rounded.
    /// </remarks>
    private protected override bool TakesBFloat16(string op, params ReadOnlySpan<Tensor?> operands)
    {
        switch (op)
        {
            case nameof(Conv2d) or nameof(Conv2dDgrad) or nameof(Conv2dWgrad) or nameof(FusedConv2d) or nameof(FusedConv2dWgrad):
                return TakesConvolution(operands[1]!, operands[2], operands[3]) && AreAligned(operands);
            case nameof(Attention):
                return TakesAttention(operands[0]!, operands[2]!, backward: false) && AllOf(operands[..2]) && AreAligned(operands);
            case nameof(AttentionBackward):
                return TakesAttention(operands[1]!, operands[4]!, backward: true) && AllOf(operands[..4]) && AreAligned(operands);
            default:
                return AllOf(operands) && TakesRounded(op, operands);
        }
    }

    /// <summary>With a prologue the source is read in float32; the residual is read as the result is written.</summary>
    private bool TakesConvolution(Tensor result, Tensor? residual, Tensor? scaleShift) =>
        Precision == Precision.Bf16 && scaleShift is null && (residual is null || residual.Type == result.Type);

    /// <summary>By qkv [N,Tokens,3C] and lse [N,Heads,Tokens], if they have those shapes.</summary>
    private bool TakesAttention(Tensor qkv, Tensor lse, bool backward)
    {
        if (lse.Shape.Rank != 3 || lse.Length == 0)
            return false;
        int n = lse.Shape[0], heads = lse.Shape[1], tokens = lse.Shape[2];
        return IsTensorAttention(new AttentionShape(n, tokens, heads, qkv.Length / (3 * lse.Length)), backward);
    }

    private static bool AllOf(ReadOnlySpan<Tensor?> operands)
    {
        foreach (var x in operands)
        {
            if (x is null || x.Type != ElementType.BFloat16)
                return false;
        }
        return true;
    }

    private static bool TakesRounded(string op, ReadOnlySpan<Tensor?> activations)
    {
        return op switch
        {
            nameof(GroupNorm) or nameof(GroupNormFactors) or nameof(GroupNormBackward) or nameof(Moments) => true,
            nameof(LinearCombination) => activations.Length <= 3 && AllInFours(activations),
            nameof(Silu) or nameof(SiluBackward) or nameof(Dropout) => AllInFours(activations),
            nameof(BroadcastAdd) or nameof(BroadcastAddBackward) or nameof(ScaleShift) or nameof(Downsample) or nameof(Upsample) =>
                activations[0]!.Shape[-1] % 4 == 0 && AllInFours(activations),
            nameof(Concat) or nameof(Split) => ByPairs(activations),
            _ => false,
        };
    }

    private static bool AllInFours(ReadOnlySpan<Tensor?> tensors)
    {
        foreach (var x in tensors)
        {
            if (!InFours(x!))
                return false;
        }
        return true;
    }

    /// <summary>Whether channels and addresses are whole floats: then what only moves may take two elements for one.</summary>
    private static bool ByPairs(ReadOnlySpan<Tensor?> tensors)
    {
        foreach (var x in tensors)
        {
            if (x!.Offset % 2 != 0 || x.Shape[-1] % 2 != 0)
                return false;
        }
        return true;
    }
}
