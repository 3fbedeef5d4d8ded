namespace BDense.VirtualGpu.Memory;

/// <summary>
/// The GPU's memory: allocations at addresses of its own, which are never given out again, so that an access after a free is known for
/// what it is. Addresses are the same in every run.
/// </summary>
/// <param name="totalBytes">What there is.</param>
/// <param name="judge">Whether it is remembered which bytes were written and who accessed which words.</param>
/// <remarks>
/// Launches may read it from several threads; allocations, frees and copies happen between launches.
/// </remarks>
public sealed unsafe class GlobalMemory(long totalBytes, bool judge = true) : IDisposable
{
    /// <summary>The first address: recognisable, and higher than those that the host's programs have (47 bits; 48 on ARM).</summary>
    public const ulong Base = 0x0002_0000_0000_0000;

    /// <summary>Of addresses that can be given out: enough for 2^48 bytes.</summary>
    private const ulong RangeBytes = 1UL << 48;

    /// <summary>Alignment as cudaMalloc's; between two allocations as many bytes belong to none, at least.</summary>
    private const long Alignment = 512;

    /// <summary>Freed allocations that are remembered; what lies in older ones is out of bounds.</summary>
    private const int RememberedFrees = 1 << 16;

    private readonly Lock _lock = new();

    /// <summary>By address, as addresses only grow; live ones and freed ones.</summary>
    private readonly List<Region> _regions = [];

    private ulong _next = Base;
    private int _freed, _launch;

    public long TotalBytes { get; } = totalBytes;

    public long FreeBytes { get; private set; } = totalBytes;

    /// <summary>The number of the launch that runs, as <see cref="AccessRecord"/> has it.</summary>
    internal int LaunchNumber => _launch;

    internal bool Judges => judge;

    /// <summary>
    /// A block aligned to 512 bytes, unwritten; 0 if there is not enough memory, the device's or the host's, or nothing is asked for.
    /// </summary>
    public ulong Allocate(long bytes)
    {
        lock (_lock)
        {
            if (bytes <= 0 || bytes > FreeBytes || RoundUp(bytes) > FreeBytes
                || Region.Create(MemorySpace.Global, _next, bytes, judge, judge) is not { } region)
                return 0;
            _regions.Add(region);
            FreeBytes -= RoundUp(bytes);
            _next += (ulong)(RoundUp(bytes) + Alignment);
            return region.Start;
        }
    }

    /// <summary>
    /// Bytes of the host at the addresses that they have there, all of them written. What was lent in their place before is no more; they
    /// are never given back. For kernels that get their arguments from a program which holds its data itself.
    /// </summary>
    /// <exception cref="ArgumentException">The host's address is where allocations are.</exception>
    internal void Lend(byte* host, long bytes)
    {
        lock (_lock)
        {
            if ((ulong)host + (ulong)bytes > Base)
                throw new ArgumentException($"memory of the host at {(ulong)host:x}");
            foreach (var taken in _regions.Where(r => r.Start < (ulong)host + (ulong)bytes && (ulong)host < r.Start + (ulong)r.Length)
                .ToList())
            {
                _regions.Remove(taken);
                taken.Dispose();
            }
            int at = _regions.FindIndex(r => r.Start > (ulong)host);
            _regions.Insert(at < 0 ? _regions.Count : at,
                Region.Over(host, bytes, judge)
                    ?? throw new InsufficientMemoryException($"the host has no memory for the records of {bytes} bytes"));
        }
    }

    /// <summary>False if no allocation starts there.</summary>
    public bool Free(ulong address)
    {
        lock (_lock)
        {
            if (FindRegion(address) is not { Bytes: > 0 } region || region.Start != address)
                return false;
            FreeBytes += RoundUp(region.Length);
            region.Dispose();
            if (++_freed > 2 * RememberedFrees)
                Forget();
            return true;
        }
    }

    /// <summary>Whether an address is of this memory's range, allocated or not.</summary>
    public static bool Owns(ulong address) => address >= Base && address < Base + RangeBytes;

    /// <summary>The host's pointer to bytes that lie in one allocation, for copies; null if they do not.</summary>
    public byte* Find(ulong address, long bytes) => Whole(address, bytes) is { } region ? region.Host + (address - region.Start) : null;

    /// <summary>Marks bytes as written: what a copy from the host or a memset does. They lie in one allocation.</summary>
    public void MarkWritten(ulong address, long bytes)
    {
        if (bytes == 0 || Whole(address, bytes) is not { AllWritten: false } region || region.Written is null)
            return;
        if (bytes == region.Length)
            region.AllWritten = true;
        else
            WrittenBits.Set(region.Written, (long)(address - region.Start), bytes);
    }

    /// <summary>
    /// Copies bytes within this memory, and with them what is known of their having been written. False if either range lies in no
    /// allocation.
    /// </summary>
    public bool Copy(ulong destination, ulong source, long bytes)
    {
        if (bytes == 0)
            return true;
        if (Whole(destination, bytes) is not { } to || Whole(source, bytes) is not { } from)
            return false;
        long toOffset = (long)(destination - to.Start), fromOffset = (long)(source - from.Start);
        Buffer.MemoryCopy(from.Host + fromOffset, to.Host + toOffset, bytes, bytes);
        if (from.Written is null || to.AllWritten)
            return true;
        if (from.AllWritten)
            MarkWritten(destination, bytes);
        else
            WrittenBits.Copy(to.Written, toOffset, from.Written, fromOffset, bytes);
        return true;
    }

    /// <summary>Whether bytes that lie in one allocation were all written; true where that is not judged.</summary>
    public bool AreWritten(ulong address, long bytes) => bytes == 0 || Whole(address, bytes) is { } region
        && (region.AllWritten || region.Written is null || WrittenBits.Are(region.Written, (long)(address - region.Start), bytes));

    /// <summary>
    /// A launch begins: accesses of earlier ones are ordered before its own. The scheduler calls it once a launch, before any block.
    /// </summary>
    internal void BeginLaunch()
    {
        lock (_lock)
        {
            if (++_launch <= AccessRecord.Launches)
                return;
            // Numbers begin again: what they said before must not be taken for news.
            _launch = 1;
            foreach (var region in _regions)
            {
                if (region.Bytes > 0)
                    region.ForgetAccesses();
            }
        }
    }

    /// <summary>The allocation, live or freed, that an address lies in; null for none.</summary>
    internal Region? FindRegion(ulong address)
    {
        var region = FindBefore(address);
        return region is not null && address - region.Start < (ulong)region.Length ? region : null;
    }

    /// <summary>The last allocation, live or freed, that begins at or before an address.</summary>
    internal Region? FindBefore(ulong address)
    {
        int low = 0, high = _regions.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_regions[middle].Start <= address)
                low = middle + 1;
            else
                high = middle;
        }
        return low == 0 ? null : _regions[low - 1];
    }

    public void Dispose()
    {
        foreach (var region in _regions)
            region.Dispose();
        _regions.Clear();
        FreeBytes = TotalBytes;
    }

    private Region? Whole(ulong address, long bytes) =>
        bytes >= 0 && FindRegion(address) is { } region && address - region.Start <= region.Bytes
            && (ulong)bytes <= region.Bytes - (address - region.Start) ? region : null;

    private static long RoundUp(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    /// <summary>Keeps the newest of the freed allocations.</summary>
    private void Forget()
    {
        int surplus = _freed - RememberedFrees;
        _freed = RememberedFrees;
        _regions.RemoveAll(region => region.Bytes == 0 && surplus-- > 0);
    }
}
