using System.Globalization;
using System.IO.Compression;
using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Model.FileSystem;

namespace BDense.Training.Data.Preparing;

/// <summary>Takes the files of a dataset as they are made: a name with /, and the bytes.</summary>
internal delegate void FileSink(string name, byte[] bytes);

/// <summary>
/// Where a prepared dataset goes: a zip, stored without compression, or a folder. It is there whole or not at all, and equal files make
/// equal zips.
/// </summary>
internal static class PreparedFiles
{
    private const string ZipExtension = ".zip";

    // What people would take for an archive, and would not be one.
    private static readonly string[] OtherArchives = [".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar", ".npz", ".npy", ".safetensors"];

    // The first moment that a zip can name.
    private static readonly DateTimeOffset Moment = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>EDM's name of image <paramref name="index"/>: 1,000 a folder.</summary>
    public static string NameOf(int index) => string.Create(CultureInfo.InvariantCulture, $"{index / 1000:00000}/img{index:00000000}.png");

    /// <summary>Whether a dataset of <paramref name="source"/> could be written there, asked before the work.</summary>
    /// <exception cref="UsageException">Neither a zip nor a folder by its name; the source itself, or within it.</exception>
    /// <exception cref="BDenseException">Something is there, or nothing can be written.</exception>
    public static void RequirePlace(string path, string source)
    {
        string full = Path.GetFullPath(path), from = Path.GetFullPath(source);
        if (OtherArchives.Contains(Path.GetExtension(full), StringComparer.OrdinalIgnoreCase))
            throw new UsageException($"--out {path}: a dataset is written as .zip, or into a folder");
        if (full == from
            || (Directory.Exists(from) && full.StartsWith(Path.TrimEndingDirectorySeparator(from) + Path.DirectorySeparatorChar,
            StringComparison.Ordinal)))
            throw new UsageException($"--out {path} is {(full == from ? "the source itself" : $"within {source}")}; give another place");
        if (IsZip(full))
            AtomicFile.RequirePlace(path);
        else if (File.Exists(full))
            throw new BDenseException($"cannot write {path}: it is a file; a folder is made there, or give a name that ends in .zip");
        else if (Directory.Exists(full) && Directory.EnumerateFileSystemEntries(full).Any())
            throw new BDenseException($"cannot write {path}: the folder is not empty; give another, or remove it");
    }

    /// <summary>Writes what <paramref name="body"/> gives.</summary>
    /// <exception cref="BDenseException">The place cannot be written, or the disk is full.</exception>
    public static void Write(string path, Action<FileSink> body)
    {
        if (IsZip(path))
        {
            // What dead writers left goes at once, since nobody else writes there meanwhile. A pipe has one writer or many, as it likes.
            using var alone = AtomicFile.IsSpecial(path) ? null : WriterLock.OfFile(path);
            AtomicFile.Write(path, stream => WriteZip(stream, body));
        }
        else
        {
            WriteFolder(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)), body);
        }
    }

    private static bool IsZip(string path) => path.EndsWith(ZipExtension, StringComparison.OrdinalIgnoreCase);

    private static void WriteZip(Stream stream, Action<FileSink> body)
    {
        using var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
        body((name, bytes) =>
        {
            var entry = zip.CreateEntry(name, CompressionLevel.NoCompression);
            entry.LastWriteTime = Moment;
            using var into = entry.Open();
            into.Write(bytes);
        });
    }

    // Beside its place under another name, which it gets at the end.
    private static void WriteFolder(string path, Action<FileSink> body)
    {
        using var alone = WriterLock.OfFile(path);
        string temporary = Path.Combine(Path.GetDirectoryName(path)!, $".{Path.GetFileName(path)}.{Guid.NewGuid():N}.tmp");
        try
        {
            AtomicFile.Guard(path, () =>
            {
                Files.MakeFolder(temporary);
                body((name, bytes) =>
                {
                    string file = Path.Combine(temporary, name);
                    Files.MakeFolder(Path.GetDirectoryName(file)!);
                    using var stream = Files.Open(file);
                    stream.Write(bytes);
                    stream.Flush();
                });
                // It is there, and empty, as was asked before.
                if (Directory.Exists(path))
                    Files.DeleteFolder(path);
                Files.RenameFolder(temporary, path);
            });
        }
        finally
        {
            Remove(temporary);
        }
    }

    private static void Remove(string temporary)
    {
        try
        {
            Files.DeleteFolder(temporary);
        }
        catch (Exception e) when (AtomicFile.IsFailure(e))
        {
            // The first failure is the one to report; the next writer clears it away.
        }
    }
}
