namespace BDense.VirtualGpu.Counts;

/// <summary>
/// What a block asked of the second-level cache, sector by sector, in order: kept until the blocks before it have had their turn.
/// </summary>
internal sealed class MissLog
{
    public enum Kind
    {
        Read,

        /// <summary>All 32 bytes.</summary>
        Write,

        /// <summary>Some bytes: a word with a bit each follows.</summary>
        PartialWrite,

        Atomic,
    }

    private ulong[] _words = new ulong[1024];
    private int _count;

    public ReadOnlySpan<ulong> Words => _words.AsSpan(0, _count);

    public void Clear() => _count = 0;

    /// <param name="sector">Its address: the lowest five bits are free for the kind.</param>
    /// <param name="kind">What is done.</param>
    public void Add(ulong sector, Kind kind) => Append(sector | (uint)kind);

    /// <param name="sector">Its address.</param>
    /// <param name="bytes">Which of its 32 are written.</param>
    public void AddWrite(ulong sector, uint bytes)
    {
        if (bytes == uint.MaxValue)
        {
            Add(sector, Kind.Write);
            return;
        }
        Add(sector, Kind.PartialWrite);
        Append(bytes);
    }

    private void Append(ulong word)
    {
        if (_count == _words.Length)
            Array.Resize(ref _words, 2 * _count);
        _words[_count++] = word;
    }
}
