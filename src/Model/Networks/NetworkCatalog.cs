using System.Collections.Concurrent;
using BDense.Kernels;
using BDense.Kernels.Json;
using BDense.Model.Checkpoints;

namespace BDense.Model.Networks;

/// <summary>Networks by name, and the families that they are of.</summary>
public static class NetworkCatalog
{
    /// <summary>The families of <see cref="UNetConfig"/>.</summary>
    internal static readonly UNetFamily[] UNets = [EdmUNet.DdpmPlusPlus, EdmUNet.Adm, DdpmUNet.Ddpm, DdpmUNet.Pd, GuidedUNet.Guided];

    /// <summary>Readers of configurations by family: those of <see cref="UNets"/>, and what was registered.</summary>
    private static readonly ConcurrentDictionary<string, Reader> Readers =
        new(UNets.Select(family => KeyValuePair.Create(family.Name, Reader.Of<UNetConfig>())));

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

    private static readonly UNetConfig EdmFfhq64 = EdmCifar10 with
    {
        Resolution = 64,
        ChannelMultipliers = [1, 2, 2, 2],
        Dropout = 0.05f,
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
        // Table 7 again, for FFHQ and AFHQv2: the same layers, trained with other dropout.
        ["edm-ffhq64"] = EdmFfhq64,
        ["edm-afhqv2-64"] = EdmFfhq64 with { Dropout = 0.25f },
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

    /// <summary>The networks that have a name.</summary>
    public static IReadOnlyCollection<string> Names => Networks.Keys;

    /// <summary>The families whose configurations and checkpoints can be read.</summary>
    public static IReadOnlyCollection<string> Families =>
        [.. UNets.Select(family => family.Name), .. Readers.Keys.Except(UNets.Select(family => family.Name)).Order()];

    /// <summary>
    /// Makes a family from another assembly known, so that its networks can be built, and its checkpoints loaded, resumed and distilled.
    /// Doing so again changes nothing.
    /// </summary>
    /// <typeparam name="TConfig">Its configuration; read from JSON in camel case, where every field but the required ones may be
    /// missing.</typeparam>
    /// <param name="family">Its name: what <see cref="NetworkConfig.Family"/> is in <typeparamref name="TConfig"/>.</param>
    /// <exception cref="BDenseException">Another configuration has that name.</exception>
    public static void Register<TConfig>(string family)
        where TConfig : NetworkConfig
    {
        var reader = Readers.GetOrAdd(family, _ => Reader.Of<TConfig>());
        if (reader.Config != typeof(TConfig))
            throw new BDenseException($"the network family '{family}' is {reader.Config}; register {typeof(TConfig)} under another name");
    }

    /// <param name="nameOrPath">A name of <see cref="Names"/>, or a configuration file (what ends in .json or has a folder in it).</param>
    /// <exception cref="UsageException">No such name; the message lists them.</exception>
    /// <exception cref="BDenseException">The file cannot be read or is no configuration.</exception>
    public static NetworkConfig Find(string nameOrPath)
    {
        if (Networks.TryGetValue(nameOrPath, out var config))
            return config;
        bool isPath = nameOrPath.EndsWith(".json", StringComparison.OrdinalIgnoreCase) || Path.GetFileName(nameOrPath) != nameOrPath;
        if (!isPath)
            throw new UsageException(
                $"there is no network '{nameOrPath}'{Suggestion.OrAll(nameOrPath, Names)}, or a configuration file (.json)");
        return NetworkConfig.Read(nameOrPath);
    }

    /// <summary>As <see cref="Find"/>, for what is defined of U-Nets alone.</summary>
    /// <exception cref="UsageException">No such name, or a network of another kind.</exception>
    public static UNetConfig FindUNet(string nameOrPath) => Find(nameOrPath) as UNetConfig
        ?? throw new UsageException(
            $"'{nameOrPath}' is no U-Net; take one of {string.Join(", ", Names)}, or a configuration file of such a family");

    /// <summary>The record that describes a family; none if it is not registered.</summary>
    internal static Type? TypeOf(string family) => Readers.TryGetValue(family, out var reader) ? reader.Config : null;

    /// <summary>What to say of a family that is not registered, or as another record.</summary>
    internal static string Unknown(string family) =>
        $"'{family}' is not known{Suggestion.OrAll(family, Families)}; one from outside is registered first (NetworkCatalog.Register)";

    /// <exception cref="BDenseException">The family is not registered, or the text is no configuration of it.</exception>
    internal static NetworkConfig Parse(string family, byte[] utf8, string source) => Readers.TryGetValue(family, out var reader)
        ? reader.Read(utf8, source) : throw new BDenseException($"{source}: field 'family': {Unknown(family)}");

    /// <summary>
    /// The named networks, of one head or several, whose tensors these are by name and shape. Several differ in what is no tensor: dropout.
    /// </summary>
    /// <param name="shapes">As stored. Constants that a network knows itself may be missing.</param>
    internal static IReadOnlyList<(string Name, UNetConfig Config)> Identify(IReadOnlyDictionary<string, int[]> shapes)
    {
        var found = new List<(string, UNetConfig)>();
        foreach (var (name, config) in Networks)
        {
            var (state, architecture) = Network.Declare(config);
            string head = architecture.HeadName;
            architecture.Dispose();
            if (!shapes.TryGetValue($"{head}.weight", out int[]? rows) || rows[0] % config.HeadChannels != 0)
                continue;
            int branches = rows[0] / config.HeadChannels;
            var known = state.Constants.Where(c => c.Fixed).Select(c => c.Name).ToHashSet();
            var keys = state.Keys.ToDictionary(k => k.Name, k => k.Shape);
            bool fits = branches <= Backend.MaxBranches
                && shapes.All(s => keys.ContainsKey(s.Key) || SaddState.IsUnused(s.Key, s.Value, branches))
                && keys.All(k => shapes.TryGetValue(k.Key, out int[]? shape) ? IsHead(k.Key, head) || shape.SequenceEqual(k.Value)
                    : known.Contains(k.Key));
            if (fits)
                found.Add((name, config with { Branches = branches }));
        }
        return found;

        static bool IsHead(string key, string head) => key == $"{head}.weight" || key == $"{head}.bias";
    }

    /// <summary>How a family's configuration is read.</summary>
    private sealed record Reader(Type Config, Func<byte[], string, NetworkConfig> Read)
    {
        public static Reader Of<TConfig>()
            where TConfig : NetworkConfig =>
                new(typeof(TConfig), (utf8, source) => StrictJson.Parse<TConfig>(utf8, source, StrictJson.Handwritten));
    }
}
