using BDense.Kernels.Ptx.Attention;
using BDense.Kernels.Ptx.Hopper;

namespace BDense.Kernels.MachineCode;

/// <summary>What limits attention on <c>wgmma</c>, between whose products there is a softmax.</summary>
public static partial class Estimates
{
    /// <summary>Exponentials of a multiprocessor and cycle, its schedulers, and bytes of shared memory that it reads.</summary>
    private const double SpecialFunctions = 16, Schedulers = 4, SharedBytes = 128;

    /// <summary>Cycles of each part for a block of the other side's tokens, against the products at the peak.</summary>
    private static (double Share, string Limiter) AttentionShare(WarpgroupAttentionKernel kernel, KernelRow row, GpuModel gpu)
    {
        double cyclesPerSecond = gpu.Multiprocessors * gpu.Gigahertz * 1e9, rows = WarpgroupAttentionKernel.Rows;
        double block = kernel.Block, head = kernel.Head;
        int scores = kernel.Pass.HasPairs() ? 2 : 1, sums = kernel.Pass == AttentionPass.KeyValueGradient ? 2 : 1;
        double products = (scores + sums) * 2 * rows * block * head / (2 * gpu.Tf32 * 1e12 / cyclesPerSecond);
        // Each warpgroup reads its own 64 rows and the block's for scores, the block's alone for sums.
        double shared = rows / 64 * (scores * (64 + block) + sums * block) * head * 2 / SharedBytes;
        double cache = 2 * block * head * (kernel.IsRounded ? 2 : 4) / (gpu.L2 * 1e12 / cyclesPerSecond);
        double issue = row.MainLoop!.Instructions * (rows / 16) / Schedulers, special = rows * block / SpecialFunctions;
        var (cycles, limiter) = new[] { (products, "tensor cores"), (shared, "shared memory"), (cache, "L2 cache"), (issue, "issue"),
            (special, "special functions") }.MaxBy(part => part.Item1);
        return (products / cycles, limiter);
    }
}
