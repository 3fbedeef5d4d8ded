namespace BDense.VirtualGpu.Decoding;

/// <summary>
/// The order in which groups of parted lanes take turns, so that they meet again at the first place that all come to: blocks of code follow
/// those that lead to them, and what follows a loop follows all of the loop. The order of the text is no guide: ILGPU puts the rarer side
/// of a branch, and at times a loop's body, behind what comes after them.
/// </summary>
internal sealed class MeetingOrder
{
    private readonly List<Flow.Part> _blocks;
    private readonly List<int>[] _next;

    /// <param name="flow">Of the kernel.</param>
    /// <param name="places">Places in its code: the statements and the end.</param>
    public MeetingOrder(Flow flow, int places)
    {
        _blocks = flow.Blocks;
        // Later in the text is visited first, and so comes later.
        _next = [.. _blocks.Select(b => b.Successors.Distinct().OrderDescending().ToList())];
        var first = ReversePostorder();
        foreach (var (header, body) in Loops(first))
        {
            // From its header on, a loop's exits are seen before its body: they come after it.
            var exits = body.SelectMany(b => _blocks[b].Successors).Where(b => !body.Contains(b)).Distinct().OrderDescending().ToList();
            _next[header] = [.. exits, .. _next[header].Except(exits)];
        }
        Order = new int[places];
        Ends = new int[places];
        int turn = 0;
        var order = ReversePostorder();
        foreach (int b in order.Concat(Enumerable.Range(0, _blocks.Count).Except(order)))
        {
            for (int place = _blocks[b].First; place < _blocks[b].End; place++)
                (Order[place], Ends[place]) = (turn++, _blocks[b].End);
        }
        for (int place = turn; place < places; place++)
            (Order[place], Ends[place]) = (place, places);
    }

    /// <summary>By place: whose turn is sooner has the smaller number.</summary>
    public int[] Order { get; }

    /// <summary>By place: the end of the statements that follow it whatever happens.</summary>
    public int[] Ends { get; }

    /// <summary>Blocks that can be reached.</summary>
    private List<int> ReversePostorder()
    {
        var order = new List<int>();
        if (_blocks.Count == 0)
            return order;
        var seen = new bool[_blocks.Count];
        var path = new Stack<(int Block, int Next)>();
        path.Push((0, 0));
        seen[0] = true;
        while (path.TryPop(out var at))
        {
            if (at.Next == _next[at.Block].Count)
            {
                order.Add(at.Block);
                continue;
            }
            path.Push((at.Block, at.Next + 1));
            int next = _next[at.Block][at.Next];
            if (seen[next])
                continue;
            seen[next] = true;
            path.Push((next, 0));
        }
        order.Reverse();
        return order;
    }

    /// <summary>
    /// Natural loops: an edge back to a block that every way to it goes through, and all that leads to that edge without that block. Outer
    /// ones last.
    /// </summary>
    private List<(int Header, HashSet<int> Body)> Loops(List<int> order)
    {
        var before = new List<int>[_blocks.Count];
        for (int b = 0; b < before.Length; b++)
            before[b] = [];
        foreach (int b in order)
            foreach (int next in _blocks[b].Successors)
                before[next].Add(b);
        int[] above = Dominators(order, before), rank = Ranks(order);
        var loops = new Dictionary<int, HashSet<int>>();
        foreach (int tail in order)
        {
            foreach (int header in _blocks[tail].Successors.Where(h => Dominates(above, rank, h, tail)))
            {
                if (!loops.TryGetValue(header, out var body))
                    loops.Add(header, body = [header]);
                var open = new Stack<int>([tail]);
                while (open.TryPop(out int b))
                {
                    if (body.Add(b))
                        before[b].ForEach(open.Push);
                }
            }
        }
        return [.. loops.OrderBy(l => l.Value.Count).ThenBy(l => l.Key).Select(l => (l.Key, l.Value))];
    }

    private int[] Ranks(List<int> order)
    {
        var rank = new int[_blocks.Count];
        for (int k = 0; k < order.Count; k++)
            rank[order[k]] = k;
        return rank;
    }

    /// <summary>The nearest block that every way to a block goes through (Cooper, Harvey and Kennedy 2001).</summary>
    private int[] Dominators(List<int> order, List<int>[] before)
    {
        var rank = Ranks(order);
        var above = new int[_blocks.Count];
        Array.Fill(above, -1);
        if (order.Count > 0)
            above[order[0]] = order[0];
        for (bool changed = true; changed;)
        {
            changed = false;
            foreach (int b in order.Skip(1))
            {
                int common = -1;
                foreach (int from in before[b].Where(p => above[p] >= 0))
                    common = common < 0 ? from : Common(common, from);
                if (above[b] == common)
                    continue;
                above[b] = common;
                changed = true;
            }
        }
        return above;

        int Common(int a, int b)
        {
            while (a != b)
            {
                while (rank[a] > rank[b])
                    a = above[a];
                while (rank[b] > rank[a])
                    b = above[b];
            }
            return a;
        }
    }

    private static bool Dominates(int[] above, int[] rank, int a, int b)
    {
        while (rank[b] > rank[a])
            b = above[b];
        return a == b;
    }
}
