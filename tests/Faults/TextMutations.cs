using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace BDense.Tests.Faults;

/// <summary>Damage that knows text: other numbers, and in JSON other values, doubled, lost and misnamed fields.</summary>
internal static partial class TextMutations
{
    private static readonly string[] Numbers =
    [
        "-1", "0", "1", "2", "-0", "00", "0.5", "1.5", "1e5", "1e-400", "1e308", "1e999", "-1e999", "2147483647", "2147483648",
        "-2147483648", "4294967296", "9223372036854775807",
        "9223372036854775808", "-9223372036854775808", "18446744073709551615", "99999999999999999999999999", "NaN", "Infinity", "-Infinity",
        "0x10", "1,5", "", " ", "1_000",
    ];

    private static readonly string[] Values =
    [
        "null", "true", "false", "{}", "[]", "\"\"", "\"text\"", "\"\\ud800\"", "\"\\udc00x\"", "\"\\u0000\"", "\"\\u001b[31m\"",
        "\"../../x\"", "\"/\"", "\"NaN\"", "\"Infinity\"", "\"-1\"",
        "[null]", "[[]]", "[null,null]", "{\"a\":1}", "{\"a\":1,\"a\":1}", "0", "-1", "1.5", "1e999", "1e308", "2147483647", "2147483648",
        "9223372036854775808",
        new string('[', 40) + new string(']', 40), new string('[', 200), "\"" + new string('x', 5000) + "\"", "\"é\"", "\"\u2028\u202e\"",
        "[1,2,3]", "[0]", "[1e308,1e308]", "[-1]",
    ];

    /// <summary>A number somewhere becomes another.</summary>
    public static byte[] Number(Random r, byte[] sample)
    {
        // Latin-1: a byte a character, whatever the bytes are.
        string text = Encoding.Latin1.GetString(sample);
        var numbers = NumberText().Matches(text);
        if (numbers.Count == 0)
            return sample;
        var match = numbers[r.Next(numbers.Count)];
        return Encoding.Latin1.GetBytes(text[..match.Index] + Numbers[r.Next(Numbers.Length)] + text[(match.Index + match.Length)..]);
    }

    /// <summary>A change that is still JSON, most likely: to a value, a field, or an element.</summary>
    public static byte[] Json(Random r, byte[] sample)
    {
        var parts = Parts(sample);
        if (parts.Count == 0)
            return ByteMutations.Apply(r, sample, sample);
        var part = parts[r.Next(parts.Count)];
        byte[] value = Encoding.UTF8.GetBytes(Values[r.Next(Values.Length)]);
        switch (r.Next(9))
        {
            case 0 or 1 or 2:
                return Replaced(part.Value, part.End, value);
            case 3:
                return Replaced(part.Value, part.End, "null"u8);
            // Twice the same, and twice with different values.
            case 4:
                return Replaced(part.End, part.End, [.. ","u8, .. sample[part.Start..part.End]]);
            case 5:
                return Replaced(part.End, part.End, [.. ","u8, .. sample[part.Start..part.Value], .. value]);
            case 6:
                return Lost(part);
            case 7:
                var other = parts[r.Next(parts.Count)];
                return Replaced(part.Value, part.End, sample[other.Value..other.End]);
            default:
                return part.Start == part.Value ? Lost(part)
                    : Replaced(part.Start, part.Value, r.Next(2) == 0 ? "\"\\ud800\":"u8 : "\"other\":"u8);
        }

        byte[] Replaced(int from, int to, ReadOnlySpan<byte> with) => [.. sample[..from], .. with, .. sample[to..]];

        // With a comma on one of its sides, so that what is left is still a list of fields.
        byte[] Lost((int Start, int Value, int End) lost)
        {
            int start = lost.Start, end = lost.End;
            while (start > 0 && char.IsWhiteSpace((char)sample[start - 1]))
                start--;
            if (start > 0 && sample[start - 1] == ',')
                start--;
            else if (end < sample.Length && sample[end] == ',')
                end++;
            return Replaced(start, end, []);
        }
    }

    /// <summary>Where fields (name to end of value) and elements of lists are; none of what is no JSON.</summary>
    private static List<(int Start, int Value, int End)> Parts(byte[] json)
    {
        var parts = new List<(int, int, int)>();
        try
        {
            var reader = new Utf8JsonReader(json);
            var open = new Stack<(int Start, int Value)>();
            int name = -1;
            while (reader.Read())
            {
                int at = (int)reader.TokenStartIndex;
                switch (reader.TokenType)
                {
                    case JsonTokenType.PropertyName:
                        name = at;
                        break;
                    case JsonTokenType.StartArray or JsonTokenType.StartObject:
                        open.Push((name < 0 ? at : name, at));
                        name = -1;
                        break;
                    case JsonTokenType.EndArray or JsonTokenType.EndObject:
                        var (start, value) = open.Pop();
                        parts.Add((start, value, (int)reader.BytesConsumed));
                        break;
                    default:
                        parts.Add((name < 0 ? at : name, at, (int)reader.BytesConsumed));
                        name = -1;
                        break;
                }
            }
        }
        catch (JsonException)
        {
            // As far as it goes.
        }
        return parts;
    }

    [GeneratedRegex(@"-?\d[\d.eE+-]*")]
    private static partial Regex NumberText();
}
