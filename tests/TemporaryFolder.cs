namespace BDense.Tests;

/// <summary>A new empty folder, removed with all that is in it on <see cref="Dispose"/>.</summary>
/// <param name="inMemory">Where the system has a file system in memory: a disk that others keep busy then costs a test of many small files
/// nothing.</param>
public sealed class TemporaryFolder(bool inMemory = false) : IDisposable
{
    private const string Memory = "/dev/shm";

    public string Path { get; } = inMemory && Directory.Exists(Memory)
        ? Directory.CreateDirectory($"{Memory}/bdense-test-{Guid.NewGuid():N}").FullName
        : Directory.CreateTempSubdirectory("bdense-test-").FullName;

    public string this[string relative] => System.IO.Path.Combine(Path, relative);

    /// <summary>Writes a file, making the folders on the way, and returns its path.</summary>
    public string Write(string relative, ReadOnlySpan<byte> bytes)
    {
        string path = this[relative];
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
