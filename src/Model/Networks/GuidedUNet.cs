using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Model.Layers;

namespace BDense.Model.Networks;

/// <summary>
/// The U-Net of guided-diffusion and, with <see cref="UNetConfig.QkvByHead"/>, of improved-diffusion (Nichol and Dhariwal 2021; Dhariwal
/// and Nichol 2021, section 3) with the parameter names, shapes and order of their UNetModel, out_channels without the variances of
/// learn_sigma. <c>unet-cu</c> is the network that unet.cu trains.
/// </summary>
/// <remarks>
/// <para>input_blocks: a 3x3 convolution; each level has BlocksPerLevel blocks, with attention at its resolutions, and all but the last end
/// with a stage that halves the resolution (<see cref="Resampler"/>). middle_block: a block, attention, a block. output_blocks: each level
/// has BlocksPerLevel + 1 blocks, each on the concatenation with one encoder output, with attention at its resolutions; in the same
/// entry as a level's last block is the stage that doubles the resolution.</para>
/// <para>Cosines before sines, exponents j / J; the class, an embedding [classes, E], joins after the second layer; the embedding is added
/// before the second normalisation, or scales and shifts it (<see cref="UNetConfig.AdaptiveScale"/>); q, k and v of a head have scores over
/// sqrt(D).</para>
/// <para>The count of <c>unet-cu</c>, by hand, with C = 64 and E = 256 (its authors' own class has as many):</para>
/// <code>
/// block(a, b)   2 a + (9 a b + b) + (E b + b) + 2 b + (9 b^2 + b), and a b + b for the skip where a and b differ
/// attention(c)  2 c + (3 c^2 + 3 c) + (c^2 + c)
/// time_embed    (C E + E) + (E^2 + E)                                                                      82,432
/// input 64x64   27 C + C, 2 block(64, 64)                                                                 182,912
/// input 32x32   block(64, 128), block(128, 128)                                                           591,616
/// input 16x16   block(128, 192), block(192, 192), 2 attention(192)                                      1,639,360
/// input 8x8     block(192, 256), block(256, 256), 2 attention(256)                                      2,923,136
/// middle        2 block(256, 256), attention(256)                                                       2,757,632
/// output 8x8    2 block(512, 256), block(448, 256), 3 attention(256)                                    6,532,992
/// output 16x16  block(448, 192), block(384, 192), block(320, 192), 3 attention(192)                     3,806,208
/// output 32x32  block(320, 128), block(256, 128), block(192, 128)                                       1,527,552
/// output 64x64  block(192, 64), 2 block(128, 64)                                                          448,512
/// out           2 C + 27 C + 3                                                                              1,859
/// total                                                                                        0   in 0 tensors
/// </code>
/// </remarks>
internal static class GuidedUNet
{
    public static readonly UNetFamily Guided = new(UNetConfig.Guided, Declare)
    {
        HasGuidedChoices = true,
        TensorName = UnetCuNames.NewName,
    };

    private static UShape Declare(StateDeclaration state, UNetConfig config)
    {
        var initial = InitialValues.Adm;
        var options = BlockOptions.Of(config, resampleProjection: false, adaptiveScale: config.AdaptiveScale, initial);
        int levels = config.ChannelMultipliers.Length, entry = 0;
        var net = new UShape();
        net.Map(new NoiseMapping(state, config,
            new MappingOptions("time_embed.0", "time_embed.2", initial, SinFirst: false, Endpoint: false)
            {
                Period = config.EmbeddingPeriod > 0 ? config.EmbeddingPeriod : 10000,
                LabelPlace = LabelPlace.After,
                Label = "label_emb",
                LabelBias = false,
                LabelInitial = InitialValues.AdmLabel,
                LabelLayout = new WeightLayout { IsTransposed = true },
            }));

        net.Begin(new Convolution(state, $"input_blocks.{entry++}.0", config.ImageChannels, Width(0), 3, initial), Width(0));
        for (int level = 0; level < levels; level++)
        {
            for (int i = 0; i < config.BlocksPerLevel; i++)
            {
                string at = $"input_blocks.{entry++}";
                net.Encode(Block($"{at}.0", net.Channels, Width(level), Attends(level) ? $"{at}.1" : null));
            }
            if (level < levels - 1)
                net.Encode(Resample($"input_blocks.{entry++}.0", ".op", net.Channels, Resampling.Down));
        }

        net.Decode(Block("middle_block.0", net.Channels, net.Channels, "middle_block.1"), takesSkip: false);
        net.Decode(Block("middle_block.2", net.Channels, net.Channels, null), takesSkip: false);

        entry = 0;
        for (int level = levels - 1; level >= 0; level--)
        {
            for (int i = 0; i <= config.BlocksPerLevel; i++)
            {
                string at = $"output_blocks.{entry++}";
                net.Decode(Block($"{at}.0", net.Channels + net.NextSkip, Width(level), Attends(level) ? $"{at}.1" : null), takesSkip: true);
                if (level > 0 && i == config.BlocksPerLevel)
                    net.Decode(Resample($"{at}.{(Attends(level) ? 2 : 1)}", ".conv", net.Channels, Resampling.Up), takesSkip: false);
            }
        }

        var normOut = new Normalization(state, "out.0", net.Channels, config.Groups, config.Epsilon);
        net.End(normOut, new Convolution(state, "out.2", net.Channels, config.Branches * config.HeadChannels, 3, initial, LayerRole.Last),
            "out.2");
        return net;

        int Width(int level) => config.ModelChannels * config.ChannelMultipliers[level];

        bool Attends(int level) => config.AttentionResolutions.Contains(config.Resolution >> level);

        UNetBlock Block(string at, int channelsIn, int channelsOut, string? attention, Resampling resampling = Resampling.None)
        {
            var names = new BlockNames($"{at}.in_layers.0", $"{at}.in_layers.2", $"{at}.emb_layers.1", $"{at}.out_layers.0",
                $"{at}.out_layers.3",
                $"{at}.skip_connection");
            return new UNetBlock(state, names, channelsIn, channelsOut, options, resampling)
            {
                Attention = attention is null ? null : new AttentionBlock(state,
                    new AttentionNames($"{attention}.norm", [$"{attention}.qkv"], $"{attention}.proj_out",
                        config.QkvByHead ? QkvRows.ByHead : QkvRows.Packed, IsSequence: true), channelsOut, options),
            };
        }

        Stage Resample(string at, string convolution, int channels, Resampling resampling) => config.Resampler switch
        {
            Resampler.Plain => new PlainResampling(channels, resampling),
            Resampler.Convolution => new ResamplingConvolution(state, at + convolution, channels, resampling, initial, zerosBefore: true),
            _ => Block(at, channels, channels, null, resampling),
        };
    }
}
