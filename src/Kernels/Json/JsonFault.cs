using System.Text.Json;

namespace BDense.Kernels;

/// <summary>System.Text.Json's faults in words that name the field, not the class behind it.</summary>
internal static class JsonFault
{
    private static readonly Dictionary<string, string> Kinds = new()
    {
        ["System.Int32"] = "a whole number",
        ["System.Int64"] = "a whole number",
        ["System.UInt64"] = "a whole number from 0",
        ["System.Single"] = "a number",
        ["System.Double"] = "a number",
        ["System.String"] = "text",
        ["System.Boolean"] = "true or false",
    };

    /// <summary>One line: field, fault and line number, as far as they are known.</summary>
    /// <param name="e">What was thrown.</param>
    /// <param name="within">The field that was read, where it was not the whole file: a line is not known then.</param>
    public static string Describe(JsonException e, string within = "")
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
        else if (message.Contains("allow setting null", StringComparison.Ordinal) || message.Contains("allow null", StringComparison.Ordinal))
            message = "null, and a value is needed";
        string path = e.Path is { Length: > 1 } given ? given[1..].TrimStart('.') : "";
        path = within.Length == 0 || path.Length == 0 || path.StartsWith('[') ? within + path : $"{within}.{path}";
        string field = path.Length > 0 ? $"field {Printable.Quoted(path)}: " : "";
        string at = e.LineNumber is { } line && within.Length == 0 ? FormattableString.Invariant($" (line {line + 1})") : "";
        return Printable.Text(field + message + at);
    }

    private static string? After(string message, string start)
    {
        int i = message.IndexOf(start, StringComparison.Ordinal);
        return i < 0 ? null : message[(i + start.Length)..];
    }

    private static string Expected(string type)
    {
        const string Optional = "System.Nullable`1[";
        if (type.StartsWith(Optional, StringComparison.Ordinal))
            type = type[Optional.Length..].TrimEnd(']');
        if (type.EndsWith("[]", StringComparison.Ordinal))
            return Kinds.TryGetValue(type[..^2], out string? element) ? $"a list of {element.Replace("a whole number", "whole numbers", StringComparison.Ordinal).Replace("a number", "numbers", StringComparison.Ordinal)}" : "a list";
        if (Kinds.TryGetValue(type, out string? kind))
            return kind;
        var choices = AppDomain.CurrentDomain.GetAssemblies().Select(assembly => assembly.GetType(type)).FirstOrDefault(t => t?.IsEnum == true);
        return choices is null ? type.Contains("List", StringComparison.Ordinal) ? "a list" : "an object of fields"
            : $"one of {string.Join(", ", Enum.GetNames(choices).Select(JsonNamingPolicy.CamelCase.ConvertName))}";
    }
}
