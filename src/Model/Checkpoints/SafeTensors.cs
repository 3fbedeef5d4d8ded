using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using BDense.Kernels;

namespace BDense.Model.Checkpoints;

/// <summary>A tensor of a file: extents, outermost first, and its values in row-major order.</summary>
public readonly record struct HostTensor(int[] Shape, float[] Data);

/// <summary>What a safetensors file holds, widened to float32.</summary>
public sealed record SafeTensorsFile(IReadOnlyDictionary<string, HostTensor> Tensors, IReadOnlyDictionary<string, string> Metadata);

/// <summary>
/// The safetensors format (huggingface/safetensors): 8 bytes header length, little-endian; a JSON header of that length,
/// {"name": {"dtype", "shape", "data_offsets": [begin, end]}, "__metadata__": {text: text}}; then the tensors' bytes, without gaps.
/// </summary>
/// <remarks>
/// A file from elsewhere is not trusted: its header is checked whole, against the file's true length, before memory for any
/// tensor is asked for. Whatever is wrong ends in one line that names the file and the fault.
/// </remarks>
public static class SafeTensors
{
    internal const int ChunkFloats = 1 << 20;

    private static readonly JsonWriterOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// Writes float32 tensors in the order given, the header padded with blanks to 8 bytes; atomically. While digests are taken
    /// (<see cref="FileDigests"/>) the values stay as they are until those have been asked for.
    /// </summary>
    /// <exception cref="BDenseException">The path cannot be written.</exception>
    /// <exception cref="ArgumentException">Two tensors of one name, or values that do not fit a shape.</exception>
    public static void Write(string path, IReadOnlyList<(string Name, int[] Shape, float[] Data)> tensors,
        IReadOnlyDictionary<string, string>? metadata = null)
    {
        byte[] header = Header(tensors, metadata);
        AtomicFile.Write(path, stream =>
        {
            stream.Write(BitConverter.GetBytes((long)header.Length));
            stream.Write(header);
            foreach (var (_, _, data) in tensors)
            {
                for (int i = 0; i < data.Length; i += ChunkFloats)
                {
                    int n = Math.Min(ChunkFloats, data.Length - i);
                    if (stream is DigestStream digests)
                        digests.WriteUnchanging(data, i, n);
                    else
                        stream.Write(MemoryMarshal.AsBytes(data.AsSpan(i, n)));
                }
            }
        });
    }

    /// <summary>Reads every tensor; F32, F16, BF16 and F64 become float32.</summary>
    /// <exception cref="BDenseException">The file is missing, is not safetensors, is damaged, or holds another dtype.</exception>
    public static SafeTensorsFile Read(string path) => Read(path, stream =>
    {
        var (entries, metadata, start) = SafeTensorsHeader.Read(path, stream);
        var tensors = new Dictionary<string, HostTensor>(entries.Count);
        foreach (var entry in entries)
        {
            stream.Position = start + entry.Begin;
            var data = new float[entry.Length];
            ReadValues(stream, entry.Type, data);
            tensors.Add(entry.Name, new HostTensor(entry.Shape, data));
        }
        return new SafeTensorsFile(tensors, metadata);
    });

    /// <summary>A file's metadata alone.</summary>
    /// <exception cref="BDenseException">As <see cref="Read(string)"/>.</exception>
    public static IReadOnlyDictionary<string, string> ReadMetadata(string path) =>
        Read(path, stream => SafeTensorsHeader.Read(path, stream).Metadata);

    private static T Read<T>(string path, Func<FileStream, T> read)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1);
            return read(stream);
        }
        catch (EndOfStreamException e)
        {
            throw new BDenseException($"{path}: cut short while it was read", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BDenseException(
                e is FileNotFoundException or DirectoryNotFoundException ? $"{path}: no such file" : $"cannot read {path}: {e.Message}", e);
        }
        catch (OutOfMemoryException e)
        {
            throw new BDenseException($"{path}: too large for this machine's memory", e);
        }
    }

    private static byte[] Header(IReadOnlyList<(string Name, int[] Shape, float[] Data)> tensors,
        IReadOnlyDictionary<string, string>? metadata)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Json))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject(SafeTensorsHeader.MetadataKey);
                foreach (var (key, value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                    json.WriteString(key, value);
                json.WriteEndObject();
            }
            var names = new HashSet<string>(StringComparer.Ordinal) { SafeTensorsHeader.MetadataKey };
            long offset = 0;
            foreach (var (name, shape, data) in tensors)
            {
                if (!names.Add(name))
                    throw new ArgumentException($"two tensors named {name}");
                if (shape.Aggregate(1L, (product, extent) => product * extent) != data.Length)
                    throw new ArgumentException($"{name}: {data.Length} values do not fit the shape [{string.Join(", ", shape)}]");
                json.WriteStartObject(name);
                json.WriteString("dtype", "F32");
                json.WriteStartArray("shape");
                foreach (int extent in shape)
                    json.WriteNumberValue(extent);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += 4L * data.Length);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        while (buffer.Length % 8 != 0)
            buffer.WriteByte((byte)' ');
        return buffer.ToArray();
    }

    private static void ReadValues(Stream stream, FloatType type, Span<float> values)
    {
        if (type == FloatType.F32)
        {
            for (; values.Length > 0; values = values[Math.Min(ChunkFloats, values.Length)..])
                stream.ReadExactly(MemoryMarshal.AsBytes(values[..Math.Min(ChunkFloats, values.Length)]));
            return;
        }
        int size = type.Bytes();
        var chunk = new byte[size * Math.Min(ChunkFloats, values.Length)];
        while (values.Length > 0)
        {
            int count = Math.Min(ChunkFloats, values.Length);
            var bytes = chunk.AsSpan(0, size * count);
            stream.ReadExactly(bytes);
            type.Widen(bytes, values[..count]);
            values = values[count..];
        }
    }
}
