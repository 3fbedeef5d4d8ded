using BDense.Kernels;

namespace BDense.Model;

/// <summary>
/// From the noise level and the conditions to the embedding that every block reads:
/// e = features(c_noise) + map_label(labels * sqrt(labelCount)) + map_augment(augment); emb = silu(map_layer1(silu(map_layer0(e)))).
/// </summary>
internal sealed class NoiseMapping : IDisposable
{
    private const int MaxPositions = 10000;
    private const float FourierScale = 16f;

    private readonly UNetConfig _config;
    private readonly Linear? _label, _augment;
    private readonly Linear _layer0, _layer1;
    private readonly ConstantTensor? _fourier;
    private Tensor? _frequencies;

    public NoiseMapping(StateDeclaration state, UNetConfig config)
    {
        _config = config;
        int features = config.ModelChannels, embedding = config.EmbeddingChannels;
        if (config.Embedding == NoiseEmbedding.Fourier)
        {
            // Drawn once, the same for every network, and carried by the checkpoint.
            var key = new RandomKey(0, Initializer.StreamOf("model.map_noise.freqs"));
            var drawn = new float[features / 2];
            for (int j = 0; j < drawn.Length; j++)
                drawn[j] = FourierScale * (float)Philox.Normal(key, j);
            _fourier = state.AddConstant("model.map_noise.freqs", [drawn.Length], drawn, isFixed: false);
        }
        _label = config.LabelCount > 0 ? new Linear(state, "model.map_label", config.LabelCount, features) : null;
        _augment = config.AugmentCount > 0 ? new Linear(state, "model.map_augment", config.AugmentCount, features, bias: false) : null;
        _layer0 = new Linear(state, "model.map_layer0", features, embedding);
        _layer1 = new Linear(state, "model.map_layer1", embedding, embedding);
    }

    /// <summary>Puts the frequencies on the device: positional ones run from 1 down to 1/10000 ("endpoint"), both included.</summary>
    public void Attach(Backend backend)
    {
        int count = _config.ModelChannels / 2;
        var frequencies = new float[count];
        for (int j = 0; j < count; j++)
        {
            frequencies[j] = _fourier is { } f
                ? 2 * MathF.PI * f.Values[j]
                : (float)Math.Pow(MaxPositions, -(double)j / Math.Max(1, count - 1));
        }
        _frequencies ??= backend.Empty(new Shape(count));
        _frequencies.Upload(frequencies);
    }

    /// <param name="tape">Records.</param>
    /// <param name="noise">[N] c_noise.</param>
    /// <param name="options">Conditions.</param>
    /// <returns>[N,EmbeddingChannels]</returns>
    public Variable Forward(Tape tape, Tensor noise, in ForwardOptions options)
    {
        var backend = tape.Backend;
        // DDPM++ has the sines first.
        var h = tape.Embedding(noise, _frequencies!, sinFirst: true);
        if (_label is not null)
        {
            var labels = tape.Own(backend.Empty(new Shape(noise.Length, _config.LabelCount)));
            if (options.Labels is { } given)
                backend.Scale(given, MathF.Sqrt(_config.LabelCount), labels.Data);
            else
                backend.Fill(labels.Data, 0f);
            Sum(tape, ref h, _label.Forward(tape, labels));
            tape.Drop(labels);
        }
        if (_augment is not null && options.Augment is { } augment)
            Sum(tape, ref h, _augment.Forward(tape, tape.Input(augment)));
        tape.Replace(ref h, _layer0.Forward(tape, h));
        tape.Replace(ref h, tape.Silu(h));
        tape.Replace(ref h, _layer1.Forward(tape, h));
        tape.Replace(ref h, tape.Silu(h));
        return h;
    }

    public void Dispose()
    {
        _frequencies?.Dispose();
        _frequencies = null;
    }

    private static void Sum(Tape tape, ref Variable h, Variable term)
    {
        tape.Replace(ref h, tape.Add(h, term));
        tape.Drop(term);
    }
}
