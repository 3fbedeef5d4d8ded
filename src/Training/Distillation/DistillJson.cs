using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using BDense.Kernels;
using BDense.Kernels.Json;
using BDense.Training.Runs;

namespace BDense.Training.Distillation;

/// <summary>
/// Options in configuration files: the method's name under <c>method</c>, then its fields. The first three methods share one list of fields
/// in one order, as they had one record once: each writes all of them, and those that are not its own as they were for it then, so that old
/// and new runs have the same bytes. A later method writes what it has.
/// </summary>
internal sealed class DistillJson : JsonConverter<Distill>
{
    private const string MethodField = "method";

    private static readonly string[] FirstMethods = ["sfd", "pd", "branchDistillation"];

    /// <summary>The fields of the first three methods in their order, each with what it is for a method that does not know it.</summary>
    private static readonly (string Name, JsonNode? Otherwise)[] Fields =
    [
        ("branches", null), ("jump", null), ("layout", null), ("weights", null), ("projection", null), ("nfe", null), ("nfeChoices", null),
        ("stepCondition", false), ("firstStage", null), ("rounds", 1), ("solver", "dpmpp3m"), ("teacherThreshold", null), ("updates", null),
        ("flip", false), ("sumElements", false), ("batch", null), ("learningRate", null), ("decay", null), ("warmup", null),
        ("weightDecay", null), ("clipNorm", null), ("ema", null), ("seed", null), ("cacheTrajectories", 0), ("schedule", null),
        ("sigmaMin", null), ("sigmaMax", null), ("rho", null), ("perceptual", null), ("toZero", false), ("analyticalFirstStep", false),
        ("distance", null), ("delta", null), ("weighting", "snrTruncated"), ("dropout", null),
    ];

    public override bool CanConvert(Type typeToConvert) => typeof(Distill).IsAssignableFrom(typeToConvert);

    /// <summary>Options from a part of a configuration.</summary>
    /// <exception cref="BDenseException">Not a known method's; names the file and the field.</exception>
    public static Distill Read(JsonNode? node, string source, string field = RunFolder.DistillKey)
    {
        if (node is not JsonObject all)
            throw new BDenseException($"{source}: field '{field}' is {(node is null ? "missing" : "not an object of fields")}");
        try
        {
            return (Distill)StrictJson.Convert(Own(all, out var type), type, source, field, Plain);
        }
        catch (JsonException e)
        {
            throw new BDenseException($"{source}: field '{field}.{MethodField}': {e.Message}", e);
        }
    }

    public override Distill? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        JsonNode.Parse(ref reader) is JsonObject all ? (Distill?)Own(all, out var type).Deserialize(type, Plain)
            : throw new JsonException("expected an object of fields");

    public override void Write(Utf8JsonWriter writer, Distill value, JsonSerializerOptions options)
    {
        var own = JsonSerializer.SerializeToNode(value, value.GetType(), Plain)!.AsObject();
        bool isFirst = FirstMethods.Contains(value.Method.NameInFiles);
        var ordered = new JsonObject { [MethodField] = value.Method.NameInFiles };
        foreach (var (name, otherwise) in Fields)
        {
            if (own.Remove(name, out var node))
                ordered[name] = node;
            else if (isFirst)
                ordered[name] = otherwise?.DeepClone();
        }
        foreach (var (name, node) in own.ToArray())
        {
            own.Remove(name);
            ordered[name] = node;
        }
        ordered.WriteTo(writer, options);
    }

    // Without this converter, which would call itself; what follows from the fields is not written.
    private static readonly JsonSerializerOptions Plain = new(StrictJson.Options)
    {
        TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { LeaveWhatIsSet } },
    };

    private static void LeaveWhatIsSet(JsonTypeInfo type)
    {
        foreach (var property in typeof(Distill).IsAssignableFrom(type.Type) ? type.Properties.Where(p => p.Set is null).ToArray() : [])
            type.Properties.Remove(property);
    }

    /// <summary>A method's own fields and the record they are of.</summary>
    private static JsonObject Own(JsonObject all, out Type type)
    {
        // Files of the first versions, which had no other method, may leave the name out.
        string name = all[MethodField] is null ? FirstMethods[0]
            : all[MethodField] is JsonValue value && value.TryGetValue(out string? text) ? text
            : throw new JsonException("not the name of a method");
        var method = DistillationMethods.All.FirstOrDefault(m => m.NameInFiles == name)
            ?? throw new JsonException(
                $"there is no '{name}'; there are {string.Join(", ", DistillationMethods.All.Select(m => m.NameInFiles))}");
        type = method.Defaults.GetType();
        var known = type.GetProperties().Where(p => p.CanWrite).Select(p => JsonNamingPolicy.CamelCase.ConvertName(p.Name)).ToHashSet();
        bool isFirst = FirstMethods.Contains(name);
        var own = new JsonObject();
        foreach (var (key, node) in all)
        {
            bool isOther = isFirst && !known.Contains(key) && Fields.Any(f => f.Name == key);
            if (key != MethodField && !isOther)
                own[key] = node?.DeepClone();
        }
        return own;
    }
}
