using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Instructions.Control;

/// <summary>bar.warp.sync: members wait for each other, and what they wrote is there for them.</summary>
internal static class WarpBarrier
{
    public static void Run(Warp w, Instruction i)
    {
        if (w.Together(i, i.C) != 0)
            w.Epoch++;
    }
}
