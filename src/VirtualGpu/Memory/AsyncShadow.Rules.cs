using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Memory;

/// <content>What must be so, and what is said where it is not.</content>
internal sealed unsafe partial class AsyncShadow
{
    private void RequireNoMbarrier(Warp w, Instruction i, int lane, long offset)
    {
        if (Order.Mbarriers.Find(offset) is { } barrier)
            throw w.Fault(i, lane, FindingKind.Mbarrier, $"accesses the bytes of {Order.Mbarriers.Name(barrier)}");
    }

    /// <summary>
    /// A bulk copy to the piece has arrived, as far as the warp knows: it saw the phase complete, or was told by one that did.
    /// </summary>
    private void RequireArrived(Warp w, Instruction i, int lane, int piece)
    {
        var (agent, phases) = _arrivals[piece];
        if (!Order.Knows(w, agent, phases))
            throw w.Fault(i, lane, FindingKind.CopyNotAwaited,
                $"accesses {MemoryFaults.Where(w, Shared, piece * PieceBytes)}, to which a bulk copy goes: phase {phases - 1} of "
                    + $"{Order.Mbarriers.Name(agent)} was not waited for");
    }

    /// <summary>Whoever read the piece is done, as far as the warp knows; nobody has read what comes now.</summary>
    private void RequireReadsDone(Warp w, Instruction i, int lane, int piece)
    {
        var reads = _reads.AsSpan(piece * _agents, _agents);
        if (reads.IndexOfAnyExcept(0) < 0)
            return;
        for (int agent = 0; agent < _agents; agent++)
        {
            if (reads[agent] != 0 && !Order.Knows(w, agent, reads[agent]))
                throw w.Fault(i, lane, FindingKind.Race, $"writes {MemoryFaults.Where(w, Shared, piece * PieceBytes)}, {Reader(agent)}");
        }
        reads.Clear();
    }

    private string Reader(int agent)
    {
        int warps = _block.Warps.Count;
        return agent < warps ? $"which warp {agent} read: nothing orders the two"
            : agent < 2 * warps ? $"from which a bulk copy of warp {agent - warps} reads: its group was not waited for"
            : $"which a wgmma of warpgroup {agent - 2 * warps} reads: nothing tells that it was waited for";
    }

    /// <summary>
    /// Whether an access must be ordered after the one that a record tells of: it arrives by a copy, or conflicts and no barrier lies
    /// between.
    /// </summary>
    private bool Concerns(ulong record, AccessKind kind)
    {
        ulong now = (ulong)Math.Min(_block.Epoch, AccessRecord.Barriers) << AccessRecord.BarrierShift;
        return (record & AccessRecord.BlockMask) == AccessRecord.Copying
            || (record & AccessRecord.BarrierMask) == now && now != AccessRecord.BarrierMask && (record >> 2 & 3 | (ulong)kind) == 3;
    }

    /// <summary>It is, as far as the warp knows.</summary>
    private void RequireOrdered(Warp w, Instruction i, int piece, ulong record, AccessKind kind)
    {
        if ((record & AccessRecord.BlockMask) != AccessRecord.Copying)
        {
            ulong mine = w.Block.Memory.Identity(w, MemorySpace.Shared);
            bool isOwn = ((record ^ mine) & AccessRecord.WarpMask) == 0 && (record & AccessRecord.SeveralWarps) == 0;
            if (!isOwn && !Order.IsOrdered(w, kind, record))
                throw MemoryFaults.Race(w, i, 0, Shared, piece * PieceBytes, PieceBytes, kind, record, mine);
            return;
        }
        if (_arrivals[piece].Agent == 0)
        {
            throw w.Fault(i, -1, FindingKind.CopyNotAwaited,
                $"accesses {MemoryFaults.Where(w, Shared, piece * PieceBytes)}, to which a cp.async still copies");
        }
        RequireArrived(w, i, -1, piece);
    }

    /// <summary>
    /// What is known of a piece in this block: a record for each word, or for each byte of a word that was accessed in parts.
    /// </summary>
    private int Records(int piece, ulong* to)
    {
        int count = 0;
        ulong launch = (ulong)_block.Memory.Shared.BlockNumber << AccessRecord.LaunchShift;
        for (int word = piece * PieceBytes / 4; word < (piece + 1) * PieceBytes / 4; word++)
        {
            ulong record = Shared.Records[word];
            if ((record & AccessRecord.LaunchMask) != launch)
                continue;
            bool inParts = (record & AccessRecord.BlockMask) == AccessRecord.InParts;
            for (int k = 0; k < (inParts ? 4 : 1); k++)
            {
                ulong one = inParts ? Shared.ByteRecords()[4 * word + k] : record;
                if ((one & AccessRecord.LaunchMask) == launch && (count == 0 || one != to[count - 1]))
                    to[count++] = one;
            }
        }
        return count;
    }
}
