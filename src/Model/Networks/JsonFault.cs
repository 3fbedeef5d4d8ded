using System.Text.Json;

namespace BDense.Model;

/// <summary>System.Text.Json's faults in words that name the field, not the class behind it.</summary>
internal static class JsonFault
{
    /// <summary>One line: field, fault and line number, as far as they are known.</summary>
    public static string Describe(JsonException e)
    {
        string message = e.Message;
        int end = message.IndexOf(" Path:", StringComparison.Ordinal);
        if (end >= 0)
            message = message[..end];
        message = message.ReplaceLineEndings(" ").TrimEnd('.', ' ');
        if (After(message, "could not be converted to ") is { } type)
            message = $"expected {Expected(type)}";
        else if (After(message, "missing required properties including: ") is { } names)
            message = $"missing: {names}";
        else if (message.Contains("could not be mapped to any .NET member", StringComparison.Ordinal))
            message = "there is no such field";
        string field = e.Path is { Length: > 2 } path ? $"field '{path[2..]}': " : "";
        string at = e.LineNumber is { } line ? FormattableString.Invariant($" (line {line + 1})") : "";
        return field + message + at;
    }

    private static string? After(string message, string start)
    {
        int i = message.IndexOf(start, StringComparison.Ordinal);
        return i < 0 ? null : message[(i + start.Length)..];
    }

    private static string Expected(string type) => type switch
    {
        "System.Int32" => "a whole number",
        "System.Int32[]" => "a list of whole numbers",
        "System.Single" or "System.Double" => "a number",
        "System.String" => "text",
        _ when type.EndsWith(nameof(Prediction), StringComparison.Ordinal) => OneOf<Prediction>(),
        _ when type.EndsWith(nameof(NoiseEmbedding), StringComparison.Ordinal) => OneOf<NoiseEmbedding>(),
        _ => "an object of fields",
    };

    private static string OneOf<T>()
        where T : struct, Enum => $"one of {string.Join(", ", Enum.GetNames<T>().Select(JsonNamingPolicy.CamelCase.ConvertName))}";
}
