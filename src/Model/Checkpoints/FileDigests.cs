using System.Security.Cryptography;

namespace BDense.Model.Checkpoints;

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
    private const int ReadBytes = 1 << 20;

    private static readonly AsyncLocal<FileDigests?> Ambient = new();

    private readonly Dictionary<string, Task<string>> _digests = new(StringComparer.Ordinal);
    private readonly FileDigests? _outer;

    /// <summary>Begins to count; ends with <see cref="Dispose"/>.</summary>
    public FileDigests()
    {
        _outer = Ambient.Value;
        Ambient.Value = this;
    }

    internal static FileDigests? Current => Ambient.Value;

    /// <summary>
    /// The digest of a file that was written meanwhile, in lower-case hexadecimal digits; null for any other. Waits for it: one digest goes
    /// on beside the writing of the next file.
    /// </summary>
    public string? Of(string path)
    {
        Task<string>? digest;
        lock (_digests)
            digest = _digests.GetValueOrDefault(Path.GetFullPath(path));
        return digest?.GetAwaiter().GetResult();
    }

    /// <summary>The digest of a file that is there, read once from its beginning to its end.</summary>
    public static string Compute(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[(int)Math.Min(ReadBytes, Math.Max(1, stream.Length))];
        for (int n; (n = stream.Read(buffer)) > 0;)
            hash.AppendData(buffer, 0, n);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <inheritdoc/>
    public void Dispose() => Ambient.Value = _outer;

    internal void Add(string fullPath, Task<string> digest)
    {
        lock (_digests)
            _digests[fullPath] = digest;
    }
}
