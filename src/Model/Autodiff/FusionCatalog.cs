using System.Reflection;

namespace BDense.Model.Autodiff;

/// <summary>Says that a class of this assembly declares fusions: static properties of type <see cref="Fusion"/>, public.</summary>
/// <param name="type">The class.</param>
[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
public sealed class DeclaresFusionsAttribute(Type type) : Attribute
{
    /// <summary>The class.</summary>
    public Type Type { get; } = type;
}

/// <summary>The fusions that are declared, found by <see cref="DeclaresFusionsAttribute"/>: no list to keep.</summary>
public static class FusionCatalog
{
    /// <summary>The order in which texts have named these from the start, and so the run folders that exist; later ones follow by name.</summary>
    private static readonly string[] s_first =
    [
        "groupnorm-silu", "attention", "qkv", "dropout", "trajectory-loss", "precondition-step", "adam", "folded-heads", "conv-epilogue",
        "conv-prologue", "resample-conv",
    ];

    /// <summary>BDense's own, of the floors that a program has: this one, and the one above, which need not be there.</summary>
    public static IReadOnlyList<Fusion> All { get; } = Ordered([.. Of(typeof(Fusion).Assembly), .. Of("BDense.Training")]);

    /// <summary>Those that an assembly declares, in the order of texts.</summary>
    public static IReadOnlyList<Fusion> Of(Assembly assembly) => Ordered(
        from declared in assembly.GetCustomAttributes<DeclaresFusionsAttribute>()
        from property in declared.Type.GetProperties(BindingFlags.Static | BindingFlags.Public | BindingFlags.DeclaredOnly)
        where property.PropertyType == typeof(Fusion)
        select (Fusion)property.GetValue(null)!);

    /// <summary>Each once, in the order of texts.</summary>
    internal static Fusion[] Ordered(IEnumerable<Fusion> fusions) =>
        [.. fusions.Distinct().OrderBy(fusion => Rank(fusion.Name)).ThenBy(fusion => fusion.Name, StringComparer.Ordinal)];

    private static int Rank(string name) => Array.IndexOf(s_first, name) is var i and >= 0 ? i : s_first.Length;

    private static IReadOnlyList<Fusion> Of(string assembly)
    {
        try
        {
            return Of(Assembly.Load(assembly));
        }
        catch (FileNotFoundException)
        {
            return [];
        }
    }
}
