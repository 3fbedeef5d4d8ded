using System.Runtime.CompilerServices;
using BDense.Kernels.Reference.Trajectory;

namespace BDense.Kernels.Reference;

/// <summary>rho(d) of a distance.</summary>
file readonly struct Value<TDistance>(float delta) : IUnary
    where TDistance : struct, IDistance
{
    private readonly float _delta = delta;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<TLanes, V>(V x)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged => TDistance.Value<TLanes, V>(x, TLanes.Broadcast(_delta), out _);
}

/// <summary>rho'(d) of a distance.</summary>
file readonly struct Derivative<TDistance>(float delta) : IUnary
    where TDistance : struct, IDistance
{
    private readonly float _delta = delta;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<TLanes, V>(V x)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        TDistance.Value<TLanes, V>(x, TLanes.Broadcast(_delta), out var derivative);
        return derivative;
    }
}

public unsafe partial class ReferenceBackend
{
    private protected override void RhoCore(Distance rho, float delta, Tensor d, Tensor y)
    {
        switch (rho)
        {
            case Distance.L1: Map(new Value<L1>(delta), d, y); break;
            case Distance.L2: Map(new Value<L2>(delta), d, y); break;
            default: Map(new Value<PseudoHuber>(delta), d, y); break;
        }
    }

    private protected override void RhoDerivativeCore(Distance rho, float delta, Tensor d, Tensor y)
    {
        switch (rho)
        {
            case Distance.L1: Map(new Derivative<L1>(delta), d, y); break;
            case Distance.L2: Map(new Derivative<L2>(delta), d, y); break;
            default: Map(new Derivative<PseudoHuber>(delta), d, y); break;
        }
    }
}
