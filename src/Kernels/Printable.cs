namespace BDense.Kernels;

/// <summary>Text from outside, fit for one line of a message.</summary>
public static class Printable
{
    private const int MaxLength = 60;

    /// <summary>In quotes, cut where it is long; control characters, which could command a terminal, as question marks.</summary>
    public static string Quoted(string text) =>
        $"'{string.Concat(text.Take(MaxLength).Select(c => char.IsControl(c) ? '?' : c))}{(text.Length > MaxLength ? "..." : "")}'";
}
