using BDense.VirtualGpu.Memory;

namespace BDense.VirtualGpu.Execution;

/// <summary>
/// What is ordered before what in a block whose warps meet at mbarriers or do things asynchronously. <see cref="AccessRecord"/> knows only
/// barriers of all warps; where it
/// sees a conflict, this is asked. Each warp has a <see cref="Clock"/>; who arrives at an mbarrier leaves its clock there, who sees the
/// phase complete takes it.
/// </summary>
/// <remarks>
/// Agents, in the order of their numbers: warps, as they access memory by themselves; warps' bulk stores, by their groups; warpgroups, by
/// their wgmma's; mbarriers, by their phases.
/// Lanes of a warp share its clock: what one lane waited for counts as waited for by all, which misses a race that only lanes have, and
/// invents none.
/// </remarks>
internal sealed class BlockOrder
{
    private readonly Block _block;
    private readonly Clock[] _clocks;
    private readonly int _warps;

    public BlockOrder(Block block, int warps)
    {
        (_block, _warps) = (block, warps);
        _clocks = [.. Enumerable.Range(0, warps).Select(_ => new Clock())];
        Agents = 2 * warps + Warpgroup.Of(warps);
        Mbarriers = new Mbarriers(block, Agents);
        Shadow = new AsyncShadow(block, Agents);
        Groups = [.. Enumerable.Range(0, Warpgroup.Of(warps)).Select(g => new Warpgroup(g, warps))];
    }

    /// <summary>Without mbarriers.</summary>
    public int Agents { get; }

    public Mbarriers Mbarriers { get; }

    public AsyncShadow Shadow { get; }

    public IReadOnlyList<Warpgroup> Groups { get; }

    /// <summary>Whatever may let another warp go on: where nothing changes, those that ask will ask for ever.</summary>
    public long Changes { get; set; }

    /// <summary>A block begins.</summary>
    public void Begin()
    {
        foreach (var clock in _clocks)
            clock.Clear();
        foreach (var group in Groups)
            group.Begin();
        Mbarriers.Begin();
        Shadow.Begin();
    }

    public Clock this[Warp w] => _clocks[w.Number];

    public int BulkAgent(Warp w) => _warps + w.Number;

    public int GroupAgent(Warpgroup group) => 2 * _warps + group.Number;

    public Warpgroup GroupOf(Warp w) => Groups[w.Number / Warpgroup.Warps];

    /// <summary>A warp's time: it moves on at its barriers and where it arrives at an mbarrier. 0 was before it began.</summary>
    public int Now(Warp w) => Time(_block.Epoch, w.Epoch);

    private static int Time(int barriers, int warpSyncs) => (barriers << 6 | Math.Min(warpSyncs, AccessRecord.WarpSyncs)) + 1;

    /// <summary>Whether a warp knows what an agent had done by then; its own accesses it knows.</summary>
    public bool Knows(Warp w, int agent, int time) => agent == w.Number || this[w][agent] >= time;

    /// <summary>What a warp did and knows goes into a clock. Its time must move on before it does anything more.</summary>
    public void Leave(Warp w, Clock into)
    {
        into.Raise(w.Number, Now(w));
        into.Merge(this[w]);
    }

    /// <summary>Warps pass a barrier together: what one knows, all know.</summary>
    public void Meet(IReadOnlyList<Warp> warps)
    {
        var all = new Clock();
        foreach (var w in warps)
        {
            all.Raise(w.Number, Now(w));
            all.Merge(this[w]);
        }
        foreach (var w in warps)
            this[w].Merge(all);
        Changes++;
    }

    /// <summary>
    /// Whether an access that conflicts, as far as its record tells, is ordered after all. A record names one thread: of several that
    /// accessed a word without a barrier,
    /// the others are not known; where this warp knows of anything that another did since the barrier, they count as ordered.
    /// </summary>
    /// <param name="w">Whose.</param>
    /// <param name="i">Which.</param>
    /// <param name="region">Where.</param>
    /// <param name="offset">The word's or the byte's.</param>
    /// <param name="kind">How.</param>
    /// <param name="record">What is known of it.</param>
    /// <param name="mine">Who accesses it.</param>
    /// <param name="next">What the record becomes, if it is.</param>
    /// <exception cref="FindingException">Of what is asynchronous.</exception>
    public bool Allows(Warp w, Instruction i, Region region, long offset, AccessKind kind, ulong record, ulong mine, ref ulong next)
    {
        ulong differs = record ^ mine;
        if (region.Space == MemorySpace.Shared && (record & AccessRecord.BlockMask) == AccessRecord.Copying)
            return Shadow.Touches(w, i, offset, kind, record, mine, ref next);
        if ((differs & (AccessRecord.BlockMask | AccessRecord.BarrierMask)) != 0 || (differs & AccessRecord.WarpMask) == 0
            && (record & AccessRecord.SeveralWarps) == 0)
            return false;
        if (!IsOrdered(w, kind, record))
            return false;
        next = AccessRecord.First(mine, kind) | record & 0x30;
        return true;
    }

    /// <summary>Whether accesses of other warps since the last barrier are ordered before what a warp does now.</summary>
    public bool IsOrdered(Warp w, AccessKind kind, ulong record)
    {
        int other = AccessRecord.Thread(record) / Warp.Lanes;
        int syncs = (int)((record & AccessRecord.WarpSyncMask) >> AccessRecord.WarpSyncShift);
        if (syncs == AccessRecord.WarpSyncs)
            return true;
        bool isOne = (record & AccessRecord.SeveralWarps) == 0;
        if (Knows(w, other, Time(_block.Epoch, syncs)) && (isOne || other != w.Number))
            return true;
        bool byNamed = (AccessRecord.OfLast(record) | (ulong)kind) == 3 && other != w.Number;
        return (!isOne || !byNamed) && KnowsAny(w);
    }

    private bool KnowsAny(Warp w)
    {
        for (int other = 0; other < _warps; other++)
        {
            if (other != w.Number && this[w][other] >= Time(_block.Epoch, 0))
                return true;
        }
        return false;
    }
}
