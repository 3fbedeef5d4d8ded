using System.Reflection;

namespace BDense.Kernels.Profiling;

/// <summary>
/// All operations, each at a shape that the caller chooses: what <c>bdense profile</c> runs. An operation's entry stands in the file of its
/// contract (Ops/), as a static method of <see cref="Backend"/>, and is found there. The case list (cases/) stands above this floor and has
/// the shapes that are tested and timed; one shape each is here, so that a name alone can be profiled.
/// </summary>
public static class OperationCatalog
{
    /// <summary>Elements of an elementwise operation if no shape is given.</summary>
    internal const int UsualLength = 1 << 18;

    /// <summary>Every operation, variants one by one, by name.</summary>
    public static IReadOnlyList<CatalogOperation> All { get; } =
    [
        .. typeof(Backend).GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
            .Where(method => method.ReturnType == typeof(IEnumerable<CatalogOperation>))
            .SelectMany(method => (IEnumerable<CatalogOperation>)method.Invoke(null, null)!)
            .OrderBy(operation => operation.Name, StringComparer.Ordinal),
    ];

    /// <summary>By its name, whatever the case and with or without hyphens; null for none.</summary>
    public static CatalogOperation? Find(string name) => All.FirstOrDefault(o => Plain(o.Name) == Plain(name));

    /// <summary>An operation from one tensor to another of its shape; its backward pass from dy and x to dx.</summary>
    internal static CatalogOperation OneToOne(string name, Action<Backend, Tensor, Tensor> forward,
        Action<Backend, Tensor, Tensor, Tensor>? backward = null) => new(name, ["LENGTH"], [UsualLength], (t, e) =>
    {
        Tensor x = t.Normal(new(e[0])), y = t.Empty(x.Shape);
        if (backward is null)
            return [new("forward", () => forward(t.Backend, x, y))];
        Tensor dy = t.Normal(x.Shape), dx = t.Empty(x.Shape);
        return [new("forward", () => forward(t.Backend, x, y)), new("backward", () => backward(t.Backend, dy, x, dx))];
    });

    private static string Plain(string name) => name.Replace("-", "", StringComparison.Ordinal).ToLowerInvariant();
}
