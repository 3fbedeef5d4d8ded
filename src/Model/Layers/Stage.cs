using BDense.Kernels;
using BDense.Model.Autodiff;

namespace BDense.Model.Layers;

/// <summary>What every block of a pass reads besides its input.</summary>
/// <param name="Noise">[N,E] embedding of the noise level and the class.</param>
/// <param name="Step">[N,E] embedding of the step condition; none without it.</param>
internal readonly record struct Embeddings(Variable Noise, Variable? Step);

/// <summary>One stage of an encoder or decoder: [N,H,W,C] to [N,H',W',C'].</summary>
internal abstract class Stage
{
    /// <summary>C'</summary>
    public abstract int ChannelsOut { get; }

    /// <param name="tape">Records; the caller drops x and the embeddings.</param>
    /// <param name="x">[N,H,W,C]</param>
    /// <param name="embeddings">Of this pass.</param>
    /// <param name="dropout">This stage's random numbers; none in evaluation.</param>
    public abstract Variable Forward(Tape tape, Variable x, Embeddings embeddings, RandomKey? dropout);
}

/// <summary>Resampling alone: means of 2x2 or nearest-neighbour copies.</summary>
internal sealed class PlainResampling(int channels, Resampling resampling) : Stage
{
    public override int ChannelsOut => channels;

    public override Variable Forward(Tape tape, Variable x, Embeddings embeddings, RandomKey? dropout) =>
        resampling == Resampling.Down ? tape.Downsample(x) : tape.Upsample(x);
}

/// <summary>
/// DDPM's resampling: a 3x3 convolution of stride 2 (<see cref="Convolution.ForwardHalving"/>), or nearest-neighbour copies and a 3x3
/// convolution.
/// </summary>
internal sealed class ResamplingConvolution(StateDeclaration state, string name, int channels, Resampling resampling, InitialValues initial,
    bool zerosBefore = false) : Stage
{
    private readonly Convolution _convolution = new(state, name, channels, channels, 3, initial);

    public override int ChannelsOut => channels;

    public override Variable Forward(Tape tape, Variable x, Embeddings embeddings, RandomKey? dropout) =>
        resampling == Resampling.Down ? _convolution.ForwardHalving(tape, x, zerosBefore)
            : _convolution.Forward(tape, x, new Surroundings(Resampling: Resampling.Up, IsNormalisedNext: true));
}
