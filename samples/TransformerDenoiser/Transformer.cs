using BDense.Kernels;
using BDense.Model.Autodiff;
using BDense.Model.Layers;
using BDense.Model.Networks;

namespace BDense.TransformerDenoiser;

/// <summary>
/// What determines the network's shape; the fields that all networks have (resolution, classes, heads, ...) are inherited.
/// </summary>
public sealed record TransformerConfig() : NetworkConfig(Name)
{
    /// <summary>The family's name in checkpoints.</summary>
    public const string Name = "transformer";

    /// <summary>Channels of a token; a multiple of 4.</summary>
    public int Width { get; init; } = 32;

    /// <summary>Blocks.</summary>
    public int Depth { get; init; } = 2;

    /// <inheritdoc/>
    protected override NetworkConditions Conditions => NetworkConditions.Classes;

    /// <inheritdoc/>
    public override IArchitecture Declare(StateDeclaration state) => new Transformer(state, this);

    /// <inheritdoc/>
    protected override void Validate(FieldCheck fields)
    {
        fields.Require(Width is >= 4 and <= 1024 && Width % 4 == 0, "width", $"{Width} is not a multiple of 4 in 4..1024");
        fields.Require(Depth is >= 1 and <= 64, "depth", $"{Depth} is not in 1..64");
        fields.Require(Resolution % 2 == 0, "resolution", $"{Resolution} is odd, and a token is 2 x 2 pixels");
    }
}

/// <summary>
/// A small denoiser in the manner of DiT (Peebles and Xie 2023): tokens of 2 x 2 pixels, blocks of attention and a two-layer perceptron
/// whose normalisations are scaled and shifted by the embedding of noise level and class, and a convolution back to pixels.
/// </summary>
internal sealed class Transformer : IArchitecture
{
    private readonly NoiseMapping _mapping;
    private readonly Convolution _tokens, _head;
    private readonly Block[] _blocks;
    private readonly Normalization _norm;

    public Transformer(StateDeclaration state, TransformerConfig c)
    {
        _mapping = new NoiseMapping(state, "mapping", features: c.Width, width: 4 * c.Width, classes: c.LabelCount);
        // 3x3 with zeros around the image, so that a token knows where it is near the border.
        _tokens = new Convolution(state, "tokens", c.ImageChannels, c.Width, kernel: 3);
        _blocks = [.. Enumerable.Range(0, c.Depth).Select(i => new Block(state, $"blocks.{i}", c.Width))];
        _norm = new Normalization(state, "norm", c.Width);
        _head = new Convolution(state, HeadName, c.Width, c.Branches * c.HeadChannels, kernel: 3, InitialValues.Adm, LayerRole.Last);
    }

    public string HeadName => "head";

    public void Attach(Backend backend) => _mapping.Attach(backend);

    public Variable Forward(Tape tape, Variable x, Tensor noise, in ForwardOptions options)
    {
        var embedding = _mapping.Forward(tape, noise, options);
        var h = _tokens.ForwardHalving(tape, x, zerosBefore: true);
        foreach (var block in _blocks)
            tape.Replace(ref h, block.Forward(tape, h, embedding));
        tape.Drop(embedding);
        // GroupNorm, SiLU, twice the size, convolution; with the folded head of a student in the place of its own where there is one. A
        // network gives float32, whatever its activations are.
        var around = new Surroundings(_norm.Before(silu: true), Resampling.Up, Result: ElementType.Float32);
        tape.Replace(ref h, _head.Forward(tape, h, around, options.Head));
        return h;
    }

    public void Dispose() => _mapping.Dispose();

    /// <summary>x = x + proj(attention(qkv(norm(x)))), then x = x + down(silu(up(norm(x)))).</summary>
    private sealed class Block(StateDeclaration state, string name, int width)
    {
        private readonly Normalization _norm1 = new(state, $"{name}.norm1", width), _norm2 = new(state, $"{name}.norm2", width);
        private readonly Linear _shift1 = new(state, $"{name}.shift1", 4 * width, 2 * width),
            _shift2 = new(state, $"{name}.shift2", 4 * width, 2 * width);
        private readonly Convolution _qkv = new(state, $"{name}.qkv", width, 3 * width, kernel: 1);
        private readonly Convolution _proj = new(state, $"{name}.proj", width, width, kernel: 1, InitialValues.Adm, LayerRole.Last);
        private readonly Convolution _up = new(state, $"{name}.up", width, 4 * width, kernel: 1);
        private readonly Convolution _down = new(state, $"{name}.down", 4 * width, width, kernel: 1, InitialValues.Adm, LayerRole.Last);

        public Variable Forward(Tape tape, Variable x, Variable embedding)
        {
            var h = Normalized(tape, x, _norm1, _shift1, embedding);
            tape.Replace(ref h, _qkv.Forward(tape, h));
            tape.Replace(ref h, tape.Attention(h, heads: 2));
            tape.Replace(ref h, _proj.Forward(tape, h, new Surroundings(Residual: x)));
            var y = Normalized(tape, h, _norm2, _shift2, embedding);
            tape.Replace(ref y, _up.Forward(tape, y));
            tape.Replace(ref y, tape.Silu(y));
            tape.Replace(ref y, _down.Forward(tape, y, new Surroundings(Residual: h)));
            tape.Drop(h);
            return y;
        }

        private static Variable Normalized(Tape tape, Variable x, Normalization norm, Linear shift, Variable embedding)
        {
            var scaleShift = shift.Forward(tape, embedding);
            var y = norm.Forward(tape, x, silu: false, scaleShift);
            tape.Drop(scaleShift);
            return y;
        }
    }
}
