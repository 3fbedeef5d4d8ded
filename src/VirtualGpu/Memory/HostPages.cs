using System.Runtime.InteropServices;

namespace BDense.VirtualGpu.Memory;

/// <summary>
/// Zeroed memory of the host, aligned to 64 bytes, that costs nothing until it is touched: on Linux large blocks are mapped without a
/// reservation (<c>mmap(2)</c>, MAP_NORESERVE), so that a GPU with more memory than the host has can be had; elsewhere it is up to the
/// allocator.
/// </summary>
internal sealed unsafe partial class HostPages : IDisposable
{
    private const int ReadWrite = 1 | 2, PrivateAnonymousUnreserved = 0x02 | 0x20 | 0x4000, DontNeed = 4;
    private const long MappedFrom = 1 << 20, Alignment = 64, PageBytes = 4096;

    private readonly void* _block;
    private readonly long _bytes;
    private readonly bool _mapped;
    private bool _freed;

    private HostPages(void* block, byte* start, long bytes, bool mapped)
    {
        _block = block;
        Start = start;
        _bytes = bytes;
        _mapped = mapped;
    }

    public byte* Start { get; }

    /// <summary>Null if the host has not so much.</summary>
    public static HostPages? Allocate(long bytes)
    {
        if (OperatingSystem.IsLinux() && bytes >= MappedFrom)
        {
            void* map = Map(null, (nuint)bytes, ReadWrite, PrivateAnonymousUnreserved, -1, 0);
            return (nint)map == -1 ? null : new HostPages(map, (byte*)map, bytes, mapped: true);
        }
        try
        {
            void* block = NativeMemory.AllocZeroed((nuint)(bytes + Alignment));
            return new HostPages(block, (byte*)(((nint)block + Alignment - 1) / Alignment * Alignment), bytes, mapped: false);
        }
        catch (OutOfMemoryException)
        {
            return null;
        }
    }

    /// <summary>Zeros bytes again; whole pages go back to the host.</summary>
    public void Clear(long from, long bytes)
    {
        if (!_mapped)
        {
            NativeMemory.Clear(Start + from, (nuint)bytes);
            return;
        }
        long first = (from + PageBytes - 1) / PageBytes * PageBytes, last = (from + bytes) / PageBytes * PageBytes;
        if (last <= first || Advise(Start + first, (nuint)(last - first), DontNeed) != 0)
        {
            NativeMemory.Clear(Start + from, (nuint)bytes);
            return;
        }
        NativeMemory.Clear(Start + from, (nuint)(first - from));
        NativeMemory.Clear(Start + last, (nuint)(from + bytes - last));
    }

    public void Dispose()
    {
        if (_freed)
            return;
        _freed = true;
        if (_mapped)
            _ = Unmap(_block, (nuint)_bytes);
        else
            NativeMemory.Free(_block);
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial void* Map(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(void* address, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);
}
