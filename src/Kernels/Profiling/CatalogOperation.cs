using System.Globalization;

namespace BDense.Kernels.Profiling;

/// <summary>One direction of an operation: forward, backward, or a gradient of its own.</summary>
public sealed record OperationPass(string Name, Action Run);

/// <summary>An operation that can be run by its name and a shape, inputs drawn at random.</summary>
/// <param name="Name">The method of <see cref="Backend"/>, in small letters with hyphens; a variant behind it.</param>
/// <param name="Extents">What the numbers of a shape mean, in order.</param>
/// <param name="Usual">The shape if none is given: large enough for every multiprocessor to have work, small enough to be run in
/// software.</param>
/// <param name="Make">Makes the operands and gives the passes, in the order in which they depend on each other.</param>
public sealed record CatalogOperation(string Name, IReadOnlyList<string> Extents, IReadOnlyList<int> Usual,
    Func<OperandSource, IReadOnlyList<int>, IReadOnlyList<OperationPass>> Make)
{
    /// <summary>As <c>--shape</c> takes it.</summary>
    public string ExtentsText => string.Join(" x ", Extents);

    /// <summary>A shape as <c>--shape</c> takes it: numbers with an x between.</summary>
    public static string Text(IEnumerable<int> shape) => string.Join('x', shape.Select(e => e.ToString(CultureInfo.InvariantCulture)));

    /// <summary>Numbers with an x between.</summary>
    /// <exception cref="UsageException">Not as many positive numbers as the operation has extents.</exception>
    public IReadOnlyList<int> Parse(string shape)
    {
        string[] parts = shape.Split('x', StringSplitOptions.TrimEntries);
        var extents = new int[parts.Length];
        bool good = parts.Length == Extents.Count;
        for (int i = 0; i < parts.Length && good; i++)
            good = int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out extents[i]) && extents[i] > 0;
        return good ? extents
            : throw new UsageException($"the shape of {Name} is {ExtentsText}, for example {Text(Usual)}; not {Printable.Quoted(shape)}");
    }
}
