namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    /// <remarks>
    /// What a network's activations go through, as its shapes have them: channels by fours, tensors of the pool, all activations BF16. The
    /// rest (views that start anywhere, a first layer's float32 beside BF16) is widened, computed and rounded.
    /// </remarks>
    private protected override bool TakesBFloat16(string op, params ReadOnlySpan<Tensor?> activations)
    {
        foreach (var x in activations)
        {
            if (x is null || x.Type != ElementType.BFloat16)
                return false;
        }
        return op switch
        {
            nameof(GroupNorm) or nameof(GroupNormFactors) or nameof(GroupNormBackward) => true,
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
