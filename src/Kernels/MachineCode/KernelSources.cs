namespace BDense.Kernels.MachineCode;

/// <summary>The kernels' C#, which the assembly carries.</summary>
public static class KernelSources
{
    private static readonly Lazy<IReadOnlyDictionary<string, string>> s_all = new(Read);

    /// <summary>Text by path, from Ilgpu/ on.</summary>
    public static IReadOnlyDictionary<string, string> All => s_all.Value;

    /// <summary>A line of a file, without the space around it; empty where there is none.</summary>
    /// <param name="file">As in <see cref="All"/>.</param>
    /// <param name="line">From 1 on.</param>
    public static string Line(string file, int line) =>
        All.TryGetValue(file, out string? text) && text.Split('\n') is var lines && line >= 1 && line <= lines.Length ? lines[line - 1].Trim() : "";

    /// <summary>A compiler's path as the resources name it: from Ilgpu/ on; empty for one that is elsewhere.</summary>
    public static string Relative(string path)
    {
        path = path.Replace('\\', '/');
        int at = path.LastIndexOf("/Ilgpu/", StringComparison.Ordinal);
        return at < 0 ? "" : path[(at + 1)..];
    }

    private static Dictionary<string, string> Read()
    {
        var assembly = typeof(KernelSources).Assembly;
        return assembly.GetManifestResourceNames().Where(n => n.StartsWith("Ilgpu", StringComparison.Ordinal)).ToDictionary(n => n.Replace('\\', '/'), n =>
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(n)!);
            return reader.ReadToEnd();
        });
    }
}
