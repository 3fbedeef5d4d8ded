using System.Reflection;

namespace BDense.Cases;

/// <summary>
/// The list: every operation with its shapes and options. A new operation is a file in Ops/, a class with a method <c>Rows</c> and, where
/// it has a gradient, one <c>Gradients</c>; it is found there.
/// </summary>
public static class CaseList
{
    private const string Folder = "BDense.Cases.Ops";

    /// <summary>Every row, by file and in the file's order.</summary>
    public static IReadOnlyList<OpCase> All { get; } = Of<OpCase>("Rows");

    /// <summary>Backward oracles beside their forward oracles, likewise.</summary>
    public static IReadOnlyList<GradientCase> Gradients { get; } = Of<GradientCase>("Gradients");

    /// <summary>The rows up to a size.</summary>
    public static IEnumerable<OpCase> Of(CaseSize largest) => All.Where(row => row.Size <= largest);

    private static List<T> Of<T>(string method) =>
    [
        .. typeof(CaseList).Assembly.GetTypes().Where(type => type.Namespace == Folder).OrderBy(type => type.Name, StringComparer.Ordinal)
            .Select(type => type.GetMethod(method, BindingFlags.Public | BindingFlags.Static, []))
            .Where(found => found?.ReturnType == typeof(IEnumerable<T>))
            .SelectMany(found => (IEnumerable<T>)found!.Invoke(null, null)!),
    ];
}
