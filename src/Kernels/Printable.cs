using System.Text;

namespace BDense.Kernels;

/// <summary>
/// Text from outside (file names, contents of files) as a terminal may safely show it. A raw ESC would start a command to the
/// terminal, a line break would make two lines of one, and a mark of direction would show a name that is not there.
/// </summary>
public static class Printable
{
    private const int MaxLength = 60;

    /// <summary>In quotes, for a message, cut where it is long.</summary>
    public static string Quoted(string text) => text.Length > MaxLength ? $"'{Text(text[..MaxLength])}...'" : $"'{Text(text)}'";

    /// <summary><paramref name="text"/> with every control character as \x1b or \u2028; the same string if it has none.</summary>
    public static string Text(string text) => Escaped(text, IsControl);

    /// <summary>As <see cref="Text"/>, of text in several lines: line ends stay.</summary>
    public static string Lines(string text) =>
        Escaped(text, static c => c != '\n' && IsControl(c) && !(c == '\r' && OperatingSystem.IsWindows()));

    private static string Escaped(string text, Func<char, bool> isEscaped)
    {
        if (!text.Any(isEscaped))
            return text;
        var result = new StringBuilder(text.Length + 8);
        foreach (char c in text)
        {
            if (!isEscaped(c))
                result.Append(c);
            else
                result.Append(c < 256 ? $"\\x{(int)c:x2}" : $"\\u{(int)c:x4}");
        }
        return result.ToString();
    }

    // Marks of direction: U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069.
    private static bool IsControl(char c) => char.IsControl(c) || c is '\u2028' or '\u2029' or '\u061c' or '\u200e' or '\u200f'
        or (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069');
}
