using System.Numerics;

namespace BDense.VirtualGpu.Execution;

/// <summary>Why a warp stopped.</summary>
internal enum WarpState
{
    /// <summary>All lanes have ended.</summary>
    Ended,

    /// <summary>All lanes wait at a barrier of the block, or of the warpgroup.</summary>
    AtBarrier,

    /// <summary>
    /// Others run before it goes on: some lanes asked for what those have yet to do, or others may have waited for what these did.
    /// </summary>
    Pausing,
}

/// <summary>
/// Divergence. Lanes that part are groups, each with its place. Of those that can go on, the group that is furthest behind runs, by
/// <see cref="KernelCode.Order"/>; where it meets another group's place they go on together. Groups wait at instructions that need others.
/// </summary>
internal sealed unsafe partial class Warp
{
    private readonly Group[] _others = new Group[Lanes];
    private int _otherCount;

    /// <summary>The place at which the running group has to look around; 0 to do so at once.</summary>
    private int _limit;

    private uint _ended;
    private bool _pauses;
    private long _granted, _left;

    /// <summary>The barrier at which the warp waits.</summary>
    public Instruction? Barrier { get; private set; }

    /// <summary>At which it asked in vain for a phase of <see cref="AskedFor"/>; null if it did not.</summary>
    public Instruction? Asked { get; private set; }

    /// <summary>An mbarrier.</summary>
    public Memory.Mbarrier? AskedFor { get; private set; }

    /// <summary>Lanes that have not ended.</summary>
    public uint Living => Threads & ~_ended;

    /// <summary>Instructions executed since the block began.</summary>
    public long Executed => _granted - _left;

    /// <summary>To the kernel's first instruction.</summary>
    public void Reset()
    {
        (Place, Active, _ended, _otherCount, _limit, Epoch, _granted, _left, Barrier) = (0, Threads, 0, 0, int.MaxValue, 0, 0, 0, null);
        BulkGroups = 0;
        Matrices?.Begin();
    }

    /// <summary>Past the barrier at which it waits.</summary>
    public void Pass()
    {
        (Place, Active, _otherCount, _limit, Epoch, Barrier) = (Barrier!.Place + 1, Threads, 0, int.MaxValue, 0, null);
    }

    /// <summary>Past an instruction at which it waited for the rest of its warpgroup.</summary>
    public void Proceed() => (Place, Active, _otherCount, _limit, Barrier) = (Barrier!.Place + 1, Threads, 0, int.MaxValue, null);

    /// <summary>Lanes asked in vain for an mbarrier's phase: other warps run before they ask again.</summary>
    public void Ask(Instruction i, Memory.Mbarrier barrier) => (Asked, AskedFor, _pauses, _limit) = (i, barrier, true, 0);

    /// <summary>
    /// A phase of an mbarrier is complete: who waits for it goes on first, so that warps keep pace with each other and one that should wait
    /// for another, and does not, is seen.
    /// </summary>
    public void Pause() => (_pauses, _limit) = (true, 0);

    /// <summary>Runs to the next barrier or to the end.</summary>
    /// <exception cref="FindingException">The kernel did something wrong.</exception>
    public WarpState Run()
    {
        var code = Block.Launch.Kernel.Code.Instructions;
        var counter = Block.Counter;
        (Asked, AskedFor, _pauses) = (null, null, false);
        while (Place < _limit || !_pauses && Regroup())
        {
            var i = code[Place++];
            if (--_left < 0)
                Continue(i);
            counter?.Executed(i, Mask(i));
            i.Run(this, i);
        }
        return _pauses ? WarpState.Pausing : Barrier is null ? WarpState.Ended : WarpState.AtBarrier;
    }

    /// <summary>Takes lanes of the running group to another place.</summary>
    public void Jump(uint lanes, int place)
    {
        if (lanes == Active)
        {
            Place = place;
            if (_otherCount > 0)
                _limit = 0;
            return;
        }
        Active &= ~lanes;
        Add(new Group(place, lanes, null, 0));
        _limit = 0;
    }

    /// <summary>Lanes of the running group have ended.</summary>
    public void End(uint lanes)
    {
        _ended |= lanes;
        Active &= ~lanes;
        if (Active == 0)
            _limit = 0;
    }

    /// <summary>
    /// Lanes of the running group wait at an instruction until others come: all that it needs, except for those that have ended.
    /// </summary>
    public void Wait(Instruction i, uint lanes, uint needs)
    {
        Active &= ~lanes;
        Add(new Group(i.Place, lanes, i, needs));
        _limit = 0;
    }

    /// <summary>For .sync instructions: all lanes that execute it, once all members are there that have not ended.</summary>
    /// <param name="i">The instruction.</param>
    /// <param name="members">The register of the members' mask.</param>
    /// <returns>0 while they wait.</returns>
    /// <exception cref="FindingException">A lane is none of its own members.</exception>
    public uint Together(Instruction i, int members)
    {
        uint lanes = Mask(i), needs = 0;
        uint* masks = (uint*)(Registers + members);
        for (uint left = lanes; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            needs |= masks[lane];
            if ((masks[lane] >> lane & 1) == 0)
                throw Fault(i, lane, FindingKind.BarrierNotReached, $"the lane is not in its own mask of members, 0x{masks[lane]:x8}");
        }
        needs &= Threads;
        if ((needs & ~lanes & ~_ended) == 0)
            return lanes;
        Wait(i, lanes, needs);
        return 0;
    }

    /// <summary>Every so often: is the launch to go on?</summary>
    private void Continue(Instruction i)
    {
        const long Step = 1 << 20;
        if (Block.IsCancelled)
            throw new OperationCanceledException();
        long limit = Block.Gpu.Options.InstructionLimit, granted = Math.Min(Step, limit - _granted);
        if (granted <= 0)
            throw Fault(i, BitOperations.TrailingZeroCount(Active), FindingKind.Endless,
                $"the warp executed {limit} instructions and has not ended");
        _granted += granted;
        _left = granted - 1;
    }

    private void Add(Group group)
    {
        for (int k = 0; k < _otherCount; k++)
        {
            ref var other = ref _others[k];
            if (other.Place == group.Place)
            {
                // Those that wait try again, now that more are there.
                var waits = group.Waits is null ? null : other.Waits;
                other = new Group(group.Place, other.Lanes | group.Lanes, waits, other.Needs | group.Needs);
                return;
            }
        }
        _others[_otherCount++] = group;
    }

    /// <summary>Chooses the group that runs.</summary>
    /// <returns>False if there is none: the warp stops.</returns>
    private bool Regroup()
    {
        if (Active != 0)
        {
            for (int k = 0; k < _otherCount; k++)
            {
                if (_others[k].Place == Place)
                {
                    Active |= _others[k].Lanes;
                    _others[k] = _others[--_otherCount];
                    break;
                }
            }
        }
        int[] order = Block.Launch.Kernel.Code.Order;
        int lowest = -1;
        for (int k = 0; k < _otherCount; k++)
        {
            if (_others[k].Waits is null && (lowest < 0 || order[_others[k].Place] < order[_others[lowest].Place]))
                lowest = k;
        }
        if (Active == 0)
        {
            if (lowest < 0)
                return Stop();
            (Place, Active) = (_others[lowest].Place, _others[lowest].Lanes);
            _others[lowest] = _others[--_otherCount];
        }
        else if (lowest >= 0 && order[_others[lowest].Place] < order[Place])
        {
            var current = new Group(Place, Active, null, 0);
            (Place, Active) = (_others[lowest].Place, _others[lowest].Lanes);
            _others[lowest] = current;
        }
        _limit = _otherCount == 0 ? int.MaxValue : Block.Launch.Kernel.Code.Ends[Place];
        for (int k = 0; k < _otherCount; k++)
        {
            if (_others[k].Place > Place)
                _limit = Math.Min(_limit, _others[k].Place);
        }
        return true;
    }

    /// <summary>All lanes have ended or wait.</summary>
    /// <returns>Whether some go on after all: those that they waited for have ended.</returns>
    private bool Stop()
    {
        if (_otherCount == 0)
            return false;
        var first = _others[0];
        if (_otherCount == 1 && first.Lanes == Threads && first.Waits!.OfBlock)
        {
            Barrier = first.Waits;
            return false;
        }
        for (int k = 0; k < _otherCount; k++)
        {
            var other = _others[k];
            if (other.Waits!.OfBlock || (other.Needs & ~other.Lanes & ~_ended) != 0)
                continue;
            _others[k] = other with { Waits = null };
            return Regroup();
        }
        throw Fault(first.Waits!, BitOperations.TrailingZeroCount(first.Lanes), FindingKind.BarrierNotReached, DescribeWaiting());
    }

    private string DescribeWaiting()
    {
        var places = Block.Launch.Kernel.Places;
        string waiting = string.Join(", ",
            _others.Take(_otherCount).OrderBy(g => g.Place).Select(g => $"{Name(g.Lanes)} at {places[g.Place]}"));
        return $"lanes wait for others that never come: {waiting}{(_ended == 0 ? "" : $"; {Name(_ended)} ended")}";
    }

    /// <summary>As "lanes 0-15, 20".</summary>
    private static string Name(uint lanes)
    {
        var ranges = new List<string>();
        for (int lane = 0; lane < Lanes; lane++)
        {
            if ((lanes >> lane & 1) == 0)
                continue;
            int last = lane;
            while (last + 1 < Lanes && (lanes >> last + 1 & 1) != 0)
                last++;
            ranges.Add(last == lane ? $"{lane}" : $"{lane}-{last}");
            lane = last;
        }
        return $"lane{(BitOperations.PopCount(lanes) == 1 ? "" : "s")} {string.Join(", ", ranges)}";
    }

    /// <param name="Place">Of its next instruction, or of the one at which it waits.</param>
    /// <param name="Lanes">Which.</param>
    /// <param name="Waits">The instruction that needs others; null for a group that can go on.</param>
    /// <param name="Needs">Lanes that it waits for.</param>
    private readonly record struct Group(int Place, uint Lanes, Instruction? Waits, uint Needs);
}
