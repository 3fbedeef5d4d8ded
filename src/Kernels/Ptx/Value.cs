using System.Globalization;

namespace BDense.Kernels.Ptx;

/// <summary>
/// An expression over registers and constants. Nothing is written when one is made: it is written where it is used, each time anew, so a
/// value that is used often wants a register (<c>Let</c> of <see cref="PtxWriter"/>). Constants are folded; x * 2^n and unsigned x / 2^n
/// are shifts; a * b + c of whole numbers is one instruction. Of floats it is two, each rounded: <see cref="PtxWriter.Fma"/> is the one.
/// </summary>
/// <typeparam name="T">Its type.</typeparam>
internal abstract class Value<T>
    where T : IPtxType
{
    /// <summary>Its number, where it is a constant.</summary>
    internal virtual double? Number => null;

    public static implicit operator Value<T>(int value) => new Constant<T>(value);

    public static implicit operator Value<T>(float value) => new Constant<T>(value);

    public static Value<T> operator +(Value<T> a, Value<T> b) => (a.Number, b.Number) switch
    {
        ({ } x, { } y) => new Constant<T>(x + y),
        (0, _) => b,
        (_, 0) => a,
        // Constants wander outwards, where an address takes them as its offset.
        (_, { } y) when a is Binary<T> { Operation: Operation.Add, Right.Number: { } x } inner => inner.Left + new Constant<T>(x + y),
        ({ }, _) => new Binary<T>(Operation.Add, b, a),
        _ => new Binary<T>(Operation.Add, a, b),
    };

    public static Value<T> operator -(Value<T> a, Value<T> b) =>
        b.Number is { } y ? a + new Constant<T>(-y) : new Binary<T>(Operation.Subtract, a, b);

    public static Value<T> operator *(Value<T> a, Value<T> b) => (a.Number, b.Number) switch
    {
        ({ } x, { } y) => new Constant<T>(x * y),
        ({ }, null) => b * a,
        (_, 0) when T.Letter != "f" => new Constant<T>(0),
        (_, 1) => a,
        (_, { } y) when T.Letter != "f" && PowerOfTwo(y) is { } n => new Binary<T>(Operation.ShiftLeft, a, new Constant<T>(n)),
        _ => new Binary<T>(Operation.Multiply, a, b),
    };

    public static Value<T> operator /(Value<T> a, Value<T> b) => (a.Number, b.Number) switch
    {
        ({ } x, { } y) when T.Letter != "f" => new Constant<T>(Math.Truncate(x / y)),
        (_, 1) => a,
        (_, { } y) when T.Suffix == "u32" && PowerOfTwo(y) is { } n => new Binary<T>(Operation.ShiftRight, a, new Constant<T>(n)),
        _ => new Binary<T>(Operation.Divide, a, b),
    };

    public static Value<T> operator %(Value<T> a, Value<T> b) => (a.Number, b.Number) switch
    {
        ({ } x, { } y) => new Constant<T>(x % y),
        (_, { } y) when T.Suffix == "u32" && PowerOfTwo(y) is not null => a & new Constant<T>(y - 1),
        _ => new Binary<T>(Operation.Remainder, a, b),
    };

    public static Value<T> operator &(Value<T> a, Value<T> b) => Bits(Operation.And, a, b, (x, y) => x & y);

    public static Value<T> operator |(Value<T> a, Value<T> b) => Bits(Operation.Or, a, b, (x, y) => x | y);

    public static Value<T> operator ^(Value<T> a, Value<T> b) => b.Number is 0 ? a : Bits(Operation.Xor, a, b, (x, y) => x ^ y);

    public static Value<Predicate> operator <(Value<T> a, Value<T> b) => new Comparison<T>("lt", a, b);

    public static Value<Predicate> operator >(Value<T> a, Value<T> b) => new Comparison<T>("gt", a, b);

    public static Value<Predicate> operator <=(Value<T> a, Value<T> b) => new Comparison<T>("le", a, b);

    public static Value<Predicate> operator >=(Value<T> a, Value<T> b) => new Comparison<T>("ge", a, b);

    /// <summary>a == b, which C# keeps for itself.</summary>
    public Value<Predicate> Is(Value<T> other) => new Comparison<T>("eq", this, other);

    /// <summary>a != b</summary>
    public Value<Predicate> IsNot(Value<T> other) => new Comparison<T>("ne", this, other);

    /// <summary>The same bits as another type of as many: free.</summary>
    public Value<TOther> As<TOther>()
        where TOther : IPtxType => Number is { } n ? new Constant<TOther>(n) : new Same<T, TOther>(this);

    /// <summary>Widened, from a whole number of 32 bits.</summary>
    public Value<S64> Long() => Number is { } n ? new Constant<S64>(n) : new Widened<T>(this);

    /// <summary>The product with another number of 32 bits, in 64.</summary>
    public Value<S64> Wide(Value<T> other) => Number is { } x && other.Number is { } y ? new Constant<S64>(x * y)
        : new Call<S64>(w => w.Result<S64>($"mul.wide.{T.Suffix}", Write(w), other.Write(w)));

    /// <summary>Puts it in a register, or gives the constant's text.</summary>
    internal abstract string Write(PtxWriter writer);

    private static Value<T> Bits(Operation operation, Value<T> a, Value<T> b, Func<long, long, long> fold) =>
        (a.Number, b.Number) is ({ } x, { } y) ? new Constant<T>(fold((long)x, (long)y)) : new Binary<T>(operation, a, b);

    private static int? PowerOfTwo(double value) =>
        value is >= 1 and <= 1 << 30 && value == Math.Floor(value) && int.IsPow2((int)value) ? int.Log2((int)value) : null;
}

internal enum Operation
{
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    ShiftLeft,
    ShiftRight,
    And,
    Or,
    Xor,
}

/// <summary>A number that is known when the kernel is written.</summary>
internal sealed class Constant<T>(double number) : Value<T>
    where T : IPtxType
{
    internal override double? Number => number;

    internal override string Write(PtxWriter writer) => T.Letter == "f"
        ? $"0f{BitConverter.SingleToUInt32Bits((float)number):X8}"
        : ((long)number).ToString(CultureInfo.InvariantCulture);
}

/// <summary>
/// A register. It may be written again (<c>Set</c> of <see cref="PtxWriter"/>): an expression has the value that it holds when it is used.
/// </summary>
internal sealed class Register<T> : Value<T>
    where T : IPtxType
{
    internal Register(string name) => Name = name;

    /// <summary>In the text.</summary>
    internal string Name { get; }

    internal override string Write(PtxWriter writer) => Name;
}

internal sealed class Binary<T>(Operation operation, Value<T> left, Value<T> right) : Value<T>
    where T : IPtxType
{
    public Operation Operation => operation;

    public Value<T> Left => left;

    public Value<T> Right => right;

    internal override string Write(PtxWriter writer)
    {
        bool isFloat = T.Letter == "f";
        if (operation == Operation.Add && !isFloat && left is Binary<T> { Operation: Operation.Multiply } product)
            return writer.Result<T>($"mad.lo.{T.Suffix}", product.Left.Write(writer), product.Right.Write(writer), right.Write(writer));
        string name = operation switch
        {
            Operation.Add => isFloat ? "add.rn.f32" : $"add.{T.Suffix}",
            Operation.Subtract => isFloat ? "sub.rn.f32" : $"sub.{T.Suffix}",
            Operation.Multiply => isFloat ? "mul.rn.f32" : $"mul.lo.{T.Suffix}",
            Operation.Divide => isFloat ? "div.rn.f32" : $"div.{T.Suffix}",
            Operation.Remainder => $"rem.{T.Suffix}",
            Operation.ShiftLeft => $"shl.b{8 * T.Bytes}",
            Operation.ShiftRight => $"shr.{T.Suffix}",
            Operation.And => $"and.{Bits}",
            Operation.Or => $"or.{Bits}",
            _ => $"xor.{Bits}",
        };
        return writer.Result<T>(name, left.Write(writer), right.Write(writer));
    }

    private static string Bits => T.Bytes == 0 ? "pred" : $"b{8 * T.Bytes}";
}

internal sealed class Comparison<T>(string name, Value<T> left, Value<T> right) : Value<Predicate>
    where T : IPtxType
{
    internal override string Write(PtxWriter writer) =>
        writer.Result<Predicate>($"setp.{name}.{T.Suffix}", left.Write(writer), right.Write(writer));
}

internal sealed class Same<TFrom, T>(Value<TFrom> value) : Value<T>
    where TFrom : IPtxType
    where T : IPtxType
{
    internal override string Write(PtxWriter writer) =>
        TFrom.Declared == T.Declared ? value.Write(writer) : writer.Result<T>($"mov.b{8 * T.Bytes}", value.Write(writer));
}

internal sealed class Widened<TFrom>(Value<TFrom> value) : Value<S64>
    where TFrom : IPtxType
{
    /// <summary>A product of 32-bit numbers that is widened is a wide product.</summary>
    internal override string Write(PtxWriter writer) => value switch
    {
        Binary<TFrom> { Operation: Operation.Multiply } product =>
            writer.Result<S64>($"mul.wide.{TFrom.Suffix}", product.Left.Write(writer), product.Right.Write(writer)),
        Binary<TFrom> { Operation: Operation.ShiftLeft, Right.Number: { } n } shift =>
            writer.Result<S64>($"mul.wide.{TFrom.Suffix}", shift.Left.Write(writer), $"{1L << (int)n}"),
        _ => writer.Result<S64>($"cvt.s64.{TFrom.Suffix}", value.Write(writer)),
    };
}

/// <summary>An instruction of one result that has no operator.</summary>
internal sealed class Call<T>(Func<PtxWriter, string> write) : Value<T>
    where T : IPtxType
{
    internal override string Write(PtxWriter writer) => write(writer);
}
