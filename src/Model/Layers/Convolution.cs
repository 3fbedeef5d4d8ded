using BDense.Kernels;
using BDense.Model.Autodiff;
using BDense.Model.Networks;

namespace BDense.Model.Layers;

/// <summary>
/// A convolution with bias; by default stride 1 and an output as large as the input, EDM's <c>Conv2d</c> without resampling.
/// </summary>
public sealed class Convolution
{
    private readonly Parameter _weight, _bias;

    /// <param name="state">Where the parameters are declared: <c>name.weight</c> [K,R,R,C] and <c>name.bias</c> [K].</param>
    /// <param name="name">Prefix of the names.</param>
    /// <param name="channelsIn">C</param>
    /// <param name="channelsOut">K</param>
    /// <param name="kernel">R, odd.</param>
    /// <param name="initial">Initial values; PyTorch's unless given.</param>
    /// <param name="role">What they depend on.</param>
    /// <param name="layout">How checkpoints have it.</param>
    public Convolution(StateDeclaration state, string name, int channelsIn, int channelsOut, int kernel, InitialValues? initial = null,
        LayerRole role = LayerRole.Plain, WeightLayout layout = default)
    {
        initial ??= InitialValues.PyTorch;
        int fanIn = channelsIn * kernel * kernel, fanOut = channelsOut * kernel * kernel;
        _weight = state.Add($"{name}.weight", new Shape(channelsOut, kernel, kernel, channelsIn),
            initial.Weight(role, fanIn, fanOut), layout);
        _bias = state.Add($"{name}.bias", new Shape(channelsOut), initial.Bias(role, fanIn), layout);
    }

    /// <summary>
    /// A 1x1 convolution whose checkpoints have one matrix and one bias for each of <paramref name="parts"/>: to_q, to_k and to_v.
    /// </summary>
    /// <param name="state">Where the parameters are declared.</param>
    /// <param name="name">Of the whole, here only.</param>
    /// <param name="parts">Prefixes of the names in checkpoints; each has as many rows.</param>
    /// <param name="channelsIn">C</param>
    /// <param name="channelsOut">K, of all parts together.</param>
    /// <param name="initial">Initial values.</param>
    internal Convolution(StateDeclaration state, string name, string[] parts, int channelsIn, int channelsOut, InitialValues initial)
    {
        (_weight, _bias) = state.AddPacked(name, parts, new Shape(channelsOut, 1, 1, channelsIn),
            initial.Weight(LayerRole.Attention, channelsIn, channelsOut), initial.Bias(LayerRole.Attention, channelsIn));
    }

    /// <summary>q, k and v of the normalised x in one product, or without <see cref="Fusion.Qkv"/> in three.</summary>
    internal Variable ForwardQkv(Tape tape, Variable x, Normalization norm)
    {
        if (tape.Execution.Fusions.Has(Fusion.Qkv))
            return Forward(tape, x, new Surroundings(norm.Before(silu: false)));
        var h = norm.Forward(tape, x, silu: false);
        var y = tape.Conv2dInParts(h, _weight, _bias, 3);
        tape.Drop(h);
        return y;
    }

    /// <param name="tape">Records; the caller drops x.</param>
    /// <param name="x">[N,H,W,C]</param>
    /// <returns>[N,H,W,K]</returns>
    public Variable Forward(Tape tape, Variable x) => tape.Conv2d(x, _weight, _bias);

    /// <summary>With what is around it.</summary>
    /// <param name="tape">Records; the caller drops x.</param>
    /// <param name="x">[N,H,W,C]</param>
    /// <param name="around">Normalisation and resampling before it, embedding and residual after it.</param>
    /// <param name="head">
    /// Of a network's last layer: <see cref="ForwardOptions.Head"/>, which takes the place of its own weight and bias where there is one.
    /// </param>
    public Variable Forward(Tape tape, Variable x, in Surroundings around, Head? head = null) =>
        tape.Conv2d(x, head?.Weight ?? _weight, head?.Bias ?? _bias, around);

    /// <summary>
    /// 3x3 with a stride of 2, [N,H,W,C] to [N,H/2,W/2,K]: with one row and column of zeros after the last, as diffusers has it, or before
    /// the first, which is PyTorch's padding of 1 on both sides where H and W are even, since the last row of zeros is not read. A block
    /// follows, which normalises it.
    /// </summary>
    public Variable ForwardHalving(Tape tape, Variable x, bool zerosBefore) =>
        tape.Conv2dNormalisedNext(x, _weight, _bias, stride: 2, padBegin: zerosBefore ? 1 : 0, padEnd: zerosBefore ? 0 : 1);
}
