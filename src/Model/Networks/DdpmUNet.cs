using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Model.Layers;

namespace BDense.Model.Networks;

/// <summary>
/// DDPM's U-Net (Ho et al. 2020, appendix B) in two forms: <c>ddpm</c>, diffusers' <c>UNet2DModel</c> with its parameter names and order,
/// and <c>pd</c>, the network of progressive distillation (Salimans and Ho 2022, appendix B; Nichol and Dhariwal 2021), whose Flax
/// parameters have their modules' names here, with PyTorch's <c>.weight</c> and <c>.bias</c>.
/// </summary>
/// <remarks>
/// <para>Encoder: a 3x3 convolution; each level has BlocksPerLevel blocks, with attention at its resolutions, and all but the last end
/// with a stage that halves the resolution. In the middle a block with attention and one without. Decoder: each level has
/// BlocksPerLevel + 1 blocks, each on the concatenation with one encoder output, with attention at its resolutions, and all but the last
/// end with a stage that doubles the resolution.</para>
/// <para><c>ddpm</c>: the embedding is added before the second normalisation, and resampling is by 3x3 convolutions. <c>pd</c>: scale
/// and shift after it, blocks that resample (means of 2x2, nearest-neighbour copies), the class joins after the second layer.</para>
/// <para><c>pd-cifar10</c> has no published count. By hand, with C = 256 at all levels and E = 1024:</para>
/// <code>
/// embedding  C E + E + E^2 + E                                            1,312,768
/// conv_in    27 C + C                                                         7,168
/// block      2 C + (9 C^2 + C) + (2 C E + 2 C) + 2 C + (9 C^2 + C)        1,705,984   x 15: 9 encoder, 2 down, 2 middle, 2 up
/// block 2C   4 C + (18 C^2 + C) + (2 C E + 2 C) + 2 C + (9 C^2 + C)
///            + (2 C^2 + C), its shortcut                                  2,427,648   x 12: decoder
/// attention  2 C + 4 (C^2 + C)                                              263,680   x 15: 6 encoder, 1 middle, 8 decoder
/// end        2 C + 27 C + 3                                                   7,427
/// total                                                                  60,004,099   in 454 tensors
/// </code>
/// </remarks>
internal static class DdpmUNet
{
    public static readonly UNetFamily Ddpm = new(UNetConfig.Ddpm, Declare)
    {
        Conditions = NetworkConditions.None,
        TensorName = DiffusersFormat.NewName,
    };
    public static readonly UNetFamily Pd = new(UNetConfig.Pd, Declare);

    private static UShape Declare(StateDeclaration state, UNetConfig config)
    {
        bool pd = config.Family == UNetConfig.Pd;
        var initial = pd ? InitialValues.Flax : InitialValues.PyTorch;
        var options = BlockOptions.Of(config, resampleProjection: false, adaptiveScale: pd, initial);
        int levels = config.ChannelMultipliers.Length, first = pd ? config.ModelChannels : Width(0);
        var net = new UShape();
        // PyTorch's order: conv_in, then the embedding.
        net.Begin(new Convolution(state, "conv_in", config.ImageChannels, first, 3, initial), first);
        net.Map(new NoiseMapping(state, config,
            new MappingOptions(pd ? "dense0" : "time_embedding.linear_1", pd ? "dense1" : "time_embedding.linear_2",
            initial, SinFirst: true, Endpoint: true)
            {
                LabelPlace = pd ? LabelPlace.After : LabelPlace.None,
                Label = "class_emb",
            }));

        for (int level = 0; level < levels; level++)
        {
            var attentions = Attentions(level, config.BlocksPerLevel, Width(level), down: true);
            for (int i = 0; i < config.BlocksPerLevel; i++)
                net.Encode(Block(pd ? $"down_{level}.block_{i}" : $"down_blocks.{level}.resnets.{i}", net.Channels, Width(level),
                    attentions[i]));
            if (level < levels - 1)
                net.Encode(Resample(pd ? $"down_{level}.downsample" : $"down_blocks.{level}.downsamplers.0.conv", net.Channels,
                    Resampling.Down));
        }
        int bottom = net.Channels;
        for (int level = levels - 1; level >= 0; level--)
        {
            // diffusers counts the decoder's levels from the bottom.
            string at = pd ? $"up_{level}" : $"up_blocks.{levels - 1 - level}";
            var attentions = Attentions(level, config.BlocksPerLevel + 1, Width(level), down: false);
            for (int i = 0; i <= config.BlocksPerLevel; i++)
                net.Decode(Block(pd ? $"{at}.block_{i}" : $"{at}.resnets.{i}", net.Channels + net.NextSkip, Width(level), attentions[i]),
                    takesSkip: true);
            if (level > 0)
                net.Decode(Resample(pd ? $"{at}.upsample" : $"{at}.upsamplers.0.conv", net.Channels, Resampling.Up), takesSkip: false);
        }
        var middle = Attention(pd ? "mid.attn_1" : "mid_block.attentions.0", bottom);
        net.Middle(Block(pd ? "mid.block_1" : "mid_block.resnets.0", bottom, bottom, middle),
            Block(pd ? "mid.block_2" : "mid_block.resnets.1", bottom, bottom, null));

        var normOut = new Normalization(state, pd ? "norm_out" : "conv_norm_out", net.Channels, config.Groups, config.Epsilon);
        net.End(normOut,
            new Convolution(state, "conv_out", net.Channels, config.Branches * config.HeadChannels, 3, initial, LayerRole.Last),
            "conv_out");
        return net;

        int Width(int level) => config.ModelChannels * config.ChannelMultipliers[level];

        AttentionBlock?[] Attentions(int level, int count, int channels, bool down)
        {
            if (!config.AttentionResolutions.Contains(config.Resolution >> level))
                return new AttentionBlock?[count];
            string at = pd ? $"{(down ? "down" : "up")}_{level}.attn_"
                : $"{(down ? "down_blocks" : "up_blocks")}.{(down ? level : levels - 1 - level)}.attentions.";
            return [.. Enumerable.Range(0, count).Select(i => Attention($"{at}{i}", channels))];
        }

        AttentionBlock Attention(string at, int channels) => new(state,
            pd ? new AttentionNames($"{at}.norm", [$"{at}.q", $"{at}.k", $"{at}.v"], $"{at}.proj_out")
                : new AttentionNames($"{at}.group_norm", [$"{at}.to_q", $"{at}.to_k", $"{at}.to_v"], $"{at}.to_out.0"), channels, options);

        UNetBlock Block(string at, int channelsIn, int channelsOut, AttentionBlock? attention, Resampling resampling = Resampling.None) =>
            new(state,
            new BlockNames($"{at}.norm1", $"{at}.conv1", pd ? $"{at}.temb_proj" : $"{at}.time_emb_proj", $"{at}.norm2", $"{at}.conv2",
                pd ? $"{at}.nin_shortcut" : $"{at}.conv_shortcut", SkipIsMatrix: pd), channelsIn, channelsOut, options, resampling)
            {
                Attention = attention,
            };

        Stage Resample(string at, int channels, Resampling resampling) =>
            pd ? Block(at, channels, channels, null, resampling) : new ResamplingConvolution(state, at, channels, resampling, initial);
    }
}
