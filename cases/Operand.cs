using BDense.Kernels;

namespace BDense.Cases;

/// <summary>What a backend does with an operand.</summary>
public enum Role
{
    /// <summary>Read only: its bits must be the same afterwards.</summary>
    Input,

    /// <summary>Overwritten: starts as NaN, so that an element nobody wrote shows.</summary>
    Output,

    /// <summary>Read and changed: accumulated gradients, optimizer states, work in place.</summary>
    InOut,
}

/// <summary>One tensor argument of an operation.</summary>
/// <param name="Name">As the contract calls it.</param>
/// <param name="Shape">Its extents.</param>
/// <param name="Role">What happens to it.</param>
/// <param name="Value">Element i of the starting values, drawn from the case's own generator; ignored for outputs.</param>
public sealed record Operand(string Name, Shape Shape, Role Role, Func<Random, int, float> Value)
{
    /// <summary>
    /// In memory. What starts in BF16 is rounded before the oracle sees it, and what ends there may be the rounded result.
    /// </summary>
    public ElementType Type { get; init; }

    /// <summary>Of all elements.</summary>
    public long Bytes => (long)Shape.Length * Type.Bytes();

    /// <summary>Read only. Normal numbers, if no other values are given.</summary>
    public static Operand In(string name, Shape shape, Func<Random, int, float>? value = null) =>
        new(name, shape, Role.Input, value ?? Values.Normal);

    /// <summary>Overwritten.</summary>
    public static Operand Out(string name, Shape shape) => new(name, shape, Role.Output, Values.NaN);

    /// <summary>Read and changed.</summary>
    public static Operand InOut(string name, Shape shape, Func<Random, int, float>? value = null) =>
        new(name, shape, Role.InOut, value ?? Values.Normal);
}
