namespace BDense.Cli.Terminal;

/// <summary>Lines for a terminal of some width, broken between words; what follows a break is indented further.</summary>
internal static class Wrapping
{
    /// <summary>
    /// A line in pieces of at most <paramref name="width"/> columns; a word that is longer (a path) stays whole. A line of several options
    /// is left to the terminal, so that it can be copied in one piece.
    /// </summary>
    public static IEnumerable<string> Lines(string text, int width)
    {
        if (text.Split(" --").Length > 2)
        {
            yield return text;
            yield break;
        }
        string indent = new(' ', Math.Min(text.Length - text.TrimStart(' ').Length + 2, Math.Max(0, width / 2)));
        string rest = text, before = "";
        while (before.Length + rest.Length > width && Break(rest, width - before.Length) is var end and > 0)
        {
            yield return before + rest[..end].TrimEnd(' ');
            rest = rest[end..].TrimStart(' ');
            before = indent;
        }
        if (rest.Length > 0 || before.Length == 0)
            yield return before + rest;
    }

    /// <summary>Where a line ends: the last space that leaves at most so many columns before it, else the first one; 0 for none.</summary>
    private static int Break(string text, int columns)
    {
        int start = text.Length - text.TrimStart(' ').Length;
        int last = columns < text.Length ? text.LastIndexOf(' ', Math.Max(0, columns)) : -1;
        return last > start ? last : Math.Max(0, text.IndexOf(' ', start));
    }

    /// <summary>As many of some parts, from the first on, as have room beside each other; of the first what fits.</summary>
    public static string Fit(int width, params IEnumerable<string> parts)
    {
        string line = "";
        foreach (string part in parts.Where(part => part.Length > 0))
        {
            string longer = line.Length == 0 ? part : $"{line}  {part}";
            if (longer.Length > width)
                return line.Length > 0 ? line : longer[..Math.Max(0, width)];
            line = longer;
        }
        return line;
    }
}
