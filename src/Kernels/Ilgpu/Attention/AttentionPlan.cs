using BDense.Kernels.Ilgpu.Convolution;
using BDense.Kernels.Ptx.Attention;
using BDense.Kernels.Ptx.Hopper;

namespace BDense.Kernels.Ilgpu.Attention;

/// <summary>The one place where a kernel is chosen for attention and its gradients.</summary>
internal static class AttentionPlan
{
    /// <summary>
    /// The precision of a shape: the one asked for where the tensor-core kernels take it (heads of 32, 64, 128 or 256; 16 tokens or more;
    /// as much shared memory a group as the widest kernel needs), else float32.
    /// </summary>
    /// <param name="asked">What the backend is set to.</param>
    /// <param name="s">The shape.</param>
    /// <param name="aligned">Whether all tensors start at multiples of 16 bytes.</param>
    /// <param name="backward">Whether gradients are computed.</param>
    /// <param name="sharedLimit">Bytes of shared memory that a group of the device can have.</param>
    public static Precision Choose(Precision asked, in AttentionShape s, bool aligned, bool backward, int sharedLimit) =>
        asked != Precision.Fp32 && aligned && s.HeadSize is 32 or 64 or 128 or 256 && s.Tokens >= 16
            && TensorSharedBytes(asked, s.HeadSize, backward) <= sharedLimit ? asked : Precision.Fp32;

    /// <summary>The line for people where another precision than the one asked for is used: more exact, and slower.</summary>
    public static string Fall(Precision asked, Precision got, string operation, in AttentionShape s, bool backward, int sharedLimit) =>
        $"{operation} of heads of {s.HeadSize}, {s.Tokens} tokens, is computed in {got.Text()}, not {asked.Text()}: tensor cores take "
            + $"heads of 32, 64, 128 or 256, at least 16 tokens, from addresses "
        + $"that 16 divides, where a group can have the shared memory: {TensorSharedBytes(asked, s.HeadSize, backward)} bytes here, of "
        + $"{sharedLimit}";

    /// <summary>
    /// Shared memory of a tensor-core kernel: 64 own rows, and a block of each operand of the other tokens; twice the own rows for
    /// gradients.
    /// </summary>
    public static int TensorSharedBytes(Precision precision, int head, bool backward)
    {
        int block = head switch { <= 64 => 64, 128 => 32, _ => 16 };
        return ((backward ? 128 : 64) + 2 * block) * (head * (precision == Precision.Bf16 ? 2 : 4) + 16);
    }

    /// <summary>
    /// Width of the float32 kernel that goes through shared memory: 64, 128 or 256, the least that holds the head; 0 where the kernels that
    /// read from the cache do it: on a processor, for heads that are no whole number of 16 bytes or larger, and for so few tokens that a
    /// block of 64 stays mostly empty.
    /// </summary>
    /// <param name="tiling">The device's.</param>
    /// <param name="s">The shape.</param>
    /// <param name="aligned">Whether all tensors start at multiples of 16 bytes.</param>
    public static int SharedWidth(Tiling tiling, in AttentionShape s, bool aligned)
    {
        if (tiling == Tiling.Cache || !aligned || s.HeadSize % 4 != 0 || s.HeadSize > 256)
            return 0;
        if (tiling == Tiling.Shared && (s.Tokens < 24 || s.HeadSize < 16))
            return 0;
        return s.HeadSize <= 64 ? 64 : s.HeadSize <= 128 ? 128 : 256;
    }

    /// <summary>
    /// Whether Hopper's own kernels take a shape that <see cref="Choose"/> gives to tensor cores, in BF16: heads of whole 64 channels, more
    /// tokens than half of a group's, addresses that boxes can be copied from.
    /// </summary>
    /// <param name="s">The shape.</param>
    /// <param name="addresses">Of all tensors that are copied, joined by or.</param>
    /// <param name="sharedLimit">Bytes of shared memory that a group of the device can have.</param>
    public static bool IsForWarpgroups(in AttentionShape s, long addresses, int sharedLimit)
    {
        int head = s.HeadSize;
        return head is 64 or 128 or 256 && s.Tokens > WarpgroupAttentionKernel.Rows / 2 && addresses % 16 == 0
            && AttentionKernel.Backward(head).Prepend(AttentionPass.Forward)
                .All(pass => new WarpgroupAttentionKernel(head, pass, IsRounded: true).SharedBytes <= sharedLimit);
    }

    /// <summary>Groups of so many tokens of a head.</summary>
    public static int Groups(in AttentionShape s, int rows = SharedTileAttention.Rows) =>
        IlgpuBackend.Threads((long)s.N * s.Heads * ((s.Tokens + rows - 1) / rows));
}
