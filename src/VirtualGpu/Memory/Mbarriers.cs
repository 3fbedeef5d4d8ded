using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Memory;

/// <summary>A block's mbarriers.</summary>
/// <param name="block">Whose.</param>
/// <param name="firstAgent">Numbers of agents from here on are theirs.</param>
internal sealed unsafe class Mbarriers(Block block, int firstAgent)
{
    public const int Bytes = 8;

    private readonly Dictionary<long, Mbarrier> _live = [];
    private readonly List<Mbarrier> _all = [];

    /// <summary>Where the first and the last of the block lie, so that most places need no search.</summary>
    private long _first, _last;

    public void Begin()
    {
        _live.Clear();
        _all.Clear();
        (_first, _last) = (long.MaxValue, -1);
    }

    public Mbarrier? Find(long offset) => offset < _first || offset > _last ? null : _live.GetValueOrDefault(offset);

    /// <summary>As it is called in a finding.</summary>
    public string Name(int agent) => Name(_all[agent - firstAgent]);

    public string Name(Mbarrier barrier) =>
        $"the mbarrier at {barrier.Offset} ({block.Memory.Shared.Arrays.Describe((ulong)barrier.Offset)})";

    /// <summary>mbarrier.init by a lane.</summary>
    public void Make(Warp w, Instruction i, int lane, long offset, long count)
    {
        if (count is < 1 or > Mbarrier.Most)
            throw w.Fault(i, lane, FindingKind.Mbarrier, $"{count} arrivals of an mbarrier; from 1 to {Mbarrier.Most}");
        int agent = firstAgent + _all.Count;
        var barrier = new Mbarrier(offset, agent, (int)count) { Made = (w.Number, block.Order!.Now(w)) };
        _all.Add(barrier);
        _live.Add(offset, barrier);
        (_first, _last) = (Math.Min(_first, offset), Math.Max(_last, offset));
        Hold(w, lane, offset, AccessRecord.Copying | AccessRecord.AllKinds);
    }

    /// <summary>No mbarrier is there yet.</summary>
    public void RequireNone(Warp w, Instruction i, int lane, long offset)
    {
        if (Find(offset) is { } old)
            throw w.Fault(i, lane, FindingKind.Mbarrier, $"{Name(old)} is made again, without mbarrier.inval");
    }

    /// <summary>mbarrier.inval by a lane: the bytes are ordinary ones again, that nobody wrote.</summary>
    public void End(Warp w, Instruction i, int lane, long offset)
    {
        var barrier = Use(w, i, lane, offset);
        _live.Remove(barrier.Offset);
        if (block.Memory.Judges)
            new Span<ulong>(block.Memory.Shared.Region.Records + (offset >> 2),
                2).Fill(AccessRecord.First(block.Memory.Identity(w, MemorySpace.Shared), AccessKind.Write));
    }

    /// <summary>The mbarrier that a lane names; whoever made it came before.</summary>
    public Mbarrier Use(Warp w, Instruction i, int lane, long offset)
    {
        if (Find(offset) is not { } barrier)
            throw w.Fault(i, lane, FindingKind.Mbarrier,
                $"no mbarrier is at {MemoryFaults.Where(w, block.Memory.Shared.Region, offset)}: mbarrier.init comes first");
        if (block.Memory.Judges && !block.Order!.Knows(w, barrier.Made.Warp, barrier.Made.Time))
            throw w.Fault(i, lane, FindingKind.Race, $"{Name(barrier)} was made by warp {barrier.Made.Warp}: nothing orders the two");
        return barrier;
    }

    /// <summary>So many arrivals of a warp.</summary>
    public void Arrive(Warp w, Instruction i, int lane, Mbarrier barrier, long count)
    {
        if (count < 1 || count > barrier.Pending)
            throw w.Fault(i, lane, FindingKind.Mbarrier,
                $"{count} arrivals at {Name(barrier)}, where {barrier.Pending} of {barrier.Expected} are missing");
        if (barrier.Seen < barrier.Phase)
        {
            throw w.Fault(i, lane, FindingKind.Mbarrier, $"arrives at {Name(barrier)} in phase {barrier.Phase}, and nobody has seen yet "
                + $"that phase {barrier.Phase - 1} is complete (by test_wait or try_wait)");
        }
        block.Order!.Leave(w, barrier.Arrived);
        barrier.Pending -= (int)count;
        Advance(w, barrier);
    }

    /// <summary>So many bytes are expected (less than 0: have arrived).</summary>
    public void Expect(Warp w, Instruction i, int lane, Mbarrier barrier, long bytes)
    {
        if (barrier.Bytes + bytes is < -Mbarrier.Most or > Mbarrier.Most)
            throw w.Fault(i, lane, FindingKind.Mbarrier,
                $"{barrier.Bytes} and {bytes} bytes at {Name(barrier)}; at most {Mbarrier.Most} can be on their way");
        barrier.Bytes += (int)bytes;
        Advance(w, barrier);
    }

    /// <summary>
    /// Whether the phase before this one has that parity, or the phase that a token names is complete; the warp then knows what those knew
    /// who arrived.
    /// </summary>
    public bool IsComplete(Warp w, Instruction i, int lane, Mbarrier barrier, ulong phase, bool isParity)
    {
        if (isParity && phase > 1)
            throw w.Fault(i, lane, FindingKind.Mbarrier, $"parity {phase}: it is 0 or 1");
        if (!isParity && (phase > (ulong)barrier.Phase || phase + 1 < (ulong)barrier.Phase))
            throw w.Fault(i, lane, FindingKind.Mbarrier,
                $"a state of phase {phase}, where {Name(barrier)} is in phase {barrier.Phase}: it is that of this phase or of the one "
                + $"before");
        if (isParity ? (ulong)(barrier.Phase & 1) == phase : phase == (ulong)barrier.Phase)
            return false;
        var clock = block.Order![w];
        clock.Merge(barrier.Known);
        clock.Raise(barrier.Agent, barrier.Phase);
        barrier.Seen = barrier.Phase;
        return true;
    }

    /// <summary>A fence by which bulk copies know what the warp knows of.</summary>
    public void Fence(Warp w)
    {
        foreach (var barrier in _all)
            barrier.IsFenced |= block.Order!.Knows(w, barrier.Made.Warp, barrier.Made.Time);
    }

    private void Advance(Warp w, Mbarrier barrier)
    {
        if (barrier.Complete())
            w.Pause();
        block.Order!.Changes++;
    }

    /// <summary>Whoever else accesses the bytes is found.</summary>
    private void Hold(Warp w, int lane, long offset, ulong record)
    {
        *(ulong*)(block.Memory.Shared.Region.Host + offset) = ulong.MaxValue;
        if (!block.Memory.Judges)
            return;
        ulong mine = block.Memory.Identity(w, MemorySpace.Shared) + ((ulong)lane << AccessRecord.LaneShift);
        new Span<ulong>(block.Memory.Shared.Region.Records + (offset >> 2), Bytes / 4).Fill(mine | record);
    }
}
