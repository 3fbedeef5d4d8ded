using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace BDense.Kernels.Reference;

/// <summary>What pointwise operations and reductions need of a register beside products: one text for all widths here too.</summary>
internal unsafe interface IMathLanes<V> : ILanes<V>
    where V : unmanaged
{
    static abstract V Divide(V a, V b);

    static abstract V SquareRoot(V x);

    static abstract V Abs(V x);

    /// <summary>The greater of two numbers; undefined if one is NaN.</summary>
    static abstract V Greater(V a, V b);

    /// <summary>x held to [low, high]; NaN stays NaN.</summary>
    static abstract V Hold(V x, float low, float high);

    /// <summary>1 above 0, -1 below; what is neither stays: 0, and NaN.</summary>
    static abstract V Sign(V x);

    /// <summary>2^n for n + 1.5 * 2^23, n from -126 to 127.</summary>
    static abstract V PowerOfTwo(V shifted);

    /// <summary>The numbers n that <see cref="PowerOfTwo"/> takes, in two halves whose sum is n.</summary>
    static abstract (V, V) Halves(V shifted);

    /// <summary>The sum of the lanes, in double precision.</summary>
    static abstract double WideSum(V x);

    /// <summary>The greatest lane; undefined with NaN among them.</summary>
    static abstract float Greatest(V x);
}

internal readonly unsafe partial struct Lanes16 : IMathLanes<Vector512<float>>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Divide(Vector512<float> a, Vector512<float> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> SquareRoot(Vector512<float> x) => Vector512.Sqrt(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Abs(Vector512<float> x) => Vector512.Abs(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Greater(Vector512<float> a, Vector512<float> b) => Vector512.MaxNative(a, b);

    // Of a comparison with NaN the select takes x, and so does the processor's minimum its second operand.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Hold(Vector512<float> x, float low, float high)
    {
        if (Avx512F.IsSupported)
            return Avx512F.Max(Vector512.Create(low), Avx512F.Min(Vector512.Create(high), x));
        return Vector512.Create(Lanes8.Hold(x.GetLower(), low, high), Lanes8.Hold(x.GetUpper(), low, high));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sign(Vector512<float> x) => Vector512.ConditionalSelect(Vector512.GreaterThan(x, Vector512<float>.Zero),
        Vector512<float>.One, Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512<float>.Zero), Vector512.Create(-1f), x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> PowerOfTwo(Vector512<float> shifted) =>
        (Vector512.ShiftLeft(shifted.AsInt32(), 23) + Vector512<float>.One.AsInt32()).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float>, Vector512<float>) Halves(Vector512<float> shifted)
    {
        var n = shifted.AsInt32() - Vector512.Create(LaneMath.Magic).AsInt32();
        var half = Vector512.ShiftRightArithmetic(n, 1);
        return (half.AsSingle(), (n - half).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double WideSum(Vector512<float> x)
    {
        var (low, high) = Vector512.Widen(x);
        return Vector512.Sum(low + high);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Greatest(Vector512<float> x) => Lanes8.Greatest(Vector256.MaxNative(x.GetLower(), x.GetUpper()));
}

internal readonly unsafe partial struct Lanes8 : IMathLanes<Vector256<float>>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Divide(Vector256<float> a, Vector256<float> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> SquareRoot(Vector256<float> x) => Vector256.Sqrt(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Abs(Vector256<float> x) => Vector256.Abs(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Greater(Vector256<float> a, Vector256<float> b) => Vector256.MaxNative(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Hold(Vector256<float> x, float low, float high)
    {
        if (Avx.IsSupported)
            return Avx.Max(Vector256.Create(low), Avx.Min(Vector256.Create(high), x));
        return Vector256.Create(Lanes4.Hold(x.GetLower(), low, high), Lanes4.Hold(x.GetUpper(), low, high));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Sign(Vector256<float> x) => Vector256.ConditionalSelect(Vector256.GreaterThan(x, Vector256<float>.Zero),
        Vector256<float>.One, Vector256.ConditionalSelect(Vector256.LessThan(x, Vector256<float>.Zero), Vector256.Create(-1f), x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> PowerOfTwo(Vector256<float> shifted) =>
        (Vector256.ShiftLeft(shifted.AsInt32(), 23) + Vector256<float>.One.AsInt32()).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<float>, Vector256<float>) Halves(Vector256<float> shifted)
    {
        var n = shifted.AsInt32() - Vector256.Create(LaneMath.Magic).AsInt32();
        var half = Vector256.ShiftRightArithmetic(n, 1);
        return (half.AsSingle(), (n - half).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double WideSum(Vector256<float> x)
    {
        var (low, high) = Vector256.Widen(x);
        return Vector256.Sum(low + high);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Greatest(Vector256<float> x) => Lanes4.Greatest(Vector128.MaxNative(x.GetLower(), x.GetUpper()));
}

internal readonly unsafe partial struct Lanes4 : IMathLanes<Vector128<float>>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Divide(Vector128<float> a, Vector128<float> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> SquareRoot(Vector128<float> x) => Vector128.Sqrt(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Abs(Vector128<float> x) => Vector128.Abs(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Greater(Vector128<float> a, Vector128<float> b) => Vector128.MaxNative(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Hold(Vector128<float> x, float low, float high)
    {
        Vector128<float> least = Vector128.Create(low), greatest = Vector128.Create(high);
        if (Sse.IsSupported)
            return Sse.Max(least, Sse.Min(greatest, x));
        x = Vector128.ConditionalSelect(Vector128.GreaterThan(x, greatest), greatest, x);
        return Vector128.ConditionalSelect(Vector128.LessThan(x, least), least, x);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Sign(Vector128<float> x) => Vector128.ConditionalSelect(Vector128.GreaterThan(x, Vector128<float>.Zero),
        Vector128<float>.One, Vector128.ConditionalSelect(Vector128.LessThan(x, Vector128<float>.Zero), Vector128.Create(-1f), x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> PowerOfTwo(Vector128<float> shifted) =>
        (Vector128.ShiftLeft(shifted.AsInt32(), 23) + Vector128<float>.One.AsInt32()).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector128<float>, Vector128<float>) Halves(Vector128<float> shifted)
    {
        var n = shifted.AsInt32() - Vector128.Create(LaneMath.Magic).AsInt32();
        var half = Vector128.ShiftRightArithmetic(n, 1);
        return (half.AsSingle(), (n - half).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double WideSum(Vector128<float> x)
    {
        var (low, high) = Vector128.Widen(x);
        return Vector128.Sum(low + high);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Greatest(Vector128<float> x)
    {
        var m = Vector128.MaxNative(x, Vector128.Shuffle(x, Vector128.Create(2, 3, 0, 1)));
        return MathF.Max(m.ToScalar(), m.GetElement(1));
    }
}

internal readonly unsafe partial struct Lanes1 : IMathLanes<float>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Divide(float a, float b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float SquareRoot(float x) => MathF.Sqrt(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Abs(float x) => MathF.Abs(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Greater(float a, float b) => a > b ? a : b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Hold(float x, float low, float high) => x > high ? high : x < low ? low : x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sign(float x) => x > 0f ? 1f : x < 0f ? -1f : x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float PowerOfTwo(float shifted) =>
        BitConverter.Int32BitsToSingle((BitConverter.SingleToInt32Bits(shifted) << 23) + BitConverter.SingleToInt32Bits(1f));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (float, float) Halves(float shifted)
    {
        int n = BitConverter.SingleToInt32Bits(shifted) - BitConverter.SingleToInt32Bits(LaneMath.Magic), half = n >> 1;
        return (BitConverter.Int32BitsToSingle(half), BitConverter.Int32BitsToSingle(n - half));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double WideSum(float x) => x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Greatest(float x) => x;
}
