namespace BDense.VirtualGpu.Ptx;

/// <summary>Special registers: PTX ISA, chapter of that name.</summary>
internal static class SpecialRegisters
{
    private static readonly HashSet<string> Narrow = new(StringComparer.Ordinal)
    {
        "%tid.x", "%tid.y", "%tid.z", "%ntid.x", "%ntid.y", "%ntid.z", "%ctaid.x", "%ctaid.y", "%ctaid.z", "%nctaid.x",
        "%nctaid.y", "%nctaid.z",
        "%laneid", "%warpid", "%nwarpid", "%smid", "%nsmid", "%dynamic_smem_size", "%total_smem_size", "%clock", "%WARP_SZ",
        "%lanemask_eq", "%lanemask_lt", "%lanemask_le", "%lanemask_gt", "%lanemask_ge", "%clock_hi", "%globaltimer_lo", "%globaltimer_hi",
        "%cluster_ctarank", "%cluster_nctarank",
    };

    private static readonly HashSet<string> Wide = new(StringComparer.Ordinal) { "%clock64", "%globaltimer", "%gridid" };

    /// <summary>32 or 64; 0 for a name that is none of them.</summary>
    public static int Bits(string name) => Narrow.Contains(name) ? 32 : Wide.Contains(name) ? 64 : 0;

    /// <summary>Whether it is another at every read.</summary>
    public static bool IsClock(string name) =>
        name.StartsWith("%clock", StringComparison.Ordinal) || name.StartsWith("%globaltimer", StringComparison.Ordinal);
}
