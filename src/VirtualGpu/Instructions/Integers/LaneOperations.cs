using System.Numerics;

namespace BDense.VirtualGpu.Instructions.Integers;

internal readonly struct LaneAdd<T> : ILane<T, T, T>
    where T : IBinaryInteger<T>
{
    public static T Of(T a, T b) => unchecked(a + b);
}

internal readonly struct LaneSubtract<T> : ILane<T, T, T>
    where T : IBinaryInteger<T>
{
    public static T Of(T a, T b) => unchecked(a - b);
}

internal readonly struct LaneMultiply<T> : ILane<T, T, T>
    where T : IBinaryInteger<T>
{
    public static T Of(T a, T b) => unchecked(a * b);
}

internal readonly struct LaneMultiplyAdd<T> : ILane<T, T, T, T>
    where T : IBinaryInteger<T>
{
    public static T Of(T a, T b, T c) => unchecked(a * b + c);
}

internal readonly struct LaneSmaller<T> : ILane<T, T, T>
    where T : IBinaryInteger<T>
{
    public static T Of(T a, T b) => T.Min(a, b);
}

internal readonly struct LaneLarger<T> : ILane<T, T, T>
    where T : IBinaryInteger<T>
{
    public static T Of(T a, T b) => T.Max(a, b);
}

internal readonly struct LaneNegate<T> : ILane<T, T>
    where T : IBinaryInteger<T>
{
    public static T Of(T a) => unchecked(T.Zero - a);
}

/// <summary>Of the smallest number it is that number.</summary>
internal readonly struct LaneAbsolute<T> : ILane<T, T>
    where T : IBinaryInteger<T>
{
    public static T Of(T a) => T.IsNegative(a) ? unchecked(T.Zero - a) : a;
}

/// <summary>The upper half of the product.</summary>
internal readonly struct MultiplyHigh<T> : ILane<T, T, T>
    where T : unmanaged, IBinaryInteger<T>
{
    public static unsafe T Of(T a, T b) => T.CreateTruncating(Int128.CreateTruncating(a) * Int128.CreateTruncating(b) >> 8 * sizeof(T));
}

internal readonly struct MultiplyAddHigh<T> : ILane<T, T, T, T>
    where T : unmanaged, IBinaryInteger<T>
{
    public static T Of(T a, T b, T c) => unchecked(MultiplyHigh<T>.Of(a, b) + c);
}

/// <summary>The product in twice as many bits.</summary>
internal readonly struct MultiplyWide<T, TWide> : ILane<T, T, TWide>
    where T : IBinaryInteger<T>
    where TWide : IBinaryInteger<TWide>
{
    public static TWide Of(T a, T b) => unchecked(TWide.CreateTruncating(a) * TWide.CreateTruncating(b));
}

internal readonly struct MultiplyAddWide<T, TWide> : ILane<T, T, TWide, TWide>
    where T : IBinaryInteger<T>
    where TWide : IBinaryInteger<TWide>
{
    public static TWide Of(T a, T b, TWide c) => unchecked(MultiplyWide<T, TWide>.Of(a, b) + c);
}

/// <summary>Rounded towards zero. By zero: all bits set (the manual leaves it open). The smallest number by -1: itself.</summary>
internal readonly struct Quotient<T> : ILane<T, T, T>
    where T : IBinaryInteger<T>
{
    public static T Of(T a, T b) => b == T.Zero ? T.AllBitsSet : b == T.AllBitsSet && T.IsNegative(b) ? unchecked(T.Zero - a) : a / b;
}

/// <summary>With the dividend's sign. By zero: the dividend (the manual leaves it open).</summary>
internal readonly struct Remainder<T> : ILane<T, T, T>
    where T : IBinaryInteger<T>
{
    public static T Of(T a, T b) => b == T.Zero ? a : b == T.AllBitsSet && T.IsNegative(b) ? T.Zero : a % b;
}

/// <summary>c + |a - b|</summary>
internal readonly struct AbsoluteDifference<T> : ILane<T, T, T, T>
    where T : IBinaryInteger<T>
{
    public static T Of(T a, T b, T c) => unchecked(c + (a < b ? b - a : a - b));
}

/// <summary>The lower 32 bits of the product of the lower 24 bits.</summary>
internal readonly struct Multiply24 : ILane<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (uint)((ulong)(a & 0xFFFFFF) * (b & 0xFFFFFF));
}

/// <inheritdoc cref="Multiply24"/>
internal readonly struct Multiply24Signed : ILane<int, int, int>
{
    public static int Of(int a, int b) => (int)((long)(a << 8 >> 8) * (b << 8 >> 8));
}

internal readonly struct AddSaturated : ILane<int, int, int>
{
    public static int Of(int a, int b) => (int)Math.Clamp((long)a + b, int.MinValue, int.MaxValue);
}

internal readonly struct SubtractSaturated : ILane<int, int, int>
{
    public static int Of(int a, int b) => (int)Math.Clamp((long)a - b, int.MinValue, int.MaxValue);
}
