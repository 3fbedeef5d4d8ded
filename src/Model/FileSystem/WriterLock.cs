using System.Globalization;
using BDense.Kernels;
using BDense.Model.Checkpoints;

namespace BDense.Model.FileSystem;

/// <summary>
/// That a folder, or a file, has one writer at a time. The lock is the system's on an open file, so it ends with its process, however that
/// ends; a file beside it says whose it is, for the message to the second one. Whoever holds the lock may clear away what dead ones left.
/// </summary>
/// <remarks>
/// A folder's locked file stays. A file's goes at the end: who has opened it just before that, and then locks what has no name any more,
/// sees it and opens anew, so that two never hold the lock. Where a system cannot tell, it stays.
/// </remarks>
public sealed class WriterLock : IDisposable
{
    private const string Suffix = ".lock", HolderSuffix = ".lock.pid", Temporary = ".tmp";

    // Of what tells unfinished files of one name apart.
    private const int IdDigits = 32;

    // Each time it is opened in vain another writer has ended in between.
    private const int MostTries = 100;

    private readonly Stream _stream;
    private readonly string _holder;
    private readonly string _own;

    // The locked file, where it goes at the end.
    private readonly string? _passing;

    /// <summary>Until it is disposed.</summary>
    public bool IsHeld { get; private set; } = true;

    private WriterLock(Stream stream, string holder, string own, string? passing) =>
        (_stream, _holder, _own, _passing) = (stream, holder, own, passing);

    /// <summary>Takes the lock of a folder, which is there, and clears it of the unfinished files of dead writers.</summary>
    /// <exception cref="BDenseException">Another process has it: the message names it. Or nothing can be written there.</exception>
    public static WriterLock OfFolder(string folder)
    {
        return Take(Path.Combine(folder, Suffix), Path.Combine(folder, HolderSuffix), folder, passes: false)
            .Beginning(() => ClearUnfinished(folder, "."));
    }

    /// <summary>
    /// Takes the lock of a file, there or not, and clears away what dead writers of it left (<c>.NAME.*.tmp</c>); its folder is made if it
    /// is missing. A link's is that of the file it leads to. At the end nothing of the lock is left.
    /// </summary>
    /// <exception cref="BDenseException">As <see cref="OfFolder"/>.</exception>
    public static WriterLock OfFile(string path)
    {
        string full = Path.GetFullPath(path);
        AtomicFile.Guard(path, () =>
        {
            full = Directory.Exists(full) ? full : SpecialFile.Follow(full);
            Files.MakeFolder(Path.GetDirectoryName(full)!);
        });
        string folder = Path.GetDirectoryName(full)!, prefix = $".{AtomicFile.Start(Path.GetFileName(full))}";
        return Take(Path.Combine(folder, prefix + Suffix), Path.Combine(folder, prefix + HolderSuffix), path, passes: true)
            .Beginning(() => ClearUnfinished(folder, prefix + ".", IdDigits));
    }

    /// <summary>Does what comes first under the lock, which is given back if that fails.</summary>
    /// <returns>This.</returns>
    public WriterLock Beginning(Action first)
    {
        try
        {
            first();
            return this;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Whether an entry of a folder is a lock's or unfinished, so that a folder with nothing else is as good as empty.</summary>
    public static bool IsOwn(string entry) =>
        Path.GetFileName(entry) is Suffix or HolderSuffix
            || (Path.GetFileName(entry) is ['.', ..] name && name.EndsWith(Temporary, StringComparison.Ordinal));

    /// <summary>Whether the lock still lies where it was taken: not if its folder is gone, or another has come in its place.</summary>
    public bool IsInPlace()
    {
        try
        {
            return File.ReadAllText(_holder) == _own;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Removes what begins with <paramref name="prefix"/> and was never finished. Only for the holder of a lock.</summary>
    public static void ClearUnfinished(string folder, string prefix) => ClearUnfinished(folder, prefix, digits: null);

    // With so many characters between prefix and end: beside a file's own (.x.ID.tmp) there may be another's (.x.zip.ID.tmp).
    private static void ClearUnfinished(string folder, string prefix, int? digits) => AtomicFile.Guard(folder, () =>
    {
        foreach (var entry in Directory.Exists(folder) ? new DirectoryInfo(folder).EnumerateFileSystemInfos().ToList() : [])
        {
            if (!entry.Name.StartsWith(prefix, StringComparison.Ordinal) || !entry.Name.EndsWith(Temporary, StringComparison.Ordinal)
                || (digits is { } n && entry.Name.Length != prefix.Length + n + Temporary.Length))
                continue;
            if (entry is DirectoryInfo { LinkTarget: null })
                Files.DeleteFolder(entry.FullName);
            else
                Files.Delete(entry.FullName);
        }
    });

    /// <summary>Lets the next writer in.</summary>
    public void Dispose()
    {
        if (!IsHeld)
            return;
        IsHeld = false;
        try
        {
            // Before the lock is given back: afterwards it may be another's.
            if (IsInPlace())
            {
                Remove(_holder);
                if (_passing is not null && Files.IsNamed(_stream, _passing) == true)
                    Remove(_passing);
            }
        }
        finally
        {
            _stream.Dispose();
        }
        // An open file cannot be removed there: if it is another's by now, it stays.
        if (_passing is not null && OperatingSystem.IsWindows())
            Remove(_passing);
    }

    private static Stream Lock(string path, string holder, string what, bool passes)
    {
        for (int tries = 0; ; tries++)
        {
            try
            {
                var stream = Files.Open(path, FileMode.OpenOrCreate);
                if (!passes || Files.IsNamed(stream, path) != false)
                    return stream;
                stream.Dispose();
            }
            catch (IOException e) when (IsTaken(e))
            {
                throw Taken(e);
            }
            catch (Exception e) when (AtomicFile.IsFailure(e))
            {
                throw AtomicFile.Failure(what, e);
            }
            if (tries == MostTries)
                throw Taken();
        }

        BDenseException Taken(Exception? cause = null) =>
            new($"{what} is being written by another process{Pid(holder)}; wait for it to end, or stop it", cause);
    }

    private static WriterLock Take(string path, string holder, string what, bool passes)
    {
        var stream = Lock(path, holder, what, passes);
        try
        {
            string own = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId} {Guid.NewGuid():N}\n");
            AtomicFile.Guard(what, () =>
            {
                using var file = Files.Open(holder, FileMode.Create);
                file.Write(System.Text.Encoding.ASCII.GetBytes(own));
            });
            return new WriterLock(stream, holder, own, passes ? path : null);
        }
        catch
        {
            try
            {
                Remove(holder);
                if (passes && Files.IsNamed(stream, path) == true)
                    Remove(path);
            }
            finally
            {
                stream.Dispose();
            }
            throw;
        }
    }

    private static void Remove(string file)
    {
        try
        {
            Files.Delete(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The holder's name is for a message, and the next writer takes a lock that stays.
        }
    }

    // The system's number for a lock that is held: EAGAIN (11, on macOS 35), on Windows a sharing violation.
    private static bool IsTaken(IOException e) => e.HResult is 11 or 35 or unchecked((int)0x80070020);

    private static string Pid(string holder)
    {
        try
        {
            return File.ReadAllText(holder).Split(' ') is [var pid, ..]
                && int.TryParse(pid, NumberStyles.None, CultureInfo.InvariantCulture, out _) ? $" (pid {pid})" : "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
