using BDense.Kernels;

namespace BDense.Training.Data;

/// <summary>
/// Collects images of one size for a <see cref="Dataset"/>, averaging them down on the way. Different images may be put by different
/// threads.
/// </summary>
internal sealed class DatasetBuilder
{
    private readonly string _name;
    private readonly int _height, _width, _channels, _factor;
    private readonly byte[]? _bytes;
    private readonly float[]? _floats;

    /// <param name="name">The path, for messages and as the dataset's name.</param>
    /// <param name="count">Images that will be put.</param>
    /// <param name="height">Rows of an image as stored.</param>
    /// <param name="width">Columns.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="eightBit">Whether bytes will be put (kept as bytes if no averaging is asked for) or floats.</param>
    /// <param name="options">The resolution wanted.</param>
    public DatasetBuilder(string name, int count, int height, int width, int channels, bool eightBit, DatasetOptions options)
    {
        (_name, _channels) = (name, channels);
        if (count == 0 || height == 0 || width == 0 || channels == 0)
            throw new BDenseException($"{name}: holds no images");
        _factor = options.Resolution == 0 ? 1 : height / options.Resolution;
        if (_factor == 0 || (options.Resolution != 0 && options.Resolution * _factor != height) || width % _factor != 0)
            throw new BDenseException(
                $"{name}: images of {height} x {width} cannot be averaged down to {options.Resolution} rows over whole boxes; "
                    + $"{Remedy(height, width)}");
        _height = height / _factor;
        _width = width / _factor;
        long length = (long)count * _height * _width * channels;
        if (length > Array.MaxLength)
            throw new BDenseException(
                $"{name}: {count} images of {_height} x {_width} x {channels} do not fit one array; limit the number or the resolution");
        if (eightBit && _factor == 1)
            _bytes = new byte[length];
        else
            _floats = new float[length];
    }

    // The largest few of the resolutions that would do.
    private static string Remedy(int height, int width)
    {
        var rows = Enumerable.Range(1, height).Where(factor => height % factor == 0 && width % factor == 0)
            .Select(factor => height / factor).Take(6);
        return $"--resolution may be {string.Join(", ", rows)}; crop or resize the images beforehand for others";
    }

    /// <summary>Numbers of the images to take out of <paramref name="total"/>: all, or <paramref name="limit"/> evenly spread.</summary>
    /// <remarks>Evenly, since files are often sorted by class.</remarks>
    public static int[] Select(int total, int limit)
    {
        int count = limit == 0 ? total : Math.Min(limit, total);
        var selection = new int[count];
        for (int i = 0; i < count; i++)
            selection[i] = (int)((long)i * total / count);
        return selection;
    }

    /// <summary>Image <paramref name="index"/>, 8-bit HWC at the stored size.</summary>
    public void Put(int index, ReadOnlySpan<byte> image)
    {
        int start = index * _height * _width * _channels;
        if (_bytes is not null)
            image.CopyTo(_bytes.AsSpan(start));
        else
            Average(image, _floats.AsSpan(start), 1 / 127.5f, -1);
    }

    /// <summary>Image <paramref name="index"/>, float HWC at the stored size.</summary>
    public void Put(int index, ReadOnlySpan<float> image) =>
        Average(image, _floats.AsSpan(index * _height * _width * _channels), 1, 0);

    /// <param name="labels">Of every image of the source, before the limit; null without classes.</param>
    /// <param name="selection">Which of them were put, as <see cref="Select"/> said.</param>
    /// <param name="classes">Names of the classes, if there are any.</param>
    public Dataset Build(int[]? labels, int[] selection, IReadOnlyList<string>? classes = null)
    {
        int[]? selected = labels is null ? null : [.. selection.Select(i => labels[i])];
        int sourceClasses = labels is null ? 0 : labels.Max() + 1;
        return _bytes is not null
            ? new Dataset(_name, _height, _width, _channels, _bytes, selected, classes) { SourceClasses = sourceClasses }
            : new Dataset(_name, _height, _width, _channels, _floats!, selected, classes) { SourceClasses = sourceClasses };
    }

    // y = scale * mean over a box of factor x factor pixels + shift.
    private void Average<T>(ReadOnlySpan<T> image, Span<float> result, float scale, float shift)
        where T : unmanaged, System.Numerics.INumber<T>
    {
        int stride = _width * _factor * _channels;
        for (int y = 0; y < _height; y++)
        {
            for (int x = 0; x < _width; x++)
            {
                for (int c = 0; c < _channels; c++)
                {
                    float sum = 0;
                    for (int dy = 0; dy < _factor; dy++)
                    {
                        for (int dx = 0; dx < _factor; dx++)
                            sum += float.CreateTruncating(image[(y * _factor + dy) * stride + (x * _factor + dx) * _channels + c]);
                    }
                    result[(y * _width + x) * _channels + c] = sum / (_factor * _factor) * scale + shift;
                }
            }
        }
    }
}
