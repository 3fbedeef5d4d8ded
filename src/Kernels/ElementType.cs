namespace BDense.Kernels;

/// <summary>What a tensor's elements are in memory. Operations compute in float32 whatever they read and write.</summary>
public enum ElementType
{
    /// <summary>IEEE single precision, 4 bytes.</summary>
    Float32,

    /// <summary>The upper half of a float32: 8 bits of exponent, 7 of mantissa; 2 bytes. See <see cref="BFloat16"/>.</summary>
    BFloat16,
}

/// <summary>Sizes and names of element types.</summary>
public static class ElementTypes
{
    /// <summary>Bytes of one element.</summary>
    public static int Bytes(this ElementType type) => type == ElementType.BFloat16 ? 2 : sizeof(float);

    /// <summary>For messages: float32, BF16.</summary>
    public static string Text(this ElementType type) => type == ElementType.BFloat16 ? "BF16" : "float32";

    /// <summary>Floats of memory that so many elements take, the last one half filled if need be.</summary>
    internal static int Floats(this ElementType type, int length) => type == ElementType.BFloat16 ? length / 2 + (length & 1) : length;
}

/// <summary>BF16 on the host: the rounding that every backend has.</summary>
public static class BFloat16
{
    /// <summary>To nearest, ties to even; beyond the largest it is infinity, and NaN is one NaN, 0x7FFF.</summary>
    public static ushort Round(float x)
    {
        uint bits = BitConverter.SingleToUInt32Bits(x);
        return (bits & 0x7FFFFFFF) > 0x7F800000 ? (ushort)0x7FFF : (ushort)(bits + 0x7FFF + (bits >> 16 & 1) >> 16);
    }

    /// <summary>Exact: every BF16 number is a float32 number.</summary>
    public static float Widen(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);

    /// <summary>The float32 nearest to x that BF16 has.</summary>
    public static float Rounded(float x) => Widen(Round(x));
}
