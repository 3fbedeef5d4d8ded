using System.Runtime.InteropServices;

namespace BDense.Kernels.Reference;

/// <summary>One block of native memory a thread, for what a task packs before it computes. It grows and stays.</summary>
/// <remarks>A task asks once and carves the block up itself. The finalizer runs after the thread that owned the block has ended.</remarks>
internal sealed unsafe class Scratch
{
    [ThreadStatic]
    private static Scratch? t_scratch;

    private void* _pointer;
    private long _bytes;

    ~Scratch() => NativeMemory.AlignedFree(_pointer);

    /// <summary>At least <paramref name="floats"/> floats, aligned to 64 bytes, uninitialised; the last answer becomes invalid.</summary>
    public static float* Get(long floats)
    {
        var scratch = t_scratch ??= new Scratch();
        long bytes = floats * sizeof(float);
        if (bytes > scratch._bytes)
        {
            NativeMemory.AlignedFree(scratch._pointer);
            scratch._pointer = null;
            scratch._bytes = 0;
            long rounded = (bytes + (bytes / 4) + 4095) / 4096 * 4096;
            scratch._pointer = NativeMemory.AlignedAlloc((nuint)rounded, 4096);
            scratch._bytes = rounded;
        }
        return (float*)scratch._pointer;
    }
}
