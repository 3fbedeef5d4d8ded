using System.Numerics;

namespace BDense.VirtualGpu.Counts;

/// <summary>
/// Which sectors, aligned pieces of 32 bytes, a warp's request touches, and which bytes of each: what the load-store unit asks of the
/// first-level cache (CUDA C++ programming guide, compute capability 8.x and 9.x, global memory).
/// </summary>
internal sealed unsafe class Coalescer
{
    public const int SectorBytes = 32;

    private readonly ulong[] _sectors = new ulong[2 * Execution.Warp.Lanes];
    private readonly uint[] _bytes = new uint[2 * Execution.Warp.Lanes];

    /// <summary>Sectors of the last request: how many.</summary>
    public int Count { get; private set; }

    /// <summary>Different bytes of the last request.</summary>
    public int DistinctBytes { get; private set; }

    /// <summary>Address of a sector of the last request, in the order of the lanes.</summary>
    public ulong Sector(int index) => _sectors[index] * SectorBytes;

    /// <summary>Bytes of that sector that are asked for, bit by bit.</summary>
    public uint Bytes(int index) => _bytes[index];

    /// <param name="lanes">Whose addresses count.</param>
    /// <param name="addresses">32 of them, multiples of <paramref name="bytes"/>.</param>
    /// <param name="bytes">Of an access: 1, 2, 4, 8 or 16.</param>
    public void Request(uint lanes, ulong* addresses, int bytes)
    {
        Count = 0;
        DistinctBytes = 0;
        if (lanes == uint.MaxValue && IsRow(addresses, (uint)bytes))
            Row(addresses[0], Execution.Warp.Lanes * bytes);
        else
            Scattered(lanes, addresses, bytes);
    }

    private static bool IsRow(ulong* addresses, uint bytes)
    {
        ulong first = addresses[0];
        bool row = true;
        for (uint lane = 1; lane < Execution.Warp.Lanes; lane++)
            row &= addresses[lane] == first + lane * bytes;
        return row;
    }

    private void Row(ulong first, int length)
    {
        ulong end = first + (ulong)length;
        for (ulong at = first; at < end;)
        {
            ulong sector = at / SectorBytes, next = Math.Min((sector + 1) * SectorBytes, end);
            _sectors[Count] = sector;
            _bytes[Count++] = Mask((int)(at % SectorBytes), (int)(next - at));
            at = next;
        }
        DistinctBytes = length;
    }

    private void Scattered(uint lanes, ulong* addresses, int bytes)
    {
        // An access is aligned and no longer than a sector: it lies in one.
        for (uint rest = lanes; rest != 0; rest &= rest - 1)
        {
            ulong address = addresses[BitOperations.TrailingZeroCount(rest)], sector = address / SectorBytes;
            int at = Count > 0 && _sectors[Count - 1] == sector ? Count - 1 : Array.IndexOf(_sectors, sector, 0, Count);
            if (at < 0)
            {
                at = Count++;
                _sectors[at] = sector;
                _bytes[at] = 0;
            }
            _bytes[at] |= Mask((int)(address % SectorBytes), bytes);
        }
        for (int i = 0; i < Count; i++)
            DistinctBytes += BitOperations.PopCount(_bytes[i]);
    }

    private static uint Mask(int first, int length) => (uint)(((1UL << length) - 1) << first);
}
