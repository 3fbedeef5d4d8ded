using System.IO.Compression;
using BDense.Kernels;

namespace BDense.Training.Data;

/// <summary>Finds out by content, not by name alone, which of the known formats a path holds.</summary>
internal static class DatasetFormats
{
    public const string Known =
        "CIFAR-10's binary or python version (folder, .tar.gz), a folder or zip of images (EDM's with dataset.json too), idx images (MNIST), .npz, .npy or .safetensors arrays";

    public static Dataset Open(string path, DatasetOptions options)
    {
        if (Directory.Exists(path))
            return OpenFolder(path, options);
        if (!File.Exists(path))
            throw new BDenseException($"{path}: no such file or folder");

        byte[] start = Peek(path);
        if (start.Length == 0)
            throw new BDenseException($"{path}: the file is empty");
        if (start.AsSpan().StartsWith("PK"u8))
            return HoldsArrays(path) ? ArrayDataset.Open(path, options) : ImageFolder.OpenZip(path, options);
        if (start.AsSpan().StartsWith((ReadOnlySpan<byte>)[0x93, .. "NUMPY"u8]) || HasExtension(path, ".npy", ".npz", ".safetensors"))
            return ArrayDataset.Open(path, options);
        if (start.AsSpan().StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B]))
            return PeekInflated(path) is { } inner && IdxDataset.LooksLike(path, inner) ? IdxDataset.Open(path, options) : Cifar10.OpenArchive(path, options);
        if (IdxDataset.LooksLike(path, start))
            return IdxDataset.Open(path, options);
        if (HasExtension(path, ".bin") || Pickle.LooksLike(start))
            return Cifar10.OpenFiles(path, [path], options);
        throw new BDenseException($"{path}: not a dataset that is known: {Known}");
    }

    private static Dataset OpenFolder(string path, DatasetOptions options)
    {
        string[] rows = Cifar10.FindFiles(path);
        if (rows.Length > 0)
            return Cifar10.OpenFiles(path, rows, options);
        return IdxDataset.FindImages(path) is { } idx ? IdxDataset.Open(idx, options) : ImageFolder.OpenFolder(path, options);
    }

    private static bool HasExtension(string path, params ReadOnlySpan<string> extensions)
    {
        foreach (string extension in extensions)
        {
            if (path.EndsWith(extension, StringComparison.OrdinalIgnoreCase))
                return true;
        }
        return false;
    }

    private static bool HoldsArrays(string path)
    {
        using var zip = ZipFile.OpenRead(path);
        return zip.Entries.Any(entry => entry.FullName.EndsWith(".npy", StringComparison.Ordinal));
    }

    private static byte[] Peek(string path)
    {
        using var stream = DataFile.OpenRead(path);
        return Peek(stream);
    }

    private static byte[] PeekInflated(string path)
    {
        using var stream = new GZipStream(DataFile.OpenRead(path), CompressionMode.Decompress);
        return Peek(stream);
    }

    private static byte[] Peek(Stream stream)
    {
        var start = new byte[16];
        return start[..stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)];
    }
}
