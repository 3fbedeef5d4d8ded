using static BDense.VirtualGpu.Counts.FirstLevelCache;

namespace BDense.VirtualGpu.Counts;

/// <summary>
/// The cache between all multiprocessors and memory: lines of 128 bytes filled by sectors of 32, 16 lines a set, the longest unused one
/// gives way. What is written stays until then. A sector of which not all bytes were written, and which was not read, is read when it is
/// written back: memory with error correction takes whole sectors.
/// </summary>
internal sealed class SecondLevelCache(int bytes)
{
    private const int Ways = 16, Sectors = LineBytes / Coalescer.SectorBytes;

    private readonly int _sets = bytes / LineBytes / Ways;
    private readonly ulong[] _lines = new ulong[bytes / LineBytes / Ways * Ways];
    private readonly long[] _used = new long[bytes / LineBytes / Ways * Ways];

    /// <summary>A bit a sector: its bytes are those of memory, or newer.</summary>
    private readonly byte[] _valid = new byte[bytes / LineBytes / Ways * Ways];

    /// <summary>A bit a byte, sector by sector: written since it came.</summary>
    private readonly uint[] _written = new uint[bytes / LineBytes / Ways * Ways * Sectors];

    private long _time;

    /// <summary>Sectors read from memory.</summary>
    public long SectorsRead { get; private set; }

    /// <summary>Sectors written to memory.</summary>
    public long SectorsWritten { get; private set; }

    public void Replay(ReadOnlySpan<ulong> log)
    {
        for (int i = 0; i < log.Length; i++)
        {
            ulong sector = log[i] & ~31UL;
            switch ((MissLog.Kind)(log[i] & 31))
            {
                case MissLog.Kind.Read:
                    Need(sector);
                    break;
                case MissLog.Kind.Write:
                    Write(sector, uint.MaxValue);
                    break;
                case MissLog.Kind.PartialWrite:
                    Write(sector, (uint)log[++i]);
                    break;
                default:
                    Need(sector);
                    Write(sector, uint.MaxValue);
                    break;
            }
        }
    }

    /// <summary>Everything written goes to memory, and nothing is left.</summary>
    public void Flush()
    {
        for (int way = 0; way < _lines.Length; way++)
        {
            if (_used[way] != 0)
                Evict(way);
        }
        _time = 0;
    }

    /// <summary>From here on nothing has been read or written.</summary>
    public void ResetCounts() => SectorsRead = SectorsWritten = 0;

    private void Need(ulong sector)
    {
        int way = Find(sector / LineBytes), index = Index(sector);
        byte bit = (byte)(1 << index);
        if ((_valid[way] & bit) != 0)
            return;
        _valid[way] |= bit;
        if (_written[way * Sectors + index] != uint.MaxValue)
            SectorsRead++;
    }

    private void Write(ulong sector, uint bytes) => _written[Find(sector / LineBytes) * Sectors + Index(sector)] |= bytes;

    private static int Index(ulong sector) => (int)(sector % LineBytes / Coalescer.SectorBytes);

    /// <summary>Where a line is, after another one has made room for it if need be.</summary>
    private int Find(ulong line)
    {
        int first = SetOf(line, _sets) * Ways, oldest = first;
        _time++;
        for (int way = first; way < first + Ways; way++)
        {
            if (_used[way] != 0 && _lines[way] == line)
            {
                _used[way] = _time;
                return way;
            }
            if (_used[way] < _used[oldest])
                oldest = way;
        }
        if (_used[oldest] != 0)
            Evict(oldest);
        (_lines[oldest], _used[oldest]) = (line, _time);
        return oldest;
    }

    private void Evict(int way)
    {
        for (int index = 0; index < Sectors; index++)
        {
            ref uint written = ref _written[way * Sectors + index];
            if (written == 0)
                continue;
            SectorsWritten++;
            if (written != uint.MaxValue && (_valid[way] & 1 << index) == 0)
                SectorsRead++;
            written = 0;
        }
        _valid[way] = 0;
        _used[way] = 0;
    }
}
