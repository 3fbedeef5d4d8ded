using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace BDense.Training.Runs;

/// <summary>
/// What makes a run that run: a digest of all that was asked for. Two runs of one configuration are one run: they make the same bits, so
/// their checkpoints may stand for each other.
/// </summary>
internal static class RunIdentity
{
    /// <summary>In a configuration that was changed on the way: what the run has been called from its beginning.</summary>
    public const string Key = "identity";

    /// <summary>The digest of a configuration, in lower-case hexadecimal digits, whatever the order of its fields.</summary>
    public static string Of(JsonObject config) =>
        config[Key]?.ToString() ?? Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(RunJson.ToText(Sorted(config)!))));

    /// <summary>A copy of a configuration that is about to change, which the run's checkpoints know it by as before.</summary>
    public static JsonObject Kept(JsonObject config)
    {
        var kept = (JsonObject)config.DeepClone();
        kept[Key] = Of(config);
        return kept;
    }

    private static JsonNode? Sorted(JsonNode? node) => node switch
    {
        JsonObject o =>
            new JsonObject(o.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => KeyValuePair.Create(p.Key, Sorted(p.Value)))),
        JsonArray a => new JsonArray([.. a.Select(Sorted)]),
        _ => node?.DeepClone(),
    };
}
