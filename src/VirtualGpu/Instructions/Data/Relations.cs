using System.Runtime.Intrinsics;

namespace BDense.VirtualGpu.Instructions.Data;

// Of floats these do not hold where one is NaN; the unordered ones (equ, ltu ...) are Unordered of the same.
internal readonly struct Equal<T> : IRelation<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.Equals(a, b);
}

/// <summary>Of floats: both are numbers, and differ (PTX ISA's ne; C#'s != holds for NaN).</summary>
internal readonly struct NotEqual<T> : IRelation<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.AndNot(Ordered<T>.Of(a, b), Vector256.Equals(a, b));
}

internal readonly struct Less<T> : IRelation<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.LessThan(a, b);
}

internal readonly struct LessOrEqual<T> : IRelation<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.LessThanOrEqual(a, b);
}

internal readonly struct Greater<T> : IRelation<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.GreaterThan(a, b);
}

internal readonly struct GreaterOrEqual<T> : IRelation<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.GreaterThanOrEqual(a, b);
}

/// <summary>Neither is NaN.</summary>
internal readonly struct Ordered<T> : IRelation<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.Equals(a, a) & Vector256.Equals(b, b);
}

/// <summary>One is NaN.</summary>
internal readonly struct Unordered<T> : IRelation<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => ~Ordered<T>.Of(a, b);
}

/// <summary>One is NaN, or the relation holds.</summary>
internal readonly struct OrUnordered<T, TOp> : IRelation<T>
    where TOp : struct, IRelation<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => TOp.Of(a, b) | Unordered<T>.Of(a, b);
}

/// <summary>The relation of flushed floats.</summary>
internal readonly struct OfFlushed<TOp> : IRelation<float>
    where TOp : struct, IRelation<float>
{
    public static Vector256<float> Of(Vector256<float> a, Vector256<float> b) => TOp.Of(Floats.Flush.Of(a), Floats.Flush.Of(b));
}

/// <summary>The relation of the lower 16 bits.</summary>
internal readonly struct Lower<TOp> : IRelation<uint>
    where TOp : struct, IRelation<uint>
{
    public static Vector256<uint> Of(Vector256<uint> a, Vector256<uint> b) =>
        TOp.Of(a & Vector256.Create(0xFFFFu), b & Vector256.Create(0xFFFFu));
}

/// <inheritdoc cref="Lower{TOp}"/>
internal readonly struct LowerSigned<TOp> : IRelation<int>
    where TOp : struct, IRelation<int>
{
    public static Vector256<int> Of(Vector256<int> a, Vector256<int> b) => TOp.Of(a << 16 >> 16, b << 16 >> 16);
}
