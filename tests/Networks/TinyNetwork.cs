using BDense.Kernels;
using BDense.Model.Networks;

namespace BDense.Tests.Networks;

/// <summary>
/// A network with every kind of part, small enough for loops in double precision: two levels, attention, labels, augmentation.
/// </summary>
internal static class TinyNetwork
{
    public static readonly UNetConfig Config = new()
    {
        Resolution = 8,
        ModelChannels = 8,
        ChannelMultipliers = [1, 2],
        BlocksPerLevel = 1,
        AttentionResolutions = [4],
        ChannelsPerHead = 4,
        Dropout = 0.2f,
        LabelCount = 3,
        AugmentCount = 2,
    };

    /// <summary>One of each family, with all that it knows.</summary>
    public static readonly IReadOnlyDictionary<string, UNetConfig> Families = new Dictionary<string, UNetConfig>
    {
        ["ddpmpp"] = Config,
        ["ddpmpp with a step"] = Config with { StepCondition = true },
        ["adm"] = Config with { Family = "adm", SkipScale = 1, Epsilon = 1e-5 },
        ["adm with a step"] = Config with { Family = "adm", SkipScale = 1, Epsilon = 1e-5, StepCondition = true },
        ["ddpm"] = Config with
        {
            Family = "ddpm",
            SkipScale = 1,
            Groups = 4,
            LabelCount = 0,
            AugmentCount = 0,
            ChannelsPerHead = 0,
            NoiseInput = NoiseInput.Timestep,
        },
        ["pd"] = Config with { Family = "pd", SkipScale = 1, Groups = 2, AugmentCount = 0, NoiseInput = NoiseInput.InverseCosine },
        ["guided"] = Guided with { EmbeddingPeriod = 1000, Dropout = 0 },
        ["guided with convolutions"] = Guided with { Resampler = Resampler.Convolution, QkvByHead = true, BlocksPerLevel = 2 },
        ["guided with blocks"] = Guided with { Resampler = Resampler.Block, AdaptiveScale = true, LabelCount = 3 },
    };

    private static UNetConfig Guided =>
        Config with
        {
            Family = "guided",
            SkipScale = 1,
            Groups = 4,
            Epsilon = 1e-5,
            LabelCount = 0,
            AugmentCount = 0,
            NoiseInput = NoiseInput.Timestep,
        };

    /// <summary>All parameters at sizes where each matters: weights of variance 1/fan-in, gamma near 1, biases near 0.</summary>
    public static Network Create(Backend backend, NetworkConfig config, ulong seed)
    {
        var network = new Network(backend, config, seed: null);
        var flat = new float[network.Parameters.Values.Length];
        uint stream = 0;
        foreach (var p in network.Parameters.All)
        {
            double mean = p.Shape.Rank == 1 && p.Name.EndsWith("weight", StringComparison.Ordinal) ? 1 : 0;
            double deviation = p.Shape.Rank == 1 ? 0.3 : 1 / Math.Sqrt((double)p.Shape.Length / p.Shape[0]);
            var key = new RandomKey(seed, stream++);
            for (int i = 0; i < p.Shape.Length; i++)
                flat[p.Offset + i] = (float)(mean + deviation * Philox.Normal(key, i));
        }
        network.Parameters.Values.Upload(flat);
        return network;
    }

    public static Tensor Normal(Backend backend, Shape shape, ulong seed)
    {
        var values = new float[shape.Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)Philox.Normal(new RandomKey(seed, 77), i);
        return backend.FromArray(values, shape);
    }

    public static Shape Images(NetworkConfig config, int n) => new(n, config.Resolution, config.Resolution, config.ImageChannels);
}
