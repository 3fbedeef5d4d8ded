using BDense.Kernels;

namespace BDense.Model;

/// <summary>A convolution with bias, stride 1, output as large as the input; EDM's <c>Conv2d</c> without resampling.</summary>
internal sealed class Convolution
{
    private readonly Parameter _weight, _bias;

    /// <param name="state">Where the parameters are declared: <c>name.weight</c> [K,R,R,C] and <c>name.bias</c> [K].</param>
    /// <param name="name">Prefix of the names.</param>
    /// <param name="channelsIn">C</param>
    /// <param name="channelsOut">K</param>
    /// <param name="kernel">R, odd.</param>
    /// <param name="gain">Of the weight's Xavier-uniform start: 1, 1e-5 for layers that should start near zero, sqrt(0.2) for qkv.</param>
    /// <param name="layout">Order of the rows in checkpoints.</param>
    public Convolution(StateDeclaration state, string name, int channelsIn, int channelsOut, int kernel, double gain = 1, WeightLayout layout = default)
    {
        int area = kernel * kernel;
        _weight = state.Add($"{name}.weight", new Shape(channelsOut, kernel, kernel, channelsIn),
            Initializer.XavierUniform(channelsIn * area, channelsOut * area, gain), layout);
        _bias = state.Add($"{name}.bias", new Shape(channelsOut), Initializer.Zero, layout);
    }

    public Variable Forward(Tape tape, Variable x) => tape.Conv2d(x, _weight, _bias);
}
