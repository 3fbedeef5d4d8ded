using System.Numerics;

namespace BDense.VirtualGpu.Instructions.Data;

/// <summary>How a float becomes a whole one, or which way a value goes that lies between two floats.</summary>
internal interface IRounding
{
    static abstract T Of<T>(T value)
        where T : IFloatingPointIeee754<T>;

    /// <summary>
    /// The neighbour of the nearest float to take instead: -1 below, 1 above, 0 none. The order is that of the nearest float and the exact
    /// value.
    /// </summary>
    static abstract int Step(int order, bool isNegative);
}

/// <summary>.rni</summary>
internal readonly struct RoundedEven : IRounding
{
    public static T Of<T>(T value)
        where T : IFloatingPointIeee754<T> => T.Round(value, MidpointRounding.ToEven);

    public static int Step(int order, bool isNegative) => 0;
}

/// <summary>.rzi, .rz</summary>
internal readonly struct Truncated : IRounding
{
    public static T Of<T>(T value)
        where T : IFloatingPointIeee754<T> => T.Truncate(value);

    public static int Step(int order, bool isNegative) => isNegative ? Raised.Step(order, isNegative) : Floored.Step(order, isNegative);
}

/// <summary>.rmi, .rm</summary>
internal readonly struct Floored : IRounding
{
    public static T Of<T>(T value)
        where T : IFloatingPointIeee754<T> => T.Floor(value);

    public static int Step(int order, bool isNegative) => order > 0 ? -1 : 0;
}

/// <summary>.rpi, .rp</summary>
internal readonly struct Raised : IRounding
{
    public static T Of<T>(T value)
        where T : IFloatingPointIeee754<T> => T.Ceiling(value);

    public static int Step(int order, bool isNegative) => order < 0 ? 1 : 0;
}

/// <summary>Subnormal values count as zeros.</summary>
internal readonly struct Flushed<TRound> : IRounding
    where TRound : struct, IRounding
{
    public static T Of<T>(T value)
        where T : IFloatingPointIeee754<T> => T.IsSubnormal(value) ? T.CopySign(T.Zero, value) : TRound.Of(value);

    public static int Step(int order, bool isNegative) => TRound.Step(order, isNegative);
}
