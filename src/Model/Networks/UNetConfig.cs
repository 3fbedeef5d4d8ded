using System.Text.Json.Serialization;
using BDense.Model.Layers;

namespace BDense.Model.Networks;

/// <summary>Features of the noise level.</summary>
public enum NoiseEmbedding
{
    /// <summary>Sines and cosines at geometric frequencies (DDPM++).</summary>
    Positional,

    /// <summary>Sines and cosines at random frequencies (NCSN++).</summary>
    Fourier,
}

/// <summary>What halves and doubles the resolution between the levels of guided-diffusion's U-Net.</summary>
public enum Resampler
{
    /// <summary>Means of 2x2 and nearest-neighbour copies, without weights (conv_resample False).</summary>
    Plain,

    /// <summary>A 3x3 convolution of stride 2, and nearest-neighbour copies with a 3x3 convolution (conv_resample True).</summary>
    Convolution,

    /// <summary>Residual blocks that resample (resblock_updown True).</summary>
    Block,
}

/// <summary>
/// A U-Net of one of the families that are built in. <c>ddpmpp</c> is EDM's SongUNet in its DDPM++ form, <c>adm</c> its DhariwalUNet,
/// <c>ddpm</c> diffusers' UNet2DModel, <c>pd</c> progressive distillation's network, <c>guided</c> guided-diffusion's UNetModel.
/// </summary>
public sealed record UNetConfig() : NetworkConfig(DdpmPlusPlus)
{
    internal const string DdpmPlusPlus = "ddpmpp", Adm = "adm", Ddpm = "ddpm", Pd = "pd", Guided = "guided";

    /// <summary>Channels at multiplier 1; a multiple of 4.</summary>
    public required int ModelChannels { get; init; }

    /// <summary>One per level, the finest first; each level halves the resolution.</summary>
    public required int[] ChannelMultipliers { get; init; }

    /// <summary>Residual blocks of each level of the encoder, 1 to 64; the decoder has one more a level.</summary>
    public int BlocksPerLevel { get; init; } = 4;

    /// <summary>
    /// Resolutions whose blocks have attention: in the decoder of <c>ddpmpp</c> the last block alone; the bottom always has some.
    /// </summary>
    public int[] AttentionResolutions { get; init; } = [];

    /// <summary>Channels of an attention head; 0 for one head over all channels.</summary>
    public int ChannelsPerHead { get; init; }

    /// <summary>Length of the noise embedding, in ModelChannels.</summary>
    public int EmbeddingMultiplier { get; init; } = 4;

    /// <summary>At which frequencies the noise level is embedded.</summary>
    public NoiseEmbedding Embedding { get; init; } = NoiseEmbedding.Positional;

    /// <summary>The positional features' lowest frequency is 1 over about this; 0 for 10,000. <c>guided</c> alone has another.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int EmbeddingPeriod { get; init; }

    /// <summary>Probability of a zero before each block's second convolution, while training.</summary>
    public override float Dropout { get; init; }

    /// <summary>Multiplies every residual sum.</summary>
    public float SkipScale { get; init; } = MathF.Sqrt(0.5f);

    /// <summary>Of the group normalisations; 0 for EDM's min(32, C/4).</summary>
    public int Groups { get; init; }

    /// <summary>Of the group normalisations.</summary>
    public double Epsilon { get; init; } = 1e-6;

    /// <summary>Of <c>guided</c>: what is between the levels.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public Resampler Resampler { get; init; }

    /// <summary>
    /// Of <c>guided</c>: the embedding scales and shifts the second normalisation (use_scale_shift_norm); else it is added before it.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool AdaptiveScale { get; init; }

    /// <summary>Of <c>guided</c>: checkpoints have qkv's rows head by head (use_new_attention_order False); else q, k, v.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool QkvByHead { get; init; }

    /// <summary>E, the embedding's length: EmbeddingMultiplier * ModelChannels.</summary>
    [JsonIgnore]
    public int EmbeddingChannels => EmbeddingMultiplier * ModelChannels;

    private UNetFamily Own => NetworkCatalog.UNets.Single(family => family.Name == Family);

    /// <inheritdoc/>
    protected override NetworkConditions Conditions => Own.Conditions;

    /// <inheritdoc/>
    public override IArchitecture Declare(StateDeclaration state) => Own.Declare(state, this);

    /// <inheritdoc/>
    public override string TensorName(string stored) => Own.TensorName(stored);

    /// <inheritdoc/>
    protected override void Validate(FieldCheck fields)
    {
        fields.Require(ModelChannels is >= 4 and <= 4096 && ModelChannels % 4 == 0, "modelChannels",
            $"{ModelChannels} is not a multiple of 4 in 4..4096");
        fields.Require(ChannelMultipliers is { Length: >= 1 and <= 8 } && ChannelMultipliers.All(m => m is >= 1 and <= 64),
            "channelMultipliers",
            "give 1 to 8 numbers of 1..64");
        int step = 1 << (ChannelMultipliers.Length - 1);
        fields.Require(Resolution % step == 0, "resolution",
            $"{Resolution} is not a multiple of {step} in 1..4096, as {ChannelMultipliers.Length} levels need");
        fields.Require(BlocksPerLevel is >= 1 and <= 64, "blocksPerLevel", $"{BlocksPerLevel} is not in 1..64");
        var levels = ChannelMultipliers.Select((_, level) => Resolution >> level).ToArray();
        fields.Require(AttentionResolutions is not null && AttentionResolutions.All(levels.Contains), "attentionResolutions",
            $"[{string.Join(", ", AttentionResolutions ?? [])}] names a resolution that the network does not have: "
                + $"{string.Join(", ", levels)}");
        fields.Require(ChannelsPerHead is >= 0 and <= 256, "channelsPerHead", $"{ChannelsPerHead} is not in 0..256");
        fields.Require(EmbeddingMultiplier is >= 1 and <= 64, "embeddingMultiplier", $"{EmbeddingMultiplier} is not in 1..64");
        fields.Require(float.IsFinite(SkipScale) && SkipScale > 0, "skipScale", $"{FieldCheck.Text(SkipScale)} is not a positive number");
        fields.Require(Groups is >= 0 and <= 4096, "groups", $"{Groups} is not in 0..4096");
        fields.Require(Epsilon is > 0 and < 1, "epsilon", $"{FieldCheck.Text(Epsilon)} is not in (0, 1)");
        Own.Validate(this, fields);
    }

    // A record's own equality would compare the arrays by reference.
    /// <summary>Whether both say the same network.</summary>
    public bool Equals(UNetConfig? other) => other is not null && ToJson() == other.ToJson();

    /// <inheritdoc/>
    public override int GetHashCode() => ToJson().GetHashCode(StringComparison.Ordinal);
}
