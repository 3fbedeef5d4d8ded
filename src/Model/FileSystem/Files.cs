namespace BDense.Model.FileSystem;

/// <summary>
/// Every change that the project makes to the file system for runs, checkpoints, caches, states and results, each system call by one call
/// here: so that a test can come between any two of them, as a kill or a full disk does.
/// </summary>
public static class Files
{
    private static readonly AsyncLocal<Action<FileChange>?> Watcher = new();

    private static volatile bool s_isWaiting;

    /// <summary>
    /// Whether a pipe is waited for that nobody reads yet. The system's own call waits, and nothing can stop it but the end of the process.
    /// </summary>
    public static bool IsWaiting { get => s_isWaiting; internal set => s_isWaiting = value; }

    /// <summary>
    /// Whether changes are watched. Then nothing waits for the disk: watchers ask what is there, not what would survive a power cut.
    /// </summary>
    internal static bool IsWatched => Watcher.Value is not null;

    /// <summary>
    /// Shows every change of this flow of execution before it is made, until disposed; an exception thrown by the watcher is the change's.
    /// </summary>
    internal static IDisposable Watch(Action<FileChange> before)
    {
        Watcher.Value = before;
        return new Watching();
    }

    internal static void Before(FileChange change) => Watcher.Value?.Invoke(change);

    /// <summary>A folder and those above it that are missing.</summary>
    public static void MakeFolder(string path)
    {
        if (Directory.Exists(path))
            return;
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } parent)
            MakeFolder(parent);
        Before(new FileChange(FileChangeKind.MakeFolder, path));
        Directory.CreateDirectory(path);
    }

    /// <summary>A new file, or with another mode one that may be there; nobody else opens it meanwhile.</summary>
    public static Stream Open(string path, FileMode mode = FileMode.CreateNew)
    {
        Before(new FileChange(FileChangeKind.Open, path));
        return new BufferedStream(new OutputFile(path, mode, FileShare.None), OutputFile.BufferBytes);
    }

    /// <summary>A file to be continued, which others may read meanwhile.</summary>
    public static Stream Append(string path)
    {
        Before(new FileChange(FileChangeKind.Open, path));
        return new BufferedStream(new OutputFile(path, FileMode.Append, FileShare.Read), OutputFile.BufferBytes);
    }

    /// <summary>Waits until the disk has all that was written to a stream of <see cref="Open"/> or <see cref="Append"/>.</summary>
    public static void Flush(Stream stream)
    {
        stream.Flush();
        if ((stream as BufferedStream)?.UnderlyingStream is OutputFile file)
            file.FlushToDisk();
    }

    /// <summary>
    /// Whether the file behind a stream of <see cref="Open"/> is still the one of that name: not if it was removed, or another put in its
    /// place. Linux tells; none where nothing does.
    /// </summary>
    internal static bool? IsNamed(Stream stream, string path) =>
        OperatingSystem.IsLinux() && stream is BufferedStream { UnderlyingStream: OutputFile { Name: { } name } }
            ? Path.GetFileName(name) == Path.GetFileName(path) : null;

    /// <summary>Gives a file another name; what had that name before goes.</summary>
    public static void Rename(string from, string to)
    {
        Before(new FileChange(FileChangeKind.Rename, to));
        File.Move(from, to, overwrite: true);
    }

    /// <summary>Gives a folder another name, which nothing has.</summary>
    public static void RenameFolder(string from, string to)
    {
        Before(new FileChange(FileChangeKind.Rename, to));
        Directory.Move(from, to);
    }

    /// <summary>Removes a file; nothing where there is none.</summary>
    public static void Delete(string path)
    {
        Before(new FileChange(FileChangeKind.Delete, path));
        File.Delete(path);
    }

    /// <summary>Removes a folder with all that is in it; a link in it goes, not what it leads to. Nothing where there is none.</summary>
    public static void DeleteFolder(string path)
    {
        if (!Directory.Exists(path))
            return;
        foreach (var entry in new DirectoryInfo(path).EnumerateFileSystemInfos().ToList())
        {
            if (entry is DirectoryInfo { LinkTarget: null })
                DeleteFolder(entry.FullName);
            else
                Delete(entry.FullName);
        }
        Before(new FileChange(FileChangeKind.Delete, path));
        Directory.Delete(path);
    }

    private sealed class Watching : IDisposable
    {
        public void Dispose() => Watcher.Value = null;
    }
}
