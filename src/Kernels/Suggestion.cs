namespace BDense.Kernels;

/// <summary>What a misspelt name may have been meant for.</summary>
public static class Suggestion
{
    /// <summary>"; did you mean 'train'?", or nothing where no known name is near.</summary>
    public static string For(string word, IEnumerable<string> known)
    {
        // One slip in three letters, or a name that was not written to its end.
        var near = known
            .Select(name => (Name: name, Distance: Distance(word.ToLowerInvariant(), name.ToLowerInvariant())))
            .Where(n => n.Distance <= Math.Max(1, Math.Min(word.Length, n.Name.Length) / 3)
                || (word.Length >= 3 && n.Name.StartsWith(word, StringComparison.OrdinalIgnoreCase)))
            .OrderBy(n => n.Distance)
            .ToList();
        return near.Count == 0 ? "" : $"; did you mean '{near[0].Name}'?";
    }

    /// <summary>As <see cref="For"/>, and all that there are: "; did you mean 'heun'? There are euler, heun".</summary>
    public static string OrAll(string word, IEnumerable<string> known) =>
        (For(word, known) is { Length: > 0 } near ? near + " There are " : "; there are ") + string.Join(", ", known);

    /// <summary>Letters to put in, leave out, change, or swap with the next.</summary>
    internal static int Distance(string a, string b)
    {
        // A misspelt name is short; a long text is none, and the table would be large.
        if (a.Length > 64 || b.Length > 64)
            return int.MaxValue;
        var d = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        {
            for (int j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    d[i, j] = i + j;
                    continue;
                }
                d[i, j] = Math.Min(Math.Min(d[i - 1, j], d[i, j - 1]) + 1, d[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    d[i, j] = Math.Min(d[i, j], d[i - 2, j - 2] + 1);
            }
        }
        return d[a.Length, b.Length];
    }
}
