using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Training.Data;
using BDense.Training.Solvers;

namespace BDense.Training.Runs;

/// <summary>
/// What a run is made from, in its configuration: a name for people, and a fingerprint, which alone decides whether a resumed run has the
/// same. Data or a network that have moved are the same; what was written anew under the old name is not.
/// </summary>
public static class RunData
{
    /// <summary>Before a digest.</summary>
    internal const string Sha = "SHA-256 ";

    private const string FormerKey = "formerData", PrintSuffix = "Fingerprint";

    /// <summary>
    /// In a configuration: a distillation's teacher, the second stage's first student, the weights that a run begins with.
    /// </summary>
    public const string TeacherKey = "teacher", FirstStageKey = "firstStage", InitKey = "init";

    private const string DataKey = "data", DeviceKey = "device";

    internal static readonly IReadOnlyList<RunSource> Sources =
    [
        new(SourceKind.Data, DataKey, FormerKey),
        new(SourceKind.Device, DeviceKey, "formerDevice"),
        new(SourceKind.Teacher, TeacherKey, ""),
        new(SourceKind.FirstStage, FirstStageKey, ""),
        new(SourceKind.Init, InitKey, ""),
    ];

    /// <summary>The configuration with the data in it; none for a run that needs none.</summary>
    public static JsonObject WithData(this JsonObject config, Dataset? data)
    {
        config[DataKey] = data?.Name;
        if (data is not null)
            config[DataKey + PrintSuffix] = Fingerprint(data);
        return config;
    }

    /// <summary>The configuration with a network in it that the run depends on.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="key">What the network is to the run.</param>
    /// <param name="path">Where it lies.</param>
    /// <param name="fingerprint">Of <see cref="TrainedNetwork.Fingerprint"/>; none where it is not known.</param>
    public static JsonObject WithNetwork(this JsonObject config, string key, string path, string? fingerprint)
    {
        config[key] = path;
        if (fingerprint is not null)
            config[key + PrintSuffix] = Sha + fingerprint;
        return config;
    }

    /// <summary>The configuration with the teacher that another run names, as far as it does.</summary>
    public static JsonObject WithTeacherOf(this JsonObject config, JsonObject other)
    {
        foreach (string key in new[] { TeacherKey, TeacherKey + PrintSuffix })
        {
            if (other[key] is { } value)
                config[key] = value.DeepClone();
        }
        return config;
    }

    /// <summary>The configuration with what decides how the device rounds.</summary>
    public static JsonObject WithDevice(this JsonObject config, Backend backend)
    {
        config[DeviceKey] = backend.Rounding;
        return config;
    }

    /// <summary>How many images of what size, and their digest.</summary>
    public static string Fingerprint(Dataset data) =>
        FormattableString.Invariant($"{data.Count} images of {data.Height} x {data.Width} x {data.Channels}, {Sha}{data.Fingerprint}");

    /// <summary>
    /// The fingerprint of a network that a configuration names, as <see cref="TrainedNetwork.Fingerprint"/> has it; none in older ones.
    /// </summary>
    public static string? FingerprintOf(JsonObject config, string key) =>
        config[key + PrintSuffix] is { } print ? print.ToString().Replace(Sha, "", StringComparison.Ordinal) : null;

    /// <summary>The data that a teacher's run names and their fingerprint; none where the path is no run, or an older one.</summary>
    public static (string Name, string Fingerprint)? DataOf(string path)
    {
        if (!File.Exists(Path.Combine(path, RunFolder.ConfigFile)) || !Directory.Exists(Path.Combine(path, RunFolder.CheckpointsFolder)))
            return null;
        var config = RunFolder.Existing(path).ReadConfig();
        return config[DataKey] is { } name && config[DataKey + PrintSuffix] is { } print ? (name.ToString(), print.ToString()) : null;
    }

    /// <summary>What is asked for besides what it is made from.</summary>
    internal static JsonObject Without(JsonObject config)
    {
        var rest = (JsonObject)config.DeepClone();
        foreach (var source in Sources.Where(source => source.IsIn(config)))
        {
            rest.Remove(source.Key);
            rest.Remove(source.Key + PrintSuffix);
            rest.Remove(source.FormerKey);
        }
        rest.Remove(RunIdentity.Key);
        // Older versions called a solver otherwise.
        if (rest[RunFolder.DistillKey] is JsonObject distill && distill["solver"] is JsonValue solver
            && solver.TryGetValue(out string? name))
            distill["solver"] = SolverCatalog.OfFile(name);
        return rest;
    }

    /// <summary>The first difference between two configurations, that of what they are made from last; null if there is none.</summary>
    internal static string? Difference(JsonObject was, JsonObject wanted) => RunJson.Difference(Without(was), Without(wanted))
        ?? Sources.Select(source => source.Change(was, wanted) is { } change ? $"its {source.What}: {change}" : null)
            .FirstOrDefault(text => text is not null);

    internal static string PrintKey(string key) => key + PrintSuffix;
}
