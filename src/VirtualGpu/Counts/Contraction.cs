using System.Text.RegularExpressions;

namespace BDense.VirtualGpu.Counts;

/// <summary>
/// Multiplications that an assembler joins with an addition to one multiply-add: <c>mul.f32</c> and <c>add.f32</c> or <c>sub.f32</c>
/// without a rounding of their own may be contracted (PTX ISA, chapter "Floating-Point Instructions"). Read off the text: the product's
/// first reader is such an addition, with no branch or label between.
/// </summary>
internal static partial class Contraction
{
    /// <summary>By place: whether the multiplication there needs no instruction of its own.</summary>
    public static bool[] Of(IReadOnlyList<PtxPlace> places, int[] ends)
    {
        var joined = new bool[places.Count];
        for (int at = 0; at < places.Count; at++)
        {
            if (Product().Match(places[at].Text) is { Success: true } product)
                joined[at] = FirstReader(places, at + 1, ends.Length > at ? ends[at] : places.Count, product.Groups[1].Value) is { } text
                    && Sum().IsMatch(text);
        }
        return joined;
    }

    private static string? FirstReader(IReadOnlyList<PtxPlace> places, int first, int end, string register)
    {
        for (int k = first; k < end; k++)
        {
            string text = places[k].Text;
            int operands = text.IndexOf(',', StringComparison.Ordinal);
            if (operands >= 0 && Names(text.AsSpan(operands), register))
                return text;
            if (Names(text, register))
                return null;
        }
        return null;
    }

    private static bool Names(ReadOnlySpan<char> text, string register)
    {
        for (int at = text.IndexOf(register, StringComparison.Ordinal); at >= 0;)
        {
            int after = at + register.Length;
            if (after == text.Length || !char.IsAsciiLetterOrDigit(text[after]))
                return true;
            int next = text[after..].IndexOf(register, StringComparison.Ordinal);
            at = next < 0 ? -1 : after + next;
        }
        return false;
    }

    [GeneratedRegex(@"^\s*mul(?:\.ftz)?\.f32\s+(%\w+)\s*,")]
    private static partial Regex Product();

    [GeneratedRegex(@"^\s*(?:add|sub)(?:\.ftz)?\.f32\s")]
    private static partial Regex Sum();
}
