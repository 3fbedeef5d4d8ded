namespace BDense.VirtualGpu.Counts;

/// <summary>Blocks and warps that a multiprocessor holds at once, and what keeps it from more.</summary>
/// <param name="Blocks">Resident blocks; 0 where one does not fit.</param>
/// <param name="Warps">Resident warps.</param>
/// <param name="Limiter">blocks, warps, registers or shared memory.</param>
public readonly record struct Occupancy(int Blocks, int Warps, string Limiter)
{
    /// <summary>Of warps that there can be, 0 to 1.</summary>
    public double Share => (double)Warps / GpuModel.WarpsPerMultiprocessor;

    /// <summary>
    /// The least of what blocks, warps, registers and shared memory allow. A warp's registers are given out in units of 256 and to four
    /// warps at a time; a block's shared memory in units of 128 bytes, and the system takes 1 KiB of it (CUDA's occupancy calculator).
    /// </summary>
    public static Occupancy Of(GpuModel model, int registers, int sharedBytes, int threads)
    {
        int warps = (threads + GpuModel.WarpSize - 1) / GpuModel.WarpSize, perWarp = (registers * GpuModel.WarpSize + 255) / 256 * 256;
        (int Blocks, string Limiter)[] limits =
        [
            (GpuModel.BlocksPerMultiprocessor, "blocks"), (GpuModel.WarpsPerMultiprocessor / warps, "warps"),
            (perWarp == 0 ? int.MaxValue : GpuModel.RegistersPerMultiprocessor / perWarp / 4 * 4 / warps, "registers"),
            (model.SharedPerMultiprocessor / SharedOf(sharedBytes), "shared memory"),
        ];
        var least = limits.MinBy(l => l.Blocks);
        return new(least.Blocks, least.Blocks * warps, least.Limiter);
    }

    /// <summary>
    /// A block's part of the first-level cache: what its multiprocessor's shared memory leaves, over the resident blocks.
    /// </summary>
    internal int FirstLevelBytes(GpuModel model, int sharedBytes)
    {
        int blocks = Math.Max(1, Blocks);
        return Math.Max(FirstLevelLeast, (model.UnifiedBytes - blocks * SharedOf(sharedBytes)) / blocks);
    }

    private const int FirstLevelLeast = 1 << 10;

    private static int SharedOf(int bytes) => (bytes + GpuModel.SharedReserved + 127) / 128 * 128;
}
