using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace BDense.Kernels.Reference;

/// <summary>Elementary functions on <see cref="Vector{T}"/> of float, as wide as the processor has them (scalar fallback included).</summary>
internal static unsafe class Simd
{
    /// <summary>Asks for the cache lines of floats that are soon needed; addresses past an array's end do no harm.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(float* x, int count)
    {
        if (!Sse.IsSupported)
            return;
        for (int i = 0; i < count; i += 16)
            Sse.Prefetch0(x + i);
    }

    /// <summary>e^x within 2 units in the last place, also where the result is denormal; 0 and infinity beyond; NaN stays NaN.</summary>
    /// <remarks>x = n ln 2 + r with |r| at most ln 2 / 2, e^x = 2^n e^r; e^r by a polynomial of degree 6.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Exp(Vector<float> x)
    {
        x = Vector.ConditionalSelect(Vector.GreaterThan(x, new Vector<float>(89f)), new Vector<float>(89f), x);
        x = Vector.ConditionalSelect(Vector.LessThan(x, new Vector<float>(-104f)), new Vector<float>(-104f), x);
        var p = Fraction(x, out var exponent);
        // 2^n in two factors: one alone overflows at n = 128 and cannot be denormal.
        var half = Vector.ShiftRightArithmetic(exponent, 1);
        return p * PowerOfTwo(half) * PowerOfTwo(exponent - half);
    }

    /// <summary>1 / (1 + e^-x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Sigmoid(Vector<float> x) => Vector<float>.One / OnePlusExpOfMinus(x);

    /// <summary>x sigmoid(x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Silu(Vector<float> x) => x / OnePlusExpOfMinus(x);

    /// <summary>1 + e^-x, with e^-x held to [e^-87, e^88], where it is a normal number: below, the sum is 1 all the same; above, its inverse is less than 10^-38.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> OnePlusExpOfMinus(Vector<float> x)
    {
        var p = Power(Hold(x, 87f, 88f), -Log2OfE, out var factor);
        return Vector.MultiplyAddEstimate(p, factor, Vector<float>.One);
    }

    /// <summary>e^x for x at most 0 but for rounding, as softmax needs it: what is below e^-87 becomes that; NaN stays NaN.</summary>
    /// <remarks>Relative error below 1.5e-7 + 2e-8 |x|.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> ExpOfScore(Vector<float> x)
    {
        var p = Power(Hold(x, 88f, 87f), Log2OfE, out var factor);
        return p * factor;
    }

    private const float Log2OfE = 1.44269504f;

    /// <summary>2^(scale x) = p factor: with n the integer nearest to scale x and f the rest, p = 2^f and factor = 2^n, n from -126 to 127.</summary>
    /// <remarks>f takes one fused operation, so that only scale's rounding counts.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Power(Vector<float> x, float scale, out Vector<float> factor)
    {
        // Adding 1.5 * 2^23 leaves the nearest integer in the low bits of the sum; shifted up, the others fall off.
        var magic = new Vector<float>(12582912f);
        var shifted = Vector.MultiplyAddEstimate(x, new Vector<float>(scale), magic);
        var f = Vector.MultiplyAddEstimate(x, new Vector<float>(scale), magic - shifted);
        factor = Vector.AsVectorSingle(Vector.ShiftLeft(Vector.AsVectorInt32(shifted), 23) + Vector.AsVectorInt32(Vector<float>.One));
        return PowerOfFraction(f);
    }

    /// <summary>2^f on [-1/2, 1/2]: 1 + f q(f), minimax, relative error 1.1e-7 at most; Estrin's order, since the next operation waits for the whole chain.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> PowerOfFraction(Vector<float> f)
    {
        var square = f * f;
        var high = Vector.MultiplyAddEstimate(new Vector<float>(0.00132633571f), f, new Vector<float>(0.00967258122f));
        var middle = Vector.MultiplyAddEstimate(new Vector<float>(0.0555074662f), f, new Vector<float>(0.24022226f));
        var low = Vector.MultiplyAddEstimate(new Vector<float>(0.693146944f), f, Vector<float>.One);
        return Vector.MultiplyAddEstimate(Vector.MultiplyAddEstimate(high, square, middle), square, low);
    }

    /// <summary>x held to [-below, above]; NaN stays NaN: of a comparison with NaN the select takes x, and so does the processor's minimum its second operand.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Hold(Vector<float> x, float above, float below)
    {
        if (Avx.IsSupported && Vector<float>.Count == 8)
            return Avx.Max(Vector256.Create(-below), Avx.Min(Vector256.Create(above), x.AsVector256())).AsVector();
        x = Vector.ConditionalSelect(Vector.GreaterThan(x, new Vector<float>(above)), new Vector<float>(above), x);
        return Vector.ConditionalSelect(Vector.LessThan(x, new Vector<float>(-below)), new Vector<float>(-below), x);
    }

    /// <summary>The greatest lane; undefined with NaN among them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxLane(Vector<float> v)
    {
        if (Vector<float>.Count != 8)
            return MaxLaneOfAny(v);
        var wide = v.AsVector256();
        var m = Vector128.MaxNative(wide.GetLower(), wide.GetUpper());
        m = Vector128.MaxNative(m, Vector128.Shuffle(m, Vector128.Create(2, 3, 0, 1)));
        return MathF.Max(m.ToScalar(), m.GetElement(1));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static float MaxLaneOfAny(Vector<float> v)
    {
        float max = v[0];
        for (int i = 1; i < Vector<float>.Count; i++)
            max = MathF.Max(max, v[i]);
        return max;
    }

    /// <summary>e^x = 2^exponent times what is returned.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Fraction(Vector<float> x, out Vector<int> exponent)
    {
        // Adding 1.5 * 2^23 leaves the nearest integer in the low bits of the sum.
        var magic = new Vector<float>(12582912f);
        var shifted = Vector.MultiplyAddEstimate(x, new Vector<float>(1.44269504f), magic);
        var n = shifted - magic;
        exponent = Vector.AsVectorInt32(shifted) - Vector.AsVectorInt32(magic);
        // ln 2 in two parts, the first with few enough bits that n times it is exact.
        var r = Vector.MultiplyAddEstimate(n, new Vector<float>(-0.693359375f), x);
        r = Vector.MultiplyAddEstimate(n, new Vector<float>(2.12194440e-4f), r);
        // Taylor's coefficients up to r^7 / 7!: the remainder, (ln 2 / 2)^8 / 8!, is below 2^-27.
        var p = new Vector<float>(1f / 5040);
        p = Vector.MultiplyAddEstimate(p, r, new Vector<float>(1f / 720));
        p = Vector.MultiplyAddEstimate(p, r, new Vector<float>(1f / 120));
        p = Vector.MultiplyAddEstimate(p, r, new Vector<float>(1f / 24));
        p = Vector.MultiplyAddEstimate(p, r, new Vector<float>(1f / 6));
        p = Vector.MultiplyAddEstimate(p, r, new Vector<float>(0.5f));
        return Vector.MultiplyAddEstimate(p * r, r, r) + Vector<float>.One;
    }

    /// <summary>sigmoid(x) (1 + x (1 - sigmoid(x))).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> SiluDerivative(Vector<float> x)
    {
        var s = Sigmoid(x);
        return Vector.MultiplyAddEstimate(x * s, Vector<float>.One - s, s);
    }

    // Two at once, step by step in turn: the processor sees a few dozen instructions ahead, less than one exponential and its division
    // take, and so finds work while one waits. The same bits as one by one.

    /// <summary>x sigmoid(x) of both.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Silu(ref Vector<float> x, ref Vector<float> y)
    {
        OnePlusExpOfMinus(x, y, out var p, out var q);
        x /= p;
        y /= q;
    }

    /// <summary>sigmoid(x) (1 + x (1 - sigmoid(x))) of both.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SiluDerivative(ref Vector<float> x, ref Vector<float> y)
    {
        OnePlusExpOfMinus(x, y, out var p, out var q);
        Vector<float> s = Vector<float>.One / p, t = Vector<float>.One / q;
        Vector<float> xs = x * s, yt = y * t;
        x = Vector.MultiplyAddEstimate(xs, Vector<float>.One - s, s);
        y = Vector.MultiplyAddEstimate(yt, Vector<float>.One - t, t);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void OnePlusExpOfMinus(Vector<float> x, Vector<float> y, out Vector<float> p, out Vector<float> q)
    {
        var magic = new Vector<float>(12582912f);
        var scale = new Vector<float>(-Log2OfE);
        Vector<float> u = Hold(x, 87f, 88f), v = Hold(y, 87f, 88f);
        Vector<float> m = Vector.MultiplyAddEstimate(u, scale, magic), n = Vector.MultiplyAddEstimate(v, scale, magic);
        Vector<float> f = Vector.MultiplyAddEstimate(u, scale, magic - m), g = Vector.MultiplyAddEstimate(v, scale, magic - n);
        var one = Vector.AsVectorInt32(Vector<float>.One);
        var factor = Vector.AsVectorSingle(Vector.ShiftLeft(Vector.AsVectorInt32(m), 23) + one);
        var factor1 = Vector.AsVectorSingle(Vector.ShiftLeft(Vector.AsVectorInt32(n), 23) + one);
        Vector<float> f2 = f * f, g2 = g * g;
        Vector<float> c5 = new(0.00132633571f), c4 = new(0.00967258122f), c3 = new(0.0555074662f), c2 = new(0.24022226f), c1 = new(0.693146944f);
        p = Vector.MultiplyAddEstimate(c5, f, c4);
        q = Vector.MultiplyAddEstimate(c5, g, c4);
        Vector<float> middle = Vector.MultiplyAddEstimate(c3, f, c2), middle1 = Vector.MultiplyAddEstimate(c3, g, c2);
        Vector<float> low = Vector.MultiplyAddEstimate(c1, f, Vector<float>.One), low1 = Vector.MultiplyAddEstimate(c1, g, Vector<float>.One);
        p = Vector.MultiplyAddEstimate(p, f2, middle);
        q = Vector.MultiplyAddEstimate(q, g2, middle1);
        p = Vector.MultiplyAddEstimate(p, f2, low);
        q = Vector.MultiplyAddEstimate(q, g2, low1);
        p = Vector.MultiplyAddEstimate(p, factor, Vector<float>.One);
        q = Vector.MultiplyAddEstimate(q, factor1, Vector<float>.One);
    }

    /// <summary>Sine and cosine of 2 pi u for u in [0, 1], absolute error below 2e-7.</summary>
    /// <remarks>u = q/4 + r with |r| at most 1/8, both exact; polynomials on 2 pi r, then the quadrant's swap and signs.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector<float> Sin, Vector<float> Cos) SinCosTurns(Vector<float> u)
    {
        var magic = new Vector<float>(12582912f);
        var shifted = u * new Vector<float>(4f) + magic;
        var q = Vector.AsVectorInt32(shifted) - Vector.AsVectorInt32(magic);
        var a = (u - (shifted - magic) * new Vector<float>(0.25f)) * new Vector<float>(6.28318531f);
        var a2 = a * a;
        var s = new Vector<float>(-1f / 5040);
        s = Vector.MultiplyAddEstimate(s + a2 * new Vector<float>(1f / 362880), a2, new Vector<float>(1f / 120));
        s = Vector.MultiplyAddEstimate(s, a2, new Vector<float>(-1f / 6));
        s = Vector.MultiplyAddEstimate(s * a2, a, a);
        var c = new Vector<float>(1f / 40320);
        c = Vector.MultiplyAddEstimate(c, a2, new Vector<float>(-1f / 720));
        c = Vector.MultiplyAddEstimate(c, a2, new Vector<float>(1f / 24));
        c = Vector.MultiplyAddEstimate(c, a2, new Vector<float>(-0.5f));
        c = Vector.MultiplyAddEstimate(c, a2, Vector<float>.One);
        var odd = Vector.Equals(q & Vector<int>.One, Vector<int>.One);
        // Quadrants 2 and 3 flip the sine, 1 and 2 the cosine: bit 1 of q and of q + 1, moved to the sign's place.
        var flipSin = Vector.AsVectorSingle(Vector.ShiftLeft(q & new Vector<int>(2), 30));
        var flipCos = Vector.AsVectorSingle(Vector.ShiftLeft((q + Vector<int>.One) & new Vector<int>(2), 30));
        return (Vector.ConditionalSelect(odd, c, s) ^ flipSin, Vector.ConditionalSelect(odd, s, c) ^ flipCos);
    }

    /// <summary>The first <paramref name="count"/> floats at <paramref name="p"/>, fewer than a vector holds; then zeros.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static Vector<float> Load(float* p, int count)
    {
        var v = Vector<float>.Zero;
        for (int i = 0; i < count; i++)
            ((float*)&v)[i] = p[i];
        return v;
    }

    /// <summary>Stores the first <paramref name="count"/> lanes alone.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Store(Vector<float> v, float* p, int count)
    {
        for (int i = 0; i < count; i++)
            p[i] = ((float*)&v)[i];
    }

    /// <summary>The sum of the lanes, in double precision, first lane first. Not inlined: the index would force the caller's sums out of their registers.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static double SumLanes(Vector<float> v)
    {
        double sum = 0;
        for (int i = 0; i < Vector<float>.Count; i++)
            sum += v[i];
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> PowerOfTwo(Vector<int> n) => Vector.AsVectorSingle(Vector.ShiftLeft(n + new Vector<int>(127), 23));
}
