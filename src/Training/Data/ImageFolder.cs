using BDense.Kernels;
using SkiaSharp;

namespace BDense.Training.Data;

/// <summary>
/// JPEG, PNG, BMP or WebP images in a folder or zip, all of one size, read as RGB (transparency over black), or as one channel
/// where that is asked for. Their classes are those of EDM's dataset.json, else the folders that they lie in (<see cref="ImageClasses"/>).
/// </summary>
internal static class ImageFolder
{
    /// <summary>Any folder and any zip that is nothing else.</summary>
    public static DatasetFormat Format { get; } = new("a folder or zip of images (EDM's with dataset.json too)",
        source => source.IsFolder || source.IsZip,
        (source, options) =>
        {
            using var files = source.IsFolder ? ImageFiles.OfFolder(source.Path) : ImageFiles.OfZip(source.Path);
            return Load(files, options);
        });

    private const int MaxSide = 4096;
    private const int ChunkImages = 1024;

    // Bytes are read in order by one thread and decoded by all.
    private static Dataset Load(ImageFiles source, DatasetOptions options)
    {
        var (path, images) = (source.Path, source.Names);
        var classes = source.Classes(options.OnNotice);
        int[] selection = DatasetBuilder.Select(images.Length, options.Limit);
        string[] names = [.. selection.Select(i => images[i])];
        int channels = options.Channels == 1 ? 1 : 3;

        DatasetBuilder? builder = null;
        int height = 0, width = 0;
        for (int first = 0; first < names.Length; first += ChunkImages)
        {
            int count = Math.Min(ChunkImages, names.Length - first);
            var files = new byte[count][];
            for (int i = 0; i < count; i++)
                files[i] = source.Read(names[first + i]);
            if (builder is null)
            {
                (height, width) = Size(path, names[0], files[0]);
                builder = new DatasetBuilder(path, names.Length, height, width, channels, eightBit: true, options);
            }
            var faults = new string?[count];
            Parallel.For(0, count, i =>
            {
                faults[i] = Decode(files[i], height, width, names[0], out byte[] pixels);
                if (faults[i] is null && channels == 1 && !IsGray(pixels))
                    faults[i] =
                        "in colour, and one channel is asked for (imageChannels: 1 or --grayscale); convert the images to grayscale, or "
                        + "take a network of 3 channels";
                if (faults[i] is null)
                    builder.Put(first + i, Pack(pixels, channels));
            });
            for (int i = 0; i < count; i++)
            {
                if (faults[i] is { } fault)
                    throw new BDenseException($"{path}: {names[first + i]}: {fault}");
            }
        }
        return builder!.Build(classes.Labels, selection, classes.Names);
    }

    private static (int Height, int Width) Size(string path, string name, byte[] file)
    {
        using var codec = SKCodec.Create(new SKMemoryStream(file));
        if (codec is null)
            throw new BDenseException($"{path}: {name}: {NotAnImage(file)}");
        if (codec.Info.Width > MaxSide || codec.Info.Height > MaxSide)
            throw new BDenseException(
                $"{path}: {name}: {codec.Info.Height} x {codec.Info.Width} is too large; at most {MaxSide} x {MaxSide}");
        return (codec.Info.Height, codec.Info.Width);
    }

    /// <summary>Decodes to RGBA, 8 bits each; returns the fault, or null if there is none.</summary>
    private static string? Decode(byte[] file, int height, int width, string first, out byte[] pixels)
    {
        pixels = [];
        using var codec = SKCodec.Create(new SKMemoryStream(file));
        if (codec is null)
            return NotAnImage(file);
        if (codec.Info.Width != width || codec.Info.Height != height)
            return $"{codec.Info.Height} x {codec.Info.Width}, but {first} is {height} x {width}; all images must be of one size: "
                + "'bdense data prepare' crops and resizes";
        return codec.GetPixels(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Premul), out pixels) switch
        {
            SKCodecResult.Success => null,
            SKCodecResult.IncompleteInput => "the image is cut short",
            var result => $"the image is damaged ({result})",
        };
    }

    internal static string NotAnImage(byte[] file) =>
        file.Length == 0 ? "the file is empty" : "not an image that can be read, in spite of its name";

    // By the pixels, not by the file's kind: many grayscale images are stored as RGB.
    private static bool IsGray(ReadOnlySpan<byte> rgba)
    {
        for (int i = 0; i < rgba.Length; i += 4)
        {
            if (rgba[i] != rgba[i + 1] || rgba[i] != rgba[i + 2])
                return false;
        }
        return true;
    }

    // In place: RGBA to its first channels.
    private static ReadOnlySpan<byte> Pack(byte[] pixels, int channels)
    {
        for (int i = 0; i < pixels.Length / 4; i++)
        {
            for (int c = 0; c < channels; c++)
                pixels[channels * i + c] = pixels[4 * i + c];
        }
        return pixels.AsSpan(0, pixels.Length / 4 * channels);
    }
}
