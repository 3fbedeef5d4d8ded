using System.Buffers;
using BDense.Kernels;

namespace BDense.Training.Data;

/// <summary>How to open a dataset.</summary>
/// <param name="Resolution">Rows of an image; larger ones are averaged down over whole boxes. 0: as stored (the built-in: 16).</param>
/// <param name="Limit">At most so many images, taken evenly over the whole. 0: all (the built-in: 8192).</param>
/// <param name="Seed">Of the built-in dataset; files do not heed it.</param>
public sealed record DatasetOptions(int Resolution = 0, int Limit = 0, ulong Seed = 0)
{
    /// <summary>
    /// 1: images in folders and zips, which are otherwise read as RGB, are grayscale and are read as one channel. 0: the network does not
    /// say.
    /// </summary>
    public int Channels { get; init; }

    /// <summary>Told in one line of what is taken as it is and yet looks wrong.</summary>
    public Action<string>? OnNotice { get; init; }
}

/// <summary>
/// Images in memory, NHWC. 8-bit ones are kept as bytes and given out as x / 127.5 - 1, in [-1, 1]; float ones (latents too) as
/// they are.
/// </summary>
public sealed class Dataset
{
    private readonly byte[]? _bytes;
    private readonly float[]? _floats;
    private string? _fingerprint;

    /// <summary>8-bit images, given out as x / 127.5 - 1.</summary>
    /// <param name="name">For people.</param>
    /// <param name="height">H</param>
    /// <param name="width">W</param>
    /// <param name="channels">C</param>
    /// <param name="images">[N,H,W,C]; kept, not copied.</param>
    /// <param name="labels">[N] classes from 0; or none.</param>
    /// <param name="classes">Their names; or none.</param>
    /// <exception cref="BDenseException">There is no image.</exception>
    public Dataset(string name, int height, int width, int channels, byte[] images, int[]? labels = null,
        IReadOnlyList<string>? classes = null)
        : this(name, height, width, channels, images.Length, labels, classes) => _bytes = images;

    /// <summary>Images as they are, in [-1, 1], or latents.</summary>
    /// <param name="name">For people.</param>
    /// <param name="height">H</param>
    /// <param name="width">W</param>
    /// <param name="channels">C</param>
    /// <param name="images">[N,H,W,C]; kept, not copied.</param>
    /// <param name="labels">[N] classes from 0; or none.</param>
    /// <param name="classes">Their names; or none.</param>
    /// <exception cref="BDenseException">There is no image.</exception>
    public Dataset(string name, int height, int width, int channels, float[] images, int[]? labels = null,
        IReadOnlyList<string>? classes = null)
        : this(name, height, width, channels, images.Length, labels, classes) => _floats = images;

    private Dataset(string name, int height, int width, int channels, int length, int[]? labels, IReadOnlyList<string>? classes)
    {
        (Name, Height, Width, Channels) = (name, height, width, channels);
        if (length == 0 || ImageLength == 0)
            throw new BDenseException($"{name}: holds no images");
        Count = length / ImageLength;
        if (Count * ImageLength != length || (labels is not null && labels.Length != Count))
            throw new ArgumentException($"{length} values, {labels?.Length} labels: not whole images of {height} x {width} x {channels}");
        Labels = labels;
        Classes = classes ?? [];
    }

    /// <summary>For people: the path, or what the built-in dataset is.</summary>
    public string Name { get; }

    /// <summary>N, 1 or more.</summary>
    public int Count { get; }

    /// <summary>H, rows of an image.</summary>
    public int Height { get; }

    /// <summary>W, columns of an image.</summary>
    public int Width { get; }

    /// <summary>C: 1 is grey, 3 colour.</summary>
    public int Channels { get; }

    /// <summary>Floats in one image: Height x Width x Channels.</summary>
    public int ImageLength => Height * Width * Channels;

    /// <summary>Whether the images are stored as bytes, not as floats.</summary>
    internal bool IsEightBit => _bytes is not null;

    /// <summary>The class of each image, from 0; null where the source has none.</summary>
    public IReadOnlyList<int>? Labels { get; }

    /// <summary>
    /// SHA-256 of what training sees: sizes, images as decoded and cut down to a limit, labels. Not of the file: the same images out of a
    /// folder and a zip are the same data. Computed once, when it is asked for, at some gigabyte a second.
    /// </summary>
    public string Fingerprint => _fingerprint ??= DatasetFingerprint.Of(this, _bytes, _floats);

    /// <summary>Names of the classes by label; empty where there are none.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>
    /// Classes of the whole source, whichever of its images a limit left over; 0 where <see cref="Labels"/> and names say all.
    /// </summary>
    internal int SourceClasses { get; init; }

    /// <summary>Classes by the labels: the largest one plus 1, or as many as are named; 0 without labels.</summary>
    public int ClassCount => Labels is null ? 0 : Math.Max(Math.Max(Classes.Count, SourceClasses), Labels.Max() + 1);

    /// <summary>What <see cref="Open"/> reads, for people.</summary>
    public static string Formats => DatasetFormats.Known;

    /// <summary>
    /// Opens whatever <paramref name="path"/> is: nothing, the built-in dataset; else the first of <see cref="DatasetFormats"/> that it
    /// holds.
    /// </summary>
    /// <exception cref="BDenseException">Nothing there, none of these, damaged, or images of several sizes: one line says
    /// which.</exception>
    public static Dataset Open(string? path, DatasetOptions? options = null)
    {
        options ??= new DatasetOptions();
        if (options.Resolution < 0 || options.Limit < 0)
            throw new UsageException("a dataset's resolution and limit are 0 (no limit) or more");
        return string.IsNullOrEmpty(path)
            ? BuiltInDataset.Create(options)
            : DataFile.Guard(path, () => DatasetFormats.Open(path, options));
    }

    /// <summary>
    /// Image <paramref name="index"/> to <paramref name="destination"/>, HWC; <paramref name="flip"/> mirrors left and right.
    /// </summary>
    public void Read(int index, Span<float> destination, bool flip = false)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
        int start = index * ImageLength;
        destination = destination[..ImageLength];
        if (_bytes is null)
        {
            _floats.AsSpan(start, ImageLength).CopyTo(destination);
        }
        else
        {
            var bytes = _bytes.AsSpan(start, ImageLength);
            for (int i = 0; i < bytes.Length; i++)
                destination[i] = ByteToFloat[bytes[i]];
        }
        if (flip)
            Mirror(destination);
    }

    /// <summary>Images <paramref name="first"/> and following as one array [count,H,W,C].</summary>
    public float[] ToArray(int first, int count)
    {
        var images = new float[count * ImageLength];
        for (int i = 0; i < count; i++)
            Read(first + i, images.AsSpan(i * ImageLength));
        return images;
    }

    /// <summary>The images of <paramref name="indices"/> as a new tensor [N,H,W,C]; the caller disposes it.</summary>
    /// <param name="backend">Where to.</param>
    /// <param name="indices">Which images.</param>
    /// <param name="flips">Which of them to mirror; empty for none.</param>
    public Tensor Upload(Backend backend, ReadOnlySpan<int> indices, ReadOnlySpan<bool> flips = default)
    {
        var shape = new Shape(indices.Length, Height, Width, Channels);
        float[] host = ArrayPool<float>.Shared.Rent(shape.Length);
        try
        {
            for (int i = 0; i < indices.Length; i++)
                Read(indices[i], host.AsSpan(i * ImageLength, ImageLength), !flips.IsEmpty && flips[i]);
            return backend.FromArray(host.AsSpan(0, shape.Length), shape);
        }
        finally
        {
            ArrayPool<float>.Shared.Return(host);
        }
    }

    /// <summary>The batch of <paramref name="step"/> as a new tensor [N,H,W,C]; the caller disposes it.</summary>
    public Tensor Upload(Backend backend, Batches batches, long step)
    {
        var indices = new int[batches.BatchSize];
        var flips = new bool[batches.BatchSize];
        batches.At(step, indices, flips);
        return Upload(backend, indices, flips);
    }

    private static readonly float[] ByteToFloat = [.. Enumerable.Range(0, 256).Select(x => (float)(x / 127.5 - 1))];

    private void Mirror(Span<float> image)
    {
        for (int y = 0; y < Height; y++)
        {
            for (int left = 0, right = Width - 1; left < right; left++, right--)
            {
                var a = image.Slice((y * Width + left) * Channels, Channels);
                var b = image.Slice((y * Width + right) * Channels, Channels);
                for (int c = 0; c < Channels; c++)
                    (a[c], b[c]) = (b[c], a[c]);
            }
        }
    }
}
