namespace BDense.VirtualGpu.Memory;

/// <summary>A block's shared memory: its arrays, which are all that there is, and what happened to each of its bytes.</summary>
internal sealed class SharedMemory : IDisposable
{
    /// <param name="arrays">As declared; the dynamic one has -1 bytes.</param>
    /// <param name="dynamicBytes">What the launch asks for.</param>
    /// <param name="judge">Whether it is remembered who accessed which word.</param>
    public SharedMemory(IReadOnlyList<(string Name, int Start, int Bytes)> arrays, int dynamicBytes, bool judge)
    {
        Arrays = new DeclaredArrays(arrays, dynamicBytes);
        Region = Region.Create(MemorySpace.Shared, 0, Arrays.End, judge, judge)
            ?? throw new InsufficientMemoryException($"the host has no memory for {Arrays.End} bytes of shared memory");
    }

    public DeclaredArrays Arrays { get; }

    public Region Region { get; }

    /// <summary>Of the blocks that ran here, as <see cref="AccessRecord"/> has it.</summary>
    public int BlockNumber { get; private set; }

    /// <summary>A block begins: nothing was written or accessed yet.</summary>
    public void Begin()
    {
        Region.ForgetWrites();
        if (++BlockNumber <= AccessRecord.Launches)
            return;
        BlockNumber = 1;
        Region.ForgetAccesses();
    }

    public void Dispose() => Region.Dispose();
}
