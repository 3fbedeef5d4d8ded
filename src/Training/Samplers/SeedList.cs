using System.Globalization;
using BDense.Kernels;

namespace BDense.Training.Samplers;

/// <summary>
/// Seeds as EDM's generate.py takes them, one an image: numbers and ranges with commas between, <c>0-63,100</c>; kept as ranges.
/// </summary>
public sealed class SeedList
{
    private static readonly NumberRule<ulong> Rule = new(0, ulong.MaxValue);

    private readonly (ulong First, int Start)[] _ranges;

    private SeedList((ulong, int)[] ranges, int count, string text) => (_ranges, Count, Text) = (ranges, count, text);

    /// <summary>How many seeds.</summary>
    public int Count { get; }

    /// <summary>As it was written.</summary>
    public string Text { get; }

    /// <summary>Seed <paramref name="i"/>, from 0, in the order of the text.</summary>
    public ulong this[int i]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(i, Count);
            int low = 0, high = _ranges.Length - 1;
            while (low < high)
            {
                int middle = (low + high + 1) / 2;
                (low, high) = _ranges[middle].Start <= i ? (middle, high) : (low, middle - 1);
            }
            return _ranges[low].First + (ulong)(i - _ranges[low].Start);
        }
    }

    /// <param name="name">Whose text it is, for the message.</param>
    /// <param name="text">The list.</param>
    /// <param name="most">So many seeds at most.</param>
    /// <exception cref="UsageException">No such list, or more of them.</exception>
    public static SeedList Parse(string name, string text, int most)
    {
        var ranges = new List<(ulong, int)>();
        long count = 0;
        foreach (string part in text.Split(','))
        {
            string[] ends = part.Split('-');
            ulong last = 0;
            if (ends.Length > 2 || !Rule.TryRead(ends[0], out ulong first) || !Rule.TryRead(ends[^1], out last) || last < first)
                throw new UsageException(
                    $"{name} must be whole numbers and rising ranges of them with commas between, as 0-63 or 1,2,5-10, not "
                        + $"{Printable.Quoted(text)}");
            if (last - first >= (ulong)most || (count += (long)(last - first) + 1) > most)
                throw new UsageException(
                    $"{name} {Printable.Quoted(text)} are more than {most.ToString(CultureInfo.InvariantCulture)} seeds");
            ranges.Add((first, (int)(count - (long)(last - first) - 1)));
        }
        return new SeedList([.. ranges], (int)count, text);
    }
}
