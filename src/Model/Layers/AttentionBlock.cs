using BDense.Kernels;
using BDense.Model.Autodiff;

namespace BDense.Model.Layers;

/// <summary>Names of an attention block's layers in checkpoints.</summary>
/// <param name="Norm">Of the normalisation.</param>
/// <param name="Projections">One name for qkv, or three: those of q, k and v.</param>
/// <param name="Output">Of the projection at the end.</param>
/// <param name="Rows">Order of qkv's rows in checkpoints.</param>
/// <param name="IsSequence">Checkpoints have the projections as convolutions over a sequence, [K,C,1].</param>
internal sealed record AttentionNames(string Norm, string[] Projections, string Output, QkvRows Rows = QkvRows.Interleaved,
    bool IsSequence = false);

/// <summary>Self-attention with its residual sum: x = (proj(attention(qkv(norm(x)))) + x) * skipScale.</summary>
public sealed class AttentionBlock
{
    private readonly Normalization _norm;
    private readonly Convolution _qkv, _proj;
    private readonly float _skipScale;
    private readonly int _heads;

    /// <param name="state">Where <c>name.norm</c>, <c>name.qkv</c> and <c>name.proj</c> are declared.</param>
    /// <param name="name">Prefix of the names.</param>
    /// <param name="channels">C</param>
    /// <param name="channelsPerHead">A divisor of them, at most 256; 0 for one head over all.</param>
    /// <param name="initial">Initial values; ADM's, whose block is the identity at first, unless given.</param>
    /// <exception cref="BDenseException">The channels do not divide into heads, or C / 4 (at most 32) groups.</exception>
    public AttentionBlock(StateDeclaration state, string name, int channels, int channelsPerHead = 0, InitialValues? initial = null)
        : this(state, new AttentionNames($"{name}.norm", [$"{name}.qkv"], $"{name}.proj", QkvRows.Packed), channels,
            new BlockOptions(0, channelsPerHead, Dropout: 0, SkipScale: 1, Groups: 0, Epsilon: 1e-5, ResampleProjection: false,
                AdaptiveScale: false, StepCondition: false, initial ?? InitialValues.Adm))
    {
    }

    /// <exception cref="BDenseException">The channels do not divide into heads.</exception>
    internal AttentionBlock(StateDeclaration state, AttentionNames names, int channels, BlockOptions options)
    {
        int perHead = options.ChannelsPerHead == 0 ? channels : options.ChannelsPerHead;
        if (channels % perHead != 0 || perHead > 256)
        {
            throw new BDenseException($"{names.Output}: {channels} channels do not divide into attention heads of {perHead}; "
                + "channelsPerHead is a divisor of them, at most 256");
        }
        (_heads, _skipScale) = (channels / perHead, options.SkipScale);
        _norm = new Normalization(state, names.Norm, channels, options.Groups, options.Epsilon);
        _qkv = names.Projections is [var qkv]
            ? new Convolution(state, qkv, channels, 3 * channels, 1, options.Initial, LayerRole.Attention,
                WeightLayout.Qkv(_heads, names.Rows, names.IsSequence))
            : new Convolution(state, $"{names.Norm}.qkv", names.Projections, channels, 3 * channels, options.Initial);
        _proj = new Convolution(state, names.Output, channels, channels, 1, options.Initial, LayerRole.Last,
            names.Projections.Length == 1 ? new WeightLayout { IsSequence = names.IsSequence } : WeightLayout.Matrix);
    }

    /// <param name="tape">Records; x is dropped.</param>
    /// <param name="x">[N,H,W,C]</param>
    public Variable Forward(Tape tape, Variable x)
    {
        var h = _qkv.ForwardQkv(tape, x, _norm);
        tape.Replace(ref h, tape.Attention(h, _heads));
        var y = _proj.Forward(tape, h, new Surroundings(Residual: x, Scale: _skipScale, IsNormalisedNext: true));
        tape.Drop(h);
        tape.Drop(x);
        return y;
    }
}
