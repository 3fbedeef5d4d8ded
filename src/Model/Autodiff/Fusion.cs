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
    /// <summary>A fusion of one's own; a set holds it by <see cref="Fusions.With"/>, a text names it through <see cref="Fusions.Parse"/>.</summary>
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
            throw new BDenseException($"a fusion cannot be called {Printable.Quoted(name)}: its name is small letters, digits and hyphens, a letter "
                + "first, and not all, none or usual, which are sets");
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
