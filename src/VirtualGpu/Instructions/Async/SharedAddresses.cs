using System.Numerics;
using BDense.VirtualGpu.Execution;
using BDense.VirtualGpu.Instructions.Memory;
using BDense.VirtualGpu.Memory;

namespace BDense.VirtualGpu.Instructions.Async;

/// <summary>Addresses in shared memory of what is asynchronous.</summary>
internal static unsafe class SharedAddresses
{
    /// <summary>Those of some lanes, aligned and within the arrays.</summary>
    /// <returns><see cref="BlockMemory.Addresses"/>.</returns>
    public static ulong* Read(Warp w, Instruction i, uint mask, AddressOperand operand, bool generic, int bytes)
    {
        ulong* at = w.Block.Memory.Addresses;
        var pattern = LaneAddresses.Read(w, operand.Register, operand.Displacement, operand.Wide, mask, bytes, at, out bool aligned);
        for (uint left = generic ? mask : 0; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            if (at[lane] - GenericAddress.Shared >= GenericAddress.WindowBytes)
                throw w.Fault(i, lane, FindingKind.OutOfBounds, $"0x{at[lane]:x} is no address of shared memory");
            at[lane] -= GenericAddress.Shared;
        }
        MemoryAccess.CheckShared(w, i, mask, generic ? Pattern.Scattered : pattern, at, bytes, aligned);
        return at;
    }

    /// <summary>A lane's [register + displacement].</summary>
    public static ulong Of(Warp w, AddressOperand operand, int lane) =>
        operand.Wide ? ((ulong*)(w.Registers + operand.Register))[lane] + (ulong)operand.Displacement
        : ((uint*)(w.Registers + operand.Register))[lane] + (uint)operand.Displacement;
}
