namespace BDense.Tests.Ilgpu.Emulator;

/// <summary>
/// A group's shared memory, word by word, with the rules of asynchronous copies: what was copied is there for its own warp once it has
/// waited, and for others after a barrier more. What a warp stores is there for itself at once. Everything else is a race and throws.
/// </summary>
internal sealed class SharedMemory
{
    private enum State { Empty, InFlight, Arrived }

    private readonly (int Start, int Bytes)[] _arrays;
    private readonly byte[] _bytes;
    private readonly State[] _state;
    private readonly int[] _writer, _writeEpoch, _readEpoch, _reader;

    /// <param name="arrays">Where the group's arrays lie: nothing else is there.</param>
    public SharedMemory((int Start, int Bytes)[] arrays)
    {
        _arrays = arrays;
        _bytes = new byte[arrays.Select(a => a.Start + a.Bytes).DefaultIfEmpty().Max()];
        int words = (_bytes.Length + 3) / 4;
        (_state, _writer, _writeEpoch, _readEpoch, _reader) = (new State[words], new int[words], new int[words], new int[words], new int[words]);
        Array.Fill(_readEpoch, -1);
    }

    /// <summary>Barriers passed.</summary>
    public int Epoch { get; set; }

    /// <summary>Extra cycles because accesses met in a bank.</summary>
    public int BankConflicts { get; private set; }

    /// <summary>A copy or a store begins: nobody may be reading the words, or have written them, since the last barrier.</summary>
    public void Begin(int offset, int length, int warp)
    {
        Check(offset, length);
        for (int word = offset / 4; word < (offset + length) / 4; word++)
        {
            if (_state[word] == State.InFlight)
                throw new InvalidOperationException($"race: shared address {4 * word} is copied to twice");
            if (_readEpoch[word] == Epoch && _reader[word] != warp)
                throw new InvalidOperationException($"race: warp {warp} overwrites shared address {4 * word}, which warp {_reader[word]} reads without a barrier between");
            if (_state[word] == State.Arrived && _writeEpoch[word] == Epoch && _writer[word] != warp)
                throw new InvalidOperationException($"race: warp {warp} overwrites shared address {4 * word}, which warp {_writer[word]} wrote without a barrier between");
            (_state[word], _writer[word]) = (State.InFlight, warp);
        }
    }

    public void Arrive(int offset, ReadOnlySpan<byte> data)
    {
        data.CopyTo(_bytes.AsSpan(offset, data.Length));
        for (int word = offset / 4; word < (offset + data.Length) / 4; word++)
            (_state[word], _writeEpoch[word]) = (State.Arrived, Epoch);
    }

    public ReadOnlySpan<byte> Read(int offset, int length, int warp)
    {
        Check(offset, length);
        for (int word = offset / 4; word < (offset + length) / 4; word++)
        {
            if (_state[word] != State.Arrived)
                throw new InvalidOperationException($"race: warp {warp} reads shared address {4 * word}, which is {_state[word]}");
            if (_writer[word] != warp && _writeEpoch[word] >= Epoch)
                throw new InvalidOperationException($"race: warp {warp} reads shared address {4 * word}, which warp {_writer[word]} wrote without a barrier between");
            // Several warps read the same word: remember any that is not the one who will write it.
            if (_readEpoch[word] != Epoch || _reader[word] == _writer[word])
                (_readEpoch[word], _reader[word]) = (Epoch, warp);
        }
        return _bytes.AsSpan(offset, length);
    }

    private void Check(int offset, int length)
    {
        if (offset % length != 0)
            throw new InvalidOperationException($"{length} bytes at shared address {offset}: not aligned");
        if (!Array.Exists(_arrays, a => offset >= a.Start && offset + length <= a.Start + a.Bytes))
            throw new InvalidOperationException($"{length} bytes at shared address {offset}: outside of the group's arrays");
    }

    /// <summary>Up to eight accesses of 16 bytes that the hardware does at once: 8 groups of 4 banks.</summary>
    public void CountConflicts(ReadOnlySpan<int> offsets) => Count(offsets, 16, 8);

    /// <summary>Up to 32 accesses of 4 bytes at once: 32 banks.</summary>
    public void CountWordConflicts(ReadOnlySpan<int> offsets) => Count(offsets, 4, 32);

    /// <summary>A cycle for each different place in a bank; the same place for several lanes is one access.</summary>
    private void Count(ReadOnlySpan<int> offsets, int size, int banks)
    {
        Span<int> uses = stackalloc int[32];
        int worst = 1;
        for (int i = 0; i < offsets.Length; i++)
        {
            if (!offsets[..i].Contains(offsets[i]))
                worst = Math.Max(worst, ++uses[offsets[i] / size % banks]);
        }
        BankConflicts += worst - 1;
    }
}
