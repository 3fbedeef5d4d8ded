using System.Text;
using BDense.Kernels;
using BDense.Model.FileSystem;
using BDense.Training.Data;

namespace BDense.Training.Metrics;

/// <summary>Gives the images first .. first + n - 1 of a source, [n,H,W,C].</summary>
public delegate float[] ImageSource(int first, int n);

/// <summary>
/// The features of a stream of images, kept in constant memory: their sums for the Fréchet distance and a sample of them for the
/// kernel distance. What was collected can be written to a file and gone on from.
/// </summary>
/// <param name="dimension">Length of a feature vector.</param>
public sealed class FeatureCollection(int dimension)
{
    /// <summary>Mean and covariance of all vectors: for the Fréchet distance.</summary>
    public FeatureStatistics Statistics { get; } = new(dimension);

    /// <summary>Some of the vectors: for the kernel distance.</summary>
    public FeatureSample Sample { get; } = new(dimension);

    /// <summary>Shows the next vectors of the stream, [n, dimension], to both.</summary>
    public void Add(ReadOnlySpan<float> features)
    {
        Statistics.Add(features);
        Sample.Add(features);
    }

    /// <summary>Collects <paramref name="count"/> images.</summary>
    /// <param name="features">What to compute.</param>
    /// <param name="images">Where from; the same images whatever n they are asked for in.</param>
    /// <param name="size">Height, width, channels.</param>
    /// <param name="count">In all, those of earlier sessions too.</param>
    /// <param name="options">How.</param>
    /// <exception cref="BDenseException">The state file belongs to something else, or cannot be read or written.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; what there is was written.</exception>
    public static FeatureCollection Of(IImageFeatures features, ImageSource images, (int Height, int Width, int Channels) size, int count,
        CollectOptions options)
    {
        var collection = new FeatureCollection(features.Dimension);
        using var alone = options.StateFile is null ? null : WriterLock.OfFile(options.StateFile);
        string subject = $"{options.Subject}\n{features.Name}";
        if (options.StateFile is { } file && File.Exists(file))
            collection.Restore(file, subject, count);
        long saved = collection.Statistics.Count;
        while (collection.Statistics.Count < count)
        {
            if (options.Cancellation.IsCancellationRequested)
            {
                Save();
                throw new OperationCanceledException(options.StateFile is null
                    ? $"{collection.Statistics.Count} of {count} images were seen; with --state they would have been kept"
                    : $"{collection.Statistics.Count} of {count} images are kept; the same command will resume from there");
            }
            int first = (int)collection.Statistics.Count, n = Math.Min(options.Batch, count - first);
            collection.Add(features.Compute(images(first, n), size.Height, size.Width, size.Channels));
            options.OnDone?.Invoke(first + n);
            if (collection.Statistics.Count - saved >= options.SaveEvery)
                Save();
        }
        if (collection.Statistics.Count > saved)
            Save();
        return collection;

        void Save()
        {
            if (options.StateFile is not null)
                collection.Write(options.StateFile, subject);
            saved = collection.Statistics.Count;
        }
    }

    private void Write(string path, string subject) =>
        Npz.Write(path, [.. Statistics.State(), ("sample", Sample.ToArray()), ("subject", ReferenceStatistics.Text(subject))]);

    private void Restore(string path, string subject, int count)
    {
        var arrays = Npz.Read(path);
        string was = arrays.TryGetValue("subject", out var text) && text.Values is byte[] bytes
            ? Encoding.UTF8.GetString(bytes)
            : throw new BDenseException($"{path}: not the state of an evaluation; remove it to start anew");
        if (was != subject)
            throw new BDenseException(
                $"{path} belongs to another evaluation ({Difference(was, subject)}); give another place for the state, or remove it");
        Statistics.Restore(arrays, path);
        Sample.Restore(arrays.TryGetValue("sample", out var sample) ? sample
            : throw new BDenseException($"{path}: holds no sample of features"), Statistics.Count, path);
        if (Statistics.Count > count)
            throw new BDenseException(
                $"{path} holds {Statistics.Count} images already, more than the {count} asked for; remove it to start anew");
    }

    /// <summary>What the state is of, and the parts in which two subjects differ.</summary>
    private static string Difference(string was, string now)
    {
        string[] before = Parts(was), after = Parts(now);
        string[] gone = [.. before.Except(after)], come = [.. after.Except(before)];
        if (before.Length > 0 && gone is [var first, ..] && first != before[0])
            gone = [before[0], .. gone];
        return $"{(gone.Length > 0 ? string.Join(", ", gone) : "the same in another order")}"
            + $"{(come.Length > 0 ? $", not {string.Join(", ", come)}" : "")}";

        static string[] Parts(string subject) => subject.Split(["\n", ", "], StringSplitOptions.RemoveEmptyEntries);
    }
}

/// <summary>How features are collected.</summary>
public sealed record CollectOptions
{
    /// <summary>What the images are, precisely enough that a state file of the same subject can be gone on from.</summary>
    public string Subject { get; init; } = "";

    /// <summary>Images at once.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>Where the sums are kept; none for not at all.</summary>
    public string? StateFile { get; init; }

    /// <summary>Images between two writings of the state.</summary>
    public int SaveEvery { get; init; } = 2048;

    /// <summary>Told how many images are done.</summary>
    public Action<int>? OnDone { get; init; }

    /// <summary>Looked at between batches.</summary>
    public CancellationToken Cancellation { get; init; }
}
