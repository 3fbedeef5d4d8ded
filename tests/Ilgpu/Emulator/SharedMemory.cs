namespace BDense.Tests.Ilgpu.Emulator;

/// <summary>
/// A group's shared memory, word by word, with the rules of asynchronous copies: what was copied is there for its own warp once it has
/// waited, and for others after a barrier more. What a warp stores is there for itself at once. Everything else is a race and throws.
/// </summary>
internal sealed class SharedMemory(int bytes)
{
    private enum State { Empty, InFlight, Arrived }

    private readonly byte[] _bytes = new byte[bytes];
    private readonly State[] _state = new State[bytes / 4];
    private readonly int[] _writer = new int[bytes / 4], _writeEpoch = new int[bytes / 4], _readEpoch = [.. Enumerable.Repeat(-1, bytes / 4)], _reader = new int[bytes / 4];

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
                throw new InvalidOperationException($"race: shared offset {4 * word} is copied to twice");
            if (_readEpoch[word] == Epoch && _reader[word] != warp)
                throw new InvalidOperationException($"race: warp {warp} overwrites shared offset {4 * word}, which warp {_reader[word]} reads without a barrier between");
            if (_state[word] == State.Arrived && _writeEpoch[word] == Epoch && _writer[word] != warp)
                throw new InvalidOperationException($"race: warp {warp} overwrites shared offset {4 * word}, which warp {_writer[word]} wrote without a barrier between");
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
                throw new InvalidOperationException($"race: warp {warp} reads shared offset {4 * word}, which is {_state[word]}");
            if (_writer[word] != warp && _writeEpoch[word] >= Epoch)
                throw new InvalidOperationException($"race: warp {warp} reads shared offset {4 * word}, which warp {_writer[word]} wrote without a barrier between");
            // Several warps read the same word: remember any that is not the one who will write it.
            if (_readEpoch[word] != Epoch || _reader[word] == _writer[word])
                (_readEpoch[word], _reader[word]) = (Epoch, warp);
        }
        return _bytes.AsSpan(offset, length);
    }

    private void Check(int offset, int length)
    {
        if (offset % length != 0)
            throw new InvalidOperationException($"{length} bytes at shared offset {offset}: not aligned");
        if (offset < 0 || offset + length > bytes)
            throw new InvalidOperationException($"{length} bytes at shared offset {offset}: outside of shared memory");
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
