using BDense.Kernels;
using BDense.Model.Checkpoints;

namespace BDense.Model.Networks;

/// <summary>Networks by name.</summary>
public static class NetworkCatalog
{
    private static readonly UNetConfig EdmCifar10 = new()
    {
        Resolution = 32,
        ModelChannels = 128,
        ChannelMultipliers = [2, 2, 2],
        BlocksPerLevel = 4,
        AttentionResolutions = [16],
        Dropout = 0.13f,
        AugmentCount = 9,
    };

    private static readonly UNetConfig EdmImageNet64 = new()
    {
        Family = UNetConfig.Adm,
        Resolution = 64,
        ModelChannels = 192,
        ChannelMultipliers = [1, 2, 3, 4],
        BlocksPerLevel = 3,
        AttentionResolutions = [32, 16, 8],
        ChannelsPerHead = 64,
        Dropout = 0.1f,
        SkipScale = 1,
        Epsilon = 1e-5,
        LabelCount = 1000,
    };

    private static readonly Dictionary<string, UNetConfig> Networks = new()
    {
        // Small enough for a laptop without a GPU: 16x16, two levels.
        ["demo"] = new()
        {
            Resolution = 16,
            ModelChannels = 32,
            ChannelMultipliers = [1, 2],
            BlocksPerLevel = 1,
            AttentionResolutions = [8],
        },
        ["small-32"] = new()
        {
            Resolution = 32,
            ModelChannels = 32,
            ChannelMultipliers = [1, 2, 2],
            BlocksPerLevel = 1,
            AttentionResolutions = [8],
        },
        // Karras et al. 2022, the DDPM++ networks of table 7.
        ["edm-cifar10"] = EdmCifar10,
        ["edm-cifar10-cond"] = EdmCifar10 with { LabelCount = 10 },
        // The same with the step condition of SFD: Zhou et al. 2024.
        ["sfd-cifar10"] = EdmCifar10 with { StepCondition = true },
        // Karras et al. 2022, the ADM network of table 7.
        ["edm-imagenet64"] = EdmImageNet64,
        ["sfd-imagenet64"] = EdmImageNet64 with { StepCondition = true },
        // google/ddpm-cifar10-32 as diffusers has it: Ho et al. 2020.
        ["ddpm-cifar10"] = new()
        {
            Family = UNetConfig.Ddpm,
            Resolution = 32,
            ModelChannels = 128,
            ChannelMultipliers = [1, 2, 2, 2],
            BlocksPerLevel = 2,
            AttentionResolutions = [16],
            SkipScale = 1,
            Groups = 32,
            Prediction = Prediction.Eps,
            NoiseInput = NoiseInput.Timestep,
        },
        // Salimans and Ho 2022, appendix B; predicts the image.
        ["pd-cifar10"] = new()
        {
            Family = UNetConfig.Pd,
            Resolution = 32,
            ModelChannels = 256,
            ChannelMultipliers = [1, 1, 1],
            BlocksPerLevel = 3,
            AttentionResolutions = [8, 16],
            Dropout = 0.2f,
            SkipScale = 1,
            Groups = 32,
            Prediction = Prediction.X,
            NoiseInput = NoiseInput.InverseCosine,
        },
        // The same paper's network for ImageNet 64 x 64: class-conditional, predicts image and noise.
        ["pd-imagenet64"] = new()
        {
            Family = UNetConfig.Pd,
            Resolution = 64,
            ModelChannels = 192,
            ChannelMultipliers = [1, 2, 3, 4],
            BlocksPerLevel = 3,
            AttentionResolutions = [8, 16, 32],
            ChannelsPerHead = 64,
            SkipScale = 1,
            Groups = 32,
            LabelCount = 1000,
            Prediction = Prediction.Both,
            NoiseInput = NoiseInput.InverseCosine,
        },
        // The network that unet.cu trains (its train_unet.py): guided-diffusion's, whose step embedding has the period 1,000 there.
        ["unet-cu"] = new()
        {
            Family = UNetConfig.Guided,
            Resolution = 64,
            ModelChannels = 64,
            ChannelMultipliers = [1, 2, 3, 4],
            BlocksPerLevel = 2,
            AttentionResolutions = [16, 8],
            ChannelsPerHead = 32,
            EmbeddingPeriod = 1000,
            SkipScale = 1,
            Groups = 32,
            Epsilon = 1e-5,
            Prediction = Prediction.Eps,
            NoiseInput = NoiseInput.Timestep,
        },
    };

    public static IReadOnlyCollection<string> Names => Networks.Keys;

    /// <param name="nameOrPath">A name of <see cref="Names"/>, or a configuration file (what ends in .json or has a folder in it).</param>
    /// <exception cref="UsageException">No such name; the message lists them.</exception>
    /// <exception cref="BDenseException">The file cannot be read or is no configuration.</exception>
    public static UNetConfig Find(string nameOrPath)
    {
        if (Networks.TryGetValue(nameOrPath, out var config))
            return config;
        bool isPath = nameOrPath.EndsWith(".json", StringComparison.OrdinalIgnoreCase) || Path.GetFileName(nameOrPath) != nameOrPath;
        if (!isPath)
            throw new UsageException($"there is no network '{nameOrPath}'; networks: {string.Join(", ", Names)}, or a configuration file (.json)");
        return UNetConfig.Read(nameOrPath);
    }

    /// <summary>The named network, of one head or several, whose tensors these are by name and shape; none if there is none.</summary>
    /// <param name="shapes">As stored. Constants that a network knows itself may be missing.</param>
    internal static UNetConfig? Identify(IReadOnlyDictionary<string, int[]> shapes)
    {
        foreach (var config in Networks.Values)
        {
            var (state, architecture) = UNet.Declare(config);
            string head = architecture.HeadName;
            architecture.Dispose();
            if (!shapes.TryGetValue($"{head}.weight", out int[]? rows) || rows[0] % config.HeadChannels != 0)
                continue;
            int branches = rows[0] / config.HeadChannels;
            var known = state.Constants.Where(c => c.Fixed).Select(c => c.Name).ToHashSet();
            var keys = state.Keys.ToDictionary(k => k.Name, k => k.Shape);
            bool fits = branches <= Backend.MaxBranches
                && shapes.All(s => keys.ContainsKey(s.Key) || SaddState.IsUnused(s.Key, s.Value, branches))
                && keys.All(k => shapes.TryGetValue(k.Key, out int[]? shape) ? IsHead(k.Key, head) || shape.SequenceEqual(k.Value) : known.Contains(k.Key));
            if (fits)
                return config with { Branches = branches };
        }
        return null;

        static bool IsHead(string key, string head) => key == $"{head}.weight" || key == $"{head}.bias";
    }
}
