using System.Runtime.CompilerServices;

namespace BDense.Kernels.Reference;

/// <summary>Elementary functions on registers of any width, and the ends of arrays that fill none.</summary>
internal static unsafe class LaneMath
{
    /// <summary>1.5 * 2^23: added to a number, it leaves the nearest integer in the low bits of the sum.</summary>
    public const float Magic = 12582912f;

    private const float Log2OfE = 1.44269504f;

    /// <summary>e^x within 2 units in the last place, also where the result is denormal; 0 and infinity beyond; NaN stays NaN.</summary>
    /// <remarks>x = n ln 2 + r with |r| at most ln 2 / 2, e^x = 2^n e^r; e^r by a polynomial of degree 7.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Exp<TLanes, V>(V x)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        x = TLanes.Hold(x, -104f, 89f);
        V magic = TLanes.Broadcast(Magic), one = TLanes.Broadcast(1f);
        var shifted = TLanes.MultiplyAdd(x, TLanes.Broadcast(Log2OfE), magic);
        var n = TLanes.Subtract(shifted, magic);
        // ln 2 in two parts, the first with few enough bits that n times it is exact.
        var r = TLanes.MultiplyAdd(n, TLanes.Broadcast(-0.693359375f), x);
        r = TLanes.MultiplyAdd(n, TLanes.Broadcast(2.12194440e-4f), r);
        // Taylor's coefficients up to r^7 / 7!: the remainder, (ln 2 / 2)^8 / 8!, is below 2^-27.
        var p = TLanes.MultiplyAdd(TLanes.Broadcast(1f / 5040), r, TLanes.Broadcast(1f / 720));
        p = TLanes.MultiplyAdd(p, r, TLanes.Broadcast(1f / 120));
        p = TLanes.MultiplyAdd(p, r, TLanes.Broadcast(1f / 24));
        p = TLanes.MultiplyAdd(p, r, TLanes.Broadcast(1f / 6));
        p = TLanes.MultiplyAdd(p, r, TLanes.Broadcast(0.5f));
        p = TLanes.Add(TLanes.MultiplyAdd(TLanes.Multiply(p, r), r, r), one);
        // 2^n in two factors: one alone overflows at n = 128 and cannot be denormal.
        var (low, high) = TLanes.Halves(shifted);
        return TLanes.Multiply(TLanes.Multiply(p, TLanes.PowerOfTwo(low)), TLanes.PowerOfTwo(high));
    }

    /// <summary>e^x for x at most 0 but for rounding, as softmax needs it: what is below e^-87 becomes that; NaN stays NaN.</summary>
    /// <remarks>Relative error below 1.5e-7 + 2e-8 |x|.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V ExpOfScore<TLanes, V>(V x)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        var p = Power<TLanes, V>(TLanes.Hold(x, -87f, 88f), Log2OfE, out var factor);
        return TLanes.Multiply(p, factor);
    }

    /// <summary>1 / (1 + e^-x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Sigmoid<TLanes, V>(V x)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged => TLanes.Divide(TLanes.Broadcast(1f), OnePlusExpOfMinus<TLanes, V>(x));

    /// <summary>x sigmoid(x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Silu<TLanes, V>(V x)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged => TLanes.Divide(x, OnePlusExpOfMinus<TLanes, V>(x));

    /// <summary>sigmoid(x) (1 + x (1 - sigmoid(x))).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V SiluDerivative<TLanes, V>(V x)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        var s = Sigmoid<TLanes, V>(x);
        return TLanes.MultiplyAdd(TLanes.Multiply(x, s), TLanes.Subtract(TLanes.Broadcast(1f), s), s);
    }

    /// <summary>
    /// 1 + e^-x, with e^-x held to [e^-87, e^88], where it is a normal number: below, the sum is 1 all the same; above, its inverse is less
    /// than 10^-38.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V OnePlusExpOfMinus<TLanes, V>(V x)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        var p = Power<TLanes, V>(TLanes.Hold(x, -88f, 87f), -Log2OfE, out var factor);
        return TLanes.MultiplyAdd(p, factor, TLanes.Broadcast(1f));
    }

    /// <summary>
    /// 2^(scale x) = p factor: with n the integer nearest to scale x and f the rest, p = 2^f and factor = 2^n, n from -126 to 127.
    /// </summary>
    /// <remarks>
    /// f takes one fused operation, so that only scale's rounding counts. 2^f on [-1/2, 1/2] is 1 + f q(f), minimax, relative error
    /// 1.1e-7 at most; Estrin's order, since the next operation waits for the whole chain.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Power<TLanes, V>(V x, float scale, out V factor)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        V magic = TLanes.Broadcast(Magic), by = TLanes.Broadcast(scale);
        var shifted = TLanes.MultiplyAdd(x, by, magic);
        var f = TLanes.MultiplyAdd(x, by, TLanes.Subtract(magic, shifted));
        factor = TLanes.PowerOfTwo(shifted);
        var square = TLanes.Multiply(f, f);
        var high = TLanes.MultiplyAdd(TLanes.Broadcast(0.00132633571f), f, TLanes.Broadcast(0.00967258122f));
        var middle = TLanes.MultiplyAdd(TLanes.Broadcast(0.0555074662f), f, TLanes.Broadcast(0.24022226f));
        var low = TLanes.MultiplyAdd(TLanes.Broadcast(0.693146944f), f, TLanes.Broadcast(1f));
        return TLanes.MultiplyAdd(TLanes.MultiplyAdd(high, square, middle), square, low);
    }

    /// <summary>The first <paramref name="count"/> floats at <paramref name="p"/>, fewer than a register holds; then zeros.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static V Load<TLanes, V>(float* p, int count)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        V v = default;
        for (int i = 0; i < count; i++)
            ((float*)&v)[i] = p[i];
        return v;
    }

    /// <summary>Stores the first <paramref name="count"/> lanes alone.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Store<TLanes, V>(V v, float* p, int count)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        for (int i = 0; i < count; i++)
            p[i] = ((float*)&v)[i];
    }
}
