using System.Globalization;

namespace BDense.VirtualGpu.Memory;

/// <summary>
/// The GPU's memory: allocations at addresses of its own, which are never given out again, so that an access after a free is known for
/// what it is. Addresses are the same in every run.
/// </summary>
public sealed unsafe class GlobalMemory(long totalBytes) : IDisposable
{
    /// <summary>The first address: recognisable, and higher than those that the host's programs have (47 bits; 48 on ARM).</summary>
    public const ulong Base = 0x0002_0000_0000_0000;

    /// <summary>Of addresses that can be given out.</summary>
    private const ulong RangeBytes = 1UL << 48;

    public long TotalBytes { get; } = totalBytes;

    public long FreeBytes { get; private set; } = totalBytes;

    /// <summary>A block aligned to 512 bytes, unwritten; 0 if there is not enough memory.</summary>
    public ulong Allocate(long bytes) => throw new NotSupportedException(bytes.ToString(CultureInfo.InvariantCulture));

    /// <summary>False if no allocation starts there.</summary>
    public bool Free(ulong address) => throw new NotSupportedException(address.ToString(CultureInfo.InvariantCulture));

    /// <summary>A launch begins: accesses of earlier ones are ordered before its own. The scheduler calls it once a launch, before any block.</summary>
    internal void BeginLaunch() => throw new NotSupportedException();

    /// <summary>Whether an address is of this memory's range, allocated or not.</summary>
    public static bool Owns(ulong address) => address >= Base && address < Base + RangeBytes;

    /// <summary>The host's pointer to bytes that lie in one allocation, for copies; null if they do not.</summary>
    public byte* Find(ulong address, long bytes) => throw new NotSupportedException($"{address}, {bytes}");

    /// <summary>Marks bytes as written: what a copy from the host or a memset does.</summary>
    public void MarkWritten(ulong address, long bytes) => throw new NotSupportedException($"{address}, {bytes}");

    public void Dispose() => FreeBytes = TotalBytes;
}
