using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace BDense.Kernels.Json;

/// <summary>
/// The one way JSON comes in: every file and every text of the project that is JSON passes here. A name that an object has twice, half a
/// surrogate pair, a number that no double holds, an unknown or missing field and null where a value is needed are refused, each in one
/// line that names file and field; what lenient readers make of these differs from one to the next.
/// </summary>
public static class StrictJson
{
    /// <summary>The most bytes of a file: beyond any configuration, so that a wrong file costs no memory.</summary>
    public const long MaxBytes = 64L << 20;

    private const int MaxDepth = 64;

    private static readonly JsonReaderOptions Plain = new() { MaxDepth = MaxDepth };
    private static readonly JsonReaderOptions Commented = new()
    {
        MaxDepth = MaxDepth,
        CommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };

    /// <summary>
    /// Camel case, enumerations by name, unknown, doubled, missing and null fields refused, infinity and NaN as text; indented.
    /// </summary>
    public static JsonSerializerOptions Options { get; } = Strict(JsonNumberHandling.AllowNamedFloatingPointLiterals);

    /// <summary>As <see cref="Options"/>, for what people write: comments and trailing commas allowed, numbers finite.</summary>
    public static JsonSerializerOptions Handwritten { get; } = new(Strict(JsonNumberHandling.Strict))
    {
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };

    /// <summary>A file as a record.</summary>
    /// <exception cref="BDenseException">It cannot be read, is no JSON or none of this kind.</exception>
    public static T Read<T>(string path, JsonSerializerOptions options) => Parse<T>(ReadBytes(path), path, options);

    /// <summary>A file that holds one object.</summary>
    /// <param name="path">The file.</param>
    /// <param name="allowComments">And trailing commas.</param>
    /// <exception cref="BDenseException">It cannot be read, or holds something else.</exception>
    public static JsonObject ReadObject(string path, bool allowComments = false) => ParseObject(ReadBytes(path), path, allowComments);

    /// <param name="utf8">The text.</param>
    /// <param name="source">The file, for messages.</param>
    /// <param name="allowComments">And trailing commas.</param>
    /// <exception cref="BDenseException">Not one JSON object.</exception>
    public static JsonObject ParseObject(ReadOnlySpan<byte> utf8, string source, bool allowComments = false)
    {
        utf8 = Check(utf8, source, allowComments);
        var options = new JsonDocumentOptions
        {
            MaxDepth = MaxDepth,
            AllowDuplicateProperties = false,
            AllowTrailingCommas = allowComments,
            CommentHandling = allowComments ? JsonCommentHandling.Skip : JsonCommentHandling.Disallow,
        };
        return JsonNode.Parse(utf8, documentOptions: options) as JsonObject ?? throw new BDenseException($"{source}: not a JSON object");
    }

    /// <param name="utf8">The text.</param>
    /// <param name="source">The file, for messages.</param>
    /// <param name="options"><see cref="Options"/> or <see cref="Handwritten"/>.</param>
    /// <exception cref="BDenseException">No JSON, or none of this kind.</exception>
    public static T Parse<T>(ReadOnlySpan<byte> utf8, string source, JsonSerializerOptions options)
    {
        utf8 = Check(utf8, source, allowComments: options.ReadCommentHandling == JsonCommentHandling.Skip);
        try
        {
            return Whole(JsonSerializer.Deserialize<T>(utf8, options), source, "");
        }
        catch (JsonException e)
        {
            throw new BDenseException($"{source}: {JsonFault.Describe(e, typeof(T))}", e);
        }
    }

    /// <summary>A part of an object that was read as one.</summary>
    /// <param name="node">The part, or null where it is missing.</param>
    /// <param name="source">The file, for messages.</param>
    /// <param name="field">Name of the part, for messages; empty for the whole.</param>
    /// <param name="options">As <see cref="Options"/> with converters besides; none for those themselves.</param>
    /// <exception cref="BDenseException">Missing, or not of this kind.</exception>
    public static T Convert<T>(JsonNode? node, string source, string field = "", JsonSerializerOptions? options = null) =>
        (T)Convert(node, typeof(T), source, field, options);

    /// <inheritdoc cref="Convert{T}"/>
    /// <param name="node">As there.</param>
    /// <param name="kind">What it is to become.</param>
    /// <param name="source">As there.</param>
    /// <param name="field">As there.</param>
    /// <param name="options">As there.</param>
    public static object Convert(JsonNode? node, Type kind, string source, string field = "", JsonSerializerOptions? options = null)
    {
        if (node is null)
            throw new BDenseException(field.Length == 0 ? $"{source}: empty" : $"{source}: field '{field}' is missing");
        try
        {
            return Whole(node.Deserialize(kind, options ?? Options), source, field);
        }
        catch (JsonException e)
        {
            throw new BDenseException($"{source}: {JsonFault.Describe(e, kind, field)}", e);
        }
    }

    /// <summary>Whether a text can be read at all, and holds nothing that readers understand differently.</summary>
    /// <param name="utf8">The text.</param>
    /// <param name="source">The file, for messages.</param>
    /// <param name="allowComments">And trailing commas.</param>
    /// <returns>The text without a byte order mark.</returns>
    /// <exception cref="BDenseException">One line: file, field, fault, line.</exception>
    public static ReadOnlySpan<byte> Check(ReadOnlySpan<byte> utf8, string source, bool allowComments = false)
    {
        if (utf8.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]))
            utf8 = utf8[3..];
        if (JsonScan.Fault(utf8, allowComments ? Commented : Plain) is { } fault)
            throw new BDenseException($"{source}: {fault}");
        return utf8;
    }

    private static T Whole<T>(T? value, string source, string field)
    {
        if (value is null)
            throw new BDenseException($"{source}: {(field.Length == 0 ? "null" : $"field '{field}' is null")}, and a value is needed");
        return JsonNulls.Find(value, field) is { } at ? throw new BDenseException($"{source}: field '{at}' is null, and a value is needed")
            : value;
    }

    /// <summary>A file's bytes, at most <see cref="MaxBytes"/>.</summary>
    /// <exception cref="BDenseException">It cannot be read, or is larger.</exception>
    public static byte[] ReadBytes(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1);
            if (stream.Length > MaxBytes)
                throw new BDenseException($"{path}: {stream.Length} bytes are too many; such a file has at most {MaxBytes}");
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new BDenseException(Reason(path, e), e);
        }
    }

    private static string Reason(string path, Exception e) => e switch
    {
        FileNotFoundException or DirectoryNotFoundException => $"{path}: no such file",
        _ when Directory.Exists(path) => $"cannot read {path}: it is a folder",
        EndOfStreamException => $"{path}: cut short while it was read",
        _ => $"cannot read {path}: {e.Message.ReplaceLineEndings(" ")}",
    };

    private static JsonSerializerOptions Strict(JsonNumberHandling numbers) => new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        MaxDepth = MaxDepth,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowDuplicateProperties = false,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        NumberHandling = numbers,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
    };
}
