using System.Numerics;
using System.Runtime.Intrinsics;
using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Memory;

/// <summary>
/// The cp.async's of a warp that were not yet waited for, judged: their data moves at once, but until the wait the destination is nobody's
/// to touch, and the source must stay as it is. Each lane counts its own groups (PTX ISA, "cp.async.commit_group").
/// </summary>
internal sealed unsafe class AsyncCopies
{
    private readonly List<AsyncCopy> _pending = [];
    private readonly Stack<AsyncCopy> _spare = new();
    private readonly int[] _committed = new int[Warp.Lanes];

    /// <summary>A block begins: nothing is on its way.</summary>
    public void Begin()
    {
        foreach (var copy in _pending)
            _spare.Push(copy);
        _pending.Clear();
        Array.Clear(_committed);
    }

    /// <summary>A copy begins; its destination was judged as a write, and its data is there.</summary>
    /// <param name="w">Whose.</param>
    /// <param name="lanes">Lanes that copy.</param>
    /// <param name="bytes">Of the destination.</param>
    /// <param name="to">Where in shared memory.</param>
    /// <param name="from">Addresses of the source.</param>
    /// <param name="source">It lies there; null if it is only zeros that arrive.</param>
    /// <param name="read">Bytes of the source that are copied, for each lane.</param>
    public void Add(Warp w, uint lanes, int bytes, ulong* to, ulong* from, Region? source, int* read)
    {
        var memory = w.Block.Memory;
        if (!_spare.TryPop(out var copy))
            copy = new AsyncCopy();
        (copy.Lanes, copy.Bytes, copy.Source, copy.Barriers, copy.IsCommitted) =
            (lanes, bytes, source, Math.Min(w.Block.Epoch, AccessRecord.Barriers), false);
        ulong arriving = memory.Identity(w, MemorySpace.Shared) | AccessRecord.Copying | AccessRecord.AllKinds;
        new ReadOnlySpan<ulong>(to, Warp.Lanes).CopyTo(copy.To);
        new ReadOnlySpan<ulong>(from, Warp.Lanes).CopyTo(copy.From);
        new ReadOnlySpan<int>(read, Warp.Lanes).CopyTo(copy.Read);
        Array.Fill(copy.Group, int.MaxValue);
        for (uint left = lanes; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            Fill(memory.Shared.Region, (long)copy.To[lane], bytes, arriving + ((ulong)lane << AccessRecord.LaneShift));
        }
        _pending.Add(copy);
    }

    /// <summary>What was copied since the last commit becomes a group.</summary>
    public void Commit(uint lanes)
    {
        // The newest come last; before the first that is committed for all its lanes, all are.
        for (int k = _pending.Count - 1; k >= 0 && !_pending[k].IsCommitted; k--)
        {
            var copy = _pending[k];
            for (int eight = 0; eight < Warp.Lanes; eight += 8)
            {
                var groups = Vector256.Create<int>(copy.Group, eight);
                Vector256.ConditionalSelect(LanesOf(lanes, eight), Vector256.Min(groups, Vector256.Create<int>(_committed, eight)), groups)
                    .CopyTo(copy.Group, eight);
            }
            copy.IsCommitted = (copy.Lanes & ~lanes) == 0;
        }
        for (int eight = 0; eight < Warp.Lanes; eight += 8)
            (Vector256.Create<int>(_committed, eight) - LanesOf(lanes, eight)).CopyTo(_committed, eight);
    }

    /// <summary>Waits until at most so many groups of a lane are on their way: what arrived is as if the lane had written it now.</summary>
    public void Wait(Warp w, Instruction i, uint lanes, int groups)
    {
        if (_pending.Count == 0)
            return;
        int kept = 0;
        for (int k = 0; k < _pending.Count; k++)
        {
            var copy = _pending[k];
            uint done = 0;
            for (int eight = 0; eight < Warp.Lanes; eight += 8)
                done |= Vector256.LessThan(Vector256.Create<int>(copy.Group, eight),
                    Vector256.Create<int>(_committed, eight) - Vector256.Create(groups)).ExtractMostSignificantBits() << eight;
            done &= lanes & copy.Lanes;
            if (done != 0)
                Arrive(w, i, copy, done);
            if (copy.Lanes == 0)
                _spare.Push(copy);
            else
                _pending[kept++] = copy;
        }
        _pending.RemoveRange(kept, _pending.Count - kept);
    }

    private static void Arrive(Warp w, Instruction i, AsyncCopy copy, uint lanes)
    {
        var shared = w.Block.Memory.Shared.Region;
        ulong first = AccessRecord.First(w.Block.Memory.Identity(w, MemorySpace.Shared), AccessKind.Write);
        ulong block = w.Block.Memory.Identity(w, MemorySpace.Global) & (AccessRecord.LaunchMask | AccessRecord.BlockMask);
        for (uint left = lanes; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            if (copy.Source is { } source && copy.Read[lane] != 0 && !IsUnchanged(shared, source, copy, lane, block))
                throw MemoryFaults.SourceWritten(w, i, lane, copy.Read[lane], (long)copy.To[lane], source,
                    (long)(copy.From[lane] - source.Start));
            Fill(shared, (long)copy.To[lane], copy.Bytes, first + ((ulong)lane << AccessRecord.LaneShift));
        }
        if (w.Block.Order is { } order)
        {
            fixed (ulong* to = copy.To)
                order.Shadow.Unfenced(w, lanes, to);
        }
        copy.Lanes &= ~lanes;
    }

    /// <summary>All ones for those of eight lanes that take part.</summary>
    private static Vector256<int> LanesOf(uint lanes, int eight)
    {
        var bits = Vector256.Create(1, 2, 4, 8, 16, 32, 64, 128);
        return Vector256.Equals(Vector256.Create((int)(lanes >> eight)) & bits, bits);
    }

    /// <summary>
    /// Whether a source was not written since its copy began. Two things tell: the bytes, which are no longer those that arrived, and
    /// records of the words where the block passed a barrier in between. Who writes without a barrier conflicts with the copy's read.
    /// </summary>
    private static bool IsUnchanged(Region shared, Region source, AsyncCopy copy, int lane, ulong block)
    {
        byte* to = shared.Host + copy.To[lane], from = source.Host + (copy.From[lane] - source.Start);
        ulong* records = source.Records + (copy.From[lane] - source.Start >> 2);
        int bytes = copy.Read[lane];
        if (bytes == 16)
        {
            if (Vector128.Load(to) != Vector128.Load(from))
                return false;
            if ((Vector256.Load(records) & Vector256.Create(2UL << 2)) == Vector256<ulong>.Zero)
                return true;
        }
        else if (!new ReadOnlySpan<byte>(to, bytes).SequenceEqual(new ReadOnlySpan<byte>(from, bytes)))
        {
            return false;
        }
        for (int word = 0; word < (bytes + 3) / 4; word++)
        {
            if ((records[word] & 2 << 2) != 0 && (records[word] & (AccessRecord.LaunchMask | AccessRecord.BlockMask)) == block
                && (int)((records[word] & AccessRecord.BarrierMask) >> AccessRecord.BarrierShift) > copy.Barriers)
                return false;
        }
        return true;
    }

    private static void Fill(Region shared, long offset, int bytes, ulong record)
    {
        ulong* at = shared.Records + (offset >> 2);
        if (bytes == 16)
        {
            Vector256.Create(record).Store(at);
            return;
        }
        for (int k = 0; k < bytes >> 2; k++)
            at[k] = record;
    }

    /// <summary>An instruction's copies.</summary>
    private sealed class AsyncCopy
    {
        /// <summary>Whose copies are not yet waited for.</summary>
        public uint Lanes { get; set; }

        public int Bytes { get; set; }

        public Region? Source { get; set; }

        /// <summary>That the block had passed when it began.</summary>
        public int Barriers { get; set; }

        /// <summary>Whether <see cref="Group"/> is known for all lanes that copy.</summary>
        public bool IsCommitted { get; set; }

        /// <summary>In shared memory.</summary>
        public ulong[] To { get; } = new ulong[Warp.Lanes];

        /// <summary>Addresses of the source.</summary>
        public ulong[] From { get; } = new ulong[Warp.Lanes];

        /// <summary>Bytes that are copied; the rest are zeros.</summary>
        public int[] Read { get; } = new int[Warp.Lanes];

        /// <summary>Groups that the lane had committed before; the highest number while it is not committed.</summary>
        public int[] Group { get; } = new int[Warp.Lanes];
    }
}
