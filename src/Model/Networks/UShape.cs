using BDense.Kernels;
using BDense.Model.Autodiff;
using BDense.Model.Layers;

namespace BDense.Model.Networks;

/// <summary>
/// The U of every family: a 3x3 convolution and the encoder's stages, each output kept; then the decoder's stages, those that take a
/// skip on the concatenation with the last output kept; GroupNorm, SiLU and a 3x3 convolution. The families differ in their stages
/// and names alone: <see cref="EdmUNet"/>, <see cref="DdpmUNet"/>, <see cref="GuidedUNet"/>.
/// </summary>
internal sealed class UShape : IArchitecture
{
    private readonly List<Stage> _encoder = [];
    private readonly List<(Stage Stage, bool TakesSkip)> _decoder = [];
    private readonly Stack<int> _skips = [];
    private NoiseMapping? _mapping, _stepMapping;
    private Convolution? _convIn, _convOut;
    private Normalization? _normOut;

    /// <summary>Channels after the last stage declared.</summary>
    public int Channels { get; private set; }

    /// <summary>Channels of the skip that the next stage would take.</summary>
    public int NextSkip => _skips.Peek();

    public string HeadName { get; private set; } = "";

    public void Map(NoiseMapping mapping, NoiseMapping? step = null) => (_mapping, _stepMapping) = (mapping, step);

    public void Begin(Convolution convolution, int channels)
    {
        (_convIn, Channels) = (convolution, channels);
        _skips.Push(channels);
    }

    public void Encode(Stage stage)
    {
        _encoder.Add(stage);
        Channels = stage.ChannelsOut;
        _skips.Push(Channels);
    }

    public void Decode(Stage stage, bool takesSkip)
    {
        _decoder.Add((stage, takesSkip));
        Channels = stage.ChannelsOut;
        if (takesSkip)
            _skips.Pop();
    }

    /// <summary>Stages before the decoder's first that keep the channels; declared after it where checkpoints list them so.</summary>
    public void Middle(params ReadOnlySpan<Stage> stages)
    {
        for (int i = 0; i < stages.Length; i++)
            _decoder.Insert(i, (stages[i], false));
    }

    public void End(Normalization normalization, Convolution convolution, string headName) =>
        (_normOut, _convOut, HeadName) = (normalization, convolution, headName);

    public void Attach(Backend backend)
    {
        _mapping!.Attach(backend);
        _stepMapping?.Attach(backend);
    }

    public Variable Forward(Tape tape, Variable x, Tensor noise, in ForwardOptions options)
    {
        var dropout = options.Dropout;
        ulong layer = 0;
        var embeddings = new Embeddings(_mapping!.Forward(tape, noise, options),
            _stepMapping is not null && options.Step is { } step ? _stepMapping.Forward(tape, step, default) : null);

        var h = _convIn!.Forward(tape, x, new Surroundings(IsNormalisedNext: true));
        var skips = new Stack<Variable>(_encoder.Count + 1);
        skips.Push(h);
        foreach (var stage in _encoder)
        {
            h = stage.Forward(tape, h, embeddings, NextKey());
            skips.Push(h);
        }
        // The last encoder output is both the decoder's input and its first skip: only the skip's turn drops it.
        bool isSkip = true;
        foreach (var (stage, takesSkip) in _decoder)
        {
            if (takesSkip)
            {
                var skip = skips.Pop();
                var both = tape.Concat(h, skip);
                tape.Drop(h);
                tape.Drop(skip);
                (h, isSkip) = (both, false);
            }
            var next = stage.Forward(tape, h, embeddings, NextKey());
            if (!isSkip)
                tape.Drop(h);
            isSkip = false;
            h = next;
        }
        tape.Drop(embeddings.Noise);
        if (embeddings.Step is not null)
            tape.Drop(embeddings.Step);
        var before = new Surroundings(_normOut!.Before(silu: true), Result: ElementType.Float32);
        tape.Replace(ref h, _convOut!.Forward(tape, h, before, options.Head));
        return h;

        RandomKey? NextKey() => dropout?.Skip(layer++ << 30);
    }

    public void Dispose()
    {
        _mapping?.Dispose();
        _stepMapping?.Dispose();
    }
}
