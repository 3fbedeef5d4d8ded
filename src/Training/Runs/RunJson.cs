using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using BDense.Kernels;

namespace BDense.Training;

/// <summary>How records become files of a run: camel case, enumerations by name, unknown fields refused.</summary>
public static class RunJson
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
    };

    private static readonly JsonSerializerOptions OneLine = new(Options) { WriteIndented = false };

    public static JsonNode ToNode<T>(T value) => JsonSerializer.SerializeToNode(value, Options)!;

    public static string ToText(JsonNode node) => node.ToJsonString(Options);

    public static string ToLine<T>(T value) => JsonSerializer.Serialize(value, OneLine);

    /// <exception cref="BDenseException">Not of this kind; names the source and the field.</exception>
    public static T FromNode<T>(JsonNode? node, string source)
    {
        try
        {
            return node.Deserialize<T>(Options) ?? throw new BDenseException($"{source}: empty");
        }
        catch (JsonException e)
        {
            throw new BDenseException($"{source}: field '{e.Path?.TrimStart('$', '.')}' cannot be read", e);
        }
    }

    /// <exception cref="BDenseException">No such file, or no JSON object.</exception>
    public static JsonObject Read(string path)
    {
        try
        {
            return JsonNode.Parse(File.ReadAllText(path)) as JsonObject ?? throw new BDenseException($"{path}: not a JSON object");
        }
        catch (JsonException e)
        {
            throw new BDenseException($"{path}: not JSON (line {e.LineNumber + 1})", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BDenseException(e is FileNotFoundException or DirectoryNotFoundException ? $"{path}: no such file" : $"cannot read {path}: {e.Message}", e);
        }
    }

    /// <summary>The first field in which two configurations differ, as <c>optimizer.learningRate is 0.001, not 0.002</c>; null if none.</summary>
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
