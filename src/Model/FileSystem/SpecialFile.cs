namespace BDense.Model.FileSystem;

/// <summary>Where a name leads to, and whether that is something else than a regular file: a device, a pipe.</summary>
internal static class SpecialFile
{
    // Deeper chains are loops; the system's own limit.
    private const int MostLinks = 40;

    /// <summary>The path that a link leads to, over further ones; the path itself where it is none.</summary>
    /// <exception cref="IOException">Links that lead in a circle.</exception>
    public static string Follow(string fullPath)
    {
        string path = fullPath;
        for (int i = 0; i < MostLinks; i++)
        {
            // Those of the system's own folders, such as /dev/stdout, may lead to what has no name.
            if (IsSystems(path) || new FileInfo(path).LinkTarget is not { } target)
                return path;
            path = Path.GetFullPath(target, Path.GetDirectoryName(path)!);
        }
        throw new IOException("too many links");
    }

    /// <summary>
    /// A stream into what is there and no regular file; none for a regular file and where nothing is. A pipe is waited for until
    /// somebody reads it.
    /// </summary>
    public static FileStream? TryOpen(string path)
    {
        var info = new FileInfo(path);
        // .NET has no name for a file's type. What is no regular file has no length, lies among the devices or cannot be sought in.
        if (OperatingSystem.IsWindows() || !info.Exists || (!IsSystems(path) && info.Length > 0))
            return null;
        FileStream? stream = null;
        try
        {
            Files.IsWaiting = true;
            stream = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, OutputFile.BufferBytes);
            if (IsSystems(path) || !stream.CanSeek)
                return stream;
        }
        catch (UnauthorizedAccessException) when (!IsSystems(path))
        {
            // An empty file that may not be written, but perhaps replaced.
        }
        finally
        {
            Files.IsWaiting = false;
        }
        stream?.Dispose();
        return null;
    }

    /// <summary>Whether a path lies among the system's own devices and processes.</summary>
    public static bool IsSystems(string path) => !OperatingSystem.IsWindows() && !path.StartsWith("/dev/shm/", StringComparison.Ordinal)
        && (path.StartsWith("/dev/", StringComparison.Ordinal) || path.StartsWith("/proc/", StringComparison.Ordinal));
}
