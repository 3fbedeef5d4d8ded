using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;

namespace BDense.Kernels;

/// <summary>What a number that a person writes may be, without its type: for those who ask about a rule but read nothing by it.</summary>
public interface INumberRule
{
    /// <summary>What would be right: "a whole number from 1 to 8".</summary>
    string Description { get; }

    /// <summary>Whether a text is a number that the rule takes.</summary>
    bool Takes(string text);
}

/// <summary>
/// The one way to read a number that a person wrote. In every culture a point stands before decimals and nothing between thousands: whoever
/// writes 0,001 means a thousandth and must not get 1. NaN, infinity and what a type cannot hold are out of every range.
/// </summary>
/// <param name="Min">The least.</param>
/// <param name="Max">The greatest.</param>
/// <param name="AboveMin">The least itself is not allowed.</param>
/// <param name="BelowMax">The greatest itself is not allowed.</param>
public sealed partial record NumberRule<T>(T Min, T Max, bool AboveMin = false, bool BelowMax = false) : INumberRule
    where T : struct, INumber<T>, IMinMaxValue<T>
{
    private static readonly bool IsWhole = T.CreateSaturating(0.5) == T.Zero;

    /// <summary>For messages: <c>a number above 0 and at most 1</c>.</summary>
    public string Description => IsWhole
        ? $"a whole number from {Text(Min)} to {Text(Max)}"
        : $"a number {(AboveMin ? "above" : "of at least")} {Text(Min)}"
            + $"{(Max == T.MaxValue ? "" : $" and {(BelowMax ? "below" : "at most")} {Text(Max)}")}";

    /// <summary>Whether a text is such a number (<see cref="TryRead"/>).</summary>
    public bool Takes(string text) => TryRead(text, out _);

    /// <summary>Reads a text that is a number within the range and nothing else, not even space around it.</summary>
    public bool TryRead(string text, out T value)
    {
        value = default;
        // The system's own conversion takes names of infinity, too.
        const NumberStyles Real = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        return text.All(c => char.IsAsciiDigit(c) || c is '+' or '-' || (!IsWhole && c is '.' or 'e' or 'E'))
            && T.TryParse(text, IsWhole ? NumberStyles.AllowLeadingSign : Real, CultureInfo.InvariantCulture, out value)
            && T.IsFinite(value)
            && (AboveMin ? value > Min : value >= Min)
            && (BelowMax ? value < Max : value <= Max);
    }

    /// <summary>As <see cref="TryRead"/>.</summary>
    /// <exception cref="UsageException">It is no such number; <paramref name="name"/> says whose.</exception>
    public T Read(string name, string text) => TryRead(text, out var value) ? value : throw new UsageException(Fault(name, text));

    /// <summary>
    /// One line: whose number it is, what would be right, what was written, and where that can be guessed, how to write it.
    /// </summary>
    public string Fault(string name, string text) => $"{name} must be {Description}, not {Printable.Quoted(text)}{Advice(text)}";

    private string Advice(string text)
    {
        string digits = string.Concat(text.Where(char.IsAsciiDigit)), point = text.Replace(',', '.');
        if (!IsWhole)
            return point != text && Takes(point) ? $"; decimals come after a point: write {point}" : "";
        if (Thousands().IsMatch(text))
            return Takes(digits) ? $"; write {digits}" : "";
        // 1e3, 64.0: whole, but not written so.
        bool isNumber = double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double real) && Math.Abs(real) < 1e15
            && Math.Floor(real) == real;
        string whole = real.ToString("0", CultureInfo.InvariantCulture);
        return isNumber && whole != text && Takes(whole) ? $"; write {whole}" : "";
    }

    private static string Text(T value) => value.ToString(null, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^[1-9][0-9]{0,2}([ ,._'][0-9]{3})+$")]
    private static partial Regex Thousands();
}
