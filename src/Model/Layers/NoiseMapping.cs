using BDense.Kernels;
using BDense.Model.Autodiff;
using BDense.Model.Networks;

namespace BDense.Model.Layers;

/// <summary>Where a mapping adds the class, and to what.</summary>
internal enum LabelPlace
{
    /// <summary>None.</summary>
    None,

    /// <summary>To the features, from labels times sqrt(labelCount): DDPM++.</summary>
    Before,

    /// <summary>To the second layer's output, before its SiLU: ADM, with weights alone; progressive distillation, with a bias.</summary>
    After,
}

/// <summary>A mapping's names in checkpoints and what sets the families apart.</summary>
/// <param name="Layer0">The first linear layer.</param>
/// <param name="Layer1">The second.</param>
/// <param name="Initial">Initial values.</param>
/// <param name="SinFirst">Sines before cosines.</param>
/// <param name="Endpoint">The lowest frequency is 1/Period itself: exponents j / (J - 1), not j / J.</param>
internal sealed record MappingOptions(string Layer0, string Layer1, InitialValues Initial, bool SinFirst, bool Endpoint)
{
    /// <summary>Holds the frequencies of Fourier features in checkpoints.</summary>
    public string Features { get; init; } = "";

    public LabelPlace LabelPlace { get; init; }

    /// <summary>Frequencies run from 1 down to 1/Period or just above it.</summary>
    public int Period { get; init; } = 10000;

    public string Label { get; init; } = "";

    public bool LabelBias { get; init; } = true;

    public InitialValues? LabelInitial { get; init; }

    public WeightLayout LabelLayout { get; init; }

    /// <summary>The augmentation label's layer; none without the name.</summary>
    public string? Augment { get; init; }

    public LayerRole AugmentRole { get; init; }
}

/// <summary>
/// From a number a sample (the noise level, the step condition) and the conditions to the embedding that every block reads:
/// e = features(c) + map_label(labels * sqrt(labelCount)) + map_augment(augment); emb = silu(map_layer1(silu(map_layer0(e))));
/// in ADM and progressive distillation the class joins before the last SiLU instead.
/// </summary>
public sealed class NoiseMapping : IDisposable
{
    private const float FourierScale = 16f;

    private readonly int _features, _classes;
    private readonly MappingOptions _options;
    private readonly Linear? _label, _augment;
    private readonly Linear _layer0, _layer1;
    private readonly ConstantTensor? _fourier;
    private Tensor? _frequencies;

    /// <summary>
    /// The usual one: positional features, a linear layer <c>name.linear_1</c>, SiLU, <c>name.linear_2</c>, the class's <c>name.label</c>,
    /// SiLU.
    /// </summary>
    /// <param name="state">Where the parameters are declared.</param>
    /// <param name="name">Prefix of the names.</param>
    /// <param name="features">Sines and cosines of the number, an even count.</param>
    /// <param name="width">E, the embedding's length.</param>
    /// <param name="classes">Classes that the network takes; 0 for none.</param>
    /// <param name="initial">Initial values; PyTorch's unless given.</param>
    public NoiseMapping(StateDeclaration state, string name, int features, int width, int classes = 0, InitialValues? initial = null)
        : this(state, features, width, classes, 0, false, new MappingOptions($"{name}.linear_1", $"{name}.linear_2",
            initial ?? InitialValues.PyTorch, SinFirst: false, Endpoint: false)
        {
            LabelPlace = LabelPlace.After,
            Label = $"{name}.label",
        })
    {
    }

    internal NoiseMapping(StateDeclaration state, UNetConfig config, MappingOptions options)
        : this(state, config.ModelChannels, config.EmbeddingChannels, config.LabelCount, config.AugmentCount,
            config.Embedding == NoiseEmbedding.Fourier, options)
    {
    }

    private NoiseMapping(StateDeclaration state, int features, int embedding, int classes, int augments, bool fourier,
        MappingOptions options)
    {
        (_features, _classes, _options) = (features, classes, options);
        if (fourier)
        {
            // Drawn once, the same for every network, and carried by the checkpoint.
            var key = new RandomKey(0, Initializer.StreamOf(options.Features));
            var drawn = new float[features / 2];
            for (int j = 0; j < drawn.Length; j++)
                drawn[j] = FourierScale * (float)Philox.Normal(key, j);
            _fourier = state.AddConstant(options.Features, [drawn.Length], drawn, isFixed: false);
        }
        var place = classes > 0 ? options.LabelPlace : LabelPlace.None;
        if (place == LabelPlace.Before)
            _label = Label(features);
        if (augments > 0 && options.Augment is { } augment)
            _augment = new Linear(state, augment, augments, features, options.Initial, options.AugmentRole, bias: false);
        _layer0 = new Linear(state, options.Layer0, features, embedding, options.Initial);
        _layer1 = new Linear(state, options.Layer1, embedding, embedding, options.Initial);
        if (place == LabelPlace.After)
            _label = Label(embedding);

        Linear Label(int width) =>
            new(state, options.Label, classes, width, options.LabelInitial ?? options.Initial, bias: options.LabelBias,
                layout: options.LabelLayout);
    }

    /// <summary>Puts the frequencies on the device: to be called from <see cref="IArchitecture.Attach"/>.</summary>
    /// <param name="backend">Where the network lives.</param>
    public void Attach(Backend backend)
    {
        int count = _features / 2;
        var frequencies = new float[count];
        for (int j = 0; j < count; j++)
        {
            frequencies[j] = _fourier is { } f
                ? 2 * MathF.PI * f.Values[j]
                : (float)Math.Pow(_options.Period, -(double)j / Math.Max(1, _options.Endpoint ? count - 1 : count));
        }
        _frequencies ??= backend.Empty(new Shape(count));
        _frequencies.Upload(frequencies);
    }

    /// <param name="tape">Records.</param>
    /// <param name="number">[N] c_noise or the step condition.</param>
    /// <param name="options">Conditions of the pass; of them the class and the augmentation label are read.</param>
    /// <returns>[N,E]</returns>
    public Variable Forward(Tape tape, Tensor number, in ForwardOptions options)
    {
        var h = tape.Embedding(number, _frequencies!, _options.SinFirst);
        if (_options.LabelPlace == LabelPlace.Before)
            AddLabel(tape, ref h, options.Labels, MathF.Sqrt(_classes));
        if (_augment is not null && options.Augment is { } augment)
            Sum(tape, ref h, _augment.Forward(tape, tape.Input(augment)));
        tape.Replace(ref h, _layer0.Forward(tape, h));
        tape.Replace(ref h, tape.Silu(h));
        tape.Replace(ref h, _layer1.Forward(tape, h));
        if (_options.LabelPlace == LabelPlace.After)
            AddLabel(tape, ref h, options.Labels, 1f);
        tape.Replace(ref h, tape.Silu(h));
        return h;
    }

    /// <summary>Frees the frequencies.</summary>
    public void Dispose()
    {
        _frequencies?.Dispose();
        _frequencies = null;
    }

    /// <summary>A row of zeros, the label of no class, still adds the layer's bias.</summary>
    private void AddLabel(Tape tape, ref Variable h, Tensor? given, float scale)
    {
        if (_label is null)
            return;
        var labels = tape.Own(tape.Backend.Empty(new Shape(h.Shape[0], _classes)));
        if (given is not null)
            tape.Backend.Scale(given, scale, labels.Data);
        else
            tape.Backend.Fill(labels.Data, 0f);
        Sum(tape, ref h, _label.Forward(tape, labels));
        tape.Drop(labels);
    }

    private static void Sum(Tape tape, ref Variable h, Variable term)
    {
        tape.Replace(ref h, tape.Add(h, term));
        tape.Drop(term);
    }
}
