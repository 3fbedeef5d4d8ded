using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Instructions.Control;

/// <summary>
/// bar.sync, bar.red and bar.arrive: PTX ISA, chapter "Parallel Synchronization and Communication Instructions". Immediate is the barrier,
/// SecondImmediate its threads (0 for the block's).
/// </summary>
internal static class Barriers
{
    public static void Wait(Warp w, Instruction i)
    {
        uint mask = w.Mask(i);
        if (mask == 0)
            return;
        w.Block.Counter?.Waits(i);
        w.Wait(i, mask, w.Threads);
    }

    public static void Arrive(Warp w, Instruction i)
    {
        uint mask = w.Mask(i);
        if (mask == 0)
            return;
        if (mask != w.Threads)
            throw w.Fault(i, -1, FindingKind.BarrierNotReached, "a part of a warp arrives at a barrier");
        w.Block.Arrive((int)i.Immediate);
    }
}
