using System.Runtime.CompilerServices;

namespace BDense.Kernels.Reference;

file readonly struct SiluFunction : IUnary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<TLanes, V>(V x)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged => LaneMath.Silu<TLanes, V>(x);
}

file readonly struct SiluGradient : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<TLanes, V>(V dy, V x)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged => TLanes.Multiply(dy, LaneMath.SiluDerivative<TLanes, V>(x));
}

public unsafe partial class ReferenceBackend
{
    private protected override void SiluCore(Tensor x, Tensor y) => Map(new SiluFunction(), x, y);

    private protected override void SiluBackwardCore(Tensor dy, Tensor x, Tensor dx) => Map(new SiluGradient(), dy, x, dx);
}
