namespace BDense.VirtualGpu.Memory;

/// <summary>A block's shared memory and what happened to each of its bytes.</summary>
internal sealed unsafe class SharedMemory
{
    public byte* Bytes { get; init; }
}
