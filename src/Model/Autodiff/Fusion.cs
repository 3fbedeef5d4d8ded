using System.Reflection;
using BDense.Kernels;
using BDense.Model.Autodiff;

[assembly: DeclaresFusions(typeof(Fusion))]

namespace BDense.Model.Autodiff;

/// <summary>
/// What can be done in one kernel, or as a composition of plain operations with the same result up to rounding. Declared where the choice
/// is made, as a static property of a class that <see cref="DeclaresFusionsAttribute"/> names; those of this assembly are pieces of this
/// class, each in the file of its operation. <c>--fuse</c>, its help, the laboratory and docs/fusion.md take them from there.
/// </summary>
/// <remarks>Two fusions are the same if they have the same name.</remarks>
public sealed partial record Fusion
{
    /// <summary>A fusion of one's own: <see cref="Fusions.With"/> and <see cref="Fusions.Parse"/> take it into a set.</summary>
    /// <param name="name">As <c>--fuse</c> takes it: small letters, digits and hyphens, a letter first; not all, none or usual.</param>
    /// <param name="does">What the fused kernel does, in one phrase.</param>
    /// <param name="instead">What is done without it, and kept for the backward pass.</param>
    /// <param name="saves">Launches and trips through memory.</param>
    /// <param name="notUsual">Why <see cref="Fusions.Usual"/> leaves it out; null where that has it.</param>
    /// <exception cref="BDenseException">No such name can be given on a command line.</exception>
    public Fusion(string name, string does, string instead, string saves, string? notUsual = null)
    {
        if (name is "all" or "none" or "usual" || name.Length == 0 || !char.IsAsciiLetterLower(name[0])
            || !name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'))
        {
            throw new BDenseException($"a fusion cannot be called {Printable.Quoted(name)}: its name is small letters, digits and hyphens, "
                + "a letter first, and not all, none or usual, which are sets");
        }
        (Name, Does, Instead, Saves, NotUsual) = (name, does, instead, saves, notUsual);
    }

    /// <summary>As <c>--fuse</c> takes it.</summary>
    public string Name { get; }

    /// <summary>What the fused kernel does.</summary>
    public string Does { get; }

    /// <summary>What is done without it.</summary>
    public string Instead { get; }

    /// <summary>Launches and trips through memory.</summary>
    public string Saves { get; }

    /// <summary>Why <see cref="Fusions.Usual"/> leaves it out; null where that has it.</summary>
    public string? NotUsual { get; }

    /// <summary>By name.</summary>
    public bool Equals(Fusion? other) => ReferenceEquals(this, other) || other?.Name == Name;

    /// <summary>Of the name.</summary>
    public override int GetHashCode() => Name.GetHashCode(StringComparison.Ordinal);

    /// <summary>The name.</summary>
    public override string ToString() => Name;
}

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
    /// <summary>The order in which texts and run folders have named these from the start; later ones follow by name.</summary>
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
