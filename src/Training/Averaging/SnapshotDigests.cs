using BDense.Kernels;
using BDense.Model.Checkpoints;

namespace BDense.Training.Averaging;

/// <summary>
/// SHA-256 of the averages that a run has stored, in <c>snapshots/SHA256SUMS</c>: a line each, the digest, two blanks and the name, as
/// <c>sha256sum --check</c> reads it. What is listed and is not there has been lost.
/// </summary>
internal static class SnapshotDigests
{
    /// <summary>Among the stored averages.</summary>
    public const string FileName = "SHA256SUMS";

    private const string Between = "  ";

    private const int Digits = 64, NamesInMessage = 3;

    /// <summary>Digests by name; none where there is no list.</summary>
    /// <exception cref="BDenseException">The list cannot be read, or is none.</exception>
    public static SortedDictionary<string, string> Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        var digests = new SortedDictionary<string, string>(StringComparer.Ordinal);
        try
        {
            foreach (string line in File.Exists(path) ? File.ReadAllLines(path) : [])
            {
                if (line.Length <= Digits + Between.Length || line[Digits..(Digits + Between.Length)] != Between
                    || !line[..Digits].All(char.IsAsciiHexDigitLower) || !digests.TryAdd(line[(Digits + Between.Length)..], line[..Digits]))
                    throw new BDenseException(
                        $"{path} is damaged: {Printable.Quoted(line)} is no digest and name; remove it to use the averages unchecked");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BDenseException($"cannot read {path}: {e.Message}", e);
        }
        return digests;
    }

    /// <summary>Writes the list; removes it where it would be empty.</summary>
    /// <exception cref="BDenseException">It cannot be written.</exception>
    public static void Write(string folder, SortedDictionary<string, string> digests)
    {
        string path = Path.Combine(folder, FileName);
        if (digests.Count == 0)
            AtomicFile.Delete(path);
        else
            AtomicFile.WriteText(path, string.Concat(digests.Select(pair => $"{pair.Value}{Between}{pair.Key}\n")), makeFolders: false);
    }

    /// <summary>The stored averages up to an iteration, each as it was written.</summary>
    /// <param name="folder">Where; it need not be there.</param>
    /// <param name="end">The last iteration that counts.</param>
    /// <param name="notice">Told of what has been lost, and of what is in no list.</param>
    /// <exception cref="BDenseException">One is damaged, which the message names.</exception>
    public static IReadOnlyList<string> Whole(string folder, long end, Action<string>? notice)
    {
        if (!Directory.Exists(folder))
            return [];
        var digests = Read(folder);
        string[] files = [.. Directory.GetFiles(folder, "step-*.safetensors").Where(file => !(EmaProfiles.StepOf(file) > end)).Order(
            StringComparer.Ordinal)];
        foreach (string file in files)
        {
            if (digests.TryGetValue(Path.GetFileName(file), out string? digest) && FileDigests.Compute(file) != digest)
                throw new BDenseException($"{file} is damaged: it is not the one that was written (by {FileName}, SHA-256 {digest[..12]}); "
                    + "remove it to make averages without it");
        }
        int unlisted = files.Count(file => !digests.ContainsKey(Path.GetFileName(file)));
        if (unlisted > 0)
            notice?.Invoke($"{folder}: {unlisted} of {files.Length} averages are not in {FileName}, so they are used unchecked: an older "
                + "version wrote them");
        string[] lost = [.. digests.Keys.Where(name => EmaProfiles.StepOf(name) < end && !File.Exists(Path.Combine(folder, name)))];
        if (lost.Length > 0)
            notice?.Invoke($"{folder}: {lost.Length} of the {files.Length + lost.Length} stored averages are gone, the average is made "
                + $"without them: {string.Join(", ", lost.Take(NamesInMessage))}{(lost.Length > NamesInMessage ? ", .." : "")}");
        return files;
    }
}
