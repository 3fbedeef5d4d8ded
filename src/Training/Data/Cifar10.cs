using System.Formats.Tar;
using System.IO.Compression;
using BDense.Kernels;

namespace BDense.Training;

/// <summary>
/// CIFAR-10, binary version (Krizhevsky 2009): rows of 3073 bytes, a label from 0 to 9, then 32 x 32 red, green and blue planes.
/// The five training files; the test file is left alone.
/// </summary>
internal static class Cifar10
{
    private const int Side = 32, Planes = 3, RowBytes = 1 + Planes * Side * Side;

    // 512 MiB: eight times the true one. An archive entry that claims more is not CIFAR-10.
    private const long MaxFileBytes = 1L << 29;

    private static readonly string[] Classes =
        ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

    /// <summary>The training files in <paramref name="folder"/> or its subfolder cifar-10-batches-bin, by name.</summary>
    public static string[] FindFiles(string folder)
    {
        string inner = Path.Combine(folder, "cifar-10-batches-bin");
        string[] files = [.. Directory.GetFiles(Directory.Exists(inner) ? inner : folder).Where(IsTrainingFile)];
        Array.Sort(files, StringComparer.Ordinal);
        return files;
    }

    public static Dataset OpenFiles(string path, IReadOnlyList<string> files, DatasetOptions options) =>
        Build(path, [.. files.Select(file => (file, File.ReadAllBytes(file)))], options);

    public static Dataset OpenArchive(string path, DatasetOptions options)
    {
        var files = new List<(string Name, byte[] Rows)>();
        using var gzip = new GZipStream(DataFile.OpenRead(path), CompressionMode.Decompress);
        using var tar = new TarReader(gzip);
        while (tar.GetNextEntry() is { } entry)
        {
            if (!IsTrainingFile(entry.Name) || entry.DataStream is null)
                continue;
            if (entry.Length > MaxFileBytes)
                throw new BDenseException($"{path}: {entry.Name} has {entry.Length} bytes, too many for CIFAR-10");
            var rows = new byte[entry.Length];
            entry.DataStream.ReadExactly(rows);
            files.Add(($"{path}: {entry.Name}", rows));
        }
        if (files.Count == 0)
            throw new BDenseException($"{path}: holds no data_batch_*.bin; CIFAR-10's binary version (cifar-10-binary.tar.gz) is meant, not the Python or MATLAB one");
        files.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        return Build(path, files, options);
    }

    private static bool IsTrainingFile(string path)
    {
        string name = Path.GetFileName(path);
        return name.StartsWith("data_batch", StringComparison.Ordinal) && name.EndsWith(".bin", StringComparison.Ordinal);
    }

    private static Dataset Build(string path, IReadOnlyList<(string Name, byte[] Rows)> files, DatasetOptions options)
    {
        var rows = new List<(byte[] Rows, int Start)>();
        foreach (var (name, bytes) in files)
        {
            if (bytes.Length == 0)
                throw new BDenseException($"{name}: the file is empty");
            if (bytes.Length % RowBytes != 0)
                throw new BDenseException($"{name}: {bytes.Length} bytes are no whole number of CIFAR-10 rows of {RowBytes} bytes (cut short, or not CIFAR-10)");
            for (int start = 0; start < bytes.Length; start += RowBytes)
            {
                if (bytes[start] >= Classes.Length)
                    throw new BDenseException($"{name}: row {start / RowBytes} has label {bytes[start]}; CIFAR-10's are 0 to 9 (mislabelled, or another file)");
                rows.Add((bytes, start));
            }
        }

        int[] selection = DatasetBuilder.Select(rows.Count, options.Limit);
        var builder = new DatasetBuilder(path, selection.Length, Side, Side, Planes, eightBit: true, options);
        var labels = new int[selection.Length];
        Span<byte> image = stackalloc byte[RowBytes - 1];
        for (int i = 0; i < selection.Length; i++)
        {
            var (bytes, start) = rows[selection[i]];
            labels[i] = bytes[start];
            var planes = bytes.AsSpan(start + 1, RowBytes - 1);
            for (int pixel = 0; pixel < Side * Side; pixel++)
            {
                for (int c = 0; c < Planes; c++)
                    image[pixel * Planes + c] = planes[c * Side * Side + pixel];
            }
            builder.Put(i, image);
        }
        return builder.Build(labels, Classes);
    }
}
