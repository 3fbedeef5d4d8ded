using System.Numerics;

namespace BDense.Kernels.Reference;

file readonly struct AbsoluteValue : IUnary
{
    public Vector<float> Apply(Vector<float> d) => Vector.Abs(d);
}

file readonly struct Sign : IUnary
{
    // Where d is neither above nor below 0 it is 0, or NaN, which stays.
    public Vector<float> Apply(Vector<float> d) => Vector.ConditionalSelect(Vector.GreaterThan(d, Vector<float>.Zero), Vector<float>.One,
        Vector.ConditionalSelect(Vector.LessThan(d, Vector<float>.Zero), -Vector<float>.One, d));
}

file readonly struct Square : IUnary
{
    public Vector<float> Apply(Vector<float> d) => d * d;
}

file readonly struct Twice : IUnary
{
    public Vector<float> Apply(Vector<float> d) => d + d;
}

file readonly struct PseudoHuberDistance(float delta) : IUnary
{
    private readonly float _delta = delta;

    // sqrt(d^2 + delta^2) - delta without the cancellation of near numbers.
    public Vector<float> Apply(Vector<float> d)
    {
        var delta = new Vector<float>(_delta);
        return d * d / (Vector.SquareRoot(d * d + delta * delta) + delta);
    }
}

file readonly struct PseudoHuberDerivative(float delta) : IUnary
{
    private readonly float _delta = delta;

    public Vector<float> Apply(Vector<float> d) => d / Vector.SquareRoot(d * d + new Vector<float>(_delta * _delta));
}

public sealed unsafe partial class ReferenceBackend
{
    protected override void RhoCore(Distance rho, float delta, Tensor d, Tensor y)
    {
        switch (rho)
        {
            case Distance.L1: Map(new AbsoluteValue(), d, y); break;
            case Distance.L2: Map(new Square(), d, y); break;
            default: Map(new PseudoHuberDistance(delta), d, y); break;
        }
    }

    protected override void RhoDerivativeCore(Distance rho, float delta, Tensor d, Tensor y)
    {
        switch (rho)
        {
            case Distance.L1: Map(new Sign(), d, y); break;
            case Distance.L2: Map(new Twice(), d, y); break;
            default: Map(new PseudoHuberDerivative(delta), d, y); break;
        }
    }
}
