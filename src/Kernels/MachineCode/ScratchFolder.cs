using System.Collections.Concurrent;

namespace BDense.Kernels.MachineCode;

/// <summary>
/// A folder in the system's temporary one, gone after use; also where a second signal ends the process in the middle of it.
/// </summary>
internal sealed class ScratchFolder : IDisposable
{
    private static readonly ConcurrentDictionary<string, bool> Open = new();

    static ScratchFolder() => AppDomain.CurrentDomain.ProcessExit += (_, _) =>
    {
        foreach (string folder in Open.Keys)
            Remove(folder);
    };

    /// <param name="prefix">How its name begins.</param>
    public ScratchFolder(string prefix)
    {
        FullName = Directory.CreateTempSubdirectory(prefix).FullName;
        Open[FullName] = true;
    }

    public string FullName { get; }

    public void Dispose()
    {
        Remove(FullName);
        Open.TryRemove(FullName, out _);
    }

    private static void Remove(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A program that was stopped may hold a file still, or another thread has been here.
        }
    }
}
