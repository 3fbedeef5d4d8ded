using BDense.Kernels;

namespace BDense.Model;

/// <summary>What all blocks of a network share.</summary>
/// <param name="EmbeddingChannels">Length of the noise embedding.</param>
/// <param name="ChannelsPerHead">Channels of an attention head; 0 for one head over all.</param>
/// <param name="Dropout">Probability before the second convolution.</param>
/// <param name="SkipScale">Multiplies each residual sum: sqrt(1/2) in DDPM++, 1 in ADM.</param>
/// <param name="Epsilon">Of the group normalisations.</param>
/// <param name="ResampleProjection">Whether a resampling block's skip has a 1x1 convolution even if the channels stay (DDPM++).</param>
/// <param name="AdaptiveScale">The embedding scales and shifts the second normalisation (ADM), or is added before it (DDPM++).</param>
internal sealed record BlockOptions(int EmbeddingChannels, int ChannelsPerHead, float Dropout, float SkipScale, double Epsilon,
    bool ResampleProjection, bool AdaptiveScale);

internal enum Resampling
{
    None,
    Down,
    Up,
}

/// <summary>
/// The residual block of DDPM++ and ADM (Song et al. 2021; Dhariwal and Nichol 2021) in EDM's form:
/// h = conv0(resample(silu(norm0(x)))); h = silu(norm1(h + affine(emb))), or silu(norm1(h) * (1 + scale) + shift);
/// x = (conv1(dropout(h)) + skip(resample(x))) * skipScale; and with attention x = (proj(attention(qkv(norm2(x)))) + x) * skipScale.
/// </summary>
internal sealed class UNetBlock
{
    private readonly BlockOptions _options;
    private readonly Resampling _resampling;
    private readonly Normalization _norm0, _norm1;
    private readonly Normalization? _norm2;
    private readonly Convolution _conv0, _conv1;
    private readonly Convolution? _skip, _qkv, _proj;
    private readonly Linear _affine;
    private readonly int _heads;

    public UNetBlock(StateDeclaration state, string name, int channelsIn, int channelsOut, BlockOptions options,
        bool attention = false, Resampling resampling = Resampling.None)
    {
        (_options, _resampling, ChannelsOut) = (options, resampling, channelsOut);
        _norm0 = new Normalization(state, $"{name}.norm0", channelsIn, options.Epsilon);
        _conv0 = new Convolution(state, $"{name}.conv0", channelsIn, channelsOut, 3);
        DeclareFilter(state, $"{name}.conv0");
        _affine = new Linear(state, $"{name}.affine", options.EmbeddingChannels, options.AdaptiveScale ? 2 * channelsOut : channelsOut);
        _norm1 = new Normalization(state, $"{name}.norm1", channelsOut, options.Epsilon);
        _conv1 = new Convolution(state, $"{name}.conv1", channelsOut, channelsOut, 3, gain: 1e-5);
        if (channelsIn != channelsOut || (resampling != Resampling.None && options.ResampleProjection))
            _skip = new Convolution(state, $"{name}.skip", channelsIn, channelsOut, 1);
        DeclareFilter(state, $"{name}.skip");
        if (!attention)
            return;
        int perHead = options.ChannelsPerHead == 0 ? channelsOut : options.ChannelsPerHead;
        if (channelsOut % perHead != 0 || perHead > 256)
        {
            throw new BDenseException($"{name}: {channelsOut} channels do not divide into attention heads of {perHead}; "
                + "channelsPerHead is a divisor of them, at most 256");
        }
        _heads = channelsOut / perHead;
        _norm2 = new Normalization(state, $"{name}.norm2", channelsOut, options.Epsilon);
        _qkv = new Convolution(state, $"{name}.qkv", channelsOut, 3 * channelsOut, 1, gain: Math.Sqrt(0.2), new WeightLayout(_heads));
        _proj = new Convolution(state, $"{name}.proj", channelsOut, channelsOut, 1, gain: 1e-5);
    }

    public int ChannelsOut { get; }

    /// <param name="tape">Records; the caller drops x and emb.</param>
    /// <param name="x">[N,H,W,Cin]</param>
    /// <param name="emb">[N,EmbeddingChannels]</param>
    /// <param name="dropout">This block's random numbers; none in evaluation.</param>
    /// <returns>[N,H',W',Cout], H' = H, H/2 or 2H.</returns>
    public Variable Forward(Tape tape, Variable x, Variable emb, RandomKey? dropout)
    {
        var h = _norm0.Forward(tape, x, silu: true);
        tape.Replace(ref h, Resample(tape, h));
        tape.Replace(ref h, _conv0.Forward(tape, h));

        var affine = _affine.Forward(tape, emb);
        if (_options.AdaptiveScale)
        {
            tape.Replace(ref h, _norm1.Forward(tape, h, silu: true, affine));
        }
        else
        {
            tape.Replace(ref h, tape.BroadcastAdd(h, affine));
            tape.Replace(ref h, _norm1.Forward(tape, h, silu: true));
        }
        tape.Drop(affine);

        if (dropout is { } key && _options.Dropout > 0)
            tape.Replace(ref h, tape.Dropout(h, _options.Dropout, key));
        tape.Replace(ref h, _conv1.Forward(tape, h));

        var skip = Skip(tape, x);
        var y = tape.Add(h, skip, _options.SkipScale);
        tape.Drop(h);
        if (skip != x)
            tape.Drop(skip);
        return _qkv is null ? y : Attend(tape, y);
    }

    private Variable Attend(Tape tape, Variable x)
    {
        var h = _norm2!.Forward(tape, x, silu: false);
        tape.Replace(ref h, _qkv!.Forward(tape, h));
        tape.Replace(ref h, tape.Attention(h, _heads));
        tape.Replace(ref h, _proj!.Forward(tape, h));
        var y = tape.Add(h, x, _options.SkipScale);
        tape.Drop(h);
        tape.Drop(x);
        return y;
    }

    /// <summary>x itself if nothing is to be done.</summary>
    private Variable Skip(Tape tape, Variable x)
    {
        var resampled = Resample(tape, x);
        if (_skip is null)
            return resampled;
        var y = _skip.Forward(tape, resampled);
        if (resampled != x)
            tape.Drop(resampled);
        return y;
    }

    private Variable Resample(Tape tape, Variable x) => _resampling switch
    {
        Resampling.Down => tape.Downsample(x),
        Resampling.Up => tape.Upsample(x),
        _ => x,
    };

    /// <summary>EDM's checkpoints carry the box filter [1,1] with every convolution that resamples.</summary>
    private void DeclareFilter(StateDeclaration state, string name)
    {
        if (_resampling != Resampling.None)
            state.AddConstant($"{name}.resample_filter", [1, 1, 2, 2], [0.25f, 0.25f, 0.25f, 0.25f], isFixed: true);
    }
}
