using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using BDense.Kernels;
using BDense.Kernels.Json;
using BDense.Model.Layers;

namespace BDense.Model.Networks;

/// <summary>
/// Everything that determines a network's shape, as far as all families have it; a family's own record adds the rest and says what the
/// layers are. Written beside every checkpoint as JSON.
/// </summary>
/// <remarks>
/// <para>A family from another assembly is a record like this, registered by its name before anything is built or loaded:</para>
/// <code>
/// public sealed record PlainConfig() : NetworkConfig("plain")
/// {
///     public int Width { get; init; } = 32;
///
///     public override IArchitecture Declare(StateDeclaration state) => new PlainNetwork(state, this);
/// }
///
/// NetworkCatalog.Register&lt;PlainConfig>("plain");
/// </code>
/// </remarks>
public abstract record NetworkConfig
{
    /// <param name="family">Value of <see cref="Family"/>.</param>
    protected NetworkConfig(string family) => Family = family;

    /// <summary>The name of the architecture; <see cref="NetworkCatalog.Families"/> are those that can be loaded.</summary>
    [JsonPropertyOrder(-3)]
    public string Family { get; init; }

    /// <summary>Height and width of the images, 1 to 4096.</summary>
    [JsonPropertyOrder(-2)]
    public required int Resolution { get; init; }

    /// <summary>C, 1 to 1024.</summary>
    [JsonPropertyOrder(-1)]
    public int ImageChannels { get; init; } = 3;

    /// <summary>Probability of a zero where the family has dropout, while training; in [0, 1).</summary>
    public virtual float Dropout { get; init; }

    /// <summary>Classes; 0 for an unconditional network.</summary>
    [JsonPropertyOrder(1)]
    public int LabelCount { get; init; }

    /// <summary>Length of EDM's augmentation label, 9 in its CIFAR-10 networks; 0 for none.</summary>
    [JsonPropertyOrder(1)]
    public int AugmentCount { get; init; }

    /// <summary>Whether there are layers for SFD's step condition (Zhou et al. 2024, section 3.4).</summary>
    [JsonPropertyOrder(1)]
    public bool StepCondition { get; init; }

    /// <summary>K: heads of the last layer, 1 to 8.</summary>
    [JsonPropertyOrder(1)]
    public int Branches { get; init; } = 1;

    /// <summary>What a head predicts.</summary>
    [JsonPropertyOrder(1)]
    public Prediction Prediction { get; init; } = Prediction.Edm;

    /// <summary>The number that is embedded for the noise level.</summary>
    [JsonPropertyOrder(1)]
    public NoiseInput NoiseInput { get; init; } = NoiseInput.LogSigma;

    /// <summary>Standard deviation of the images' values, which lie in [-1, 1].</summary>
    [JsonPropertyOrder(1)]
    public double SigmaData { get; init; } = 0.5;

    /// <summary>
    /// Output channels of one head: image and noise of the prediction <see cref="Prediction.Both"/>, else the image's own.
    /// </summary>
    [JsonIgnore]
    public int HeadChannels => HeadParts * ImageChannels;

    /// <summary>2 for <see cref="Prediction.Both"/>, whose K images come before its K noises; else 1.</summary>
    [JsonIgnore]
    public int HeadParts => Prediction == Prediction.Both ? 2 : 1;

    /// <summary>The conditions that the family's layers can take; by default none.</summary>
    protected virtual NetworkConditions Conditions => NetworkConditions.None;

    /// <summary>Declares the parameters of the network's layers, in the order that checkpoints list them, and returns the layers.</summary>
    /// <param name="state">Empty.</param>
    public abstract IArchitecture Declare(StateDeclaration state);

    /// <summary>
    /// The name that a tensor of a checkpoint has here, where other programs write the same network under other names; unknown names stay
    /// as they are.
    /// </summary>
    public virtual string TensorName(string stored) => stored;

    /// <summary>The text of config.json: the fields in a fixed order, so that equal configurations are equal texts.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, GetType(), StrictJson.Handwritten);

    /// <summary>A configuration of any registered family.</summary>
    /// <param name="json">As <see cref="ToJson"/> writes it; comments and trailing commas are accepted.</param>
    /// <param name="source">The file, for messages.</param>
    /// <exception cref="BDenseException">
    /// Not JSON, a family that is not registered, an unknown, missing or ill-typed field, or a value out of range; names file and field.
    /// </exception>
    public static NetworkConfig FromJson(string json, string source) => Parse(Encoding.UTF8.GetBytes(json), source);

    /// <summary>A file with such text.</summary>
    /// <exception cref="BDenseException">It cannot be read; or as <see cref="FromJson"/>.</exception>
    public static NetworkConfig Read(string path) => Parse(StrictJson.ReadBytes(path), path);

    /// <summary>Checks every field and how they fit together.</summary>
    /// <param name="source">Where the configuration is from, for messages.</param>
    /// <exception cref="BDenseException">Names source, field, value and what would be right.</exception>
    public void Validate(string source)
    {
        var fields = new FieldCheck(source);
        fields.Require(NetworkCatalog.TypeOf(Family) == GetType(), "family", NetworkCatalog.Unknown(Family));
        fields.Require(ImageChannels is >= 1 and <= 1024, "imageChannels", $"{ImageChannels} is not in 1..1024");
        fields.Require(Resolution is >= 1 and <= 4096, "resolution", $"{Resolution} is not in 1..4096");
        fields.Require(Dropout is >= 0 and < 1, "dropout", $"{FieldCheck.Text(Dropout)} is not in [0, 1)");
        fields.Require(LabelCount is >= 0 and <= 100000, "labelCount", $"{LabelCount} is not in 0..100000");
        fields.Require(AugmentCount is >= 0 and <= 1000, "augmentCount", $"{AugmentCount} is not in 0..1000");
        fields.Require(LabelCount == 0 || Takes(NetworkConditions.Classes), "labelCount", $"the family '{Family}' has no classes");
        fields.Require(AugmentCount == 0 || Takes(NetworkConditions.Augmentation), "augmentCount",
            $"the family '{Family}' has no augmentation label");
        fields.Require(!StepCondition || Takes(NetworkConditions.Step), "stepCondition", $"the family '{Family}' has no step condition");
        fields.Require(Branches is >= 1 and <= Backend.MaxBranches, "branches", $"{Branches} is not in 1..{Backend.MaxBranches}");
        fields.Require(double.IsFinite(SigmaData) && SigmaData > 0, "sigmaData", $"{FieldCheck.Text(SigmaData)} is not a positive number");
        Validate(fields);

        bool Takes(NetworkConditions condition) => (Conditions & condition) != 0;
    }

    /// <summary>Checks what the family adds; the common fields are in their ranges.</summary>
    protected virtual void Validate(FieldCheck fields) { }

    private static NetworkConfig Parse(byte[] utf8, string source)
    {
        var config = NetworkCatalog.Parse(FamilyOf(utf8, source), utf8, source);
        config.Validate(source);
        return config;
    }

    /// <summary>
    /// The text's family; that of <see cref="UNetConfig"/>, whose own reader finds the fault, where it is missing or no text.
    /// </summary>
    private static string FamilyOf(byte[] utf8, string source) =>
        StrictJson.ParseObject(utf8, source, allowComments: true)["family"] is JsonValue value && value.TryGetValue(out string? family)
            ? family : UNetConfig.DdpmPlusPlus;
}

/// <summary>What a network may be told besides the noise level.</summary>
[Flags]
public enum NetworkConditions
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The class: <see cref="NetworkConfig.LabelCount"/>, <see cref="ForwardOptions.Labels"/>.</summary>
    Classes = 1,

    /// <summary>EDM's augmentation label: <see cref="NetworkConfig.AugmentCount"/>, <see cref="ForwardOptions.Augment"/>.</summary>
    Augmentation = 2,

    /// <summary>SFD's step condition: <see cref="NetworkConfig.StepCondition"/>, <see cref="ForwardOptions.Step"/>.</summary>
    Step = 4,
}

/// <summary>Checks of a configuration's fields whose messages name source and field.</summary>
/// <param name="source">Where the configuration is from.</param>
public readonly struct FieldCheck(string source)
{
    /// <param name="condition">Whether the field is as it should be.</param>
    /// <param name="field">As JSON has it, in camel case.</param>
    /// <param name="fault">What is wrong and what would be right.</param>
    /// <exception cref="BDenseException">It is not.</exception>
    public void Require(bool condition, string field, string fault)
    {
        if (!condition)
            throw new BDenseException($"{source}: field '{field}': {fault}");
    }

    /// <summary>A number as JSON has it, whatever the machine's language.</summary>
    public static string Text(double x) => FormattableString.Invariant($"{x}");
}
