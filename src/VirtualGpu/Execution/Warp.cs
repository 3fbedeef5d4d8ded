namespace BDense.VirtualGpu.Execution;

/// <summary>32 lanes that run a kernel, in step while they can.</summary>
internal sealed unsafe class Warp
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

    /// <summary>The next instruction's place.</summary>
    public int Place { get; set; }

    /// <summary>Lanes at <see cref="Place"/> that run.</summary>
    public uint Active { get; set; }

    /// <summary>Lanes that execute an instruction: the active ones that its guard lets.</summary>
    public uint Mask(Instruction i)
    {
        if (i.Guard < 0)
            return Active;
        uint guard = Predicates[i.Guard];
        return Active & (i.GuardNegated ? ~guard : guard);
    }
}
