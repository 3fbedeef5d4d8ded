using System.IO.Compression;
using BDense.Kernels;

namespace BDense.Training.Data;

/// <summary>
/// CIFAR-10 (Krizhevsky 2009). The binary version: rows of 3073 bytes, a label from 0 to 9, then 32 x 32 red, green and blue
/// planes. The python version: the same in pickles (<see cref="Cifar10Pickle"/>). Of a folder or archive the five training files;
/// the test file is read where it is named itself.
/// </summary>
internal static class Cifar10
{
    /// <summary>A gzip file that is nothing else is read as its archive, and refused as such.</summary>
    public static DatasetFormat Format { get; } = new("CIFAR-10's binary or python version (folder, .tar.gz)",
        source => source.IsFolder ? FindFiles(source.Path).Length > 0
            : source.IsGzip || (source.HasExtension(".bin") && !source.IsZip) || Pickle.LooksLike(source.Start),
        (source, options) => source.IsGzip ? OpenArchive(source.Path, options)
            : OpenFiles(source.Path, source.IsFolder ? FindFiles(source.Path) : [source.Path], options));

    private const int Side = 32, Planes = 3, ImageBytes = Planes * Side * Side, RowBytes = 1 + ImageBytes;

    // 512 MiB: eight times the true one. An archive entry that claims more is not CIFAR-10.
    private const long MaxFileBytes = 1L << 29;

    private static readonly string[] Classes =
        ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

    /// <summary>
    /// The training files in <paramref name="folder"/> or its subfolder cifar-10-batches-bin or -py, by name; the binary ones where
    /// both are there.
    /// </summary>
    public static string[] FindFiles(string folder)
    {
        string[] files = Find("cifar-10-batches-bin", IsBinary);
        return files.Length > 0 ? files : Find("cifar-10-batches-py", IsPickle);

        string[] Find(string subfolder, Func<string, bool> isTraining)
        {
            string inner = Path.Combine(folder, subfolder);
            return [.. Directory.GetFiles(Directory.Exists(inner) ? inner : folder).Where(isTraining).Order(StringComparer.Ordinal)];
        }
    }

    private static Dataset OpenFiles(string path, IReadOnlyList<string> files, DatasetOptions options) =>
        Build(path, [.. files.Select(file => (file, File.ReadAllBytes(file)))], options);

    private static Dataset OpenArchive(string path, DatasetOptions options)
    {
        var (files, hasImages) = ReadArchive(path);
        if (files.Exists(file => IsBinary(file.Name)))
            files.RemoveAll(file => !IsBinary(file.Name));
        if (files.Count == 0 && hasImages)
            throw ImageFiles.InTar(path);
        if (files.Count == 0)
            throw new BDenseException(
                $"{path}: holds no data_batch_1 to 5, with .bin or without; CIFAR-10's binary or python version (cifar-10-binary.tar.gz, "
                    + "cifar-10-python.tar.gz) is meant");
        files.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        return Build(path, files, options);
    }

    // The files that are CIFAR-10's by name, and whether there are images besides.
    private static (List<(string Name, byte[] Bytes)> Files, bool HasImages) ReadArchive(string path)
    {
        bool hasImages = false;
        using var gzip = new GZipStream(DataFile.OpenRead(path), CompressionMode.Decompress);
        var files = TarFiles.Read(gzip, path, name =>
        {
            hasImages |= ImageFiles.IsImage(name);
            return IsBinary(name) || IsPickle(name);
        }, MaxFileBytes)
            .ConvertAll(file => ($"{path}: {file.Name}", file.Bytes));
        // To gzip's end, where its checksum is: archives are padded with less.
        var rest = new byte[1 << 16];
        _ = gzip.ReadAtLeast(rest, rest.Length, throwOnEndOfStream: false);
        return (files, hasImages);
    }

    private static bool IsBinary(string path)
    {
        string name = Path.GetFileName(path);
        return name.StartsWith("data_batch", StringComparison.Ordinal) && name.EndsWith(".bin", StringComparison.Ordinal);
    }

    private static bool IsPickle(string path)
    {
        string name = Path.GetFileName(path);
        return name.StartsWith("data_batch_", StringComparison.Ordinal) && name.Length == "data_batch_1".Length
            && char.IsAsciiDigit(name[^1]);
    }

    private static Dataset Build(string path, IReadOnlyList<(string Name, byte[] Bytes)> files, DatasetOptions options)
    {
        var images = new List<ReadOnlyMemory<byte>>();
        var labels = new List<int>();
        foreach (var (name, bytes) in files)
        {
            if (bytes.Length == 0)
                throw new BDenseException($"{name}: the file is empty");
            int row = 0;
            foreach (var (label, planes) in IsPickle(name) || Pickle.LooksLike(bytes) ? Cifar10Pickle.Read(name, bytes, ImageBytes)
                : Rows(name, bytes))
            {
                if (label < 0 || label >= Classes.Length)
                    throw new BDenseException($"{name}: row {row} has label {label}; CIFAR-10's are 0 to 9 (mislabelled, or another file)");
                images.Add(planes);
                labels.Add((int)label);
                row++;
            }
        }

        int[] selection = DatasetBuilder.Select(images.Count, options.Limit);
        var builder = new DatasetBuilder(path, selection.Length, Side, Side, Planes, eightBit: true, options);
        Span<byte> image = stackalloc byte[ImageBytes];
        for (int i = 0; i < selection.Length; i++)
        {
            var planes = images[selection[i]].Span;
            for (int pixel = 0; pixel < Side * Side; pixel++)
            {
                for (int c = 0; c < Planes; c++)
                    image[pixel * Planes + c] = planes[c * Side * Side + pixel];
            }
            builder.Put(i, image);
        }
        return builder.Build([.. labels], selection, Classes);
    }

    private static IEnumerable<(long Label, ReadOnlyMemory<byte> Planes)> Rows(string name, byte[] bytes)
    {
        if (bytes.Length % RowBytes != 0)
            throw new BDenseException(
                $"{name}: {bytes.Length} bytes are no whole number of CIFAR-10 rows of {RowBytes} bytes (cut short, or not CIFAR-10)");
        for (int start = 0; start < bytes.Length; start += RowBytes)
            yield return (bytes[start], bytes.AsMemory(start + 1, ImageBytes));
    }
}
