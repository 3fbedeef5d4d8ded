using System.Buffers.Binary;
using System.IO.Compression;
using BDense.Kernels;

namespace BDense.Training.Data;

/// <summary>
/// The idx format of MNIST (LeCun, Cortes and Burges): 0, 0, element type (8: unsigned byte), number of extents, the extents as
/// big-endian 32-bit numbers, the data. Images are N x H x W, or N x H x W x C; labels lie beside them in a file of the same name
/// with "labels-idx1" for "images-idx3".
/// </summary>
internal static class IdxDataset
{
    /// <summary>A folder that also has CIFAR-10's files is CIFAR-10.</summary>
    public static DatasetFormat Format { get; } = new("idx images (MNIST)",
        source => source.IsFolder ? Cifar10.FindFiles(source.Path).Length == 0 && FindImages(source.Path) is not null
            : !source.IsZip && LooksLike(source.Path, source.IsGzip ? source.Inflated : source.Start),
        (source, options) => Open(source.IsFolder ? FindImages(source.Path)! : source.Path, options));

    private const int UnsignedByte = 8;

    /// <summary>Whether it is idx by its first bytes, or is named so (and then must be).</summary>
    private static bool LooksLike(string path, ReadOnlySpan<byte> start)
    {
        string name = Path.GetFileName(path);
        return name.Contains("-ubyte", StringComparison.Ordinal) || name.Contains("idx3", StringComparison.Ordinal)
            || (start.Length >= 8 && start[0] == 0 && start[1] == 0 && start[2] is >= 8 and <= 14 && start[3] is >= 1 and <= 4);
    }

    /// <summary>The images in a folder, training ones before others; null if there are none.</summary>
    private static string? FindImages(string folder) => Directory.GetFiles(folder)
        .Where(file => IsImages(Path.GetFileName(file)))
        .OrderBy(file => Path.GetFileName(file).StartsWith("train", StringComparison.Ordinal) ? 0 : 1)
        .ThenBy(file => file, StringComparer.Ordinal)
        .FirstOrDefault();

    private static Dataset Open(string path, DatasetOptions options)
    {
        var (extents, data) = Read(path);
        if (extents.Length is not (3 or 4))
            throw new BDenseException($"{path}: images have 3 or 4 extents, this idx file has {extents.Length} (labels?)");
        int[]? labels = FindLabels(path) is { } labelPath ? ReadLabels(labelPath, extents[0]) : null;

        int[] selection = DatasetBuilder.Select(extents[0], options.Limit);
        int channels = extents.Length == 4 ? extents[3] : 1;
        var builder = new DatasetBuilder(path, selection.Length, extents[1], extents[2], channels, eightBit: true, options);
        int length = extents[1] * extents[2] * channels;
        for (int i = 0; i < selection.Length; i++)
            builder.Put(i, data.AsSpan(selection[i] * length, length));
        return builder.Build(labels, selection);
    }

    private static bool IsImages(string name) =>
        name.Contains("images-idx3", StringComparison.Ordinal) || name.Contains("images.idx3", StringComparison.Ordinal);

    private static string? FindLabels(string path)
    {
        string name = Path.GetFileName(path);
        if (!IsImages(name))
            return null;
        string labels = Path.Combine(Path.GetDirectoryName(path) ?? "", name.Replace("images", "labels").Replace("idx3", "idx1"));
        return File.Exists(labels) ? labels : null;
    }

    private static int[] ReadLabels(string path, int count)
    {
        var (extents, data) = DataFile.Guard(path, () => Read(path));
        if (extents.Length != 1 || extents[0] != count)
            throw new BDenseException($"{path}: {string.Join(" x ", extents)} labels for {count} images");
        return [.. data.Select(label => (int)label)];
    }

    private static (int[] Extents, byte[] Data) Read(string path)
    {
        using var file = DataFile.OpenRead(path);
        bool zipped = file.ReadByte() == 0x1F && file.ReadByte() == 0x8B;
        file.Position = 0;
        using Stream stream = zipped ? new GZipStream(file, CompressionMode.Decompress) : file;

        Span<byte> word = stackalloc byte[4];
        stream.ReadExactly(word);
        if (word[0] != 0 || word[1] != 0 || word[3] is 0 or > 4)
            throw new BDenseException(
                $"{path}: not an idx file: its magic number is {BinaryPrimitives.ReadUInt32BigEndian(word):x8}, 00000803 for "
                    + "MNIST's images");
        if (word[2] != UnsignedByte)
            throw new BDenseException($"{path}: idx elements of type {word[2]:x2}; unsigned bytes (08) can be read");
        var extents = new int[word[3]];
        long length = 1;
        for (int i = 0; i < extents.Length; i++)
        {
            stream.ReadExactly(word);
            uint extent = BinaryPrimitives.ReadUInt32BigEndian(word);
            length = Math.Min(length * Math.Min(extent, int.MaxValue), int.MaxValue);
            if (length >= Array.MaxLength)
                throw new BDenseException($"{path}: an idx file of more than 2^31 bytes is declared");
            extents[i] = (int)extent;
        }
        // Grows with what is there: the extents of a damaged header cost nothing, nor does what is inflated beyond them.
        using var data = new MemoryStream();
        var part = new byte[1 << 16];
        for (int n; data.Length <= length && (n = stream.Read(part)) > 0;)
            data.Write(part, 0, n);
        if (data.Length != length)
            throw new BDenseException(
                $"{path}: {string.Join(" x ", extents)} bytes are declared, "
                    + $"{(data.Length < length ? $"{data.Length} are there (cut short)" : "more are there")}");
        return (extents, data.ToArray());
    }
}
