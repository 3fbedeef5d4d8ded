using System.Globalization;
using BDense.Kernels;
using BDense.Model.Checkpoints;

namespace BDense.Model.FileSystem;

/// <summary>
/// That a folder, or a file, has one writer at a time. The lock is the system's on an open file, so it ends with its process, however that
/// ends; a file beside it says whose it is, for the message to the second one. Whoever holds the lock may clear away what dead ones left.
/// </summary>
/// <remarks>The locked file stays: to remove it while another process waits to open it would give the lock to two.</remarks>
public sealed class WriterLock : IDisposable
{
    private const string Suffix = ".lock", HolderSuffix = ".lock.pid", Temporary = ".tmp";

    private readonly Stream _stream;
    private readonly string _holder;
    private readonly string _own;

    /// <summary>Until it is disposed.</summary>
    public bool IsHeld { get; private set; } = true;

    private WriterLock(Stream stream, string holder, string own) => (_stream, _holder, _own) = (stream, holder, own);

    /// <summary>Takes the lock of a folder, which is there, and clears it of the unfinished files of dead writers.</summary>
    /// <exception cref="BDenseException">Another process has it: the message names it. Or nothing can be written there.</exception>
    public static WriterLock OfFolder(string folder)
    {
        return Take(Path.Combine(folder, Suffix), Path.Combine(folder, HolderSuffix), folder).Beginning(() => ClearUnfinished(folder, "."));
    }

    /// <summary>
    /// Takes the lock of a file, there or not, and clears away what dead writers of it left; its folder is made if it is missing.
    /// </summary>
    /// <exception cref="BDenseException">As <see cref="OfFolder"/>.</exception>
    public static WriterLock OfFile(string path)
    {
        string full = Path.GetFullPath(path), folder = Path.GetDirectoryName(full)!, prefix = $".{Path.GetFileName(full)}";
        AtomicFile.Guard(path, () => Files.MakeFolder(folder));
        return Take(Path.Combine(folder, prefix + Suffix), Path.Combine(folder, prefix + HolderSuffix), path)
            .Beginning(() => ClearUnfinished(folder, prefix + "."));
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
    public static void ClearUnfinished(string folder, string prefix) => AtomicFile.Guard(folder, () =>
    {
        foreach (var entry in Directory.Exists(folder)
            ? new DirectoryInfo(folder).EnumerateFileSystemInfos($"{prefix}*{Temporary}").ToList() : [])
        {
            if (entry is DirectoryInfo { LinkTarget: null })
                Files.DeleteFolder(entry.FullName);
            else
                Files.Delete(entry.FullName);
        }
    });

    /// <summary>Lets the next writer in.</summary>
    public void Dispose()
    {
        IsHeld = false;
        try
        {
            // Before the lock is given back: afterwards it may be another's.
            if (IsInPlace())
                Remove(_holder);
        }
        finally
        {
            _stream.Dispose();
        }
    }

    private static WriterLock Take(string path, string holder, string what)
    {
        Stream stream;
        try
        {
            stream = Files.Open(path, FileMode.OpenOrCreate);
        }
        catch (IOException e) when (IsTaken(e))
        {
            throw new BDenseException($"{what} is being written by another process{Pid(holder)}; wait for it to end, or stop it", e);
        }
        catch (Exception e) when (AtomicFile.IsFailure(e))
        {
            throw AtomicFile.Failure(what, e);
        }
        try
        {
            string own = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId} {Guid.NewGuid():N}\n");
            AtomicFile.Guard(what, () =>
            {
                using var file = Files.Open(holder, FileMode.Create);
                file.Write(System.Text.Encoding.ASCII.GetBytes(own));
            });
            return new WriterLock(stream, holder, own);
        }
        catch
        {
            try
            {
                Remove(holder);
            }
            finally
            {
                stream.Dispose();
            }
            throw;
        }
    }

    private static void Remove(string holder)
    {
        try
        {
            Files.Delete(holder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Nobody but a message needs it.
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
