using System.Text;
using BDense.Kernels;
using BDense.Model.FileSystem;

namespace BDense.Model.Checkpoints;

/// <summary>
/// Files that are there whole or not at all: written beside their place, flushed to the disk, then renamed. A link stays, and what it leads
/// to is written. What is no regular file (/dev/null, a pipe) cannot be replaced: it is written into.
/// </summary>
public static class AtomicFile
{
    /// <summary>
    /// Writes <paramref name="path"/> by <paramref name="body"/>; missing folders are made. If anything fails, also inside
    /// <paramref name="body"/>, what was there before is still there and nothing new is.
    /// </summary>
    /// <param name="path">Where.</param>
    /// <param name="body">Writes to the stream it is given; it can be sought in where <paramref name="path"/> is a regular file and no
    /// digest is taken.</param>
    /// <param name="makeFolders">
    /// Whether missing folders are made. Never while digests are taken (<see cref="FileDigests"/>): a checkpoint's folder that has gone
    /// must not come back with half of its files.
    /// </param>
    /// <exception cref="BDenseException">The place cannot be written or the disk is full; the message names the path.</exception>
    public static void Write(string path, Action<Stream> body, bool makeFolders = true) => Guard(path, () =>
    {
        string? temporary = null;
        try
        {
            string full = Path.GetFullPath(path);
            if (Directory.Exists(full))
                throw new BDenseException($"cannot write {path}: it is a folder");
            string target = SpecialFile.Follow(full);
            if (SpecialFile.TryOpen(target) is { } special)
            {
                using (special)
                    body(special);
                return;
            }
            string folder = Path.GetDirectoryName(target)!;
            var digests = FileDigests.Current;
            if (makeFolders && digests is null)
                Files.MakeFolder(folder);
            temporary = Path.Combine(folder, $".{Start(Path.GetFileName(target))}.{Guid.NewGuid():N}.tmp");
            using (var stream = Files.Open(temporary))
            {
                using var digest = digests is null ? null : new DigestStream(stream);
                body((Stream?)digest ?? stream);
                Files.Flush(stream);
                digests?.Add(full, digest!.Complete());
            }
            Files.Rename(temporary, target);
            temporary = null;
        }
        finally
        {
            Remove(temporary);
        }
    });

    /// <summary>
    /// Whether a file could be written, asked before the work whose result it will hold; and what dead writers of it left is cleared away.
    /// </summary>
    /// <exception cref="BDenseException">It is a folder, a loop of links, or in a folder that cannot be written to.</exception>
    public static void RequirePlace(string path) => Guard(path, () =>
    {
        string full = Path.GetFullPath(path);
        if (Directory.Exists(full))
            throw new BDenseException($"cannot write {path}: it is a folder");
        string target = SpecialFile.Follow(full), folder = Path.GetDirectoryName(target)!;
        if (!Directory.Exists(folder) || IsSpecial(path))
            return;
        ClearDead(folder, Path.GetFileName(target));
        string trial = Path.Combine(folder, $".{Guid.NewGuid():N}.tmp");
        Files.Open(trial).Dispose();
        Files.Delete(trial);
    });

    /// <summary>
    /// Whether something is there that may be no regular file: among the system's devices, or without a length, as pipes are.
    /// </summary>
    public static bool IsSpecial(string path)
    {
        string target = SpecialFile.Follow(Path.GetFullPath(path));
        return SpecialFile.IsSystems(target) || (File.Exists(target) && new FileInfo(target).Length == 0);
    }

    /// <summary>Removes what dead writers left unfinished: what nobody holds open any more, and is not of this very moment.</summary>
    /// <param name="folder">Where.</param>
    /// <param name="name">Of the file that they wrote; none for any.</param>
    public static void ClearDead(string folder, string? name = null)
    {
        var settled = DateTime.UtcNow - TimeSpan.FromMinutes(1);
        try
        {
            foreach (string left in Directory.Exists(folder) ? Directory.GetFiles(folder, $".*.tmp") : [])
            {
                // A point, the file's name, a point, 32 digits.
                string own = Path.GetFileName(left)[1..^".tmp".Length];
                bool isOurs = own.Length > 33 && own[^33] == '.' && Guid.TryParseExact(own[^32..], "N", out _)
                    && (name is null || own[..^33] == Start(name));
                if (!isOurs || File.GetLastWriteTimeUtc(left) > settled)
                    continue;
                try
                {
                    // A living writer's is locked.
                    new FileStream(left, FileMode.Open, FileAccess.ReadWrite, FileShare.None).Dispose();
                    Files.Delete(left);
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    // A living writer's, or another user's.
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What cannot be listed is not cleared.
        }
    }

    /// <summary>Writes text as UTF-8 without a byte order mark; otherwise as <see cref="Write"/>.</summary>
    /// <exception cref="BDenseException">The place cannot be written or the disk is full; the message names the path.</exception>
    public static void WriteText(string path, string text, bool makeFolders = true) => Write(path, stream =>
    {
        using var writer = new StreamWriter(stream, leaveOpen: true);
        writer.Write(text);
    }, makeFolders);

    /// <summary>Removes a file; nothing where there is none.</summary>
    /// <exception cref="BDenseException">It cannot be removed.</exception>
    public static void Delete(string path) => Guard(path, () => Files.Delete(path));

    /// <summary>
    /// Removes a folder with all that is in it: at once for whoever looks, so that a kill leaves no half of it under its name.
    /// </summary>
    /// <exception cref="BDenseException">It cannot be removed.</exception>
    public static void DeleteFolder(string path) => Guard(path, () =>
    {
        string full = Path.GetFullPath(path),
            gone = Path.Combine(Path.GetDirectoryName(full)!, $".{Path.GetFileName(full)}.{Guid.NewGuid():N}.tmp");
        if (!Directory.Exists(full))
            return;
        Files.RenameFolder(full, gone);
        Files.DeleteFolder(gone);
    });

    /// <summary>Runs what changes <paramref name="path"/>; what the system refuses becomes one line.</summary>
    /// <exception cref="BDenseException">It failed; the message names the path.</exception>
    public static void Guard(string path, Action change)
    {
        try
        {
            change();
        }
        catch (Exception e) when (IsFailure(e))
        {
            throw Failure(path, e);
        }
    }

    /// <summary>Whether an exception says that the system refused to read or write.</summary>
    public static bool IsFailure(Exception e) =>
        e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException;

    /// <summary>The line for it, which names the path.</summary>
    public static BDenseException Failure(string path, Exception e) => new($"cannot write {path}: {Reason(e)}", e);

    // The system's own words, in one line, without the temporary file's name that nobody asked for.
    private static string Reason(Exception e) => e switch
    {
        DirectoryNotFoundException => "there is no such folder and none can be made",
        UnauthorizedAccessException => "permission denied",
        _ => e.Message.ReplaceLineEndings(" ").Split(" : '")[0].TrimEnd('.'),
    };

    // A name has at most 255 bytes: of a long one the temporary file takes the beginning.
    internal static string Start(string name)
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
                Files.Delete(temporary);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The first failure is the one to report.
        }
    }
}
