namespace BDense.VirtualGpu.Execution;

/// <summary>
/// Four warps in a row, the first a multiple of four, that execute wgmma together (PTX ISA, "Asynchronous Warpgroup Level Matrix
/// Multiply-Accumulate Instructions"). Each warp
/// commits and waits by itself.
/// </summary>
internal sealed class Warpgroup(int number, int warpsOfBlock)
{
    public const int Warps = 4;

    /// <summary>How many a block of so many warps has, the last perhaps not whole.</summary>
    public static int Of(int warps) => (warps + Warps - 1) / Warps;

    public int Number { get; } = number;

    public bool IsWhole => (Number + 1) * Warps <= warpsOfBlock;

    /// <summary>wgmma's executed: the time of the last one. Those of a group complete in order.</summary>
    public int Issued { get; set; }

    public void Begin() => Issued = 0;
}
