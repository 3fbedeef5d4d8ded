using System.Reflection;

namespace BDense.Cli.Terminal;

/// <summary>Which bdense this is.</summary>
internal static class ProgramVersion
{
    /// <summary>"bdense 0.1.0 (commit 0123abc...)"; without the commit where it was built outside a checkout.</summary>
    public static string Text { get; } = Of(
        typeof(ProgramVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "");

    /// <param name="informational">Version and, after a plus sign, the commit.</param>
    internal static string Of(string informational) =>
        informational.Split('+') is [var version, { Length: > 0 } commit] ? $"bdense {version} (commit {commit})"
            : $"bdense {informational.TrimEnd('+')}";
}
