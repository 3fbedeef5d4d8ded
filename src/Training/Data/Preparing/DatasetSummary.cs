namespace BDense.Training.Data.Preparing;

/// <summary>The values of one channel, or of all, as networks see them.</summary>
/// <param name="Least">The least.</param>
/// <param name="Greatest">The greatest.</param>
/// <param name="Mean">Their mean.</param>
/// <param name="Deviation">Their standard deviation, over all pixels of all images; EDM's networks expect about 0.5.</param>
public readonly record struct ValueSummary(double Least, double Greatest, double Mean, double Deviation);

/// <summary>A class and how many images it has.</summary>
/// <param name="Label">From 0.</param>
/// <param name="Name">Its name, or its number where it has none.</param>
/// <param name="Count">Images of it.</param>
public sealed record ClassSummary(int Label, string Name, int Count);

/// <summary>What a dataset's values and classes are.</summary>
/// <param name="All">Over all channels.</param>
/// <param name="Channels">By channel.</param>
/// <param name="Classes">By label, those without an image too; empty without labels.</param>
public sealed record DatasetSummary(ValueSummary All, IReadOnlyList<ValueSummary> Channels, IReadOnlyList<ClassSummary> Classes)
{
    // Of images that one thread sums up.
    private const int ChunkImages = 256;

    /// <summary>Looks at every value; the same bits for any number of threads.</summary>
    public static DatasetSummary Of(Dataset data)
    {
        int chunks = (data.Count + ChunkImages - 1) / ChunkImages;
        var parts = new Sums[chunks][];
        Parallel.For(0, chunks, chunk =>
        {
            var sums = Enumerable.Repeat(Sums.Empty, data.Channels).ToArray();
            var image = new float[data.ImageLength];
            for (int i = chunk * ChunkImages; i < Math.Min(data.Count, (chunk + 1) * ChunkImages); i++)
            {
                data.Read(i, image);
                for (int j = 0; j < image.Length; j++)
                    sums[j % data.Channels].Add(image[j]);
            }
            parts[chunk] = sums;
        });
        var channels = Enumerable.Range(0, data.Channels).Select(c => Sums.Of(parts.Select(part => part[c]))).ToArray();
        return new DatasetSummary(Sums.Of(channels).Summary, [.. channels.Select(sums => sums.Summary)], ClassesOf(data));
    }

    private static ClassSummary[] ClassesOf(Dataset data)
    {
        var counts = new int[data.ClassCount];
        foreach (int label in data.Labels ?? [])
            counts[label]++;
        return [.. counts.Select((count, label) =>
            new ClassSummary(label, label < data.Classes.Count ? data.Classes[label] : $"class {label}", count))];
    }

    private struct Sums
    {
        public static readonly Sums Empty = new() { Least = double.PositiveInfinity, Greatest = double.NegativeInfinity };

        public long Count;
        public double Least, Greatest, Sum, Squares;

        public static Sums Of(IEnumerable<Sums> parts) => parts.Aggregate(Empty, (a, b) => new Sums
        {
            Count = a.Count + b.Count,
            Least = Math.Min(a.Least, b.Least),
            Greatest = Math.Max(a.Greatest, b.Greatest),
            Sum = a.Sum + b.Sum,
            Squares = a.Squares + b.Squares,
        });

        public readonly ValueSummary Summary
        {
            get
            {
                double mean = Sum / Count;
                return new ValueSummary(Least, Greatest, mean, Math.Sqrt(Math.Max(0, Squares / Count - mean * mean)));
            }
        }

        public void Add(double value)
        {
            Count++;
            Least = Math.Min(Least, value);
            Greatest = Math.Max(Greatest, value);
            Sum += value;
            Squares += value * value;
        }
    }
}
