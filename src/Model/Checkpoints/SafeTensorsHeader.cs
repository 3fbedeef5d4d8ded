using System.Buffers.Binary;
using System.Text.Json;
using BDense.Kernels;
using BDense.Kernels.Json;

namespace BDense.Model.Checkpoints;

/// <summary>A tensor as the header declares it; Begin and End count bytes from the end of the header.</summary>
internal sealed record SafeTensorsEntry(string Name, FloatType Type, int[] Shape, int Length, long Begin, long End);

/// <summary>
/// Reads and checks the header of a safetensors file: nothing it claims is used before it has been held to the file's length.
/// </summary>
internal static class SafeTensorsHeader
{
    public const string MetadataKey = "__metadata__";

    // The format's own bound on the header; the other two keep a hostile header from costing gigabytes.
    private const long MaxHeaderBytes = 100_000_000;
    private const int MaxTensors = 100_000;
    private const int MaxRank = 8;

    /// <returns>The tensors by offset, the metadata, and where the data start in the file.</returns>
    public static (List<SafeTensorsEntry> Entries, Dictionary<string, string> Metadata, long DataStart) Read(string path, Stream stream)
    {
        long size = stream.Length;
        Check(size > 0, path, "the file is empty, not a safetensors file");
        Check(size >= 10, path, $"{size} bytes are too few for a safetensors file");
        Span<byte> prefix = stackalloc byte[8];
        stream.ReadExactly(prefix);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        Check(length <= MaxHeaderBytes, path,
            $"not a safetensors file: it declares a header of {length} bytes, at most {MaxHeaderBytes} are allowed");
        Check((long)length <= size - 8, path,
            $"cut short or not a safetensors file: a header of {length} bytes is declared, {size - 8} bytes are there");
        var header = new byte[length];
        stream.ReadExactly(header);
        Check(header.Length > 0 && header[0] == '{', path, "the safetensors header does not start with '{'");
        StrictJson.Check(header, $"{path}: the safetensors header");

        List<SafeTensorsEntry> entries;
        Dictionary<string, string> metadata;
        try
        {
            (entries, metadata) = Parse(path, header);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new BDenseException($"{path}: the safetensors header is not of the format: {e.Message.ReplaceLineEndings(" ")}", e);
        }

        entries.Sort((a, b) => (a.Begin, a.End).CompareTo((b.Begin, b.End)));
        CheckCover(path, entries, size - 8 - (long)length);
        return (entries, metadata, 8 + (long)length);
    }

    // Every byte of the data belongs to exactly one tensor: no gap, no overlap, nothing after the last (where another file could hide).
    private static void CheckCover(string path, List<SafeTensorsEntry> entries, long dataBytes)
    {
        long position = 0;
        foreach (var entry in entries)
        {
            Check(entry.Begin >= position, path, $"tensor {entry.Name} overlaps the one before it");
            Check(entry.Begin == position, path, $"{entry.Begin - position} bytes before tensor {entry.Name} belong to no tensor");
            Check(entry.End <= dataBytes, path,
                $"cut short: tensor {entry.Name} ends at byte {entry.End} of the data, {dataBytes} bytes are there");
            position = entry.End;
        }
        Check(position == dataBytes, path, $"{dataBytes - position} bytes after the last tensor belong to no tensor");
    }

    private static (List<SafeTensorsEntry> Entries, Dictionary<string, string> Metadata) Parse(string path, ReadOnlySpan<byte> header)
    {
        var json = new Utf8JsonReader(header, new JsonReaderOptions { MaxDepth = 4 });
        var entries = new List<SafeTensorsEntry>();
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        json.Read();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            string name = json.GetString()!;
            Check(entries.Count < MaxTensors, path, $"more than {MaxTensors} tensors");
            json.Read();
            Check(json.TokenType == JsonTokenType.StartObject, path, $"header entry {Quote(name)} is not an object");
            if (name == MetadataKey)
                ParseMetadata(path, ref json, metadata);
            else
                entries.Add(ParseEntry(path, ref json, Quote(name), name));
        }
        // Reads on to the end, so that anything but blanks after the object is an error of the JSON reader.
        json.Read();
        return (entries, metadata);
    }

    private static void ParseMetadata(string path, ref Utf8JsonReader json, Dictionary<string, string> metadata)
    {
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            string key = json.GetString()!;
            json.Read();
            Check(json.TokenType == JsonTokenType.String, path, $"metadata {Quote(key)} is not text");
            metadata.Add(key, json.GetString()!);
        }
    }

    private static SafeTensorsEntry ParseEntry(string path, ref Utf8JsonReader json, string label, string name)
    {
        string? dtype = null;
        List<long>? shape = null, offsets = null;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            string key = json.GetString()!;
            json.Read();
            switch (key)
            {
                case "dtype":
                    Check(json.TokenType == JsonTokenType.String, path, $"tensor {label}: dtype is not text");
                    dtype = json.GetString();
                    break;
                case "shape":
                    shape = ParseNumbers(path, ref json, label, key, MaxRank);
                    break;
                case "data_offsets":
                    offsets = ParseNumbers(path, ref json, label, key, 2);
                    break;
                default:
                    throw new BDenseException($"{path}: tensor {label} has an unknown field {Quote(key)}");
            }
        }
        Check(dtype is not null && shape is not null && offsets is { Count: 2 }, path,
            $"tensor {label} lacks dtype, shape or data_offsets");
        Check(Enum.TryParse(dtype, out FloatType type) && Enum.IsDefined(type) && type.ToString() == dtype, path,
            $"tensor {label} is {Quote(dtype!)}; float tensors (F32, F16, BF16, F64) can be read");

        int length = Length(path, label, shape!);
        long begin = offsets![0], end = offsets[1];
        Check(begin <= end, path, $"tensor {label} ends (byte {end}) before it begins (byte {begin})");
        Check(end - begin == (long)length * type.Bytes(), path,
            $"tensor {label}: {dtype} of shape [{string.Join(", ", shape!)}] takes {(long)length * type.Bytes()} bytes, data_offsets "
                + $"give it {end - begin}");
        return new SafeTensorsEntry(name, type, [.. shape!.Select(extent => (int)extent)], length, begin, end);
    }

    private static List<long> ParseNumbers(string path, ref Utf8JsonReader json, string label, string key, int max)
    {
        Check(json.TokenType == JsonTokenType.StartArray, path, $"tensor {label}: {key} is not an array");
        var numbers = new List<long>();
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            Check(numbers.Count < max, path, $"tensor {label}: {key} has more than {max} numbers");
            Check(json.TokenType == JsonTokenType.Number && json.TryGetInt64(out long n) && n >= 0, path,
                $"tensor {label}: {key} holds something that is not a whole number from 0 to 2^63-1");
            numbers.Add(json.GetInt64());
        }
        return numbers;
    }

    private static int Length(string path, string label, List<long> shape)
    {
        // Each extent alone must fit too: [2^40, 0] is no shape of ours, though its product is 0.
        long product = 1;
        foreach (long extent in shape)
        {
            Check(extent <= int.MaxValue, path, $"tensor {label}: an extent of {extent} is too large");
            product = Math.Min(product * extent, (long)int.MaxValue + 1);
            Check(product <= Array.MaxLength, path, $"tensor {label} of shape [{string.Join(", ", shape)}] has more than 2^31 elements");
        }
        return (int)product;
    }

    // At most 60 characters of a name from a file, without line breaks or control codes: messages stay one line.
    private static string Quote(string name) =>
        $"'{string.Concat(name.Take(60).Select(c => char.IsControl(c) ? '?' : c))}{(name.Length > 60 ? "..." : "")}'";

    private static void Check(bool condition, string path, string fault)
    {
        if (!condition)
            throw new BDenseException($"{path}: {fault}");
    }
}
