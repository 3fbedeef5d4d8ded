using BDense.VirtualGpu.Execution;
using BDense.VirtualGpu.Memory;

namespace BDense.VirtualGpu.Instructions.Async;

/// <summary>A lane's bulk copy to shared memory, and the mbarrier that is told of its bytes.</summary>
internal readonly unsafe struct BulkArrival
{
    private readonly Warp _w;
    private readonly Instruction _i;
    private readonly int _lane;
    private readonly Mbarrier _barrier;

    public BulkArrival(Warp w, Instruction i, int lane)
    {
        (_w, _i, _lane) = (w, i, lane);
        ulong at = SharedAddresses.Of(w, i.Bulk!.Barrier, lane);
        if (at % Mbarriers.Bytes != 0)
            throw w.Fault(i, lane, FindingKind.Misaligned,
                $"an mbarrier at {at} in shared memory, which is not a multiple of {Mbarriers.Bytes}");
        var all = w.Block.Order!.Mbarriers;
        _barrier = all.Use(w, i, lane, (long)at);
        if (w.Block.Memory.Judges && !_barrier.IsFenced)
            throw w.Fault(i, lane, FindingKind.ProxyFence,
                $"{all.Name(_barrier)} was made by a thread: no fence.mbarrier_init or fence.proxy.async lies between it and a bulk copy");
    }

    public void RequireRoom(ulong address, int bytes, int alignment = AsyncShadow.PieceBytes) =>
        BulkCopies.RequireShared(_w, _i, _lane, address, bytes, alignment);

    /// <summary>Where 16 bytes arrive; the phase in which they do is the current one.</summary>
    public byte* At(ulong address)
    {
        var memory = _w.Block.Memory;
        if (memory.Judges)
            _w.Block.Order!.Shadow.Arrives(_w, _i, _lane, (int)(address / AsyncShadow.PieceBytes), _barrier.Agent, _barrier.Phase + 1);
        return memory.Shared.Region.Host + address;
    }

    /// <summary>All of them have.</summary>
    public void Complete(int bytes)
    {
        var all = _w.Block.Order!.Mbarriers;
        all.Expect(_w, _i, _lane, _barrier, -bytes);
    }
}
