using BDense.Model.FileSystem;

namespace BDense.Tests.Faults;

/// <summary>A process that is gone: no part of the project catches this.</summary>
internal sealed class Killed : Exception;

/// <summary>What can befall a piece of work at its file-system calls.</summary>
internal static class FileFaults
{
    public const string NoSpace = "No space left on device";

    /// <summary>Runs undisturbed and gives its calls. Nothing waits for the disk, as in all that follows.</summary>
    public static List<FileChange> Calls(Action work)
    {
        var calls = new List<FileChange>();
        using (Files.Watch(calls.Add))
            work();
        return calls;
    }

    /// <summary>
    /// Runs without its n-th call, counted from 0, and without any after it: what a dead process leaves behind nothing tidies up.
    /// </summary>
    /// <returns>Whether it came to that call.</returns>
    public static bool KillAt(int n, Action work)
    {
        int calls = 0;
        using (Files.Watch(_ =>
        {
            if (calls++ >= n)
                throw new Killed();
        }))
        {
            try
            {
                work();
            }
            catch (Killed)
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>Runs on a disk with room for so many more bytes: the write that does not fit fails, and so does every later one.</summary>
    public static void FillAfter(long bytes, Action work)
    {
        long written = 0;
        using (Files.Watch(change =>
        {
            if (change.Kind == FileChangeKind.Write && (written += change.Bytes) > bytes)
                throw new IOException($"{NoSpace} : '{change.Path}'");
        }))
        {
            work();
        }
    }

    /// <summary>Files and folders below a folder that a writer did not finish, or that say who is writing.</summary>
    public static IEnumerable<string> Unfinished(string folder) =>
        Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories)
        .Where(entry => entry.EndsWith(".tmp", StringComparison.Ordinal) || entry.EndsWith(".pid", StringComparison.Ordinal));
}
