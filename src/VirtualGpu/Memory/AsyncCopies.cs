using System.Numerics;
using System.Runtime.Intrinsics;
using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Memory;

/// <summary>
/// The cp.async's of a warp that were not yet waited for, judged: their data moves at once, but until the wait the destination is nobody's to touch,
/// and the source must stay as it is. Each lane counts its own groups (PTX ISA, "cp.async.commit_group").
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
        (copy.Lanes, copy.Bytes, copy.Source, copy.Barriers) = (lanes, bytes, source, Math.Min(w.Block.Epoch, AccessRecord.Barriers));
        ulong arriving = memory.Identity(w, MemorySpace.Shared) | AccessRecord.Copying | AccessRecord.AllKinds;
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            (copy.To[lane], copy.Group[lane]) = ((int)to[lane], int.MaxValue);
            (copy.From[lane], copy.Read[lane]) = source is null ? (0, 0) : ((long)(from[lane] - source.Start), read[lane]);
        }
        for (uint left = lanes; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            Fill(memory.Shared.Region, copy.To[lane], bytes, arriving + ((ulong)lane << AccessRecord.LaneShift));
        }
        _pending.Add(copy);
    }

    /// <summary>What was copied since the last commit becomes a group.</summary>
    public void Commit(uint lanes)
    {
        foreach (var copy in _pending)
        {
            for (uint left = lanes & copy.Lanes; left != 0; left &= left - 1)
            {
                int lane = BitOperations.TrailingZeroCount(left);
                copy.Group[lane] = Math.Min(copy.Group[lane], _committed[lane]);
            }
        }
        for (uint left = lanes; left != 0; left &= left - 1)
            _committed[BitOperations.TrailingZeroCount(left)]++;
    }

    /// <summary>Waits until at most so many groups of a lane are on their way: what arrived is as if the lane had written it now.</summary>
    public void Wait(Warp w, Instruction i, uint lanes, int groups)
    {
        if (_pending.Count == 0)
            return;
        ulong identity = w.Block.Memory.Identity(w, MemorySpace.Shared);
        int kept = 0;
        for (int k = 0; k < _pending.Count; k++)
        {
            var copy = _pending[k];
            for (uint left = lanes & copy.Lanes; left != 0; left &= left - 1)
            {
                int lane = BitOperations.TrailingZeroCount(left);
                if (copy.Group[lane] >= _committed[lane] - groups)
                    continue;
                copy.Lanes &= ~(1u << lane);
                CheckSource(w, i, copy, lane);
                Fill(w.Block.Memory.Shared.Region, copy.To[lane], copy.Bytes,
                    AccessRecord.First(identity + ((ulong)lane << AccessRecord.LaneShift), AccessKind.Write));
            }
            if (copy.Lanes == 0)
                _spare.Push(copy);
            else
                _pending[kept++] = copy;
        }
        _pending.RemoveRange(kept, _pending.Count - kept);
    }

    /// <summary>The source must not have been written since the copy began: by its records, where a barrier came between, and by the bytes themselves.</summary>
    private static void CheckSource(Warp w, Instruction i, AsyncCopy copy, int lane)
    {
        if (copy.Source is not { } source || copy.Read[lane] == 0)
            return;
        byte* to = w.Block.Memory.Shared.Region.Host + copy.To[lane], from = source.Host + copy.From[lane];
        bool same = new ReadOnlySpan<byte>(to, copy.Read[lane]).SequenceEqual(new ReadOnlySpan<byte>(from, copy.Read[lane]));
        for (long word = copy.From[lane] >> 2; same && word <= copy.From[lane] + copy.Read[lane] - 1 >> 2; word++)
        {
            ulong record = source.Records[word];
            if ((record & 2 << 2) != 0 && ((record ^ w.Block.Memory.Identity(w, MemorySpace.Global)) & (AccessRecord.LaunchMask | AccessRecord.BlockMask)) == 0)
                same = (int)((record & AccessRecord.BarrierMask) >> AccessRecord.BarrierShift) <= copy.Barriers;
        }
        if (!same)
            throw w.Fault(i, lane, FindingKind.Race, $"waits for a cp.async of {copy.Read[lane]} bytes to shared memory at {copy.To[lane]} whose source, byte {copy.From[lane]} of an allocation of {source.Length}, was written meanwhile");
    }

    private static void Fill(Region shared, int offset, int bytes, ulong record)
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

        public int[] To { get; } = new int[Warp.Lanes];

        /// <summary>Byte of the source.</summary>
        public long[] From { get; } = new long[Warp.Lanes];

        public int[] Read { get; } = new int[Warp.Lanes];

        /// <summary>Groups that the lane had committed before; the highest number while it is not committed.</summary>
        public int[] Group { get; } = new int[Warp.Lanes];
    }
}
