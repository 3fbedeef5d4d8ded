using System.Numerics;

namespace BDense.Tests.VirtualGpu.Instructions;

/// <summary>A number m 2^e without a bound on its size, and its rounding to floats: what operations are held against.</summary>
internal readonly record struct Exact(BigInteger M, int E)
{
    public static Exact Of(double value)
    {
        long bits = BitConverter.DoubleToInt64Bits(value);
        int exponent = (int)(bits >> 52 & 0x7FF);
        long fraction = bits & (1L << 52) - 1;
        var m = (BigInteger)(exponent == 0 ? fraction : fraction | 1L << 52);
        return new Exact(bits < 0 ? -m : m, Math.Max(exponent, 1) - 1075);
    }

    public static Exact operator +(Exact a, Exact b)
    {
        int e = Math.Min(a.E, b.E);
        return new Exact((a.M << a.E - e) + (b.M << b.E - e), e);
    }

    public static Exact operator -(Exact a) => new(-a.M, a.E);

    public static Exact operator *(Exact a, Exact b) => new(a.M * b.M, a.E + b.E);

    /// <summary>The quotient, with one bit at the far end that tells whether more follows.</summary>
    public static Exact operator /(Exact a, Exact b)
    {
        var q = BigInteger.DivRem(BigInteger.Abs(a.M) << 200, BigInteger.Abs(b.M), out var rest);
        q = q << 1 | (rest.IsZero ? 0 : 1);
        return new Exact(a.M.Sign * b.M.Sign < 0 ? -q : q, a.E - b.E - 201);
    }

    public Exact Root()
    {
        var (m, e) = (E & 1) == 0 ? (M, E) : (M << 1, E - 1);
        m <<= 200;
        // Newton's steps from above end at the root's integer part.
        var x = BigInteger.One << (int)(m.GetBitLength() / 2 + 1);
        for (var next = x + m / x >> 1; next < x; next = x + m / x >> 1)
            x = next;
        return new Exact(x << 1 | (x * x == m ? 0 : 1), e / 2 - 101);
    }

    /// <summary>The nearest float of so many bits of precision: mode 0 to even, -1 down, 1 up, 2 towards zero.</summary>
    /// <param name="precision">24 for float, 53 for double, 11 for half.</param>
    /// <param name="least">The exponent of the smallest subnormal: -149, -1074, -24.</param>
    /// <param name="mode">See above.</param>
    public double Round(int precision, int least, int mode = 0)
    {
        if (M.IsZero)
            return 0;
        bool negative = M.Sign < 0;
        var m = BigInteger.Abs(M);
        int cut = Math.Max((int)m.GetBitLength() - precision, least - E);
        if (cut <= 0)
            return Math.ScaleB((double)M, E);
        var rest = m & (BigInteger.One << cut) - 1;
        m >>= cut;
        int half = rest.CompareTo(BigInteger.One << cut - 1);
        bool up = mode switch
        {
            0 => half > 0 || half == 0 && !m.IsEven,
            2 => false,
            1 => !negative && !rest.IsZero,
            _ => negative && !rest.IsZero
        };
        double result = Math.ScaleB((double)(up ? m + 1 : m), E + cut);
        return negative ? -result : result;
    }
}
