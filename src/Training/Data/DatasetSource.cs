using System.IO.Compression;
using BDense.Kernels;

namespace BDense.Training.Data;

/// <summary>A path that may hold a dataset, and what can be seen of it without reading it.</summary>
internal sealed class DatasetSource
{
    private readonly Lazy<byte[]> _inflated;

    private DatasetSource(string path, bool isFolder, byte[] start)
    {
        (Path, IsFolder, Start) = (path, isFolder, start);
        _inflated = new(() =>
        {
            using var stream = new GZipStream(DataFile.OpenRead(path), CompressionMode.Decompress);
            return Peek(stream);
        });
    }

    public string Path { get; }

    public bool IsFolder { get; }

    /// <summary>The first 16 bytes of a file; none of a folder.</summary>
    public byte[] Start { get; }

    public bool IsZip => Start.AsSpan().StartsWith("PK"u8);

    public bool IsGzip => Start.AsSpan().StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B]);

    /// <summary>The first 16 bytes of what is in a gzip file.</summary>
    public byte[] Inflated => _inflated.Value;

    /// <summary>Whether it is a tar archive (POSIX or GNU), compressed by gzip or not.</summary>
    public bool IsTar
    {
        get
        {
            if (IsFolder)
                return false;
            using var file = DataFile.OpenRead(Path);
            using Stream stream = IsGzip ? new GZipStream(file, CompressionMode.Decompress) : file;
            return TarFiles.LooksLike(Peek(stream, TarFiles.Block));
        }
    }

    /// <exception cref="BDenseException">It is not there, or an empty file.</exception>
    public static DatasetSource Of(string path)
    {
        if (Directory.Exists(path))
            return new DatasetSource(path, true, []);
        if (!File.Exists(path))
            throw new BDenseException($"{path}: no such file or folder");
        using var stream = DataFile.OpenRead(path);
        byte[] start = Peek(stream);
        return start.Length > 0 ? new DatasetSource(path, false, start) : throw new BDenseException($"{path}: the file is empty");
    }

    public bool HasExtension(params ReadOnlySpan<string> extensions)
    {
        foreach (string extension in extensions)
        {
            if (Path.EndsWith(extension, StringComparison.OrdinalIgnoreCase))
                return true;
        }
        return false;
    }

    private static byte[] Peek(Stream stream, int length = 16)
    {
        var start = new byte[length];
        return start[..stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)];
    }
}
