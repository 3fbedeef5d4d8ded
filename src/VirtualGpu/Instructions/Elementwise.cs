using System.Runtime.Intrinsics;

namespace BDense.VirtualGpu.Instructions;

// What vectors of any type have an operation for. Whole numbers wrap around; floats round to nearest even.
internal readonly struct Add<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => a + b;
}

internal readonly struct Subtract<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => a - b;
}

internal readonly struct Multiply<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => a * b;
}

internal readonly struct Divide<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => a / b;
}

internal readonly struct MultiplyAdd<T> : ITernary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b, Vector256<T> c) => a * b + c;
}

internal readonly struct Negate<T> : IUnary<T>
{
    public static Vector256<T> Of(Vector256<T> a) => -a;
}

internal readonly struct Absolute<T> : IUnary<T>
{
    public static Vector256<T> Of(Vector256<T> a) => Vector256.Abs(a);
}

internal readonly struct Copy<T> : IUnary<T>
{
    public static Vector256<T> Of(Vector256<T> a) => a;
}

internal readonly struct And<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => a & b;
}

internal readonly struct Or<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => a | b;
}

internal readonly struct Xor<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => a ^ b;
}

internal readonly struct Not<T> : IUnary<T>
{
    public static Vector256<T> Of(Vector256<T> a) => ~a;
}

/// <summary>Whole numbers only; floats have their own, for NaN.</summary>
internal readonly struct Smaller<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.Min(a, b);
}

/// <inheritdoc cref="Smaller{T}"/>
internal readonly struct Larger<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.Max(a, b);
}
