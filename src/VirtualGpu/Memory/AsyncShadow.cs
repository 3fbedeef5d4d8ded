using System.Numerics;
using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Memory;

/// <summary>
/// What is known of a block's shared memory beyond <see cref="AccessRecord"/>, in pieces of 16 bytes, where something else than warps
/// accesses it: bulk copies that arrive,
/// wgmma's and bulk stores that read, and stores (of the generic proxy) that these must not see without a fence.proxy.async (PTX ISA,
/// "Async proxy").
/// </summary>
internal sealed unsafe partial class AsyncShadow
{
    public const int PieceBytes = 16;

    private readonly Block _block;
    private readonly int _agents;

    /// <summary>The mbarrier and its phases by which a bulk copy to the piece has arrived; agent 0 for none.</summary>
    private readonly (int Agent, int Phases)[] _arrivals;

    /// <summary>Who wrote it last without a fence since; warp + 1.</summary>
    private readonly (int Writer, uint Lanes, int Time)[] _unfenced;

    /// <summary>Pieces that have an entry in <see cref="_unfenced"/>, some perhaps no longer.</summary>
    private readonly List<int> _written = [];

    /// <summary>By piece and agent: when it read what lies there.</summary>
    private readonly int[] _reads;

    public AsyncShadow(Block block, int agents)
    {
        (_block, _agents) = (block, agents);
        int pieces = block.Memory.Judges ? block.Memory.Shared.Arrays.End / PieceBytes + 1 : 0;
        (_arrivals, _unfenced, _reads) = (new (int, int)[pieces], new (int, uint, int)[pieces], new int[pieces * agents]);
    }

    private Region Shared => _block.Memory.Shared.Region;

    private BlockOrder Order => _block.Order!;

    public void Begin()
    {
        Array.Clear(_arrivals);
        Array.Clear(_unfenced);
        Array.Clear(_reads);
        _written.Clear();
    }

    /// <summary>
    /// Before lanes store at most 16 bytes, aligned: does something asynchronous still read there? From here on they need a fence before
    /// something asynchronous looks.
    /// </summary>
    public void Stores(Warp w, Instruction i, uint lanes, ulong* addresses)
    {
        Overwrites(w, i, lanes, addresses);
        Unfenced(w, lanes, addresses);
    }

    /// <summary>The first half of <see cref="Stores"/>: a cp.async begins.</summary>
    public void Overwrites(Warp w, Instruction i, uint lanes, ulong* addresses)
    {
        int last = -1;
        for (uint left = lanes; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left), piece = (int)(addresses[lane] / PieceBytes);
            if (piece == last)
                continue;
            RequireReadsDone(w, i, lane, piece);
            last = piece;
        }
    }

    /// <summary>The second half: its data is there.</summary>
    public void Unfenced(Warp w, uint lanes, ulong* addresses)
    {
        int now = Order.Now(w);
        for (uint left = lanes; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left), piece = (int)(addresses[lane] / PieceBytes);
            ref var entry = ref _unfenced[piece];
            if (entry.Writer == 0)
                _written.Add(piece);
            entry = entry.Writer == w.Number + 1 && entry.Time == now ? (entry.Writer, entry.Lanes | 1u << lane, now)
                : (w.Number + 1, 1u << lane, now);
        }
    }

    /// <summary>fence.proxy.async by some lanes: for what they stored, and for what others stored and they know of.</summary>
    public void Fence(Warp w, uint lanes)
    {
        int kept = 0;
        for (int k = 0; k < _written.Count; k++)
        {
            int piece = _written[k];
            var (writer, by, time) = _unfenced[piece];
            if (writer == 0)
                continue;
            bool covers = writer == w.Number + 1 ? time < Order.Now(w) || (by & ~lanes) == 0 : Order.Knows(w, writer - 1, time);
            if (covers)
                _unfenced[piece] = default;
            else
                _written[kept++] = piece;
        }
        _written.RemoveRange(kept, _written.Count - kept);
        Order.Mbarriers.Fence(w);
    }

    /// <summary>A thread's own access to what a bulk copy brought: see <see cref="BlockOrder.Allows"/>.</summary>
    public bool Touches(Warp w, Instruction i, long offset, AccessKind kind, ulong record, ulong mine, ref ulong next)
    {
        int piece = (int)(offset / PieceBytes), lane = AccessRecord.Thread(mine) % Warp.Lanes;
        RequireNoMbarrier(w, i, lane, offset / Mbarriers.Bytes * Mbarriers.Bytes);
        if (_arrivals[piece].Agent == 0)
            return false;
        RequireArrived(w, i, lane, piece);
        if (kind == AccessKind.Read)
        {
            _reads[piece * _agents + w.Number] = Order.Now(w);
            next = record;
            return true;
        }
        RequireReadsDone(w, i, lane, piece);
        next = AccessRecord.First(mine, kind);
        return true;
    }

    /// <summary>
    /// Something asynchronous begins to read a piece for some warps: all of it is written, what arrived is known to have arrived, what
    /// threads stored is ordered before and fenced.
    /// </summary>
    /// <param name="warps">For whom.</param>
    /// <param name="i">Which.</param>
    /// <param name="piece">Where.</param>
    /// <param name="agent">Who reads.</param>
    /// <param name="time">Of the agent's, when the read is done.</param>
    public void Reads(ReadOnlySpan<Warp> warps, Instruction i, int piece, int agent, int time)
    {
        var (w, offset) = (warps[0], piece * PieceBytes);
        RequireNoMbarrier(w, i, -1, offset);
        RequireNoMbarrier(w, i, -1, offset + Mbarriers.Bytes);
        if (!WrittenBits.AreAligned(Shared.Written, offset, PieceBytes))
            throw MemoryFaults.Unwritten(w, i, -1, Shared, offset, PieceBytes);
        if (_unfenced[piece].Writer != 0)
            throw w.Fault(i, -1, FindingKind.ProxyFence,
                $"reads {MemoryFaults.Where(w, Shared, offset)} asynchronously, which threads of warp {_unfenced[piece].Writer - 1} "
                    + $"wrote: no fence.proxy.async lies between");
        ulong* records = stackalloc ulong[PieceBytes];
        int count = Records(piece, records);
        for (int k = 0; k < count; k++)
        {
            if (!Concerns(records[k], AccessKind.Read))
                continue;
            foreach (var reader in warps)
                RequireOrdered(reader, i, piece, records[k], AccessKind.Read);
        }
        _reads[piece * _agents + agent] = time;
    }

    /// <summary>
    /// A bulk copy that a warp's thread began writes a piece: nobody reads it any more. It has arrived when the mbarrier has so many phases
    /// behind it.
    /// </summary>
    public void Arrives(Warp w, Instruction i, int lane, int piece, int agent, int phases)
    {
        long offset = piece * PieceBytes;
        RequireNoMbarrier(w, i, -1, offset);
        RequireNoMbarrier(w, i, -1, offset + Mbarriers.Bytes);
        RequireReadsDone(w, i, lane, piece);
        if (_unfenced[piece].Writer != 0)
            throw w.Fault(i, lane, FindingKind.ProxyFence,
                $"copies to {MemoryFaults.Where(w, Shared, offset)}, which threads of warp {_unfenced[piece].Writer - 1} wrote: no "
                    + $"fence.proxy.async lies between");
        ulong* records = stackalloc ulong[PieceBytes];
        int count = Records(piece, records);
        for (int k = 0; k < count; k++)
        {
            if (Concerns(records[k], AccessKind.Write))
                RequireOrdered(w, i, piece, records[k], AccessKind.Write);
        }
        ulong record = w.Block.Memory.Identity(w, MemorySpace.Shared)
            + ((ulong)lane << AccessRecord.LaneShift) | AccessRecord.Copying | AccessRecord.AllKinds;
        new Span<ulong>(Shared.Records + (offset >> 2), PieceBytes / 4).Fill(record);
        WrittenBits.SetAligned(Shared.Written, offset, PieceBytes);
        _arrivals[piece] = (agent, phases);
    }
}
