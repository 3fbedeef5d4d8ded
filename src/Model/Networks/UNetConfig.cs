using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using BDense.Kernels;
using BDense.Kernels.Json;

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

/// <summary>Everything that determines a network's shape. Written beside every checkpoint as JSON.</summary>
public sealed record UNetConfig
{
    internal const string DdpmPlusPlus = "ddpmpp", Adm = "adm", Ddpm = "ddpm", Pd = "pd", Guided = "guided";
    private static readonly string[] Families = [DdpmPlusPlus, Adm, Ddpm, Pd, Guided];

    /// <summary>
    /// The architecture: <c>ddpmpp</c> is EDM's SongUNet in its DDPM++ form, <c>adm</c> its DhariwalUNet, <c>ddpm</c> diffusers'
    /// UNet2DModel, <c>pd</c> progressive distillation's network, <c>guided</c> guided-diffusion's UNetModel.
    /// </summary>
    public string Family { get; init; } = DdpmPlusPlus;

    /// <summary>Height and width of the images; divisible by 2^(levels - 1).</summary>
    public required int Resolution { get; init; }

    public int ImageChannels { get; init; } = 3;

    /// <summary>Channels at multiplier 1; a multiple of 4.</summary>
    public required int ModelChannels { get; init; }

    /// <summary>One per level, the finest first; each level halves the resolution.</summary>
    public required int[] ChannelMultipliers { get; init; }

    public int BlocksPerLevel { get; init; } = 4;

    /// <summary>Resolutions whose blocks have attention: in the decoder of <c>ddpmpp</c> the last block alone; the bottom always has some.</summary>
    public int[] AttentionResolutions { get; init; } = [];

    /// <summary>Channels of an attention head; 0 for one head over all channels.</summary>
    public int ChannelsPerHead { get; init; }

    /// <summary>Length of the noise embedding, in ModelChannels.</summary>
    public int EmbeddingMultiplier { get; init; } = 4;

    public NoiseEmbedding Embedding { get; init; } = NoiseEmbedding.Positional;

    /// <summary>The positional features' lowest frequency is 1 over about this; 0 for 10,000. <c>guided</c> alone has another.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int EmbeddingPeriod { get; init; }

    /// <summary>Probability of a zero before each block's second convolution, while training.</summary>
    public float Dropout { get; init; }

    /// <summary>Multiplies every residual sum.</summary>
    public float SkipScale { get; init; } = MathF.Sqrt(0.5f);

    /// <summary>Of the group normalisations; 0 for EDM's min(32, C/4).</summary>
    public int Groups { get; init; }

    /// <summary>Of the group normalisations.</summary>
    public double Epsilon { get; init; } = 1e-6;

    /// <summary>Of <c>guided</c>: what is between the levels.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public Resampler Resampler { get; init; }

    /// <summary>Of <c>guided</c>: the embedding scales and shifts the second normalisation (use_scale_shift_norm); else it is added before it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool AdaptiveScale { get; init; }

    /// <summary>Of <c>guided</c>: checkpoints have qkv's rows head by head (use_new_attention_order False); else q, k, v.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool QkvByHead { get; init; }

    /// <summary>Classes; 0 for an unconditional network.</summary>
    public int LabelCount { get; init; }

    /// <summary>Length of EDM's augmentation label, 9 in its CIFAR-10 networks; 0 for none.</summary>
    public int AugmentCount { get; init; }

    /// <summary>Whether there are layers for SFD's step condition (Zhou et al. 2024, section 3.4): <c>ddpmpp</c> and <c>adm</c>.</summary>
    public bool StepCondition { get; init; }

    /// <summary>K: heads of the last convolution, 1 to 8.</summary>
    public int Branches { get; init; } = 1;

    public Prediction Prediction { get; init; } = Prediction.Edm;

    /// <summary>The number that is embedded for the noise level.</summary>
    public NoiseInput NoiseInput { get; init; } = NoiseInput.LogSigma;

    /// <summary>Standard deviation of the images' values, which lie in [-1, 1].</summary>
    public double SigmaData { get; init; } = 0.5;

    /// <summary>Output channels of one head: image and noise of the prediction <see cref="Prediction.Both"/>, else the image's own.</summary>
    [JsonIgnore]
    public int HeadChannels => HeadParts * ImageChannels;

    /// <summary>2 for <see cref="Prediction.Both"/>, whose K images come before its K noises; else 1.</summary>
    [JsonIgnore]
    public int HeadParts => Prediction == Prediction.Both ? 2 : 1;

    [JsonIgnore]
    public int EmbeddingChannels => EmbeddingMultiplier * ModelChannels;

    public string ToJson() => JsonSerializer.Serialize(this, StrictJson.Handwritten);

    /// <param name="json">As <see cref="ToJson"/> writes it; comments and trailing commas are accepted.</param>
    /// <param name="source">The file, for messages.</param>
    /// <exception cref="BDenseException">Not JSON, an unknown, missing or ill-typed field, or a value out of range; names file and field.</exception>
    public static UNetConfig FromJson(string json, string source) =>
        StrictJson.Parse<UNetConfig>(Encoding.UTF8.GetBytes(json), source, StrictJson.Handwritten).Checked(source);

    /// <summary>A file with such text.</summary>
    /// <exception cref="BDenseException">It cannot be read; or as <see cref="FromJson"/>.</exception>
    public static UNetConfig Read(string path) => StrictJson.Read<UNetConfig>(path, StrictJson.Handwritten).Checked(path);

    private UNetConfig Checked(string source)
    {
        Validate(source);
        return this;
    }

    /// <summary>Checks every field and how they fit together.</summary>
    /// <param name="source">Where the configuration is from, for messages.</param>
    /// <exception cref="BDenseException">Names source, field, value and what would be right.</exception>
    public void Validate(string source)
    {
        Require(Families.Contains(Family), "family", $"'{Family}' is not known; families: {string.Join(", ", Families)}");
        Require(ImageChannels is >= 1 and <= 1024, "imageChannels", $"{ImageChannels} is not in 1..1024");
        Require(ModelChannels is >= 4 and <= 4096 && ModelChannels % 4 == 0, "modelChannels", $"{ModelChannels} is not a multiple of 4 in 4..4096");
        Require(ChannelMultipliers is { Length: >= 1 and <= 8 } && ChannelMultipliers.All(m => m is >= 1 and <= 64), "channelMultipliers",
            "give 1 to 8 numbers of 1..64");
        int step = 1 << (ChannelMultipliers.Length - 1);
        Require(Resolution is >= 1 and <= 4096 && Resolution % step == 0, "resolution",
            $"{Resolution} is not a multiple of {step} in 1..4096, as {ChannelMultipliers.Length} levels need");
        Require(BlocksPerLevel is >= 1 and <= 64, "blocksPerLevel", $"{BlocksPerLevel} is not in 1..64");
        var levels = ChannelMultipliers.Select((_, level) => Resolution >> level).ToArray();
        Require(AttentionResolutions is not null && AttentionResolutions.All(levels.Contains), "attentionResolutions",
            $"[{string.Join(", ", AttentionResolutions ?? [])}] names a resolution that the network does not have: {string.Join(", ", levels)}");
        Require(ChannelsPerHead is >= 0 and <= 256, "channelsPerHead", $"{ChannelsPerHead} is not in 0..256");
        Require(EmbeddingMultiplier is >= 1 and <= 64, "embeddingMultiplier", $"{EmbeddingMultiplier} is not in 1..64");
        Require(Dropout is >= 0 and < 1, "dropout", $"{Text(Dropout)} is not in [0, 1)");
        Require(float.IsFinite(SkipScale) && SkipScale > 0, "skipScale", $"{Text(SkipScale)} is not a positive number");
        Require(Groups is >= 0 and <= 4096, "groups", $"{Groups} is not in 0..4096");
        Require(Epsilon is > 0 and < 1, "epsilon", $"{Text(Epsilon)} is not in (0, 1)");
        Require(LabelCount is >= 0 and <= 100000, "labelCount", $"{LabelCount} is not in 0..100000");
        Require(AugmentCount is >= 0 and <= 1000, "augmentCount", $"{AugmentCount} is not in 0..1000");
        bool isEdm = Family is DdpmPlusPlus or Adm;
        Require(LabelCount == 0 || Family != Ddpm, "labelCount", $"the family '{Ddpm}' has no classes");
        Require(AugmentCount == 0 || isEdm, "augmentCount", $"the family '{Family}' has no augmentation label");
        Require(!StepCondition || isEdm, "stepCondition", $"the family '{Family}' has no step condition");
        Require(Embedding == NoiseEmbedding.Positional || Family == DdpmPlusPlus, "embedding", $"the family '{Family}' has positional features");
        bool isGuided = Family == Guided;
        Require(EmbeddingPeriod == 0 || (isGuided && EmbeddingPeriod > 1), "embeddingPeriod",
            isGuided ? $"{EmbeddingPeriod} is not above 1" : $"the family '{Family}' has 10,000");
        Require(Resampler == Resampler.Plain || isGuided, "resampler", $"only the family '{Guided}' has the choice");
        Require(!AdaptiveScale || isGuided, "adaptiveScale", $"only the family '{Guided}' has the choice");
        Require(!QkvByHead || isGuided, "qkvByHead", $"only the family '{Guided}' has the choice");
        Require(Branches is >= 1 and <= Backend.MaxBranches, "branches", $"{Branches} is not in 1..{Backend.MaxBranches}");
        Require(double.IsFinite(SigmaData) && SigmaData > 0, "sigmaData", $"{Text(SigmaData)} is not a positive number");

        void Require(bool condition, string field, string fault)
        {
            if (!condition)
                throw new BDenseException($"{source}: field '{field}': {fault}");
        }

        static string Text(double x) => FormattableString.Invariant($"{x}");
    }

    // A record's own equality would compare the arrays by reference.
    public bool Equals(UNetConfig? other) => other is not null && ToJson() == other.ToJson();

    public override int GetHashCode() => ToJson().GetHashCode(StringComparison.Ordinal);
}
