using BDense.Kernels;

namespace BDense.Model;

/// <summary>
/// DDPM++ (Song et al. 2021, "Score-based generative modeling through stochastic differential equations", appendix H) as EDM
/// configures it (SongUNet: Karras et al. 2022, appendix F.3), with EDM's parameter names.
/// </summary>
/// <remarks>
/// Encoder: a 3x3 convolution; then each level has BlocksPerLevel blocks, the lower ones after a block that halves the resolution.
/// Decoder: two blocks at the bottom, the first with attention; then each level has BlocksPerLevel + 1 blocks, each on the
/// concatenation with one encoder output, the upper ones after a block that doubles the resolution. GroupNorm, SiLU and a 3x3
/// convolution at the top.
/// </remarks>
internal sealed class DdpmPlusPlus : IArchitecture
{
    private readonly NoiseMapping _mapping;
    private readonly Convolution _convIn, _convOut;
    private readonly Normalization _normOut;
    private readonly List<UNetBlock> _encoder = [];
    private readonly List<(UNetBlock Block, bool TakesSkip)> _decoder = [];

    public DdpmPlusPlus(StateDeclaration state, UNetConfig config)
    {
        var options = new BlockOptions(config.EmbeddingChannels, config.ChannelsPerHead, config.Dropout, config.SkipScale, config.Epsilon,
            ResampleProjection: true, AdaptiveScale: false);
        int levels = config.ChannelMultipliers.Length, top = config.Resolution;
        _mapping = new NoiseMapping(state, config);

        int channels = config.ModelChannels;
        _convIn = new Convolution(state, $"model.enc.{top}x{top}_conv", config.ImageChannels, channels, 3);
        var skips = new Stack<int>([channels]);
        for (int level = 0; level < levels; level++)
        {
            int size = top >> level;
            string at = $"model.enc.{size}x{size}";
            if (level > 0)
                Encode(new UNetBlock(state, $"{at}_down", channels, channels, options, resampling: Resampling.Down));
            for (int i = 0; i < config.BlocksPerLevel; i++)
            {
                int wide = config.ModelChannels * config.ChannelMultipliers[level];
                Encode(new UNetBlock(state, $"{at}_block{i}", channels, wide, options, attention: config.AttentionResolutions.Contains(size)));
            }
        }

        for (int level = levels - 1; level >= 0; level--)
        {
            int size = top >> level;
            string at = $"model.dec.{size}x{size}";
            if (level == levels - 1)
            {
                Decode(new UNetBlock(state, $"{at}_in0", channels, channels, options, attention: true), takesSkip: false);
                Decode(new UNetBlock(state, $"{at}_in1", channels, channels, options), takesSkip: false);
            }
            else
            {
                Decode(new UNetBlock(state, $"{at}_up", channels, channels, options, resampling: Resampling.Up), takesSkip: false);
            }
            for (int i = 0; i <= config.BlocksPerLevel; i++)
            {
                int wide = config.ModelChannels * config.ChannelMultipliers[level];
                bool attention = i == config.BlocksPerLevel && config.AttentionResolutions.Contains(size);
                Decode(new UNetBlock(state, $"{at}_block{i}", channels + skips.Pop(), wide, options, attention), takesSkip: true);
            }
        }

        HeadName = $"model.dec.{top}x{top}_aux_conv";
        _normOut = new Normalization(state, $"model.dec.{top}x{top}_aux_norm", channels, config.Epsilon);
        _convOut = new Convolution(state, HeadName, channels, config.Branches * config.ImageChannels, 3, gain: 1e-5);

        void Encode(UNetBlock block)
        {
            _encoder.Add(block);
            channels = block.ChannelsOut;
            skips.Push(channels);
        }

        void Decode(UNetBlock block, bool takesSkip)
        {
            _decoder.Add((block, takesSkip));
            channels = block.ChannelsOut;
        }
    }

    public string HeadName { get; }

    public void Attach(Backend backend) => _mapping.Attach(backend);

    public Variable Forward(Tape tape, Variable x, Tensor noise, in ForwardOptions options)
    {
        var dropout = options.Dropout;
        ulong layer = 0;
        var emb = _mapping.Forward(tape, noise, options);

        var h = _convIn.Forward(tape, x);
        var skips = new Stack<Variable>(_encoder.Count + 1);
        skips.Push(h);
        foreach (var block in _encoder)
        {
            h = block.Forward(tape, h, emb, NextKey());
            skips.Push(h);
        }
        // The last encoder output is both the decoder's input and its first skip: only the skip's turn drops it.
        bool isSkip = true;
        foreach (var (block, takesSkip) in _decoder)
        {
            if (takesSkip)
            {
                var skip = skips.Pop();
                var both = tape.Concat(h, skip);
                tape.Drop(h);
                tape.Drop(skip);
                h = both;
            }
            var next = block.Forward(tape, h, emb, NextKey());
            if (!isSkip)
                tape.Drop(h);
            isSkip = false;
            h = next;
        }
        tape.Drop(emb);
        tape.Replace(ref h, _normOut.Forward(tape, h, silu: true));
        tape.Replace(ref h, _convOut.Forward(tape, h));
        return h;

        RandomKey? NextKey() => dropout?.Skip(layer++ << 30);
    }

    public void Dispose() => _mapping.Dispose();
}
