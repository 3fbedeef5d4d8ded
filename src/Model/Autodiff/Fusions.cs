using BDense.Kernels;

namespace BDense.Model.Autodiff;

/// <summary>The set of fusions that a tape, a network or a training uses. Immutable; two are equal if they hold the same.</summary>
public sealed class Fusions : IEquatable<Fusions>
{
    private readonly Fusion[] _set;

    private Fusions(IEnumerable<Fusion> set) => _set = FusionCatalog.Ordered(set);

    /// <summary>All that BDense has; others come in by <see cref="With"/> or through <see cref="Parse"/>.</summary>
    public static Fusions All { get; } = new(FusionCatalog.All);

    /// <summary>What runs take unless told otherwise: all that is no slower anywhere (<see cref="Fusion.NotUsual"/>).</summary>
    public static Fusions Usual { get; } = new(FusionCatalog.All.Where(fusion => fusion.NotUsual is null));

    /// <summary>Compositions everywhere.</summary>
    public static Fusions None { get; } = new([]);

    /// <summary>Of all that BDense has, as <c>--fuse</c> takes them.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. FusionCatalog.All.Select(fusion => fusion.Name)];

    /// <summary>Whether it is on.</summary>
    public bool Has(Fusion fusion)
    {
        foreach (var on in _set)
        {
            if (on.Equals(fusion))
                return true;
        }
        return false;
    }

    /// <summary>These and one more, of whatever assembly.</summary>
    public Fusions With(Fusion fusion) => new([.. _set, fusion]);

    /// <summary>These but one.</summary>
    public Fusions Without(Fusion fusion) => new(_set.Where(on => !on.Equals(fusion)));

    /// <summary>The fusion of a name.</summary>
    /// <param name="name">As <c>--fuse</c> takes it.</param>
    /// <exception cref="UsageException">There is none; the message lists those there are.</exception>
    public static Fusion Find(string name) => Find(name, FusionCatalog.All);

    /// <summary>
    /// <c>all</c>, <c>none</c>, <c>usual</c>, or names with commas between, each switched off by a minus before it, read from left to
    /// right:
    /// <c>a,b</c> is these two alone, <c>-c</c> or <c>all,-c</c> everything but c.
    /// </summary>
    /// <param name="text">The names.</param>
    /// <param name="own">Fusions of other assemblies that the text may name, and that its <c>all</c> and <c>usual</c> hold.</param>
    /// <exception cref="UsageException">A name that there is not.</exception>
    /// <exception cref="BDenseException">Two fusions of one name.</exception>
    public static Fusions Parse(string text, params ReadOnlySpan<Fusion> own)
    {
        Fusion[] known = [.. FusionCatalog.All, .. own];
        if (known.CountBy(fusion => fusion.Name).FirstOrDefault(pair => pair.Value > 1).Key is { } twice)
            throw new BDenseException($"there are two fusions called '{twice}': give one's own another name");
        Fusions all = new(known), usual = new(known.Where(fusion => fusion.NotUsual is null));
        string[] items = text.Split(',', StringSplitOptions.TrimEntries);
        // What is switched off must have been on.
        var fusions = items[0].StartsWith('-') ? all : None;
        foreach (string item in items)
        {
            fusions = item switch
            {
                "all" => all,
                "none" => None,
                "usual" => usual,
                ['-', .. var name] => fusions.Without(Find(name, known)),
                _ => fusions.With(Find(item, known)),
            };
        }
        return fusions;
    }

    /// <summary><c>all</c>, <c>usual</c>, <c>none</c> or the names that are on.</summary>
    public override string ToString() =>
        Equals(All) ? "all" : Equals(Usual) ? "usual" : Equals(None) ? "none" : string.Join(',', _set.Select(fusion => fusion.Name));

    /// <summary>Whether both hold the same fusions.</summary>
    public bool Equals(Fusions? other) => other is not null && _set.AsSpan().SequenceEqual(other._set);

    /// <summary>Whether both hold the same fusions.</summary>
    public override bool Equals(object? obj) => Equals(obj as Fusions);

    /// <summary>Of the fusions.</summary>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var fusion in _set)
            hash.Add(fusion);
        return hash.ToHashCode();
    }

    /// <summary>Whether both hold the same fusions.</summary>
    public static bool operator ==(Fusions? a, Fusions? b) => a is null ? b is null : a.Equals(b);

    /// <summary>Whether one holds what the other does not.</summary>
    public static bool operator !=(Fusions? a, Fusions? b) => !(a == b);

    private static Fusion Find(string name, IReadOnlyList<Fusion> known)
    {
        foreach (var fusion in known)
        {
            if (fusion.Name == name)
                return fusion;
        }
        string[] names = ["all", "none", "usual", .. known.Select(fusion => fusion.Name)];
        throw new UsageException($"there is no fusion {Printable.Quoted(name)}{Suggestion.OrAll(name, names)}");
    }
}
