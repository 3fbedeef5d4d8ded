using System.Globalization;
using System.Text.Json;
using BDense.Kernels;
using BDense.Kernels.Json;

namespace BDense.Training.Data;

/// <summary>
/// EDM's dataset.json, as its dataset_tool.py writes it: {"labels": [["00000/img00000000.png", 3], ...]}, or null for labels that
/// are not known. Its folders of 1,000 images are storage; the file alone has the classes. <c>"classes"</c>, their names by label, is
/// ours: EDM's tools pass over it.
/// </summary>
internal static class EdmLabels
{
    public const string FileName = "dataset.json";

    /// <summary>Twice what 2 million images take.</summary>
    public const long MaxFileBytes = 256L << 20;

    public const int MaxLabel = 999_999;

    private const int ImagesPerFolder = 1000;

    /// <summary>The label file among <paramref name="files"/> (paths with /); null if there is none.</summary>
    /// <exception cref="BDenseException">There are several: which of them holds is not for a program to guess.</exception>
    public static string? Find(string path, IEnumerable<string> files)
    {
        string[] found = [.. files.Where(file => Path.GetFileName(file) == FileName).Order(StringComparer.Ordinal).Take(2)];
        return found.Length < 2 ? found.FirstOrDefault()
            : throw new BDenseException($"{path}: holds {found[0]} and {found[1]}; one dataset has one label file");
    }

    /// <summary>The label of each of <paramref name="images"/>, from 0, and the classes' names; no labels where the file says so.</summary>
    /// <param name="path">The dataset, for messages.</param>
    /// <param name="file">The label file in it; names in it are relative to where it lies.</param>
    /// <param name="json">Its bytes.</param>
    /// <param name="images">All images of the dataset (paths with /).</param>
    /// <exception cref="BDenseException">It is not of EDM's form, or names other images than there are.</exception>
    public static ImageClasses Read(string path, string file, byte[] json, IReadOnlyList<string> images)
    {
        string source = $"{path}: {file}";
        var (named, classes) = Parse(source, json);
        if (named is null)
            return new ImageClasses(null, []);
        string folder = file[..^FileName.Length];
        var labels = new int[images.Count];
        int known = 0;
        for (int i = 0; i < labels.Length; i++)
        {
            if (!images[i].StartsWith(folder, StringComparison.Ordinal) || !named.Remove(images[i][folder.Length..], out int? label))
                throw new BDenseException($"{source}: does not name {images[i]}; every image needs a label there");
            labels[i] = label ?? 0;
            known += label is null ? 0 : 1;
        }
        if (named.Count > 0)
            throw new BDenseException(
                $"{source}: names {named.Keys.Order(StringComparer.Ordinal).First()}, which is not among the {images.Count} images");
        // null throughout says the same as "labels": null.
        if (known == 0)
            return new ImageClasses(null, []);
        if (known < labels.Length)
            throw new BDenseException(
                $"{source}: {labels.Length - known} of {labels.Length} labels are null; all images need one, or none has one");
        int outside = classes.Length == 0 ? -1 : Array.FindIndex(labels, label => label >= classes.Length);
        return outside < 0 ? new ImageClasses(labels, classes)
            : throw new BDenseException(
                $"{source}: {images[outside]} has label {labels[outside]}; \"classes\" names {classes.Length}, 0 to {classes.Length - 1}");
    }

    /// <summary>
    /// Whether all of <paramref name="images"/> lie as EDM stores them, 00012/img00012345.png: such folders are no classes.
    /// </summary>
    public static bool IsStorage(IReadOnlyList<string> images) => images.All(image =>
    {
        string folder = Path.GetFileName(Path.GetDirectoryName(image)!), name = Path.GetFileNameWithoutExtension(image);
        return name.Length == 11 && name.StartsWith("img", StringComparison.Ordinal) && folder.Length == 5
            && Number(name.AsSpan(3)) is { } number && Number(folder) == number / ImagesPerFolder;
    });

    private static int? Number(ReadOnlySpan<char> digits) =>
        digits.ContainsAnyExceptInRange('0', '9') ? null : int.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);

    /// <summary>The text of such a file; equal labels make equal bytes.</summary>
    /// <param name="labels">Of each image, by its name relative to the file; null without classes.</param>
    /// <param name="classes">Their names by label; empty where there are none.</param>
    public static byte[] Write(IReadOnlyList<(string Name, int Label)>? labels, IReadOnlyList<string> classes)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            if (labels is null)
                json.WriteNull("labels"u8);
            else
                json.WriteStartArray("labels"u8);
            foreach (var (name, label) in labels ?? [])
            {
                json.WriteStartArray();
                json.WriteStringValue(name);
                json.WriteNumberValue(label);
                json.WriteEndArray();
            }
            if (labels is not null)
                json.WriteEndArray();
            if (labels is not null && classes.Count > 0)
            {
                json.WriteStartArray("classes"u8);
                foreach (string name in classes)
                    json.WriteStringValue(name);
                json.WriteEndArray();
            }
            json.WriteEndObject();
        }
        return stream.ToArray();
    }

    private static (Dictionary<string, int?>? Labels, string[] Classes) Parse(string source, ReadOnlySpan<byte> json)
    {
        json = StrictJson.Check(json, source);
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 16 });
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
                throw new BDenseException($"{source}: not an object with \"labels\", as EDM's is");
            Dictionary<string, int?>? labels = null;
            string[] classes = [];
            bool isThere = false;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                bool isLabels = reader.ValueTextEquals("labels"u8), isClasses = reader.ValueTextEquals("classes"u8);
                reader.Read();
                if (isClasses)
                {
                    classes = ParseClasses(source, ref reader);
                    continue;
                }
                if (!isLabels)
                {
                    reader.Skip();
                    continue;
                }
                isThere = true;
                labels = reader.TokenType == JsonTokenType.Null ? null : ParseList(source, ref reader);
            }
            // Anything after the end throws here.
            reader.Read();
            return isThere ? (labels, classes)
                : throw new BDenseException(
                    $"{source}: has no \"labels\", as EDM's has; if it is another program's, move it out of the dataset");
        }
        catch (JsonException e)
        {
            // Deeper than EDM's: all else was checked before.
            throw new BDenseException($"{source}: not of EDM's form (line {e.LineNumber + 1})", e);
        }
    }

    private static string[] ParseClasses(string source, ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.Null)
            return [];
        if (reader.TokenType != JsonTokenType.StartArray)
            throw new BDenseException($"{source}: \"classes\" is no list of names");
        var names = new List<string>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.String)
                throw new BDenseException($"{source}: \"classes\" is no list of names: entry {names.Count} is no text");
            names.Add(reader.GetString()!);
        }
        return [.. names];
    }

    private static Dictionary<string, int?> ParseList(string source, ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
            throw new BDenseException($"{source}: \"labels\" is neither a list nor null");
        var labels = new Dictionary<string, int?>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            int index = labels.Count;
            bool isPair = reader.TokenType == JsonTokenType.StartArray && reader.Read() && reader.TokenType == JsonTokenType.String;
            string name = isPair ? reader.GetString()!.Replace('\\', '/') : "";
            isPair = isPair && reader.Read() && reader.TokenType != JsonTokenType.EndArray;
            if (!isPair)
                throw new BDenseException($"{source}: entry {index} is not [name, label]");
            int? label = null;
            if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out int value) && value is >= 0 and <= MaxLabel)
                label = value;
            else if (reader.TokenType != JsonTokenType.Null)
                throw new BDenseException($"{source}: the label of {name} is not a whole number from 0 to {MaxLabel}");
            if (!reader.Read() || reader.TokenType != JsonTokenType.EndArray)
                throw new BDenseException($"{source}: entry {index} is not [name, label]");
            if (!labels.TryAdd(name, label))
                throw new BDenseException($"{source}: names {name} twice");
        }
        return labels;
    }
}
