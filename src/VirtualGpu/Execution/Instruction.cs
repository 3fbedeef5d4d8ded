using BDense.VirtualGpu.Instructions.Async;
using BDense.VirtualGpu.Instructions.Matrices;

namespace BDense.VirtualGpu.Execution;

/// <summary>
/// A decoded instruction: a function and what it works on. Operands are byte offsets into a warp's register file, where a register of
/// 32 bits has its 32 lanes side by side (128 bytes) and one of 64 bits 256; constants and special registers lie there too.
/// Predicates are masks of lanes in <see cref="Warp.Predicates"/>; operands that are predicates are indices of it.
/// </summary>
/// <remarks>
/// What the operands of memory's instructions are, for those who write them (an address is a register of 32 or 64 bits; a constant or an
/// array's name became a constant register):
/// ld: D the first destination, Vector all of them where there are braces, A the address, Immediate what is added. ld.param (the decoder
/// does it): A is -1 and Immediate the byte in the packed arguments. st: D and Vector the values, A the address. atom: D, A the address, B,
/// C the values (-1 for none); red: D is -1. cp.async: A and Immediate the shared address, B and SecondImmediate the global one,
/// ElementBytes the size, C the register of the source's size or -1. cp.async.wait_group: Immediate. ldmatrix: Vector the destinations, A
/// and Immediate the address.
/// </remarks>
internal sealed unsafe class Instruction
{
    /// <summary>What it does. The warp's program counter already points behind it.</summary>
    public required delegate*<Warp, Instruction, void> Run { get; set; }

    /// <summary>Its place in the code, and in <see cref="PtxKernel.Places"/>.</summary>
    public required int Place { get; init; }

    /// <summary>Index of the predicate that guards it; -1 for none.</summary>
    public int Guard { get; init; } = -1;

    /// <summary>Whether lanes run it where the guard is false: <c>@!p</c>.</summary>
    public bool GuardNegated { get; init; }

    /// <summary>The destination; for a store the first value, for a branch the place that it goes to.</summary>
    public int D { get; set; }

    /// <summary>Sources; for memory, A is the register of the address.</summary>
    public int A { get; init; }

    public int B { get; init; }

    public int C { get; init; }

    /// <summary>All registers of a vector operand ({a, b, c, d} of loads, stores, ldmatrix), or those of mma: D's, A's, B's, C's.</summary>
    public int[] Vector { get; init; } = [];

    /// <summary>Added to an address; a barrier's or a group's number; a shift.</summary>
    public long Immediate { get; init; }

    /// <summary>Added to the second address of an asynchronous copy.</summary>
    public long SecondImmediate { get; init; }

    /// <summary>Bytes of an element in memory; of cp.async: those that arrive in shared memory.</summary>
    public int ElementBytes { get; init; }

    /// <summary>Whether the register of the address has 64 bits.</summary>
    public bool WideAddress { get; init; }

    /// <summary>Whether the registers of a load's or a store's data have 64 bits, which may be more than the element has.</summary>
    public bool WideData { get; init; }

    /// <summary>Whether it waits for other warps.</summary>
    public bool OfBlock { get; init; }

    /// <summary>Whether it waits for the other warps of the warpgroup, not for those of the block.</summary>
    public bool OfWarpgroup { get; init; }

    /// <summary>Of a wgmma; null for all others.</summary>
    public WarpgroupForm? Product { get; init; }

    /// <summary>Of a bulk copy; null for all others.</summary>
    public BulkForm? Bulk { get; init; }

    /// <summary>
    /// Registers of wgmma's that it reads or writes, where it is none itself: then <see cref="Run"/> looks at them before it does <see
    /// cref="Inner"/>.
    /// </summary>
    public int[] Touches { get; set; } = [];

    /// <inheritdoc cref="Touches"/>
    public delegate*<Warp, Instruction, void> Inner { get; set; }

    /// <summary>For counting.</summary>
    public InstructionClass Class { get; init; }
}

/// <summary>What kind of work an instruction is, for counting.</summary>
public enum InstructionClass
{
    Integer, Float, Double, Special, Conversion, Move, Predicate, Branch, Barrier, Shuffle, Matrix,
    GlobalLoad, GlobalStore, SharedLoad, SharedStore, LocalLoad, LocalStore, ParameterLoad, AsyncCopy, MatrixLoad, Atomic, WarpgroupMatrix,
    BulkLoad, BulkStore,
}

/// <summary>A kernel's instructions and the layout of a warp's registers.</summary>
/// <param name="Instructions">In the order of the text; the last one ends.</param>
/// <param name="RegisterBytes">Of a warp's register file: registers, special registers, constants.</param>
/// <param name="Predicates">How many.</param>
/// <param name="Constants">Offset and bits of each constant; 64-bit ones take 256 bytes.</param>
/// <param name="Special">Offset of each special register that the code reads, by its PTX name.</param>
/// <param name="Shared">The <c>.shared</c> arrays: name, where it starts, its bytes; the dynamic one has -1.</param>
/// <param name="LocalBytes">Of <c>.local</c> arrays, for each thread.</param>
/// <param name="Local">The <c>.local</c> arrays, laid out as the shared ones are.</param>
internal sealed record KernelCode(Instruction[] Instructions, int RegisterBytes, int Predicates,
    IReadOnlyList<(int Offset, ulong Bits, bool Wide)> Constants,
    IReadOnlyDictionary<string, int> Special, IReadOnlyList<(string Name, int Start, int Bytes)> Shared, int LocalBytes,
    IReadOnlyList<(string Name, int Start, int Bytes)>? Local = null)
{
    /// <summary>By place: whose turn is sooner where lanes have parted (<see cref="Decoding.MeetingOrder"/>).</summary>
    public int[] Order { get; init; } = [];

    /// <summary>By place: the end of the instructions that follow it whatever happens.</summary>
    public int[] Ends { get; init; } = [];

    /// <summary>Whether warps meet at mbarriers, or something accesses shared memory asynchronously: <see cref="BlockOrder"/>.</summary>
    public bool IsAsynchronous { get; init; }

    /// <summary>Offset and bytes of registers that are 0 when a block begins: the code may read them first.</summary>
    public IReadOnlyList<(int Offset, int Bytes)> Unset { get; init; } = [];

    /// <summary>Predicates that are constants; those of the text follow.</summary>
    public const int False = 0, True = 1;
}
