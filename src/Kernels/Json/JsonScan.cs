using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace BDense.Kernels.Json;

/// <summary>One pass over a JSON text for what the system's own readers let through, or throw other exceptions for.</summary>
internal static class JsonScan
{
    /// <summary>The first fault: field, what is wrong, line; null if there is none.</summary>
    public static string? Fault(ReadOnlySpan<byte> utf8, JsonReaderOptions options)
    {
        if (!Utf8.IsValid(utf8))
            return "not UTF-8 text";
        var reader = new Utf8JsonReader(utf8, options);
        var open = new Stack<Level>();
        try
        {
            while (reader.Read())
            {
                string? fault = Take(ref reader, open);
                if (fault is not null)
                    return $"{Place(open)}{fault} (line {Line(utf8, reader.TokenStartIndex)})";
            }
            return null;
        }
        catch (JsonException e)
        {
            bool isDeep = open.Count >= options.MaxDepth;
            return isDeep ? $"lists or objects more than {options.MaxDepth} deep in each other (line {e.LineNumber + 1})"
                : $"not JSON (line {e.LineNumber + 1})";
        }
        catch (InvalidOperationException)
        {
            // GetString: an escaped half of a surrogate pair.
            return $"{Place(open)}holds half a surrogate pair, which is no text (line {Line(utf8, reader.TokenStartIndex)})";
        }
    }

    private static string? Take(ref Utf8JsonReader reader, Stack<Level> open)
    {
        if (reader.TokenType is not (JsonTokenType.EndArray or JsonTokenType.EndObject or JsonTokenType.PropertyName)
            && open.TryPeek(out var outer) && outer.Names is null)
            outer.Index++;
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                open.Push(new Level { Names = new HashSet<string>(StringComparer.Ordinal) });
                break;
            case JsonTokenType.StartArray:
                open.Push(new Level());
                break;
            case JsonTokenType.EndObject or JsonTokenType.EndArray:
                open.Pop();
                break;
            case JsonTokenType.PropertyName:
                var level = open.Peek();
                level.Name = "";
                level.Name = reader.GetString()!;
                return level.Names!.Add(level.Name) ? null : "is there twice";
            case JsonTokenType.String when reader.ValueIsEscaped:
                _ = reader.GetString();
                break;
            case JsonTokenType.Number when !reader.TryGetDouble(out double number) || !double.IsFinite(number):
                return "is a number too large for any double";
            default:
                break;
        }
        return null;
    }

    /// <summary>"field 'a.b[2]' ", with its blank; empty at the outermost.</summary>
    private static string Place(Stack<Level> open)
    {
        var path = new StringBuilder();
        foreach (var level in open.Reverse())
        {
            if (level.Names is null)
                path.Append(System.Globalization.CultureInfo.InvariantCulture, $"[{level.Index}]");
            else
                path.Append(path.Length > 0 ? "." : "").Append(level.Name);
        }
        return path.Length == 0 ? "" : $"field {Printable.Quoted(path.ToString())} ";
    }

    private static int Line(ReadOnlySpan<byte> utf8, long position) => 1 + utf8[..(int)position].Count((byte)'\n');

    /// <summary>An object (with the names that it has had, and the last of them) or a list (with the place in it).</summary>
    private sealed class Level
    {
        public HashSet<string>? Names { get; init; }

        public string Name { get; set; } = "";

        public int Index { get; set; } = -1;
    }
}
