using System.Numerics;

namespace BDense.Kernels.Reference;

file readonly struct SiluFunction : IUnary
{
    public Vector<float> Apply(Vector<float> x) => Simd.Silu(x);
}

file readonly struct SiluGradient : IBinary
{
    public Vector<float> Apply(Vector<float> dy, Vector<float> x) => dy * Simd.SiluDerivative(x);
}

public sealed unsafe partial class ReferenceBackend
{
    protected override void SiluCore(Tensor x, Tensor y) => Map(new SiluFunction(), x, y);

    protected override void SiluBackwardCore(Tensor dy, Tensor x, Tensor dx) => Map(new SiluGradient(), dy, x, dx);
}
