using BDense.VirtualGpu.Instructions.Matrices;

namespace BDense.VirtualGpu.Execution;

/// <content>How a block's warps take turns and meet.</content>
internal sealed unsafe partial class Block
{
    /// <summary>
    /// Rounds in which warps ask in vain for a phase of an mbarrier, and nothing else happens, before it is said that it never comes: they
    /// may do a little between.
    /// </summary>
    private const int MostIdleRounds = 64;

    /// <summary>Warps in order, each to where it waits or pauses for others; then those go on that have met.</summary>
    private void Rounds()
    {
        for (int idle = 0; ; idle++)
        {
            long before = Order?.Changes ?? 0;
            bool waits = false, pauses = false;
            foreach (var warp in _warps)
            {
                if (warp.Barrier is not null || warp.Run() is var state && state == WarpState.AtBarrier)
                    waits = true;
                else if (state == WarpState.Pausing)
                    pauses = true;
            }
            if (!waits && !pauses)
                return;
            if (Meet() || Order is not null && Order.Changes != before)
                idle = 0;
            else if (!pauses || idle > MostIdleRounds)
                throw Stuck();
        }
    }

    /// <summary>Those pass whose barrier is complete, and warpgroups that are all there.</summary>
    /// <returns>Whether any did.</returns>
    private bool Meet()
    {
        bool met = false, passed = false;
        foreach (var warp in _warps)
        {
            if (warp.Barrier is not { } barrier)
                continue;
            if (barrier.OfWarpgroup)
            {
                met |= MeetGroup(warp, barrier);
                continue;
            }
            int number = (int)barrier.Immediate;
            var waiting = _warps.Where(w => w.Barrier is { OfWarpgroup: false } other && other.Immediate == number).ToList();
            long needed = barrier.SecondImmediate > 0 ? barrier.SecondImmediate : _warps.Length * Warp.Lanes;
            if (waiting.Count * Warp.Lanes + _arrived[number] != needed)
                continue;
            Instructions.Control.BarrierReductions.Write(waiting);
            _arrived[number] = 0;
            passed = true;
            Order?.Meet(waiting);
            foreach (var other in waiting)
                other.Pass();
        }
        if (passed)
            Epoch++;
        return passed || met;
    }

    /// <summary>A warpgroup's wgmma or setmaxnreg, once the last of its warps has come.</summary>
    private bool MeetGroup(Warp warp, Instruction i)
    {
        var group = _warps.AsSpan(warp.Number / Warpgroup.Warps * Warpgroup.Warps, Warpgroup.Warps);
        foreach (var other in group)
        {
            if (other.Barrier is { OfWarpgroup: true } another && another != i)
            {
                throw other.Fault(another, -1, FindingKind.BarrierNotReached,
                    $"warps of a warpgroup come to different places: warp {warp.Number} is at {Launch.Kernel.Places[i.Place]}");
            }
            if (other.Barrier != i)
                return false;
        }
        if (i.Product is not null)
            WarpgroupProduct.Execute(group, i);
        foreach (var other in group)
            other.Proceed();
        return true;
    }

    private FindingException Stuck()
    {
        var first = _warps.First(w => (w.Barrier ?? w.Asked) is not null);
        var at = first.Barrier ?? first.Asked!;
        var places = _warps.Where(w => w.Barrier is not null).GroupBy(w => w.Barrier!).OrderBy(g => g.Key.Place)
            .Select(g => $"{Name(g)} at {Launch.Kernel.Places[g.Key.Place]}");
        var asking = _warps.Where(w =>
            w.Asked is not null).GroupBy(w => (Asked: w.Asked!, AskedFor: w.AskedFor!)).OrderBy(g => g.Key.Asked.Place)
            .Select(g => $"{Name(g)} at {Launch.Kernel.Places[g.Key.Asked.Place]} for {Order!.Mbarriers.Name(g.Key.AskedFor)}, "
                + $"{g.Key.AskedFor}");
        var ended = _warps.Where(w => w.Barrier is null && w.Asked is null).ToList();
        return first.Fault(at, -1, FindingKind.BarrierNotReached,
            $"warps wait at a barrier for others that never come: "
                + $"{string.Join(", ", places.Concat(asking))}{(ended.Count == 0 ? "" : $"; {Name(ended)} ended")}");

        static string Name(IEnumerable<Warp> warps) =>
            $"warp{(warps.Count() == 1 ? "" : "s")} {string.Join(", ", warps.Select(w => w.Number))}";
    }
}
