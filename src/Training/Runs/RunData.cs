using System.Text.Json.Nodes;

namespace BDense.Training;

/// <summary>
/// A run's data in its configuration: a name for people, and a fingerprint, which alone decides whether a resumed run sees the same. A
/// dataset that has moved is the same; one that was written anew under the old name is not.
/// </summary>
public static class RunData
{
    private const string NameKey = "data", FingerprintKey = "dataFingerprint", FormerKey = "formerData", Sha = "SHA-256 ";

    // Digits of a digest that a line for people shows.
    private const int Digits = 12;

    /// <summary>The configuration with the data in it; none for a run that needs none.</summary>
    public static JsonObject WithData(this JsonObject config, Dataset? data)
    {
        config[NameKey] = data?.Name;
        if (data is not null)
            config[FingerprintKey] = Fingerprint(data);
        return config;
    }

    /// <summary>How many images of what size, and their digest.</summary>
    public static string Fingerprint(Dataset data) =>
        FormattableString.Invariant($"{data.Count} images of {data.Height} x {data.Width} x {data.Channels}, {Sha}{data.Fingerprint}");

    /// <summary>What is asked for besides the data.</summary>
    internal static JsonObject Without(JsonObject config)
    {
        var rest = (JsonObject)config.DeepClone();
        foreach (string key in new[] { NameKey, FingerprintKey, FormerKey, RunIdentity.Key })
            rest.Remove(key);
        // Older versions called a solver otherwise.
        if (rest[RunFolder.DistillKey] is JsonObject distill && distill["solver"] is JsonValue solver && solver.TryGetValue(out string? name))
            distill["solver"] = Solvers.OfFile(name);
        return rest;
    }

    /// <summary>The first difference between two configurations, that of their data last; null if there is none.</summary>
    internal static string? Difference(JsonObject was, JsonObject wanted) =>
        RunJson.Difference(Without(was), Without(wanted)) ?? (Change(was, wanted) is { } change ? $"its data are {change}" : null);

    /// <summary>How the data of two configurations differ, as <c>a (64 images ..), not b (128 images ..)</c>; null if they do not.</summary>
    internal static string? Change(JsonObject was, JsonObject wanted)
    {
        if (was[FingerprintKey] is { } before && wanted[FingerprintKey] is { } now ? JsonNode.DeepEquals(before, now) : JsonNode.DeepEquals(was[NameKey], wanted[NameKey]))
            return null;
        return $"{Text(was)}, not {Text(wanted)}";
    }

    /// <summary>Whether a run has data of which nothing but the name is known: older versions wrote no more.</summary>
    internal static bool IsUnknown(JsonObject was) => was[NameKey] is not null && was[FingerprintKey] is null;

    /// <summary>The configuration of a run that goes on with other data: still the same run, and what it saw before stays on record.</summary>
    internal static JsonObject Changed(JsonObject was, JsonObject wanted)
    {
        var config = (JsonObject)was.DeepClone();
        config[RunIdentity.Key] = RunIdentity.Of(was);
        var former = config[FormerKey] as JsonArray;
        if (former is null)
            config[FormerKey] = former = [];
        former.Add((JsonNode)$"{was[NameKey]}, {was[FingerprintKey]}");
        foreach (string key in new[] { NameKey, FingerprintKey })
            config[key] = wanted[key]?.DeepClone();
        return config;
    }

    private static string Text(JsonObject config)
    {
        string name = config[NameKey]?.ToString() ?? "none", print = config[FingerprintKey]?.ToString() ?? "";
        int end = print.IndexOf(Sha, StringComparison.Ordinal) + Sha.Length + Digits;
        return print.Length == 0 ? name : $"{name} ({(end < print.Length ? print[..end] : print)})";
    }
}
