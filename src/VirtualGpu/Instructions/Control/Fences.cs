using System.Numerics;
using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Instructions.Control;

/// <summary>What orders or delays and has no result, and the clock.</summary>
internal static unsafe class Fences
{
    /// <summary>membar, fence, nanosleep, discard hints: every access is done when the next instruction runs.</summary>
    public static void Nothing(Warp w, Instruction i)
    {
    }

    /// <summary>fence.proxy.async: what threads stored in shared memory becomes known to wgmma and bulk copies.</summary>
    public static void Proxy(Warp w, Instruction i)
    {
        uint lanes = w.Mask(i);
        if (lanes != 0 && w.Block.Memory.Judges)
            w.Block.Order?.Shadow.Fence(w, lanes);
    }

    /// <summary>fence.mbarrier_init: mbarriers become known to bulk copies.</summary>
    public static void Made(Warp w, Instruction i)
    {
        if (w.Mask(i) != 0)
            w.Block.Order?.Mbarriers.Fence(w);
    }

    /// <summary>trap.</summary>
    public static void Trap(Warp w, Instruction i)
    {
        uint lanes = w.Mask(i);
        if (lanes != 0)
            throw w.Fault(i, BitOperations.TrailingZeroCount(lanes), FindingKind.Trap, "the kernel stops itself");
    }

    /// <summary>%clock and its kin: the instructions that the warp has executed, so that it is the same in every run.</summary>
    public static void Clock(Warp w, Instruction i)
    {
        for (uint left = w.Mask(i); left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            if (i.WideData)
                PerLane.Set(w.Registers + i.D, lane, (ulong)w.Executed);
            else
                PerLane.Set(w.Registers + i.D, lane, (uint)((ulong)w.Executed >> (int)i.Immediate));
        }
    }
}
