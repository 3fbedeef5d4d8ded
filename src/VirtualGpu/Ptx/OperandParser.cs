namespace BDense.VirtualGpu.Ptx;

/// <summary>Operands: PTX ISA, chapter "Instruction Operands".</summary>
internal sealed class OperandParser(TokenReader reader, Scope scope, KernelText kernel)
{
    public Register Predicate()
    {
        var at = reader.Next;
        return scope.Find(reader.Name(), Make) is { IsPredicate: true } predicate ? predicate : throw reader.Refuse(at, "not a predicate");
    }

    public Operand Read()
    {
        if (reader.Skip("["))
            return Address() is var address && address.Base is Operand.Of && reader.Skip(",") ? Tensor(address) : Close(address);
        if (reader.Skip("{"))
            return Vector();
        var operand = Scalar();
        return reader.Skip("|") ? new Operand.Pair(operand, Scalar()) : operand;
    }

    private Operand.Vector Vector()
    {
        var elements = new List<Operand>();
        do
            elements.Add(Scalar());
        while (reader.Skip(","));
        reader.Expect("}");
        return new Operand.Vector([.. elements]);
    }

    private Operand Scalar()
    {
        var at = reader.Next;
        if (reader.Skip("!"))
            return new Operand.Of(Predicate(), Negated: true);
        bool negative = reader.Skip("-");
        if (reader.Next.Kind == TokenKind.Number)
            return new Operand.Constant(Number(negative));
        if (negative)
            throw reader.Refuse("a number is missing");
        string name = reader.Name();
        if (name == "_")
            return new Operand.Sink();
        if (scope.Find(name, Make) is { } register)
            return new Operand.Of(register);
        if (scope.TryFind(s => s.Arrays, name, out var array))
            return new Operand.ArrayAddress(array, Displacement());
        if (kernel.Parameters.Find(p => p.Name == name) is { } parameter)
            return new Operand.ParameterAddress(parameter.Offset + Displacement());
        if (name[0] != '%')
            return new Operand.Label(name, scope);
        return SpecialRegisters.Bits(name) > 0 ? new Operand.Special(name) : throw reader.Refuse(at, "a register that is not declared");
    }

    private Operand.Address Address()
    {
        var at = reader.Next;
        if (reader.Next.Kind == TokenKind.Name && kernel.Parameters.Find(p => reader.Is(p.Name)) is { } parameter)
        {
            reader.Take();
            return new Operand.Address(null, parameter.Offset + Displacement());
        }
        var operand = Scalar();
        return operand switch
        {
            Operand.ArrayAddress array => new Operand.Address(array with { Displacement = 0 }, array.Displacement),
            Operand.Of { Negated: false, Register.Bits: 32 or 64 } or Operand.Constant { Value.Kind: LiteralKind.Integer } =>
                new Operand.Address(operand, Displacement()),
            _ => throw reader.Refuse(at, "no address"),
        };
    }

    private Operand.Address Close(Operand.Address address)
    {
        reader.Expect("]");
        return address;
    }

    private Operand.TensorAddress Tensor(Operand.Address map)
    {
        reader.Expect("{");
        var coordinates = Vector();
        reader.Expect("]");
        return new Operand.TensorAddress(map, coordinates.Elements);
    }

    /// <summary>+ 4, + -4, - 4 or nothing.</summary>
    private long Displacement()
    {
        bool minus = reader.Skip("-");
        if (!minus && !reader.Skip("+"))
            return 0;
        if (reader.Skip("-"))
            minus = !minus;
        return Number(minus) is { Kind: LiteralKind.Integer } value ? (long)value.Bits : throw reader.Refuse("a whole number is missing");
    }

    private Literal Number(bool negative)
    {
        var at = reader.Next;
        return at.Kind == TokenKind.Number && Literal.Parse(reader.TextOf(reader.Take()), negative) is { } value ? value
            : throw reader.Refuse(at, "not a number that is known");
    }

    private Register Make(string name, int bits)
    {
        var register = new Register(name, bits) { Index = kernel.Registers.Count };
        kernel.Registers.Add(register);
        return register;
    }
}
