using BDense.Kernels;
using BDense.Model.Checkpoints;

namespace BDense.Training.Runs;

/// <summary>
/// What a checkpoint consists of, in <c>manifest.json</c>, which is written last: a checkpoint that differs from it is not used.
/// </summary>
/// <param name="Run">The run that it belongs to: <see cref="RunFolder.Identity"/>.</param>
/// <param name="Step">Iterations done.</param>
/// <param name="Files">SHA-256 of every other file by its name, in lower-case hexadecimal digits.</param>
public sealed record Manifest(string Run, long Step, SortedDictionary<string, string> Files)
{
    /// <summary>Its name in a checkpoint's folder.</summary>
    public const string FileName = "manifest.json";

    /// <summary>
    /// In a checkpoint's state: that there is a manifest, so that one without it can be told from those that never had one.
    /// </summary>
    internal const string StateKey = "manifest";

    /// <summary>Writes the manifest of a folder whose files are all there.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <param name="run">Its run.</param>
    /// <param name="step">Iterations done.</param>
    /// <param name="written">Digests of what was written; files that are not among them are read.</param>
    public static void Write(string folder, string run, long step, FileDigests written)
    {
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (string path in Directory.GetFiles(folder))
            files[Path.GetFileName(path)] = written.Of(path) ?? FileDigests.Compute(path);
        AtomicFile.WriteText(Path.Combine(folder, FileName), RunJson.ToText(RunJson.ToNode(new Manifest(run, step, files))) + "\n");
    }

    /// <exception cref="BDenseException">Not a manifest; names the file.</exception>
    public static Manifest Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        var manifest = RunJson.FromNode<Manifest>(RunJson.Read(path), path);
        return manifest is { Run: not null, Files: not null } ? manifest : throw new BDenseException($"{path}: names no run or no files");
    }

    /// <summary>What is wrong with the files of a folder, as a sentence without its subject; null if nothing is.</summary>
    public string? Fault(string folder)
    {
        var faults = new string?[Files.Count];
        var files = Files.ToArray();
        // A core each: the files are few, and each is read and digested from its beginning to its end.
        Parallel.For(0, files.Length, i => faults[i] = FaultOf(folder, files[i].Key, files[i].Value));
        return faults.FirstOrDefault(fault => fault is not null);
    }

    private static string? FaultOf(string folder, string name, string digest)
    {
        // A name from a file is not trusted to stay in the folder.
        if (name != Path.GetFileName(name))
            return $"its {FileName} names '{name}', which is no file of it";
        string path = Path.Combine(folder, name);
        try
        {
            if (!File.Exists(path))
                return $"its {name} is missing";
            string got = FileDigests.Compute(path);
            return got == digest ? null
                : $"its {name} is not the one that was written (SHA-256 {Until(got, digest)}, in {FileName} {Until(digest, got)}), or "
                    + $"{FileName} is damaged";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"its {name} cannot be read: {e.Message.ReplaceLineEndings(" ")}";
        }
    }

    /// <summary>Twelve digits, or as many as it takes to differ.</summary>
    private static string Until(string digest, string other) =>
        digest[..Math.Min(digest.Length, Math.Max(12, digest.AsSpan().CommonPrefixLength(other) + 4))];

    private static string Short(string digest) => digest.Length > 12 ? digest[..12] : digest;
}
