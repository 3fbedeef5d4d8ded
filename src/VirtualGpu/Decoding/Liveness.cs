using System.Collections;
using BDense.VirtualGpu.Ptx;

namespace BDense.VirtualGpu.Decoding;

/// <summary>
/// Which registers hold something that is read later, and where: backwards over the flow of control until nothing changes. A write under a
/// guard ends nothing, since other lanes keep what they had.
/// </summary>
internal sealed class Liveness
{
    private readonly KernelText _kernel;
    private readonly Flow _flow;
    private readonly BitArray[] _out;

    public Liveness(KernelText kernel)
    {
        (_kernel, _flow) = (kernel, new Flow(kernel));
        int count = kernel.Registers.Count;
        Intervals = [.. Enumerable.Repeat((int.MaxValue, -1), count)];
        _out = [.. _flow.Blocks.Select(_ => new BitArray(count))];
        var into = _flow.Blocks.Select(_ => new BitArray(count)).ToArray();
        for (bool changed = true; changed;)
        {
            changed = false;
            for (int b = _flow.Blocks.Count - 1; b >= 0; b--)
            {
                foreach (int next in _flow.Blocks[b].Successors)
                    _out[b].Or(into[next]);
                var live = new BitArray(_out[b]);
                Walk(b, live);
                if (!new BitArray(live).Xor(into[b]).HasAnySet())
                    continue;
                into[b] = live;
                changed = true;
            }
        }
        Unset = into.Length == 0 ? [] : [.. kernel.Registers.Where(r => into[0][r.Index])];
        Measure(into);
    }

    /// <summary>The most 32-bit registers that live at once; predicates lie elsewhere.</summary>
    public int Most { get; private set; }

    /// <summary>By register: the first and the last statement between which it may hold something, as the text runs.</summary>
    public (int First, int Last)[] Intervals { get; }

    /// <summary>Registers that may be read before they are written.</summary>
    public IReadOnlyList<Register> Unset { get; }

    /// <summary>From a block's end to its start.</summary>
    private void Walk(int block, BitArray live)
    {
        var (first, end, _) = _flow.Blocks[block];
        for (int k = end - 1; k >= first; k--)
        {
            var s = _kernel.Statements[k];
            if (s.Guard is null)
            {
                foreach (var register in Flow.Writes(s))
                    live[register.Index] = false;
            }
            foreach (var register in Flow.Reads(s))
                live[register.Index] = true;
        }
    }

    private void Measure(BitArray[] into)
    {
        for (int b = 0; b < _flow.Blocks.Count; b++)
        {
            var block = _flow.Blocks[b];
            for (int r = 0; r < _kernel.Registers.Count; r++)
            {
                if (into[b][r])
                    Extend(r, block.First);
                if (_out[b][r])
                    Extend(r, Math.Max(block.First, block.End - 1));
            }
            var live = new BitArray(_out[b]);
            int weight = Weigh(live);
            for (int k = block.End - 1; k >= block.First; k--)
            {
                var s = _kernel.Statements[k];
                foreach (var register in Flow.Writes(s))
                {
                    Extend(register.Index, k);
                    weight += Set(live, register, true);
                }
                Most = Math.Max(Most, weight);
                if (s.Guard is null)
                {
                    foreach (var register in Flow.Writes(s))
                        weight += Set(live, register, false);
                }
                foreach (var register in Flow.Reads(s))
                {
                    Extend(register.Index, k);
                    weight += Set(live, register, true);
                }
            }
            Most = Math.Max(Most, weight);
        }
    }

    private void Extend(int register, int statement)
    {
        ref var interval = ref Intervals[register];
        interval = (Math.Min(interval.First, statement), Math.Max(interval.Last, statement));
    }

    private int Weigh(BitArray live) => _kernel.Registers.Sum(r => live[r.Index] ? Weight(r) : 0);

    private static int Weight(Register register) => register.Bits switch { 1 => 0, 64 => 2, _ => 1 };

    /// <returns>What the sum of weights changes by.</returns>
    private static int Set(BitArray live, Register register, bool value)
    {
        if (live[register.Index] == value)
            return 0;
        live[register.Index] = value;
        return value ? Weight(register) : -Weight(register);
    }
}
