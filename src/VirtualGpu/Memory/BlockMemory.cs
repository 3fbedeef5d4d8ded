namespace BDense.VirtualGpu.Memory;

/// <summary>
/// What a block's warps reach: parameters, shared memory, pending copies, each thread's local memory, and for each instruction the
/// allocation that it used last. A thread of the host makes one for a launch and uses it for block after block.
/// </summary>
internal sealed unsafe class BlockMemory(Gpu gpu, Launch launch) : IDisposable
{
    public Gpu Gpu { get; } = gpu;

    public Launch Launch { get; } = launch;

    /// <summary>A block begins: its shared memory has never been written, nothing is being copied.</summary>
    public void Begin()
    {
    }

    public void Dispose()
    {
    }
}
