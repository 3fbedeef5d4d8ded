using System.Numerics;

namespace BDense.VirtualGpu.Instructions.Data;

/// <summary>The lower bits; of a wider type, the sign or zeros are added.</summary>
internal readonly struct Cut<T, TR> : ILane<T, TR>
    where T : IBinaryInteger<T>
    where TR : IBinaryInteger<TR>
{
    public static TR Of(T a) => TR.CreateTruncating(a);
}

/// <summary>.sat: the nearest value of the type.</summary>
internal readonly struct Clamped<T, TR> : ILane<T, TR>
    where T : IBinaryInteger<T>
    where TR : IBinaryInteger<TR>
{
    public static TR Of(T a) => TR.CreateSaturating(a);
}

/// <summary>The nearest float, even where two are as near.</summary>
internal readonly struct Nearest<T, TR> : ILane<T, TR>
    where T : IBinaryInteger<T>
    where TR : IFloatingPointIeee754<TR>
{
    public static TR Of(T a) => TR.CreateSaturating(a);
}

/// <summary>The nearest float on one side.</summary>
internal readonly struct WholeTowards<T, TR, TRound> : ILane<T, TR>
    where T : IBinaryInteger<T>
    where TR : IFloatingPointIeee754<TR>
    where TRound : struct, IRounding
{
    public static TR Of(T a)
    {
        var nearest = TR.CreateSaturating(a);
        // Infinity lies above what half a float can hold.
        int order = TR.IsInfinity(nearest) ? TR.Sign(nearest) : Int128.CreateSaturating(nearest).CompareTo(Int128.CreateSaturating(a));
        return Neighbour.Of(nearest, TRound.Step(order, T.IsNegative(a)));
    }
}

/// <summary>Between floats: the nearest.</summary>
internal readonly struct Nearer<T, TR> : ILane<T, TR>
    where T : IFloatingPointIeee754<T>
    where TR : IFloatingPointIeee754<TR>
{
    public static TR Of(T a) => TR.CreateSaturating(a);
}

/// <summary>Between floats: the nearest on one side.</summary>
internal readonly struct Towards<T, TR, TRound> : ILane<T, TR>
    where T : IFloatingPointIeee754<T>
    where TR : IFloatingPointIeee754<TR>
    where TRound : struct, IRounding
{
    public static TR Of(T a)
    {
        var nearest = TR.CreateSaturating(a);
        return T.IsFinite(a)
            ? Neighbour.Of(nearest, TRound.Step(double.CreateSaturating(nearest).CompareTo(double.CreateSaturating(a)), T.IsNegative(a)))
            : nearest;
    }
}

internal static class Neighbour
{
    public static T Of<T>(T value, int step)
        where T : IFloatingPointIeee754<T> => step < 0 ? T.BitDecrement(value) : step > 0 ? T.BitIncrement(value) : value;
}

/// <summary>Beyond the type's range its nearest end; NaN becomes 0.</summary>
internal readonly struct ToWhole<T, TR, TRound> : ILane<T, TR>
    where T : IFloatingPointIeee754<T>
    where TR : IBinaryInteger<TR>
    where TRound : struct, IRounding
{
    public static TR Of(T a) => TR.CreateSaturating(TRound.Of(a));
}

/// <summary>A whole number, still a float.</summary>
internal readonly struct ToWholeFloat<T, TRound> : ILane<T, T>
    where T : IFloatingPointIeee754<T>
    where TRound : struct, IRounding
{
    public static T Of(T a) => TRound.Of(a);
}

internal readonly struct FlushedDouble : ILane<float, double>
{
    public static double Of(float a) => float.IsSubnormal(a) ? double.CopySign(0, a) : a;
}

internal readonly struct FlushedSingle : ILane<double, float>
{
    public static float Of(double a) => (float)a is var single && float.IsSubnormal(single) ? float.CopySign(0, single) : (float)a;
}

/// <summary>a in the upper half, b in the lower.</summary>
internal readonly struct HalfPair : ILane<float, float, uint>
{
    public static uint Of(float a, float b) => (uint)BitConverter.HalfToUInt16Bits((Half)a) << 16 | BitConverter.HalfToUInt16Bits((Half)b);
}

/// <summary>To 10 bits of fraction; of two as near, the one away from zero.</summary>
internal readonly struct ToTf32 : ILane<uint, uint>
{
    public static uint Of(uint a) => (a & 0x7F80_0000) == 0x7F80_0000 ? a : a + 0x1000 & 0xFFFF_E000;
}
