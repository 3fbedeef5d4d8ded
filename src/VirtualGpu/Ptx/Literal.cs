using System.Globalization;

namespace BDense.VirtualGpu.Ptx;

/// <summary>How a constant is written.</summary>
internal enum LiteralKind
{
    Integer, Single, Double,
}

/// <summary>
/// A constant of the text. PTX ISA, chapter "Constants": integers have 64 bits, <c>0f</c> and <c>0d</c> give the bits of a float.
/// </summary>
/// <param name="Kind">How it is written.</param>
/// <param name="Bits">Of the integer, or of the float of that kind.</param>
internal readonly record struct Literal(LiteralKind Kind, ulong Bits)
{
    /// <returns>Null for what is no number.</returns>
    public static Literal? Parse(ReadOnlySpan<char> text, bool negative)
    {
        if (text.Length > 2 && text[0] == '0' && text[1] is 'f' or 'F')
        {
            return text.Length == 10
                && uint.TryParse(text[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint single)
                ? new(LiteralKind.Single, negative ? single ^ 1u << 31 : single) : null;
        }
        if (text.Length > 2 && text[0] == '0' && text[1] is 'd' or 'D')
        {
            return text.Length == 18
                && ulong.TryParse(text[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong bits)
                ? new(LiteralKind.Double, negative ? bits ^ 1ul << 63 : bits) : null;
        }
        if (Integer(text.TrimEnd('U').TrimEnd('u')) is { } integer)
            return new(LiteralKind.Integer, negative ? 0 - integer : integer);
        return double.TryParse(text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture,
            out double value)
            ? new(LiteralKind.Double, BitConverter.DoubleToUInt64Bits(negative ? -value : value)) : null;
    }

    private static ulong? Integer(ReadOnlySpan<char> text)
    {
        var style = text is ['0', 'x' or 'X', ..] ? NumberStyles.AllowHexSpecifier : text is ['0', 'b' or 'B', ..]
            ? NumberStyles.AllowBinarySpecifier : NumberStyles.None;
        if (style == NumberStyles.None && text is ['0', _, ..])
            return Octal(text);
        return ulong.TryParse(style == NumberStyles.None ? text : text[2..], style, CultureInfo.InvariantCulture, out ulong value) ? value
            : null;
    }

    private static ulong? Octal(ReadOnlySpan<char> digits)
    {
        ulong value = 0;
        foreach (char digit in digits)
        {
            if (digit is < '0' or > '7' || value >> 61 != 0)
                return null;
            value = value << 3 | (uint)(digit - '0');
        }
        return value;
    }
}
