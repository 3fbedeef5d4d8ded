using BDense.Kernels;
using BDense.Model.Layers;

namespace BDense.Model.Networks;

/// <summary>
/// The two families of EDM, with its parameter names: <c>ddpmpp</c>, DDPM++ (Song et al. 2021, "Score-based generative modeling through
/// stochastic differential equations", appendix H) as EDM's SongUNet configures it, and <c>adm</c>, ADM (Dhariwal and Nichol 2021,
/// section 3) as its DhariwalUNet does. Karras et al. 2022, appendix F.3. Both with SFD's step condition where it is asked for
/// (Zhou et al. 2024, section 3.4).
/// </summary>
/// <remarks>
/// <para>Encoder: a 3x3 convolution; then each level has BlocksPerLevel blocks, the lower ones after a block that halves the resolution.
/// Decoder: two blocks at the bottom, the first with attention; then each level has BlocksPerLevel + 1 blocks, each on the
/// concatenation with one encoder output, the upper ones after a block that doubles the resolution.</para>
/// <para>ADM against DDPM++: cosines first and no endpoint in the embedding; the class joins after the second layer; scale and shift
/// instead of a sum; attention in every decoder block of its resolutions, not the last alone; no convolution on the skip of a block
/// that resamples and keeps its channels.</para>
/// </remarks>
internal static class EdmUNet
{
    private const NetworkConditions All = NetworkConditions.Classes | NetworkConditions.Augmentation | NetworkConditions.Step;

    public static readonly UNetFamily DdpmPlusPlus = new(UNetConfig.DdpmPlusPlus, Declare) { Conditions = All, HasFourierFeatures = true };
    public static readonly UNetFamily Adm = new(UNetConfig.Adm, Declare) { Conditions = All };

    private static UShape Declare(StateDeclaration state, UNetConfig config)
    {
        bool adm = config.Family == UNetConfig.Adm;
        var initial = adm ? InitialValues.Adm : InitialValues.Ddpmpp;
        var options = BlockOptions.Of(config, resampleProjection: !adm, adaptiveScale: adm, initial);
        int levels = config.ChannelMultipliers.Length, top = config.Resolution;
        var net = new UShape();
        var mapping = new MappingOptions("model.map_layer0", "model.map_layer1", initial, SinFirst: !adm, Endpoint: !adm)
        {
            Features = "model.map_noise.freqs",
            LabelPlace = adm ? LabelPlace.After : LabelPlace.Before,
            Label = "model.map_label",
            LabelBias = !adm,
            LabelInitial = adm ? InitialValues.AdmLabel : null,
            Augment = "model.map_augment",
            AugmentRole = adm ? LayerRole.Last : LayerRole.Plain,
        };
        var step = new MappingOptions("model.map_step_layer0", "model.map_step_layer1", initial, SinFirst: !adm, Endpoint: !adm)
        {
            Features = "model.map_step.freqs",
        };
        net.Map(new NoiseMapping(state, config, mapping), config.StepCondition ? new NoiseMapping(state, config, step) : null);

        int first = adm ? config.ModelChannels * config.ChannelMultipliers[0] : config.ModelChannels;
        net.Begin(new Convolution(state, $"model.enc.{top}x{top}_conv", config.ImageChannels, first, 3, initial), first);
        for (int level = 0; level < levels; level++)
        {
            int size = top >> level;
            if (level > 0)
                net.Encode(Block($"model.enc.{size}x{size}_down", net.Channels, net.Channels, resampling: Resampling.Down));
            for (int i = 0; i < config.BlocksPerLevel; i++)
                net.Encode(Block($"model.enc.{size}x{size}_block{i}", net.Channels, Width(level),
                    config.AttentionResolutions.Contains(size)));
        }

        for (int level = levels - 1; level >= 0; level--)
        {
            int size = top >> level;
            string at = $"model.dec.{size}x{size}";
            if (level == levels - 1)
            {
                net.Decode(Block($"{at}_in0", net.Channels, net.Channels, attention: true), takesSkip: false);
                net.Decode(Block($"{at}_in1", net.Channels, net.Channels), takesSkip: false);
            }
            else
            {
                net.Decode(Block($"{at}_up", net.Channels, net.Channels, resampling: Resampling.Up), takesSkip: false);
            }
            for (int i = 0; i <= config.BlocksPerLevel; i++)
            {
                bool attention = (adm || i == config.BlocksPerLevel) && config.AttentionResolutions.Contains(size);
                net.Decode(Block($"{at}_block{i}", net.Channels + net.NextSkip, Width(level), attention), takesSkip: true);
            }
        }

        string norm = adm ? "model.out_norm" : $"model.dec.{top}x{top}_aux_norm", head = adm ? "model.out_conv"
            : $"model.dec.{top}x{top}_aux_conv";
        var normOut = new Normalization(state, norm, net.Channels, config.Groups, config.Epsilon);
        net.End(normOut, new Convolution(state, head, net.Channels, config.Branches * config.HeadChannels, 3, initial, LayerRole.Last),
            head);
        return net;

        int Width(int level) => config.ModelChannels * config.ChannelMultipliers[level];

        UNetBlock Block(string name, int channelsIn, int channelsOut, bool attention = false, Resampling resampling = Resampling.None)
        {
            var names = new BlockNames($"{name}.norm0", $"{name}.conv0", $"{name}.affine", $"{name}.norm1", $"{name}.conv1", $"{name}.skip",
                $"{name}.affine_step", HasFilters: true);
            return new UNetBlock(state, names, channelsIn, channelsOut, options, resampling)
            {
                Attention = attention
                    ? new AttentionBlock(state, new AttentionNames($"{name}.norm2", [$"{name}.qkv"], $"{name}.proj"), channelsOut, options)
                    : null,
            };
        }
    }
}
