namespace BDense.VirtualGpu.Memory;

/// <summary>Whose memory it is: all threads', a block's, a thread's.</summary>
internal enum MemorySpace
{
    Global,
    Shared,
    Local,
}

/// <summary>
/// Bytes that a kernel can reach at consecutive addresses - an allocation, a block's shared memory, a warp's local memory - with what is
/// known of each. The host's pages behind it: the bytes, an <see cref="AccessRecord"/> of 8 bytes for each word of 4, a bit for each byte
/// (<see cref="WrittenBits"/>); where a word was accessed in parts, a record for each byte besides. All of it stays untouched until it is
/// used.
/// </summary>
internal sealed unsafe class Region : IDisposable
{
    private readonly HostPages _pages;
    private readonly Lock _lock = new();
    private readonly long _recordsAt, _recordBytes, _writtenAt, _writtenBytes;
    private HostPages? _byteRecords;

    private Region(MemorySpace space, ulong start, long bytes, HostPages pages, long recordsAt, long recordBytes, long writtenAt,
        long writtenBytes)
    {
        (Space, Start, Bytes, Length, _pages) = (space, start, (ulong)bytes, bytes, pages);
        Host = pages.Start;
        (_recordsAt, _recordBytes, _writtenAt, _writtenBytes) = (recordsAt, recordBytes, writtenAt, writtenBytes);
        Records = recordBytes > 0 ? (ulong*)(pages.Start + recordsAt) : null;
        Written = writtenBytes > 0 ? pages.Start + writtenAt : null;
    }

    public MemorySpace Space { get; }

    /// <summary>The first byte's address.</summary>
    public ulong Start { get; }

    /// <summary>How many there are; 0 once they were freed.</summary>
    public ulong Bytes { get; private set; }

    /// <summary>How many there are or were.</summary>
    public long Length { get; }

    /// <summary>The first byte.</summary>
    public byte* Host { get; private set; }

    /// <summary>Of each word; null where races are not judged.</summary>
    public ulong* Records { get; private set; }

    /// <summary>A bit for each byte; null where reads are not judged.</summary>
    public byte* Written { get; private set; }

    /// <summary>Whether every byte was written, so that nobody need look.</summary>
    public bool AllWritten { get; set; }

    /// <summary>Null if the host has not so much memory.</summary>
    public static Region? Create(MemorySpace space, ulong start, long bytes, bool written, bool records)
    {
        long data = RoundUp(bytes), recordBytes = records ? RoundUp((bytes + 3) / 4 * sizeof(ulong)) : 0, writtenBytes = written
            ? RoundUp(bytes / 8 + 1) : 0;
        var pages = HostPages.Allocate(data + recordBytes + writtenBytes + Spare);
        return pages is null ? null : new Region(space, start, bytes, pages, data, recordBytes, data + recordBytes, writtenBytes);
    }

    /// <summary>Bytes that the host has already, at its addresses; null if it has no memory for the records.</summary>
    public static Region? Over(byte* host, long bytes, bool records)
    {
        long recordBytes = records ? RoundUp((bytes + 3) / 4 * sizeof(ulong)) : 0;
        var pages = HostPages.Allocate(recordBytes + Spare);
        return pages is null ? null
            : new Region(MemorySpace.Global, (ulong)host, bytes, pages, 0, recordBytes, 0, 0) { Host = host, AllWritten = true };
    }

    /// <summary>Vectors that begin at the last bytes may be read whole.</summary>
    private const int Spare = 64;

    private static long RoundUp(long bytes) => (bytes + 63) / 64 * 64;

    /// <summary>Of each byte; used for words that were accessed in parts.</summary>
    public ulong* ByteRecords()
    {
        lock (_lock)
        {
            _byteRecords ??= HostPages.Allocate(RoundUp(Length) * sizeof(ulong))
                ?? throw new InsufficientMemoryException($"the host has no memory for the records of {Length} bytes");
            return (ulong*)_byteRecords.Start;
        }
    }

    /// <summary>Nothing was accessed yet.</summary>
    public void ForgetAccesses()
    {
        if (Records is not null)
            _pages.Clear(_recordsAt, _recordBytes);
        _byteRecords?.Clear(0, RoundUp(Length) * sizeof(ulong));
    }

    /// <summary>Nothing was written yet.</summary>
    public void ForgetWrites()
    {
        if (Written is not null)
            new Span<byte>(Written, checked((int)_writtenBytes)).Clear();
    }

    /// <summary>Gives the host its memory back; the addresses stay known.</summary>
    public void Dispose()
    {
        Bytes = 0;
        Host = Written = null;
        Records = null;
        _pages.Dispose();
        _byteRecords?.Dispose();
    }
}
