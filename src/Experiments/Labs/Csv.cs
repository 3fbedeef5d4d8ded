using System.Globalization;
using System.Text;
using System.Text.Json;

namespace BDense.Experiments.Labs;

/// <summary>Records as comma-separated values: a line of names, those of the JSON, and a line a record, in invariant notation.</summary>
public static class Csv
{
    /// <summary>Nothing stands for none; text with a comma, a quote or a line break is quoted (RFC 4180).</summary>
    public static string Of<T>(IEnumerable<T> rows)
    {
        var properties = typeof(T).GetProperties();
        var text = new StringBuilder().AppendJoin(',', properties.Select(p => JsonNamingPolicy.CamelCase.ConvertName(p.Name))).Append('\n');
        foreach (var row in rows)
            text.AppendJoin(',', properties.Select(p => Field(p.GetValue(row)))).Append('\n');
        return text.ToString();
    }

    private static string Field(object? value)
    {
        string text = value switch
        {
            double number => number.ToString("g6", CultureInfo.InvariantCulture),
            bool yes => yes ? "true" : "false",
            IFormattable other => other.ToString(null, CultureInfo.InvariantCulture),
            _ => value?.ToString() ?? "",
        };
        return text.AsSpan().ContainsAny(',', '"', '\n') ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
    }
}
