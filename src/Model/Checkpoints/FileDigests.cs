namespace BDense.Model;

/// <summary>
/// The SHA-256 of every file that <see cref="AtomicFile"/> writes while this lives: of the bytes as they were handed over, so that what the
/// disk makes of them afterwards can be told from what was meant.
/// </summary>
/// <remarks>
/// A checkpoint is written by several parts that know a folder and no more, and some hand the work on. All their bytes pass one place, so
/// they are counted there, for the flow of execution that asked for it; nobody has to pass anything along.
/// </remarks>
public sealed class FileDigests : IDisposable
{
    private static readonly AsyncLocal<FileDigests?> Ambient = new();

    private readonly Dictionary<string, string> _digests = new(StringComparer.Ordinal);
    private readonly FileDigests? _outer;

    /// <summary>Begins to count; ends with <see cref="Dispose"/>.</summary>
    public FileDigests()
    {
        _outer = Ambient.Value;
        Ambient.Value = this;
    }

    internal static FileDigests? Current => Ambient.Value;

    /// <summary>The digest of a file that was written meanwhile, in lower-case hexadecimal digits; null for any other.</summary>
    public string? Of(string path)
    {
        lock (_digests)
            return _digests.GetValueOrDefault(Path.GetFullPath(path));
    }

    public void Dispose() => Ambient.Value = _outer;

    internal void Add(string fullPath, string digest)
    {
        lock (_digests)
            _digests[fullPath] = digest;
    }
}
