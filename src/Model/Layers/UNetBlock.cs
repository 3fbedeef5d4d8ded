using BDense.Kernels;
using BDense.Model.Autodiff;
using BDense.Model.Networks;

namespace BDense.Model.Layers;

/// <summary>What all blocks of a network share.</summary>
/// <param name="EmbeddingChannels">Length of the embeddings.</param>
/// <param name="ChannelsPerHead">Channels of an attention head; 0 for one head over all.</param>
/// <param name="Dropout">Probability before the second convolution.</param>
/// <param name="SkipScale">Multiplies each residual sum: sqrt(1/2) in DDPM++, 1 elsewhere.</param>
/// <param name="Groups">Of the group normalisations; 0 for EDM's min(32, C/4).</param>
/// <param name="Epsilon">Of the group normalisations.</param>
/// <param name="ResampleProjection">Whether a resampling block's skip has a 1x1 convolution even if the channels stay (DDPM++).</param>
/// <param name="AdaptiveScale">The embedding scales and shifts the second normalisation (ADM), or is added before it (DDPM++,
/// DDPM).</param>
/// <param name="StepCondition">Whether blocks read a second embedding, of SFD's step condition.</param>
/// <param name="Initial">Initial values.</param>
internal sealed record BlockOptions(int EmbeddingChannels, int ChannelsPerHead, float Dropout, float SkipScale, int Groups, double Epsilon,
    bool ResampleProjection, bool AdaptiveScale, bool StepCondition, InitialValues Initial)
{
    /// <summary>The options that the configuration itself gives.</summary>
    public static BlockOptions Of(UNetConfig config, bool resampleProjection, bool adaptiveScale, InitialValues initial) => new(
        config.EmbeddingChannels, config.ChannelsPerHead, config.Dropout, config.SkipScale, config.Groups, config.Epsilon,
        resampleProjection, adaptiveScale, config.StepCondition, initial);
}

/// <summary>
/// Names of a block's layers in checkpoints. HasFilters: EDM's checkpoints carry the box filter [1,1] with every convolution that
/// resamples. SkipIsMatrix: the skip's 1x1 convolution is stored [K,C].
/// </summary>
internal sealed record BlockNames(string Norm0, string Conv0, string Affine, string Norm1, string Conv1, string Skip,
    string AffineStep = "", bool HasFilters = false, bool SkipIsMatrix = false);

/// <summary>
/// The residual block of DDPM, DDPM++ and ADM (Ho et al. 2020; Song et al. 2021; Dhariwal and Nichol 2021) in EDM's form:
/// h = conv0(resample(silu(norm0(x)))); h = silu(norm1(h + affine(emb))), or silu(norm1(h) * (1 + scale) + shift);
/// y = (conv1(dropout(h)) + skip(resample(x))) * skipScale, and then attention where there is any.
/// </summary>
/// <remarks>
/// With SFD's step condition (Zhou et al. 2024): h + affine(emb) + affine_step(step), or a second scale and shift after the first.
/// </remarks>
internal sealed class UNetBlock : Stage
{
    private readonly BlockOptions _options;
    private readonly Resampling _resampling;
    private readonly Normalization _norm0, _norm1;
    private readonly Convolution _conv0, _conv1;
    private readonly Convolution? _skip;
    private readonly Linear _affine;
    private readonly Linear? _affineStep;

    public UNetBlock(StateDeclaration state, BlockNames names, int channelsIn, int channelsOut, BlockOptions options,
        Resampling resampling = Resampling.None)
    {
        (_options, _resampling, ChannelsOut) = (options, resampling, channelsOut);
        var initial = options.Initial;
        int affine = options.AdaptiveScale ? 2 * channelsOut : channelsOut;
        _norm0 = new Normalization(state, names.Norm0, channelsIn, options.Groups, options.Epsilon);
        _conv0 = new Convolution(state, names.Conv0, channelsIn, channelsOut, 3, initial);
        DeclareFilter(state, names, names.Conv0);
        _affine = new Linear(state, names.Affine, options.EmbeddingChannels, affine, initial);
        _norm1 = new Normalization(state, names.Norm1, channelsOut, options.Groups, options.Epsilon);
        _conv1 = new Convolution(state, names.Conv1, channelsOut, channelsOut, 3, initial, LayerRole.Last);
        if (options.StepCondition)
            _affineStep = new Linear(state, names.AffineStep, options.EmbeddingChannels, affine, initial);
        if (channelsIn != channelsOut || (resampling != Resampling.None && options.ResampleProjection))
            _skip = new Convolution(state, names.Skip, channelsIn, channelsOut, 1, initial,
                layout: names.SkipIsMatrix ? WeightLayout.Matrix : default);
        DeclareFilter(state, names, names.Skip);
    }

    public override int ChannelsOut { get; }

    /// <summary>Follows the block.</summary>
    public AttentionBlock? Attention { get; init; }

    /// <inheritdoc/>
    public override Variable Forward(Tape tape, Variable x, Embeddings embeddings, RandomKey? dropout)
    {
        if (tape.Execution.Recompute)
        {
            Variable[] read = embeddings.Step is null ? [x, embeddings.Noise] : [x, embeddings.Noise, embeddings.Step];
            return tape.Recomputed(read, (inner, v) => Forward(inner, v[0], new Embeddings(v[1], v.Length > 2 ? v[2] : null), dropout));
        }
        var affine = Affine(tape, embeddings);
        bool adaptive = _options.AdaptiveScale;
        var h = _conv0.Forward(tape, x, new Surroundings(_norm0.Before(silu: true), _resampling, adaptive ? null : affine,
            IsNormalisedNext: true));
        var skip = Skip(tape, x);
        var scaleShift = adaptive ? affine : null;
        // Attention, the next block and the network's end all begin with a normalisation.
        var around = new Surroundings(Residual: skip, Scale: _options.SkipScale, IsNormalisedNext: true);
        if (dropout is { } key && _options.Dropout > 0)
        {
            tape.Replace(ref h, _norm1.Forward(tape, h, silu: true, scaleShift));
            tape.Replace(ref h, tape.Dropout(h, _options.Dropout, key));
        }
        else
        {
            around = around with { Norm = _norm1.Before(silu: true, scaleShift) };
        }
        var y = _conv1.Forward(tape, h, around);
        tape.Drop(h);
        tape.Drop(affine);
        if (skip != x)
            tape.Drop(skip);
        return Attention is null ? y : Attention.Forward(tape, y);
    }

    /// <summary>[N,C] to add, or [N,2C] scales and shifts; those of the step come on top.</summary>
    private Variable Affine(Tape tape, Embeddings embeddings)
    {
        var affine = _affine.Forward(tape, embeddings.Noise);
        if (_affineStep is null || embeddings.Step is null)
            return affine;
        var step = _affineStep.Forward(tape, embeddings.Step);
        tape.Replace(ref affine, _options.AdaptiveScale ? tape.ComposeScaleShift(affine, step) : tape.Add(affine, step));
        tape.Drop(step);
        return affine;
    }

    /// <summary>x itself if nothing is to be done.</summary>
    private Variable Skip(Tape tape, Variable x)
    {
        if (_skip is null)
            return Resample(tape, x);
        if (_resampling != Resampling.Up || !tape.Execution.Fusions.Has(Fusion.ResampleConv))
            return _skip.Forward(tape, x, new Surroundings(Resampling: _resampling));
        // Copies of pixels may be made after a 1x1 convolution as well as before it: the same numbers for a quarter of the work.
        var small = _skip.Forward(tape, x);
        var y = Resample(tape, small);
        tape.Drop(small);
        return y;
    }

    private Variable Resample(Tape tape, Variable x) => _resampling switch
    {
        Resampling.Down => tape.Downsample(x),
        Resampling.Up => tape.Upsample(x),
        _ => x,
    };

    private void DeclareFilter(StateDeclaration state, BlockNames names, string name)
    {
        if (names.HasFilters && _resampling != Resampling.None)
            state.AddConstant($"{name}.resample_filter", [1, 1, 2, 2], [0.25f, 0.25f, 0.25f, 0.25f], isFixed: true);
    }
}
