using BDense.Model.Layers;

namespace BDense.Model.Networks;

/// <summary>
/// One of the families that <see cref="UNetConfig"/> describes: its layers, and which of the configuration's choices it has.
/// </summary>
/// <param name="Name">In configurations.</param>
/// <param name="Declare">Puts the network together.</param>
internal sealed record UNetFamily(string Name, Func<StateDeclaration, UNetConfig, IArchitecture> Declare)
{
    /// <summary><see cref="NetworkConfig.Conditions"/></summary>
    public NetworkConditions Conditions { get; init; } = NetworkConditions.Classes;

    /// <summary>Whether the features of the noise level may be at random frequencies.</summary>
    public bool HasFourierFeatures { get; init; }

    /// <summary>Whether it has guided-diffusion's choices: the period, the resampler, scale and shift, the order of qkv's rows.</summary>
    public bool HasGuidedChoices { get; init; }

    /// <summary><see cref="NetworkConfig.TensorName"/></summary>
    public Func<string, string> TensorName { get; init; } = stored => stored;

    /// <summary>Refuses what the family does not have.</summary>
    public void Validate(UNetConfig c, FieldCheck fields)
    {
        fields.Require(HasFourierFeatures || c.Embedding == NoiseEmbedding.Positional, "embedding",
            $"the family '{Name}' has positional features");
        fields.Require(c.EmbeddingPeriod == 0 || (HasGuidedChoices && c.EmbeddingPeriod > 1), "embeddingPeriod",
            HasGuidedChoices ? $"{c.EmbeddingPeriod} is not above 1" : $"the family '{Name}' has 10,000");
        fields.Require(HasGuidedChoices || c.Resampler == Resampler.Plain, "resampler", $"the family '{Name}' has no choice");
        fields.Require(HasGuidedChoices || !c.AdaptiveScale, "adaptiveScale", $"the family '{Name}' has no choice");
        fields.Require(HasGuidedChoices || !c.QkvByHead, "qkvByHead", $"the family '{Name}' has no choice");
    }
}
