using System.Runtime.CompilerServices;

namespace BDense.Kernels.Reference.Trajectory;

/// <summary>rho(d) and rho'(d).</summary>
internal interface IDistance
{
    static abstract V Value<TLanes, V>(V d, V delta, out V derivative)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged;
}

internal readonly struct L1 : IDistance
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Value<TLanes, V>(V d, V delta, out V derivative)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        derivative = TLanes.Sign(d);
        return TLanes.Abs(d);
    }
}

internal readonly struct L2 : IDistance
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Value<TLanes, V>(V d, V delta, out V derivative)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        derivative = TLanes.Add(d, d);
        return TLanes.Multiply(d, d);
    }
}

internal readonly struct PseudoHuber : IDistance
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Value<TLanes, V>(V d, V delta, out V derivative)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        var square = TLanes.Multiply(d, d);
        var root = TLanes.SquareRoot(TLanes.MultiplyAdd(delta, delta, square));
        derivative = TLanes.Divide(d, root);
        // Equal to root - delta, without its cancellation: exactly 0 at d = 0.
        return TLanes.Divide(square, TLanes.Add(root, delta));
    }
}
