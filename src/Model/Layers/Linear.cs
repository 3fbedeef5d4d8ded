using BDense.Kernels;
using BDense.Model.Autodiff;

namespace BDense.Model.Layers;

/// <summary>y = x w^T + b.</summary>
public sealed class Linear
{
    private readonly Parameter _weight;
    private readonly Parameter? _bias;

    /// <param name="state">Where the parameters are declared: <c>name.weight</c> [Out,In] and <c>name.bias</c> [Out].</param>
    /// <param name="name">Prefix of the names.</param>
    /// <param name="featuresIn">In</param>
    /// <param name="featuresOut">Out</param>
    /// <param name="initial">Initial values; PyTorch's unless given.</param>
    /// <param name="role">What they depend on.</param>
    /// <param name="bias">Whether there is one.</param>
    /// <param name="layout">How checkpoints have the weight.</param>
    public Linear(StateDeclaration state, string name, int featuresIn, int featuresOut, InitialValues? initial = null,
        LayerRole role = LayerRole.Plain, bool bias = true, WeightLayout layout = default)
    {
        initial ??= InitialValues.PyTorch;
        _weight = state.Add($"{name}.weight", new Shape(featuresOut, featuresIn), initial.Weight(role, featuresIn, featuresOut), layout);
        _bias = bias ? state.Add($"{name}.bias", new Shape(featuresOut), initial.Bias(role, featuresIn)) : null;
    }

    /// <param name="tape">Records; the caller drops x.</param>
    /// <param name="x">[N,In]</param>
    /// <returns>[N,Out]</returns>
    public Variable Forward(Tape tape, Variable x) => tape.Linear(x, _weight, _bias);
}
