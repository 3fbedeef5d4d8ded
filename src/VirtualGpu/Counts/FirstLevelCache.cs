namespace BDense.VirtualGpu.Counts;

/// <summary>
/// A block's part of its multiprocessor's first-level cache: lines of 128 bytes filled by sectors of 32, four lines a set, the longest
/// unused one gives way. Stores go through it and change what is there, they bring nothing in.
/// </summary>
internal sealed class FirstLevelCache(int bytes)
{
    public const int LineBytes = 128, Ways = 4;

    private readonly int _sets = Math.Max(1, bytes / LineBytes / Ways);
    private readonly ulong[] _lines = new ulong[Math.Max(1, bytes / LineBytes / Ways) * Ways];
    private readonly byte[] _valid = new byte[Math.Max(1, bytes / LineBytes / Ways) * Ways];
    private readonly long[] _used = new long[Math.Max(1, bytes / LineBytes / Ways) * Ways];
    private long _time;

    /// <summary>Another block begins.</summary>
    public void Clear()
    {
        Array.Clear(_valid);
        Array.Clear(_used);
        _time = 0;
    }

    /// <summary>Whether a sector is there; it is afterwards.</summary>
    public bool Read(ulong sector)
    {
        ulong line = sector / LineBytes;
        byte bit = (byte)(1 << (int)(sector % LineBytes / Coalescer.SectorBytes));
        int first = SetOf(line, _sets) * Ways, oldest = first;
        _time++;
        for (int way = first; way < first + Ways; way++)
        {
            if (_valid[way] != 0 && _lines[way] == line)
            {
                bool hit = (_valid[way] & bit) != 0;
                _valid[way] |= bit;
                _used[way] = _time;
                return hit;
            }
            if (_used[way] < _used[oldest])
                oldest = way;
        }
        (_lines[oldest], _valid[oldest], _used[oldest]) = (line, bit, _time);
        return false;
    }

    /// <summary>
    /// Sets follow each other line by line, and each round of them is moved on, so that no power of two as stride meets few sets.
    /// </summary>
    public static int SetOf(ulong line, int sets) => (int)((line + line / (ulong)sets * 61) % (ulong)sets);
}
