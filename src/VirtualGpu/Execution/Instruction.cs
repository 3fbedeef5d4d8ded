namespace BDense.VirtualGpu.Execution;

/// <summary>
/// A decoded instruction: a function and what it works on. Operands are byte offsets into a warp's register file, where a register of
/// 32 bits has its 32 lanes side by side (128 bytes) and one of 64 bits 256; constants and special registers lie there too.
/// Predicates are masks of lanes in <see cref="Warp.Predicates"/>; operands that are predicates are indices of it.
/// </summary>
internal sealed unsafe class Instruction
{
    /// <summary>What it does. The warp's program counter already points behind it.</summary>
    public required delegate*<Warp, Instruction, void> Run { get; init; }

    /// <summary>Its place in the code, and in <see cref="PtxKernel.Places"/>.</summary>
    public required int Place { get; init; }

    /// <summary>Index of the predicate that guards it; -1 for none.</summary>
    public int Guard { get; init; } = -1;

    /// <summary>Whether lanes run it where the guard is false: <c>@!p</c>.</summary>
    public bool GuardNegated { get; init; }

    /// <summary>The destination; for a store the first value, for a branch the place that it goes to.</summary>
    public int D { get; set; }

    /// <summary>Sources; for memory, A is the register of the address, -1 where the address is <see cref="Immediate"/> alone.</summary>
    public int A { get; init; }

    public int B { get; init; }

    public int C { get; init; }

    /// <summary>All registers of a vector operand ({a, b, c, d} of loads, stores, ldmatrix), or those of mma: D's, A's, B's, C's.</summary>
    public int[] Vector { get; init; } = [];

    /// <summary>Added to an address; a barrier's or a group's number; a shift.</summary>
    public long Immediate { get; init; }

    /// <summary>Added to the second address: cp.async's source.</summary>
    public long SecondImmediate { get; init; }

    /// <summary>Bytes of an element in memory; of a whole copy for cp.async.</summary>
    public int ElementBytes { get; init; }

    /// <summary>Whether the registers of the data have 64 bits, whatever the element has: <c>ld.global.u32 %rd1, [...]</c>.</summary>
    public bool WideData { get; init; }

    /// <summary>Whether the register of the address has 64 bits.</summary>
    public bool WideAddress { get; init; }

    /// <summary>For counting.</summary>
    public InstructionClass Class { get; init; }
}

/// <summary>What kind of work an instruction is, for counting.</summary>
public enum InstructionClass
{
    Integer, Float, Double, Special, Conversion, Move, Predicate, Branch, Barrier, Shuffle, Matrix,
    GlobalLoad, GlobalStore, SharedLoad, SharedStore, LocalLoad, LocalStore, ParameterLoad, AsyncCopy, MatrixLoad, Atomic,
}

/// <summary>A kernel's instructions and the layout of a warp's registers.</summary>
/// <param name="Instructions">In the order of the text; the last one ends.</param>
/// <param name="RegisterBytes">Of a warp's register file: registers, special registers, constants.</param>
/// <param name="Predicates">How many.</param>
/// <param name="Constants">Offset and bits of each constant; 64-bit ones take 256 bytes.</param>
/// <param name="Special">Offset of each special register that the code reads, by its PTX name.</param>
/// <param name="Shared">The <c>.shared</c> arrays: name, where it starts (an odd multiple of its alignment, see docs/virtual-gpu.md), its bytes; the dynamic one has -1.</param>
/// <param name="Local">The <c>.local</c> arrays, laid out likewise in each thread's own memory.</param>
internal sealed record KernelCode(Instruction[] Instructions, int RegisterBytes, int Predicates, IReadOnlyList<(int Offset, ulong Bits, bool Wide)> Constants,
    IReadOnlyDictionary<string, int> Special, IReadOnlyList<(string Name, int Start, int Bytes)> Shared, IReadOnlyList<(string Name, int Start, int Bytes)> Local);
