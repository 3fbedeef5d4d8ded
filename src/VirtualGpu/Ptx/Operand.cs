namespace BDense.VirtualGpu.Ptx;

/// <summary>A register that the text declares and uses.</summary>
/// <param name="name">As it is written.</param>
/// <param name="bits">1 for a predicate, 8, 16, 32 or 64.</param>
internal sealed class Register(string name, int bits)
{
    public string Name { get; } = name;

    public int Bits { get; } = bits;

    public bool IsPredicate => Bits == 1;

    /// <summary>In the kernel, in the order of first use.</summary>
    public required int Index { get; init; }

    /// <summary>Where it lies in a warp's register file, or a predicate's index; set once the code was analysed.</summary>
    public int Offset { get; set; } = -1;
}

/// <summary>An array of a kernel's shared or local memory.</summary>
/// <param name="Name">As it is written.</param>
/// <param name="Bytes">0 for the one that a launch sizes.</param>
/// <param name="Alignment">Of its start.</param>
/// <param name="IsLocal">Local, not shared.</param>
internal sealed record MemoryArray(string Name, int Bytes, int Alignment, bool IsLocal)
{
    public bool IsDynamic { get; init; }

    public int Start { get; set; }
}

/// <summary>What an instruction works on, as it is written.</summary>
internal abstract record Operand
{
    /// <param name="Register">Which.</param>
    /// <param name="Negated">A predicate's <c>!p</c>.</param>
    public sealed record Of(Register Register, bool Negated = false) : Operand;

    /// <summary>A special register, by its name.</summary>
    public sealed record Special(string Name) : Operand;

    public sealed record Constant(Literal Value) : Operand;

    /// <summary>The address of an array, or of a byte in it.</summary>
    public sealed record ArrayAddress(MemoryArray Array, long Displacement) : Operand;

    /// <summary>The generic address of a parameter, which <c>mov</c> takes.</summary>
    public sealed record ParameterAddress(long Offset) : Operand;

    /// <summary>{a, b}</summary>
    public sealed record Vector(Operand[] Elements) : Operand;

    /// <summary>
    /// [base + displacement]; the base is a register, an array, a constant or null for a parameter, whose byte is in the displacement.
    /// </summary>
    public sealed record Address(Operand? Base, long Displacement) : Operand;

    /// <summary>[map, {a, b}]: a tensor map and where in the tensor.</summary>
    public sealed record TensorAddress(Address Map, Operand[] Coordinates) : Operand;

    /// <summary>a|b: two destinations.</summary>
    public sealed record Pair(Operand First, Operand Second) : Operand;

    /// <summary>A destination that is thrown away: <c>_</c>.</summary>
    public sealed record Sink : Operand;

    /// <summary>A name that is none of a register, array or parameter: a label or a list of labels.</summary>
    public sealed record Label(string Name, Scope Scope) : Operand;
}

/// <summary>An instruction of the text.</summary>
/// <param name="Place">Where, for messages.</param>
/// <param name="Op">The opcode's parts.</param>
/// <param name="Operands">In order.</param>
/// <param name="Guard">The predicate that lets it run; null for none.</param>
/// <param name="GuardNegated">Whether it runs where the predicate is false.</param>
internal sealed record Statement(PtxPlace Place, string[] Op, Operand[] Operands, Register? Guard, bool GuardNegated)
{
    public PtxException Refuse(string why) => new($"line {Place.Line}: {why}: '{Place.Text}'");
}
