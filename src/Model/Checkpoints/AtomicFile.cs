using System.Text;
using BDense.Kernels;

namespace BDense.Model;

/// <summary>Files that are there whole or not at all: written beside their place, flushed to the disk, then renamed.</summary>
public static class AtomicFile
{
    /// <summary>
    /// Writes <paramref name="path"/> by <paramref name="body"/>; missing folders are made. If anything fails, also inside
    /// <paramref name="body"/>, what was there before is still there and nothing new is.
    /// </summary>
    /// <exception cref="BDenseException">The place cannot be written or the disk is full; the message names the path.</exception>
    public static void Write(string path, Action<Stream> body)
    {
        string? temporary = null;
        try
        {
            string full = Path.GetFullPath(path);
            if (Directory.Exists(full))
                throw new BDenseException($"cannot write {path}: it is a folder");
            string folder = Path.GetDirectoryName(full)!;
            Directory.CreateDirectory(folder);
            temporary = Path.Combine(folder, $".{Start(Path.GetFileName(full))}.{Guid.NewGuid():N}.tmp");
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16))
            {
                var digests = FileDigests.Current;
                using var digest = digests is null ? null : new DigestStream(stream);
                body((Stream?)digest ?? stream);
                stream.Flush(flushToDisk: true);
                // After the disk has been waited for: until then hashing goes on beside it.
                if (digest is not null)
                    digests!.Add(full, digest.Complete());
            }
            File.Move(temporary, full, overwrite: true);
            temporary = null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new BDenseException($"cannot write {path}: {Reason(e)}", e);
        }
        finally
        {
            Remove(temporary);
        }
    }

    /// <summary>Writes text as UTF-8 without a byte order mark; otherwise as <see cref="Write"/>.</summary>
    /// <exception cref="BDenseException">The place cannot be written or the disk is full; the message names the path.</exception>
    public static void WriteText(string path, string text) => Write(path, stream =>
    {
        using var writer = new StreamWriter(stream, leaveOpen: true);
        writer.Write(text);
    });

    // The system's own words, in one line, without the temporary file's name that nobody asked for.
    private static string Reason(Exception e) => e switch
    {
        DirectoryNotFoundException => "there is no such folder and none can be made",
        UnauthorizedAccessException => "permission denied",
        _ => e.Message.ReplaceLineEndings(" ").Split(" : '")[0].TrimEnd('.'),
    };

    // A name has at most 255 bytes: of a long one the temporary file takes the beginning.
    private static string Start(string name)
    {
        const int MostBytes = 200;
        while (Encoding.UTF8.GetByteCount(name) > MostBytes)
            name = name[..^1];
        return name;
    }

    private static void Remove(string? temporary)
    {
        try
        {
            if (temporary is not null)
                File.Delete(temporary);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The first failure is the one to report.
        }
    }
}
