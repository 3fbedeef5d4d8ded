using System.Runtime.InteropServices;
using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Memory;

/// <summary>
/// What a block's warps reach: shared memory, pending copies, each thread's local memory, and for each instruction the
/// allocation that it used last. A thread of the host makes one for a launch and uses it for block after block.
/// </summary>
internal sealed unsafe class BlockMemory : IDisposable
{
    private readonly GlobalMemory _global;
    private readonly AsyncCopies?[] _copies;
    private readonly int _launch;

    public BlockMemory(Gpu gpu, Launch launch)
    {
        var code = launch.Kernel.Code;
        _global = gpu.Memory;
        _launch = _global.LaunchNumber;
        Judges = gpu.Options.Judge;
        Shared = new SharedMemory(code.Shared, launch.DynamicSharedBytes, Judges);
        Last = new Region?[code.Instructions.Length];
        int warps = (int)((launch.Block.Count + Warp.Lanes - 1) / Warp.Lanes);
        Local = code.LocalBytes > 0 ? new LocalMemory(code, warps, Judges) : null;
        _copies = new AsyncCopies?[warps];
        Addresses = (ulong*)NativeMemory.AlignedAlloc(2 * Warp.Lanes * sizeof(ulong), 64);
        SecondAddresses = Addresses + Warp.Lanes;
    }

    public bool Judges { get; }

    public SharedMemory Shared { get; }

    /// <summary>By an instruction's place: the allocation that it used last.</summary>
    public Region?[] Last { get; }

    /// <summary>Room for a warp's addresses while it executes an instruction.</summary>
    public ulong* Addresses { get; }

    /// <summary>Room for those of a copy's sources.</summary>
    public ulong* SecondAddresses { get; }

    /// <summary>Null where the kernel declares no local memory.</summary>
    public LocalMemory? Local { get; }

    /// <summary>A block begins: its shared memory has never been written, nothing is being copied.</summary>
    public void Begin()
    {
        Shared.Begin();
        Local?.Begin();
        foreach (var copies in _copies)
            copies?.Begin();
    }

    /// <summary>The asynchronous copies of a warp's lanes.</summary>
    public AsyncCopies CopiesOf(Warp w) => _copies[w.Number] ??= new AsyncCopies();

    /// <summary>The allocation, live or freed, that an address lies in; null for none.</summary>
    public Region? Find(ulong address) => _global.FindRegion(address);

    /// <summary>The last allocation, live or freed, that begins at or before an address.</summary>
    public Region? FindBefore(ulong address) => _global.FindBefore(address);

    /// <summary>Who lane 0 of a warp is, and when, for records of global or shared memory.</summary>
    public ulong Identity(Warp w, MemorySpace space) => space == MemorySpace.Global
        ? AccessRecord.Identity(_launch, w.Block.Number % AccessRecord.Blocks, w.Block.Epoch, w.Epoch, w.Number * Warp.Lanes)
        : AccessRecord.Identity(Shared.BlockNumber, 0, w.Block.Epoch, w.Epoch, w.Number * Warp.Lanes);

    public void Dispose()
    {
        Shared.Dispose();
        Local?.Dispose();
        NativeMemory.AlignedFree(Addresses);
    }
}
