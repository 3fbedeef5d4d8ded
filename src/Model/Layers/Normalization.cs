using BDense.Kernels;
using BDense.Model.Autodiff;

namespace BDense.Model.Layers;

/// <summary>Group normalisation (Wu and He 2018) with a scale and a shift a channel: <see cref="Tape.GroupNorm"/>.</summary>
public sealed class Normalization
{
    private readonly Parameter _gamma, _beta;
    private readonly int _groups;
    private readonly float _epsilon;

    /// <param name="state">Where the parameters are declared: <c>name.weight</c> and <c>name.bias</c>, [C].</param>
    /// <param name="name">Prefix of the names.</param>
    /// <param name="channels">C</param>
    /// <param name="groups">0 for EDM's min(32, C/4).</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <exception cref="BDenseException">The channels do not divide into the groups.</exception>
    public Normalization(StateDeclaration state, string name, int channels, int groups = 0, double epsilon = 1e-5)
    {
        _groups = groups > 0 ? groups : Math.Max(1, Math.Min(32, channels / 4));
        if (channels % _groups != 0)
        {
            throw new BDenseException($"{name}: {channels} channels do not divide into {_groups} groups; "
                + (groups > 0 ? "take a divisor of them for groups" : "take modelChannels a multiple of 32, or a smaller multiple of 4"));
        }
        _epsilon = (float)epsilon;
        _gamma = state.Add($"{name}.weight", new Shape(channels), Initializer.One);
        _beta = state.Add($"{name}.bias", new Shape(channels), Initializer.Zero);
    }

    /// <param name="tape">Records; the caller drops x.</param>
    /// <param name="x">[N,H,W,C]</param>
    /// <param name="silu">Whether SiLU follows.</param>
    /// <param name="scaleShift">[N,2C], C scales and C shifts of each sample: then u * (1 + scale) + shift, before SiLU; or none.</param>
    public Variable Forward(Tape tape, Variable x, bool silu, Variable? scaleShift = null) =>
        tape.GroupNorm(x, _gamma, _beta, _groups, _epsilon, silu, scaleShift);

    /// <summary>The same in front of a convolution (<see cref="Surroundings"/>).</summary>
    public NormalizationBefore Before(bool silu, Variable? scaleShift = null) => new(_gamma, _beta, _groups, _epsilon, silu, scaleShift);
}
