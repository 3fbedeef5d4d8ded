using BDense.VirtualGpu.Decoding;
using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Ptx;

/// <summary>Gives registers, special registers and constants their places in a warp's register file.</summary>
internal sealed class RegisterFile
{
    private const int Narrow = 128, Wide = 256;

    private readonly Dictionary<(ulong Bits, bool Wide), int> _constants = [];
    private readonly Dictionary<string, int> _special = new(StringComparer.Ordinal);

    /// <summary>
    /// Registers that never live at the same time share a place: a text names a register for each value, thousands of them, of which as
    /// many as a processor's cache holds are in use. What may be read before it is written has its own, which is 0 when a block begins.
    /// </summary>
    public RegisterFile(KernelText kernel, Liveness liveness)
    {
        var unset = liveness.Unset.Where(r => !r.IsPredicate).ToList();
        foreach (var register in unset)
            register.Offset = Take(register.Bits == 64);
        // wgmma's still use theirs when the text may have forgotten them.
        foreach (var register in Flow.OfProducts(kernel).Where(r => r.Offset < 0 && !r.IsPredicate))
            register.Offset = Take(register.Bits == 64);
        Unset = [.. unset.Select(r => (r.Offset, r.Bits == 64 ? Wide : Narrow))];
        var free = new Dictionary<bool, Stack<int>> { [false] = new(), [true] = new() };
        var held = new PriorityQueue<Register, int>();
        foreach (var register in kernel.Registers.Where(r => r.Offset < 0).OrderBy(r => liveness.Intervals[r.Index].First))
        {
            if (register.IsPredicate)
            {
                register.Offset = Predicates++;
                continue;
            }
            var (first, last) = liveness.Intervals[register.Index];
            while (held.TryPeek(out var other, out int end) && end < first)
                free[other.Bits == 64].Push(held.Dequeue().Offset);
            bool wide = register.Bits == 64;
            register.Offset = free[wide].TryPop(out int offset) ? offset : Take(wide);
            held.Enqueue(register, last);
        }
    }

    /// <summary>Offset and bytes of the registers that are 0 when a block begins.</summary>
    public IReadOnlyList<(int Offset, int Bytes)> Unset { get; }

    public int Bytes { get; private set; }

    /// <summary>With those that are constants.</summary>
    public int Predicates { get; private set; } = KernelCode.True + 1;

    public IReadOnlyList<(int Offset, ulong Bits, bool Wide)> Constants => [.. _constants.Select(c => (c.Value, c.Key.Bits, c.Key.Wide))];

    public IReadOnlyDictionary<string, int> Special => _special;

    public int Constant(ulong bits, bool wide)
    {
        if (!_constants.TryGetValue((bits, wide), out int offset))
            _constants.Add((bits, wide), offset = Take(wide));
        return offset;
    }

    public int SpecialRegister(string name)
    {
        if (!_special.TryGetValue(name, out int offset))
            _special.Add(name, offset = Take(SpecialRegisters.Bits(name) == 64));
        return offset;
    }

    private int Take(bool wide)
    {
        int offset = Bytes;
        Bytes += wide ? Wide : Narrow;
        return offset;
    }
}
