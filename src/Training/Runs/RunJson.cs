using System.Text.Json;
using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Kernels.Json;
using BDense.Training.Distillation;

namespace BDense.Training.Runs;

/// <summary>How records become files of a run: camel case, enumerations by name, unknown fields refused.</summary>
public static class RunJson
{
    internal static JsonSerializerOptions Options { get; } = new(StrictJson.Options) { Converters = { new DistillJson() } };

    private static readonly JsonSerializerOptions OneLine = new(Options) { WriteIndented = false };

    /// <summary>A record as a part of a file.</summary>
    public static JsonNode ToNode<T>(T value) => JsonSerializer.SerializeToNode(value, Options)!;

    /// <summary>A file's text, indented.</summary>
    public static string ToText(JsonNode node) => node.ToJsonString(Options);

    /// <summary>A record on one line.</summary>
    public static string ToLine<T>(T value) => JsonSerializer.Serialize(value, OneLine);

    /// <param name="node">What was read.</param>
    /// <param name="source">The file, for messages.</param>
    /// <param name="field">Name of the part that <paramref name="node"/> is; empty for the whole.</param>
    /// <exception cref="BDenseException">Missing or not of this kind; names the source and the field.</exception>
    public static T FromNode<T>(JsonNode? node, string source, string field = "") => StrictJson.Convert<T>(node, source, field, Options);

    /// <exception cref="BDenseException">No such file, or no JSON object.</exception>
    public static JsonObject Read(string path) => StrictJson.ReadObject(path);

    /// <summary>
    /// The first field in which two configurations differ, as <c>optimizer.learningRate is 0.001, not 0.002</c>; null if none.
    /// </summary>
    public static string? Difference(JsonNode? was, JsonNode? wanted, string at = "")
    {
        if (was is JsonObject a && wanted is JsonObject b)
        {
            return a.Select(p => p.Key).Union(b.Select(p => p.Key))
                .Select(key => Difference(a[key], b[key], at.Length == 0 ? key : $"{at}.{key}"))
                .FirstOrDefault(d => d is not null);
        }
        return JsonNode.DeepEquals(was, wanted) ? null : $"{at} is {Text(was)}, not {Text(wanted)}";
    }

    private static string Text(JsonNode? node) => node?.ToJsonString(OneLine) ?? "absent";
}
