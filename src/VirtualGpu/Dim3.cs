using System.Globalization;

namespace BDense.VirtualGpu;

/// <summary>Three extents, or an index within three.</summary>
public readonly record struct Dim3(int X, int Y = 1, int Z = 1)
{
    public long Count => (long)X * Y * Z;

    /// <summary>The index of an element by its number, x fastest.</summary>
    internal Dim3 At(int number) => new(number % X, number / X % Y, number / X / Y);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"({X}, {Y}, {Z})");
}
