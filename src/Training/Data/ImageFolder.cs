using System.IO.Compression;
using BDense.Kernels;
using SkiaSharp;

namespace BDense.Training;

/// <summary>
/// JPEG, PNG, BMP or WebP images in a folder or zip, all of one size, read as RGB (transparency over black). The folder that an
/// image lies in is its class; classes are numbered in ordinal order of their names; images all in one folder have no labels.
/// </summary>
internal static class ImageFolder
{
    private const long MaxFileBytes = 64 << 20;
    private const int MaxSide = 4096;
    private const int ChunkImages = 1024;

    private static readonly string[] Extensions = [".jpg", ".jpeg", ".png", ".bmp", ".webp"];

    public static Dataset OpenFolder(string path, DatasetOptions options)
    {
        string[] files = [.. Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories)
            .Where(file => IsImage(file)).Select(file => Path.GetRelativePath(path, file).Replace('\\', '/'))];
        return Load(path, files, name =>
        {
            string file = Path.Combine(path, name);
            if (new FileInfo(file).Length > MaxFileBytes)
                throw new BDenseException($"{file}: too large for an image");
            return File.ReadAllBytes(file);
        }, options);
    }

    public static Dataset OpenZip(string path, DatasetOptions options)
    {
        using var zip = ZipFile.OpenRead(path);
        var entries = new Dictionary<string, ZipArchiveEntry>(StringComparer.Ordinal);
        foreach (var entry in zip.Entries.Where(entry => IsImage(entry.FullName)))
            entries[entry.FullName.Replace('\\', '/')] = entry;
        return Load(path, [.. entries.Keys], name =>
        {
            var entry = entries[name];
            DataFile.CheckEntry(path, entry);
            if (entry.Length > MaxFileBytes)
                throw new BDenseException($"{path}: {name}: too large for an image");
            var bytes = new byte[entry.Length];
            using var stream = entry.Open();
            stream.ReadExactly(bytes);
            return bytes;
        }, options);
    }

    // Hidden files, and the resource forks that macOS adds to archives, are no images whatever their extension.
    private static bool IsImage(string path) =>
        Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase)
        && !Path.GetFileName(path).StartsWith('.') && !path.StartsWith("__MACOSX", StringComparison.Ordinal);

    // Bytes are read in order by one thread and decoded by all.
    private static Dataset Load(string path, string[] names, Func<string, byte[]> read, DatasetOptions options)
    {
        if (names.Length == 0)
            throw new BDenseException($"{path}: holds no images; known are {DatasetFormats.Known}");
        Array.Sort(names, StringComparer.Ordinal);
        names = [.. DatasetBuilder.Select(names.Length, options.Limit).Select(i => names[i])];
        var (labels, classes) = Classes(names);

        DatasetBuilder? builder = null;
        int height = 0, width = 0;
        for (int first = 0; first < names.Length; first += ChunkImages)
        {
            int count = Math.Min(ChunkImages, names.Length - first);
            var files = new byte[count][];
            for (int i = 0; i < count; i++)
                files[i] = read(names[first + i]);
            if (builder is null)
            {
                (height, width) = Size(path, names[0], files[0]);
                builder = new DatasetBuilder(path, names.Length, height, width, 3, eightBit: true, options);
            }
            var faults = new string?[count];
            Parallel.For(0, count, i =>
            {
                faults[i] = Decode(files[i], height, width, names[0], out byte[] pixels);
                if (faults[i] is null)
                    builder.Put(first + i, DropAlpha(pixels));
            });
            for (int i = 0; i < count; i++)
            {
                if (faults[i] is { } fault)
                    throw new BDenseException($"{path}: {names[first + i]}: {fault}");
            }
        }
        return builder!.Build(labels, classes);
    }

    private static (int[]? Labels, string[]? Classes) Classes(string[] names)
    {
        string[] folders = [.. names.Select(name => Path.GetDirectoryName(name)!)];
        string[] classes = [.. folders.Distinct().Order(StringComparer.Ordinal)];
        if (classes.Length == 1)
            return (null, null);
        var numbers = classes.Index().ToDictionary(pair => pair.Item, pair => pair.Index);
        return ([.. folders.Select(folder => numbers[folder])], classes);
    }

    private static (int Height, int Width) Size(string path, string name, byte[] file)
    {
        using var codec = SKCodec.Create(new SKMemoryStream(file));
        if (codec is null)
            throw new BDenseException($"{path}: {name}: {NotAnImage(file)}");
        if (codec.Info.Width > MaxSide || codec.Info.Height > MaxSide)
            throw new BDenseException($"{path}: {name}: {codec.Info.Height} x {codec.Info.Width} is too large; at most {MaxSide} x {MaxSide}");
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
            return $"{codec.Info.Height} x {codec.Info.Width}, but {first} is {height} x {width}; all images must be of one size";
        return codec.GetPixels(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Premul), out pixels) switch
        {
            SKCodecResult.Success => null,
            SKCodecResult.IncompleteInput => "the image is cut short",
            var result => $"the image is damaged ({result})",
        };
    }

    private static string NotAnImage(byte[] file) => file.Length == 0 ? "the file is empty" : "not an image that can be read, in spite of its name";

    // In place: RGBA to RGB.
    private static ReadOnlySpan<byte> DropAlpha(byte[] pixels)
    {
        for (int i = 0; i < pixels.Length / 4; i++)
        {
            pixels[3 * i] = pixels[4 * i];
            pixels[3 * i + 1] = pixels[4 * i + 1];
            pixels[3 * i + 2] = pixels[4 * i + 2];
        }
        return pixels.AsSpan(0, pixels.Length / 4 * 3);
    }
}
