using System.Collections.Concurrent;

namespace BDense.Kernels.MachineCode;

/// <summary>
/// The kernels' C#: this assembly carries its own; that of others is read from where it was compiled, if it is still there.
/// </summary>
public static class KernelSources
{
    private static readonly Lazy<IReadOnlyDictionary<string, string>> s_all = new(Read);
    private static readonly ConcurrentDictionary<string, string?> s_others = new();

    private static readonly string[] s_roots = ["Ilgpu", "Ptx"];

    /// <summary>Text by path, from Ilgpu/ or Ptx/ on.</summary>
    public static IReadOnlyDictionary<string, string> All => s_all.Value;

    /// <summary>The text of a file; null where there is none.</summary>
    /// <param name="file">As in <see cref="All"/>, or a path on this machine.</param>
    public static string? Text(string? file) =>
        string.IsNullOrEmpty(file) ? null : All.GetValueOrDefault(file) ?? s_others.GetOrAdd(file, ReadFile);

    /// <summary>A line of a file, without the space around it; empty where there is none.</summary>
    /// <param name="file">As for <see cref="Text"/>.</param>
    /// <param name="line">From 1 on.</param>
    public static string Line(string? file, int line) =>
        Text(file)?.Split('\n') is { } lines && line >= 1 && line <= lines.Length ? lines[line - 1].Trim() : "";

    /// <summary>A compiler's path as the resources name it; one that is elsewhere stays as it is.</summary>
    public static string Relative(string path)
    {
        path = path.Replace('\\', '/');
        return s_roots.Select(root => path.LastIndexOf($"/{root}/", StringComparison.Ordinal)).Where(at => at >= 0)
            .Select(at => path[(at + 1)..]).FirstOrDefault(All.ContainsKey) ?? path;
    }

    private static string? ReadFile(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllText(path) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static Dictionary<string, string> Read()
    {
        var assembly = typeof(KernelSources).Assembly;
        return assembly.GetManifestResourceNames().Where(n => s_roots.Any(root => n.StartsWith(root, StringComparison.Ordinal)))
            .ToDictionary(n => n.Replace('\\', '/'), n =>
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(n)!);
            return reader.ReadToEnd();
        });
    }
}
