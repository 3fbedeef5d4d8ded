using System.Runtime.Intrinsics;

namespace BDense.VirtualGpu.Instructions.Floats;

/// <summary>Of a NaN and a number, the number; -0 is below +0.</summary>
internal readonly struct MinNumber<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.MinNumber(a, b);
}

/// <inheritdoc cref="MinNumber{T}"/>
internal readonly struct MaxNumber<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.MaxNumber(a, b);
}

/// <summary>a b + c, rounded once.</summary>
internal readonly struct Fused : ITernary<float>
{
    public static Vector256<float> Of(Vector256<float> a, Vector256<float> b, Vector256<float> c) => Vector256.FusedMultiplyAdd(a, b, c);
}

/// <inheritdoc cref="Fused"/>
internal readonly struct FusedDouble : ITernary<double>
{
    public static Vector256<double> Of(Vector256<double> a, Vector256<double> b, Vector256<double> c) =>
        Vector256.FusedMultiplyAdd(a, b, c);
}

internal readonly struct Reciprocal : IUnary<float>
{
    public static Vector256<float> Of(Vector256<float> a) => Vector256<float>.One / a;
}

internal readonly struct ReciprocalDouble : IUnary<double>
{
    public static Vector256<double> Of(Vector256<double> a) => Vector256<double>.One / a;
}

internal readonly struct SquareRoot<T> : IUnary<T>
{
    public static Vector256<T> Of(Vector256<T> a) => Vector256.Sqrt(a);
}

/// <summary>.ftz: subnormal sources and results count as zeros of their sign.</summary>
internal static class Flush
{
    public static Vector256<float> Of(Vector256<float> a)
    {
        var sign = a & Vector256.Create(-0f);
        return Vector256.ConditionalSelect(Vector256.LessThan(a ^ sign, Vector256.Create(1.17549435e-38f)), sign, a);
    }
}

internal readonly struct Flush1<TOp> : IUnary<float>
    where TOp : struct, IUnary<float>
{
    public static Vector256<float> Of(Vector256<float> a) => Flush.Of(TOp.Of(Flush.Of(a)));
}

internal readonly struct Flush2<TOp> : IBinary<float>
    where TOp : struct, IBinary<float>
{
    public static Vector256<float> Of(Vector256<float> a, Vector256<float> b) => Flush.Of(TOp.Of(Flush.Of(a), Flush.Of(b)));
}

internal readonly struct Flush3<TOp> : ITernary<float>
    where TOp : struct, ITernary<float>
{
    public static Vector256<float> Of(Vector256<float> a, Vector256<float> b, Vector256<float> c) =>
        Flush.Of(TOp.Of(Flush.Of(a), Flush.Of(b), Flush.Of(c)));
}

/// <summary>.sat: held to [0, 1]; NaN becomes +0.</summary>
internal static class Saturate
{
    public static Vector256<float> Of(Vector256<float> a) =>
        Vector256.ConditionalSelect(Vector256.GreaterThan(a, Vector256<float>.Zero),
            Vector256.ConditionalSelect(Vector256.LessThan(a, Vector256<float>.One), a, Vector256<float>.One), Vector256<float>.Zero);
}

internal readonly struct Saturate1 : IUnary<float>
{
    public static Vector256<float> Of(Vector256<float> a) => Saturate.Of(a);
}

internal readonly struct Saturate2<TOp> : IBinary<float>
    where TOp : struct, IBinary<float>
{
    public static Vector256<float> Of(Vector256<float> a, Vector256<float> b) => Saturate.Of(TOp.Of(a, b));
}

internal readonly struct Saturate3<TOp> : ITernary<float>
    where TOp : struct, ITernary<float>
{
    public static Vector256<float> Of(Vector256<float> a, Vector256<float> b, Vector256<float> c) => Saturate.Of(TOp.Of(a, b, c));
}
