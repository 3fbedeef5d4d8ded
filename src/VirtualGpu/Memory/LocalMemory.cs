using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Memory;

/// <summary>Local memory of a block's threads: for each warp, lane after lane.</summary>
internal sealed class LocalMemory : IDisposable
{
    private readonly Region[] _warps;

    public LocalMemory(KernelCode code, int warps, bool judge)
    {
        Arrays = new DeclaredArrays(code.Local ?? [("local memory", 0, code.LocalBytes)], 0);
        BytesPerLane = (Arrays.End + 15) / 16 * 16;
        long bytes = (long)BytesPerLane * Warp.Lanes;
        _warps = [.. Enumerable.Range(0, warps).Select(_ => Region.Create(MemorySpace.Local, 0, bytes, judge, false)
            ?? throw new InsufficientMemoryException($"the host has no memory for {bytes} bytes of local memory"))];
    }

    public DeclaredArrays Arrays { get; }

    /// <summary>From one lane's memory to the next one's.</summary>
    public int BytesPerLane { get; }

    public Region Of(Warp w) => _warps[w.Number];

    /// <summary>A block begins: nothing was written yet.</summary>
    public void Begin()
    {
        foreach (var warp in _warps)
            warp.ForgetWrites();
    }

    public void Dispose()
    {
        foreach (var warp in _warps)
            warp.Dispose();
    }
}
