using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Kernels.Json;
using BDense.Model.Networks;

namespace BDense.Model.Checkpoints;

/// <summary>
/// diffusers' folders: <c>unet/config.json</c> and <c>unet/diffusion_pytorch_model.safetensors</c>, <c>scheduler/scheduler_config.json</c>,
/// <c>model_index.json</c>; read without the two subfolders too, as google/ddpm-cifar10-32 has them. The tensors' names are those of
/// the family <c>ddpm</c> itself; a network of K heads has out_channels = K in_channels.
/// </summary>
public static class DiffusersFormat
{
    /// <summary>The network's parameters, in <see cref="UNetFolder"/> or in the folder itself.</summary>
    public const string WeightsFile = "diffusion_pytorch_model.safetensors";

    /// <summary>Holds the network: its config.json and <see cref="WeightsFile"/>.</summary>
    public const string UNetFolder = "unet";

    /// <summary>Holds <see cref="SchedulerFile"/>.</summary>
    public const string SchedulerFolder = "scheduler";

    /// <summary>What the network predicts, and over which steps it was trained.</summary>
    public const string SchedulerFile = "scheduler_config.json";

    /// <summary>The pipeline: which class reads which folder.</summary>
    public const string IndexFile = "model_index.json";

    private const string ClassName = "_class_name";
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    // Old files name an attention's layers otherwise.
    private static readonly (string Old, string New)[] OldNames = [(".query.", ".to_q."), (".key.", ".to_k."), (".value.", ".to_v."),
        (".proj_attn.", ".to_out.0.")];

    // What UNet2DModel can be asked for besides, what it takes where nothing is said, and the one value that the family has.
    private static readonly (string Field, string Default, string Ours)[] Fixed =
    [
        ("act_fn", "\"silu\"", "\"silu\""),
        ("add_attention", "true", "true"),
        ("center_input_sample", "false", "false"),
        ("class_embed_type", "null", "null"),
        ("downsample_padding", "1", "0"),
        ("flip_sin_to_cos", "true", "false"),
        ("freq_shift", "0", "1"),
        ("mid_block_scale_factor", "1", "1"),
        ("num_class_embeds", "null", "null"),
        ("resnet_time_scale_shift", "\"default\"", "\"default\""),
        ("time_embedding_type", "\"positional\"", "\"positional\""),
    ];

    /// <summary>
    /// Writes a network of the family <c>ddpm</c> as diffusers' <c>DDPMPipeline</c> saves itself; each file whole or not at all.
    /// </summary>
    /// <exception cref="UsageException">Another family: diffusers has no class for it.</exception>
    /// <exception cref="BDenseException">The path cannot be written.</exception>
    public static void Save(string folder, INetwork network)
    {
        if (network.Config is not UNetConfig { Family: UNetConfig.Ddpm, SkipScale: 1, NoiseInput: NoiseInput.Timestep } config
            || config.Prediction is Prediction.Edm or Prediction.Both)
            throw new UsageException(
                $"diffusers has no class for this network (family '{network.Config.Family}'); export it with --format edm");
        Checkpoint.Save(Path.Combine(folder, UNetFolder, WeightsFile), network);
        AtomicFile.WriteText(Path.Combine(folder, UNetFolder, Checkpoint.ConfigFile), Text(UNetJson(config)));
        AtomicFile.WriteText(Path.Combine(folder, SchedulerFolder, SchedulerFile), Text(new JsonObject
        {
            [ClassName] = "DDPMScheduler",
            ["beta_end"] = 0.02,
            ["beta_schedule"] = "linear",
            ["beta_start"] = 0.0001,
            ["clip_sample"] = true,
            ["num_train_timesteps"] = 1000,
            ["prediction_type"] = config.Prediction switch { Prediction.X => "sample", Prediction.V => "v_prediction", _ => "epsilon" },
            ["variance_type"] = "fixed_large",
        }));
        AtomicFile.WriteText(Path.Combine(folder, IndexFile), Text(new JsonObject
        {
            [ClassName] = "DDPMPipeline",
            ["scheduler"] = new JsonArray("diffusers", "DDPMScheduler"),
            ["unet"] = new JsonArray("diffusers", "UNet2DModel"),
        }));
    }

    /// <summary>Whether a configuration file is diffusers' own.</summary>
    internal static bool IsConfig(string file)
    {
        try
        {
            return StrictJson.ReadObject(file, allowComments: true).ContainsKey(ClassName);
        }
        catch (BDenseException)
        {
            // Whoever reads it as something else will say what is wrong.
            return false;
        }
    }

    /// <summary>
    /// The configuration in <paramref name="file"/>, with the scheduler's beside it or in <c>../scheduler</c> if there is one.
    /// </summary>
    /// <exception cref="BDenseException">Another class, or a field whose value no network here has; names file and field.</exception>
    internal static UNetConfig Read(string file)
    {
        var o = StrictJson.ReadObject(file);
        Require(file, ClassName, Value(o, ClassName), "\"UNet2DModel\"");
        foreach (var (field, @default, ours) in Fixed)
            Require(file, field, o.ContainsKey(field) ? Value(o, field) : @default, ours);
        try
        {
            int[] channels = Array<int>(o, "block_out_channels");
            string[] down = Array<string>(o, "down_block_types"), up = Array<string>(o, "up_block_types");
            int size = o["sample_size"]!.GetValue<int>(), inputs = Int(o, "in_channels", 3), outputs = Int(o, "out_channels", 3);
            if (channels.Length == 0 || channels.Any(c => c < 1 || c % channels[0] != 0))
                throw new BDenseException(
                    $"{file}: field 'block_out_channels': every number is a multiple of the first, and none is below 1");
            foreach (var (field, number) in new[] { ("in_channels", inputs), ("out_channels", outputs), ("sample_size", size) })
            {
                if (number < 1)
                    throw new BDenseException($"{file}: field '{field}' is {number}; it is 1 or more");
            }
            if (down.Length != channels.Length || !up.Select(Attends).SequenceEqual(down.Select(Attends).Reverse()))
                throw new BDenseException(
                    $"{file}: fields 'down_block_types' and 'up_block_types': one DownBlock2D or AttnDownBlock2D a level, and their "
                        + "mirror image");
            if (outputs % inputs != 0)
                throw new BDenseException($"{file}: field 'out_channels': {outputs} is no multiple of in_channels, {inputs}");
            var config = new UNetConfig
            {
                Family = UNetConfig.Ddpm,
                Resolution = size,
                ImageChannels = inputs,
                Branches = outputs / inputs,
                ModelChannels = channels[0],
                ChannelMultipliers = [.. channels.Select(c => c / channels[0])],
                BlocksPerLevel = Int(o, "layers_per_block", 2),
                AttentionResolutions = [.. down.Index().Where(d => Attends(d.Item)).Select(d => size >> d.Index)],
                ChannelsPerHead = o.ContainsKey("attention_head_dim") ? o["attention_head_dim"]?.GetValue<int>() ?? 0 : 8,
                Dropout = (float)(o["dropout"]?.GetValue<double>() ?? 0),
                SkipScale = 1,
                Groups = Int(o, "norm_num_groups", 32),
                Epsilon = o["norm_eps"]?.GetValue<double>() ?? 1e-5,
                NoiseInput = NoiseInput.Timestep,
                Prediction = ReadPrediction(Path.GetDirectoryName(Path.GetFullPath(file))!),
            };
            config.Validate(file);
            return config;
        }
        catch (Exception e) when (e is NullReferenceException or InvalidOperationException or FormatException)
        {
            throw new BDenseException(
                $"{file}: not a UNet2DModel's configuration: sample_size, block_out_channels or another field is missing or of "
                    + "the wrong type", e);
        }
    }

    /// <summary>A tensor's name as it is today.</summary>
    internal static string NewName(string name)
    {
        if (!name.Contains(".attentions.", StringComparison.Ordinal))
            return name;
        foreach (var (old, today) in OldNames)
            name = name.Replace(old, today, StringComparison.Ordinal);
        return name;
    }

    private static Prediction ReadPrediction(string folder)
    {
        string? file = new[] { Path.Combine(folder, SchedulerFile),
            Path.Combine(folder, "..", SchedulerFolder, SchedulerFile) }.FirstOrDefault(File.Exists);
        if (file is null)
            return Prediction.Eps;
        var o = StrictJson.ReadObject(file);
        Require(file, "beta_schedule", Value(o, "beta_schedule"), "\"linear\"");
        Require(file, "beta_start", Value(o, "beta_start"), "0.0001");
        Require(file, "beta_end", Value(o, "beta_end"), "0.02");
        // The oldest files call it "timesteps".
        Require(file, "num_train_timesteps", Value(o, o.ContainsKey("timesteps") ? "timesteps" : "num_train_timesteps"), "1000");
        return Value(o, "prediction_type") switch
        {
            "null" or "\"epsilon\"" => Prediction.Eps,
            "\"sample\"" => Prediction.X,
            "\"v_prediction\"" => Prediction.V,
            var other =>
                throw new BDenseException(
                    $"{file}: field 'prediction_type': {other}; known are \"epsilon\", \"sample\" and \"v_prediction\""),
        };
    }

    private static JsonObject UNetJson(UNetConfig c)
    {
        var levels = c.ChannelMultipliers.Select((_, level) => c.AttentionResolutions.Contains(c.Resolution >> level)).ToArray();
        var o = new JsonObject
        {
            [ClassName] = "UNet2DModel",
            ["sample_size"] = c.Resolution,
            ["in_channels"] = c.ImageChannels,
            ["out_channels"] = c.Branches * c.ImageChannels,
            ["block_out_channels"] = new JsonArray([.. c.ChannelMultipliers.Select(m => (JsonNode)(m * c.ModelChannels))]),
            ["layers_per_block"] = c.BlocksPerLevel,
            ["down_block_types"] = new JsonArray([.. levels.Select(a => (JsonNode)(a ? "AttnDownBlock2D" : "DownBlock2D"))]),
            ["up_block_types"] = new JsonArray([.. levels.Reverse().Select(a => (JsonNode)(a ? "AttnUpBlock2D" : "UpBlock2D"))]),
            ["attention_head_dim"] = c.ChannelsPerHead == 0 ? null : c.ChannelsPerHead,
            ["norm_num_groups"] = c.Groups,
            ["norm_eps"] = c.Epsilon,
            ["dropout"] = (double)c.Dropout,
        };
        foreach (var (field, _, ours) in Fixed)
            o[field] = JsonNode.Parse(ours);
        return o;
    }

    private static void Require(string file, string field, string value, string expected)
    {
        bool equal = value == expected
            || (double.TryParse(value, CultureInfo.InvariantCulture, out double a)
                && double.TryParse(expected, CultureInfo.InvariantCulture, out double b) && a == b);
        if (!equal)
            throw new BDenseException($"{file}: field '{field}' is {value}; the family '{UNetConfig.Ddpm}' has {expected}");
    }

    private static bool Attends(string type) => type.StartsWith("Attn", StringComparison.Ordinal);

    private static string Value(JsonObject o, string field) => o[field]?.ToJsonString() ?? "null";

    private static int Int(JsonObject o, string field, int @default) => o[field]?.GetValue<int>() ?? @default;

    private static T[] Array<T>(JsonObject o, string field) => [.. o[field]!.AsArray().Select(v => v!.GetValue<T>())];

    private static string Text(JsonObject o) => o.ToJsonString(Indented) + "\n";
}
