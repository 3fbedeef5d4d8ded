using System.Reflection;
using System.Text.Json;

namespace BDense.Kernels.Json;

/// <summary>System.Text.Json's faults in words that name the field, not the class behind it.</summary>
internal static class JsonFault
{
    private static readonly Dictionary<Type, (string One, string Many)> Kinds = new()
    {
        [typeof(int)] = ("a whole number", "whole numbers"),
        [typeof(long)] = ("a whole number", "whole numbers"),
        [typeof(ulong)] = ("a whole number from 0", "whole numbers from 0"),
        [typeof(float)] = ("a number", "numbers"),
        [typeof(double)] = ("a number", "numbers"),
        [typeof(string)] = ("text", "texts"),
        [typeof(bool)] = ("true or false", "true or false"),
    };

    /// <summary>One line: field, fault and line number, as far as they are known.</summary>
    /// <param name="e">What was thrown.</param>
    /// <param name="root">What was to be read.</param>
    /// <param name="within">The field that was read, where it was not the whole file: a line is not known then.</param>
    public static string Describe(JsonException e, Type root, string within = "")
    {
        string message = e.Message;
        int end = message.IndexOf(" Path:", StringComparison.Ordinal);
        if (end >= 0)
            message = message[..end];
        message = message.ReplaceLineEndings(" ").TrimEnd('.', ' ');
        string path = e.Path is { Length: > 1 } given ? given[1..].TrimStart('.') : "";
        if (message.Contains("could not be converted to ", StringComparison.Ordinal))
            message = $"expected {Expected(TypeAt(root, path))}";
        else if (After(message, "missing required properties including: ") is { } names)
            message = $"missing: {names}";
        else if (message.Contains("could not be mapped to any .NET member", StringComparison.Ordinal))
            message = $"there is no such field{Known(root, path)}";
        else if (message.Contains("allow setting null", StringComparison.Ordinal)
            || message.Contains("allow null", StringComparison.Ordinal))
            message = "null, and a value is needed";
        path = within.Length == 0 || path.Length == 0 || path.StartsWith('[') ? within + path : $"{within}.{path}";
        string field = path.Length > 0 ? $"field {Printable.Quoted(path)}: " : "";
        string at = e.LineNumber is { } line && within.Length == 0 ? FormattableString.Invariant($" (line {line + 1})") : "";
        return Printable.Text(field + message + at);
    }

    /// <summary>The field that was probably meant, else those that there are in its place.</summary>
    private static string Known(Type root, string path)
    {
        int dot = path.LastIndexOf('.');
        if (TypeAt(root, dot < 0 ? "" : path[..dot]) is not { } parent)
            return "";
        string[] names = [.. (Nullable.GetUnderlyingType(parent) ?? parent).GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(p => p.SetMethod is not null).Select(p => JsonNamingPolicy.CamelCase.ConvertName(p.Name))];
        return Suggestion.For(path[(dot + 1)..], names) is { Length: > 0 } near ? near : names.Length > 0
            ? $"; there are {string.Join(", ", names)}" : "";
    }

    private static string? After(string message, string start)
    {
        int i = message.IndexOf(start, StringComparison.Ordinal);
        return i < 0 ? null : message[(i + start.Length)..];
    }

    /// <summary>The type of a part, by its path as the system writes it: <c>inner.numbers[1]</c>; none where it leads nowhere.</summary>
    private static Type? TypeAt(Type? type, string path)
    {
        foreach (string part in path.Split(['.', '['], StringSplitOptions.RemoveEmptyEntries))
        {
            if (type is null)
                return null;
            type = Nullable.GetUnderlyingType(type) ?? type;
            // A list's element, a dictionary's value, a record's property.
            var items = Items(type);
            type = part.EndsWith(']') || items is { Length: 2 } ? items?[^1]
                : type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                    .FirstOrDefault(p => JsonNamingPolicy.CamelCase.ConvertName(p.Name) == part)?.PropertyType;
        }
        return type;
    }

    private static Type[]? Items(Type type) =>
        type.IsArray ? [type.GetElementType()!] : type.IsGenericType ? type.GetGenericArguments() : null;

    private static string Expected(Type? type)
    {
        type = type is null ? null : Nullable.GetUnderlyingType(type) ?? type;
        if (type is null)
            return "something else";
        if (Kinds.TryGetValue(type, out var kind))
            return kind.One;
        if (type.IsEnum)
            return $"one of {string.Join(", ", Enum.GetNames(type).Select(JsonNamingPolicy.CamelCase.ConvertName))}";
        return Items(type) is [var element] ? Kinds.TryGetValue(element, out var many) ? $"a list of {many.Many}" : "a list"
            : "an object of fields";
    }
}
