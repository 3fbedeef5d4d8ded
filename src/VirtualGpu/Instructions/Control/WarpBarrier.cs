using System.Numerics;
using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Instructions.Control;

/// <summary>bar.warp.sync: members wait for each other, and what they wrote is there for them.</summary>
/// <remarks>
/// A warp has one count of these barriers, so that one of some lanes only cannot be told from none: it makes its members wait, and orders
/// no accesses. No race is missed by that; accesses that only such a barrier orders are found as races, though they are none.
/// </remarks>
internal static unsafe class WarpBarrier
{
    public static void Run(Warp w, Instruction i)
    {
        uint living = w.Living;
        if (w.Together(i, i.C) != living)
            return;
        uint* masks = (uint*)(w.Registers + i.C);
        for (uint left = living; left != 0; left &= left - 1)
        {
            if ((living & ~masks[BitOperations.TrailingZeroCount(left)]) != 0)
                return;
        }
        w.Epoch++;
    }
}
