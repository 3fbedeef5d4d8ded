using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Ptx;

/// <summary>Gives registers, special registers and constants their places in a warp's register file.</summary>
internal sealed class RegisterFile
{
    private const int Narrow = 128, Wide = 256;

    private readonly Dictionary<(ulong Bits, bool Wide), int> _constants = [];
    private readonly Dictionary<string, int> _special = new(StringComparer.Ordinal);

    public RegisterFile(KernelText kernel)
    {
        foreach (var register in kernel.Registers)
            register.Offset = register.IsPredicate ? Predicates++ : Take(register.Bits == 64);
    }

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
