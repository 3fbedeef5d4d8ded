namespace BDense.Tests.Ilgpu.Emulator;

/// <summary>
/// A group's shared memory in pieces of 16 bytes, with the rules of asynchronous copies: what was copied is there for its own warp once
/// it has waited, and for others after a barrier more. Everything else is a race and throws.
/// </summary>
/// <param name="start">Address of the group's array; nothing lies below.</param>
/// <param name="bytes">Of the array.</param>
internal sealed class SharedMemory(int start, int bytes)
{
    private enum State { Empty, InFlight, Arrived }

    private readonly byte[] _bytes = new byte[start + bytes];
    private readonly State[] _state = new State[(start + bytes) / 16];
    private readonly int[] _writer = new int[(start + bytes) / 16], _writeEpoch = new int[(start + bytes) / 16];
    private readonly int[] _readEpoch = [.. Enumerable.Repeat(-1, (start + bytes) / 16)], _reader = new int[(start + bytes) / 16];

    /// <summary>Barriers passed.</summary>
    public int Epoch { get; set; }

    /// <summary>Extra cycles because eight accesses of 16 bytes met in a bank.</summary>
    public int BankConflicts { get; private set; }

    /// <summary>16 bytes at an address, which must be a multiple of that.</summary>
    private int Piece(int address)
    {
        if (address % 16 != 0)
            throw new InvalidOperationException($"16 bytes at shared address {address}: not aligned");
        if (address < start || address + 16 > start + bytes)
            throw new InvalidOperationException($"16 bytes at shared address {address}: outside the group's {bytes} bytes");
        return address / 16;
    }

    /// <summary>A copy begins: nobody may be reading the piece since the last barrier.</summary>
    public void Begin(int offset, int warp)
    {
        int piece = Piece(offset);
        if (_state[piece] == State.InFlight)
            throw new InvalidOperationException($"race: shared offset {offset} is copied to twice");
        if (_readEpoch[piece] == Epoch && _reader[piece] != warp)
            throw new InvalidOperationException($"race: warp {warp} overwrites shared offset {offset}, which warp {_reader[piece]} reads without a barrier between");
        (_state[piece], _writer[piece]) = (State.InFlight, warp);
    }

    public void Arrive(int offset, ReadOnlySpan<byte> data)
    {
        data.CopyTo(_bytes.AsSpan(offset, 16));
        (_state[offset / 16], _writeEpoch[offset / 16]) = (State.Arrived, Epoch);
    }

    public ReadOnlySpan<byte> Read(int offset, int warp)
    {
        int piece = Piece(offset);
        if (_state[piece] != State.Arrived)
            throw new InvalidOperationException($"race: warp {warp} reads shared offset {offset}, which is {_state[piece]}");
        if (_writer[piece] != warp && _writeEpoch[piece] >= Epoch)
            throw new InvalidOperationException($"race: warp {warp} reads shared offset {offset}, which warp {_writer[piece]} wrote without a barrier between");
        // Several warps read the same piece: remember any that is not the one who will write it.
        if (_readEpoch[piece] != Epoch || _reader[piece] == _writer[piece])
            (_readEpoch[piece], _reader[piece]) = (Epoch, warp);
        return _bytes.AsSpan(offset, 16);
    }

    /// <summary>Eight accesses of 16 bytes that the hardware does at once: 8 groups of 4 banks.</summary>
    public void CountConflicts(ReadOnlySpan<int> offsets)
    {
        Span<int> uses = stackalloc int[8];
        foreach (int offset in offsets)
            uses[offset / 16 % 8]++;
        int worst = 0;
        foreach (int use in uses)
            worst = Math.Max(worst, use);
        BankConflicts += Math.Max(0, worst - 1);
    }

    /// <summary>32 accesses of 4 bytes at once: 32 banks; the same word for several lanes is one access.</summary>
    public void CountWordConflicts(ReadOnlySpan<int> offsets)
    {
        var banks = new HashSet<int>[32];
        int worst = 1;
        foreach (int offset in offsets)
        {
            var words = banks[offset / 4 % 32] ??= [];
            words.Add(offset);
            worst = Math.Max(worst, words.Count);
        }
        BankConflicts += worst - 1;
    }
}
