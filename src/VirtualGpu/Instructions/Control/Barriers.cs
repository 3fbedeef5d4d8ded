using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Instructions.Control;

/// <summary>bar.sync and barrier.sync: PTX ISA, chapter "Parallel Synchronization and Communication Instructions".</summary>
internal static unsafe class Barriers
{
    public static void Wait(Warp w, Instruction i)
    {
        uint mask = w.Mask(i);
        if (mask == 0)
            return;
        w.Block.Counter?.Waits(i);
        w.Wait(i, mask);
    }
}
