using BDense.VirtualGpu.Execution;
using BDense.VirtualGpu.Memory;

namespace BDense.VirtualGpu.Instructions.Memory;

/// <summary>What an instruction does with memory once its addresses are known to be good.</summary>
internal unsafe interface IMove
{
    static abstract AccessKind Kind { get; }

    /// <summary>That a lane accesses: a power of two, at most 16.</summary>
    static abstract int Bytes(Instruction i);

    /// <param name="w">Whose registers.</param>
    /// <param name="i">Which.</param>
    /// <param name="lanes">Lanes that take part.</param>
    /// <param name="pattern">Of their addresses.</param>
    /// <param name="addresses">The GPU's, of those lanes.</param>
    /// <param name="toHost">What makes them the host's, added.</param>
    static abstract void Move(Warp w, Instruction i, uint lanes, Pattern pattern, ulong* addresses, ulong toHost);
}
