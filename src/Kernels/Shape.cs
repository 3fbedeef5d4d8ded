using System.Diagnostics.CodeAnalysis;

namespace BDense.Kernels;

/// <summary>The extents of a tensor, outermost first, at most five; row-major, the last one contiguous.</summary>
/// <remarks>A value type without an array inside, so that shapes on the hot path make no garbage.</remarks>
public readonly struct Shape : IEquatable<Shape>
{
    private readonly int _d0, _d1, _d2, _d3, _d4;

    /// <summary>
    /// The most elements of a tensor: 2^31 - 2^17. Kernels index in 32 bits, step through a row by up to 65,536 threads at a time and
    /// round their number up to whole groups; none of that may overflow.
    /// </summary>
    public const int MaxLength = int.MaxValue - (1 << 17) + 1;

    /// <summary>Number of extents, 0 to 5.</summary>
    public int Rank { get; }

    /// <summary>Product of the extents; 1 for rank 0.</summary>
    public int Length { get; }

    /// <exception cref="BDenseException">More than five extents, a negative one, or more than <see cref="MaxLength"/> elements.</exception>
    public Shape(params ReadOnlySpan<int> extents)
    {
        if (extents.Length > 5)
            throw new BDenseException($"a tensor has at most 5 extents, not {extents.Length}");
        Rank = extents.Length;
        long length = 1;
        foreach (int extent in extents)
        {
            if (extent < 0)
                throw new BDenseException($"a tensor's extent cannot be negative: {Text(extents)}");
            length *= extent;
            if (length > MaxLength)
                throw new BDenseException(
                    $"a tensor of {Text(extents)} has more than {MaxLength} elements, the limit of 32-bit indexing; use a smaller batch");
        }
        Length = (int)length;
        _d0 = Rank > 0 ? extents[0] : 0;
        _d1 = Rank > 1 ? extents[1] : 0;
        _d2 = Rank > 2 ? extents[2] : 0;
        _d3 = Rank > 3 ? extents[3] : 0;
        _d4 = Rank > 4 ? extents[4] : 0;
    }

    /// <summary>Extent <paramref name="i"/>; negative counts from the last (-1 is the contiguous one).</summary>
    public int this[int i]
    {
        get
        {
            int k = i < 0 ? i + Rank : i;
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)k, (uint)Rank, nameof(i));
            return k switch { 0 => _d0, 1 => _d1, 2 => _d2, 3 => _d3, _ => _d4 };
        }
    }

    /// <summary>The extents, outermost first.</summary>
    public int[] ToArray()
    {
        var extents = new int[Rank];
        for (int i = 0; i < Rank; i++)
            extents[i] = this[i];
        return extents;
    }

    /// <summary>Whether rank and all extents are the same.</summary>
    public bool Equals(Shape other) =>
        Rank == other.Rank && _d0 == other._d0 && _d1 == other._d1 && _d2 == other._d2 && _d3 == other._d3 && _d4 == other._d4;

    /// <inheritdoc/>
    public override bool Equals([NotNullWhen(true)] object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Rank, _d0, _d1, _d2, _d3, _d4);

    /// <summary>As <see cref="Equals(Shape)"/>.</summary>
    public static bool operator ==(Shape a, Shape b) => a.Equals(b);

    /// <summary>Not <see cref="Equals(Shape)"/>.</summary>
    public static bool operator !=(Shape a, Shape b) => !a.Equals(b);

    /// <summary>For people: <c>64 x 16 x 16 x 3</c>.</summary>
    public override string ToString() => Text(ToArray());

    private static string Text(ReadOnlySpan<int> extents) => extents.Length == 0 ? "scalar" : string.Join(" x ", extents.ToArray());
}
