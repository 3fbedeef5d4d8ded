using BDense.Kernels;
using BDense.Model.Autodiff;
using BDense.Model.Layers;
using BDense.Model.Networks;

namespace BDense.Tests.Networks;

/// <summary>What a network may get wrong that another assembly brings.</summary>
internal enum PlainFault
{
    None,
    NoHead,
    TooFewRows,
    OneNameTwice,
    IgnoresFoldedHead,
}

/// <summary>
/// A family that BDense does not know unless it is registered: two convolutions with the noise level's embedding between.
/// </summary>
internal sealed record PlainConfig() : NetworkConfig(Name)
{
    public const string Name = "plain";

    public int Width { get; init; } = 8;

    public override float Dropout { get; init; }

    /// <summary>What the network does wrong; such a configuration is in no file.</summary>
    public PlainFault Fault { get; init; }

    /// <summary>For the images of <see cref="Training.TinyRuns"/>.</summary>
    public static PlainConfig Tiny
    {
        get
        {
            NetworkCatalog.Register<PlainConfig>(Name);
            return new PlainConfig { Resolution = 4 };
        }
    }

    public override IArchitecture Declare(StateDeclaration state) => new PlainNetwork(state, this);

    protected override void Validate(FieldCheck fields) => fields.Require(Width is >= 4 and <= 64, "width", $"{Width} is not in 4..64");
}

/// <summary>y = conv(silu(norm(conv(x) + affine(embedding)))).</summary>
internal sealed class PlainNetwork : IArchitecture
{
    private readonly PlainConfig _config;
    private readonly NoiseMapping _mapping;
    private readonly Linear _affine;
    private readonly Convolution _first, _last;
    private readonly Normalization _norm;

    public PlainNetwork(StateDeclaration state, PlainConfig config)
    {
        _config = config;
        _mapping = new NoiseMapping(state, "mapping", config.Width, config.Width);
        _affine = new Linear(state, "affine", config.Width, config.Width);
        _first = new Convolution(state, config.Fault == PlainFault.OneNameTwice ? "last" : "first", config.ImageChannels, config.Width, 3);
        _norm = new Normalization(state, "norm", config.Width);
        int heads = config.Fault == PlainFault.TooFewRows ? 1 : config.Branches;
        _last = new Convolution(state, "last", config.Width, heads * config.HeadChannels, 3);
    }

    public string HeadName => _config.Fault == PlainFault.NoHead ? "end" : "last";

    public void Attach(Backend backend) => _mapping.Attach(backend);

    public Variable Forward(Tape tape, Variable x, Tensor noise, in ForwardOptions options)
    {
        var embedding = _mapping.Forward(tape, noise, options);
        tape.Replace(ref embedding, _affine.Forward(tape, embedding));
        var h = _first.Forward(tape, x, new Surroundings(Embedding: embedding));
        tape.Drop(embedding);
        if (options.Dropout is { } key && _config.Dropout > 0)
            tape.Replace(ref h, tape.Dropout(h, _config.Dropout, key));
        var head = _config.Fault == PlainFault.IgnoresFoldedHead ? null : options.Head;
        tape.Replace(ref h, _last.Forward(tape, h, new Surroundings(_norm.Before(silu: true)), head));
        return h;
    }

    public void Dispose() => _mapping.Dispose();
}
