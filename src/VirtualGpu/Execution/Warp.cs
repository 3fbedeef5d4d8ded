namespace BDense.VirtualGpu.Execution;

/// <summary>32 lanes that run a kernel, in step while they can.</summary>
internal sealed unsafe partial class Warp
{
    public const int Lanes = 32;
    public const uint All = uint.MaxValue;

    public required Block Block { get; init; }

    /// <summary>In its block.</summary>
    public required int Number { get; init; }

    /// <summary>The register file: see <see cref="Instruction"/>. Aligned to 64 bytes.</summary>
    public byte* Registers { get; init; }

    /// <summary>Masks of lanes.</summary>
    public uint* Predicates { get; init; }

    /// <summary>Lanes that stand for a thread: all, but for the last warp of a block whose threads are no multiple of 32.</summary>
    public uint Threads { get; init; } = All;

    /// <summary>Registers that wgmma's use; null where the kernel is not asynchronous.</summary>
    public MatrixRegisters? Matrices { get; init; }

    /// <summary>Groups of bulk stores that its lanes have committed.</summary>
    public int BulkGroups { get; set; }

    /// <summary>The next instruction's place.</summary>
    public int Place { get; private set; }

    /// <summary>Lanes at <see cref="Place"/> that run.</summary>
    public uint Active { get; private set; }

    /// <summary>
    /// bar.warp.sync's of the whole warp passed since the block's last barrier: accesses of its lanes in different epochs are ordered.
    /// </summary>
    public int Epoch { get; set; }

    /// <summary>Stops the launch.</summary>
    /// <param name="i">Where.</param>
    /// <param name="lane">Whose fault it is; -1 for the warp's.</param>
    /// <param name="kind">What.</param>
    /// <param name="message">In one line.</param>
    public FindingException Fault(Instruction i, int lane, FindingKind kind, string message)
    {
        var launch = Block.Launch;
        Dim3? thread = lane < 0 ? null : At(Number * Lanes + lane, launch.Block);
        return new FindingException(new Finding(kind, message, launch.Kernel.Name, At(Block.Number, launch.Grid), thread,
            launch.Kernel.Places[i.Place]));
    }

    private static Dim3 At(int index, Dim3 extent) => new(index % extent.X, index / extent.X % extent.Y, index / extent.X / extent.Y);

    /// <summary>Lanes that execute an instruction: the active ones that its guard lets.</summary>
    public uint Mask(Instruction i)
    {
        if (i.Guard < 0)
            return Active;
        uint guard = Predicates[i.Guard];
        return Active & (i.GuardNegated ? ~guard : guard);
    }

    /// <summary>For instructions that a whole warp must execute together (<c>.aligned</c>: mma, ldmatrix).</summary>
    /// <exception cref="FindingException">Some lanes are elsewhere, do not exist or are kept out by the guard.</exception>
    public void NeedWhole(Instruction i, uint mask)
    {
        if (mask != All)
            throw Fault(i, -1, FindingKind.BarrierNotReached,
                $"{System.Numerics.BitOperations.PopCount(mask)} of 32 lanes execute an instruction that a whole warp must execute");
    }
}
