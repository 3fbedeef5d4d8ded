using System.Text.Json.Nodes;

namespace BDense.Training.Runs;

/// <summary>Kinds of what a run is made from.</summary>
internal enum SourceKind
{
    Data,
    Device,
    Teacher,
    FirstStage,
    Init,
}

/// <summary>Something that a run is made from, and how its configuration names it.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Key">Of its name; its fingerprint, where there is one, stands under <see cref="RunData.PrintKey"/>.</param>
/// <param name="FormerKey">Of the list of those before it was changed; empty where it cannot be.</param>
internal sealed record RunSource(SourceKind Kind, string Key, string FormerKey)
{
    // Digits of a digest that a line for people shows.
    private const int Digits = 12;

    private string PrintKey => RunData.PrintKey(Key);

    public string What => Kind switch
    {
        SourceKind.Data => "data",
        SourceKind.Device => "device",
        SourceKind.Teacher => "teacher",
        SourceKind.FirstStage => "first stage",
        _ => "starting weights",
    };

    /// <summary>Whether a configuration has it under its key; that of a teacher's own training has its options there.</summary>
    public bool IsIn(JsonObject config) => config[Key] is not JsonObject;

    /// <summary>
    /// How two configurations differ in it, as <c>a (64 images ..), not b (128 images ..)</c>; null if they do not, or if it is not known.
    /// </summary>
    public string? Change(JsonObject was, JsonObject wanted)
    {
        if (!IsIn(was) || !IsIn(wanted) || (Kind == SourceKind.Device && (was[Key] is null || wanted[Key] is null)))
            return null;
        if (was[PrintKey] is { } before && wanted[PrintKey] is { } now ? JsonNode.DeepEquals(before, now)
            : JsonNode.DeepEquals(was[Key], wanted[Key]))
            return null;
        return $"{Text(was)}, not {Text(wanted)}";
    }

    /// <summary>Whether a run has one of which less is known than is now: older versions wrote no more.</summary>
    public bool IsUnknown(JsonObject was, JsonObject wanted) => IsIn(was) && IsIn(wanted)
        && (Kind == SourceKind.Device ? was[Key] is null && wanted[Key] is not null
            : was[Key] is not null && was[PrintKey] is null && wanted[PrintKey] is not null);

    public string Refusal(string change) => Kind switch
    {
        SourceKind.Data => $"with other data: it has seen {change}; give the same data, or --allow-changed-data to go on with these",
        SourceKind.Device =>
            $"on another device, whose bits are others: it was computed on {change}; give the same --device, or --allow-changed-device "
                + "to go on with this one",
        SourceKind.Init => $"with other starting weights: it began with {change}; give the same --init",
        _ => $"with another {What}: it has learned from {change}; give the same {What}",
    };

    public string Notice(string change) =>
        Kind == SourceKind.Data ? $"with other data: it has seen {change}" : $"on another device: it was computed on {change}";

    /// <summary>
    /// The configuration of a run that goes on with another one: still the same run, and what it had before stays on record.
    /// </summary>
    public JsonObject Changed(JsonObject was, JsonObject wanted)
    {
        var config = RunIdentity.Kept(was);
        var former = config[FormerKey] as JsonArray;
        if (former is null)
            config[FormerKey] = former = [];
        former.Add((JsonNode)(was[PrintKey] is null ? $"{was[Key]}" : $"{was[Key]}, {was[PrintKey]}"));
        foreach (string key in new[] { Key, PrintKey })
        {
            config.Remove(key);
            if (wanted[key] is { } value)
                config[key] = value.DeepClone();
        }
        return config;
    }

    private string Text(JsonObject config)
    {
        string name = config[Key]?.ToString() ?? "none", print = config[PrintKey]?.ToString() ?? "";
        int end = print.IndexOf(RunData.Sha, StringComparison.Ordinal) + RunData.Sha.Length + Digits;
        return print.Length == 0 ? name : $"{name} ({(end < print.Length ? print[..end] : print)})";
    }
}
