using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace BDense.Kernels.Reference;

/// <summary>
/// Elementary functions on <see cref="Vector{T}"/> of float, as wide as the processor has them (scalar fallback included).
/// </summary>
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

    /// <summary>x sigmoid(x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Silu(Vector<float> x) => x / OnePlusExpOfMinus(x);

    /// <summary>
    /// 1 + e^-x, with e^-x held to [e^-87, e^88], where it is a normal number: below, the sum is 1 all the same; above, its inverse is less
    /// than 10^-38.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> OnePlusExpOfMinus(Vector<float> x)
    {
        var p = Power(Hold(x, 87f, 88f), -Log2OfE, out var factor);
        return Vector.MultiplyAddEstimate(p, factor, Vector<float>.One);
    }

    private const float Log2OfE = 1.44269504f;

    /// <summary>
    /// 2^(scale x) = p factor: with n the integer nearest to scale x and f the rest, p = 2^f and factor = 2^n, n from -126 to 127.
    /// </summary>
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

    /// <summary>
    /// 2^f on [-1/2, 1/2]: 1 + f q(f), minimax, relative error 1.1e-7 at most; Estrin's order, since the next operation waits for the whole
    /// chain.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> PowerOfFraction(Vector<float> f)
    {
        var square = f * f;
        var high = Vector.MultiplyAddEstimate(new Vector<float>(0.00132633571f), f, new Vector<float>(0.00967258122f));
        var middle = Vector.MultiplyAddEstimate(new Vector<float>(0.0555074662f), f, new Vector<float>(0.24022226f));
        var low = Vector.MultiplyAddEstimate(new Vector<float>(0.693146944f), f, Vector<float>.One);
        return Vector.MultiplyAddEstimate(Vector.MultiplyAddEstimate(high, square, middle), square, low);
    }

    /// <summary>
    /// x held to [-below, above]; NaN stays NaN: of a comparison with NaN the select takes x, and so does the processor's minimum its
    /// second operand.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Hold(Vector<float> x, float above, float below)
    {
        if (Avx.IsSupported && Vector<float>.Count == 8)
            return Avx.Max(Vector256.Create(-below), Avx.Min(Vector256.Create(above), x.AsVector256())).AsVector();
        x = Vector.ConditionalSelect(Vector.GreaterThan(x, new Vector<float>(above)), new Vector<float>(above), x);
        return Vector.ConditionalSelect(Vector.LessThan(x, new Vector<float>(-below)), new Vector<float>(-below), x);
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
}
