using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Algorithms;

namespace BDense.Kernels.Ilgpu;

/// <summary>
/// Functions for kernels. CUDA's fast exp, log, sin and cos are approximate: exp is good to two units in the last place, sin and cos
/// only within one period, log only away from 1; so the latter three get help here.
/// </summary>
public static class DeviceMath
{
    /// <summary>1 / (1 + exp(-x)); 0 where exp overflows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sigmoid(float x) => 1f / (1f + XMath.Exp(-x));

    /// <summary>x sigmoid(x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Silu(float x) => x * Sigmoid(x);

    /// <summary>Derivative of <see cref="Silu"/>: sigmoid(x) (1 + x (1 - sigmoid(x))).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float SiluDerivative(float x)
    {
        float s = Sigmoid(x);
        return s * (1f + x * (1f - s));
    }

    /// <summary>
    /// ln u for normal u > 0, to about 1e-7 of its value. u = m 2^e with m in [1/sqrt 2, sqrt 2); ln m = 2 artanh(s),
    /// s = (m - 1) / (m + 1), by its series, whose first dropped term is below 1e-10.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Log(float u)
    {
        const int SqrtHalf = 0x3F3504F3; // the bits of 1/sqrt 2
        int bits = (int)Interop.FloatAsInt(u);
        int e = (bits - SqrtHalf) >> 23;
        float m = Interop.IntAsFloat((uint)(bits - (e << 23)));
        float s = (m - 1f) / (m + 1f);
        float z = s * s;
        float series = 1f + z * (1f / 3f + z * (1f / 5f + z * (1f / 7f + z * (1f / 9f + z * (1f / 11f)))));
        return e * 0.693147181f + 2f * s * series;
    }

    /// <summary>
    /// a b - 2 pi n, in about [-pi, pi], to about 1e-6 for |a b| to 10^5. The product is split into four that are exact in
    /// single precision, and so is 2 pi, such that n times its first two parts is exact (Cody and Waite 1980).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ReduceProduct(float a, float b)
    {
        const float P1 = 6.28125f;            // 2 pi = P1 + P2 + P3 + ..., the first two with 8 and 10 significant bits
        const float P2 = 0.001934051513671875f;
        const float P3 = 1.2556659146e-6f;
        float a1 = High(a), a2 = a - a1, b1 = High(b), b2 = b - b1;
        float p = a1 * b1;
        float rest = a1 * b2 + a2 * b1 + a2 * b2;
        float n = XMath.Floor((p + rest) * 0.159154943f + 0.5f);
        return p - n * P1 - n * P2 + (rest - n * P3);
    }

    /// <summary>2 pi u for u in (0, 1], less one turn in its upper half: an angle in [-pi, pi].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Turn(float u) => 6.28318531f * (u > 0.5f ? u - 1f : u);

    /// <summary>The upper 12 of a float's 24 significant bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float High(float a) => Interop.IntAsFloat(Interop.FloatAsInt(a) & 0xFFFFF000u);
}
