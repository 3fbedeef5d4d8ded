using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace BDense.Training.Data;

/// <summary>The digest that <see cref="Dataset.Fingerprint"/> is.</summary>
internal static class DatasetFingerprint
{
    // Values at once: a span of bytes cannot be as long as the largest array of floats.
    private const int Chunk = 1 << 20;

    public static string Of(Dataset data, byte[]? bytes, float[]? floats)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        // Before the values, since the same values may be cut into images in several ways.
        hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $"{data.Count} {data.Height} {data.Width} {data.Channels} {(bytes is null ? "float32" : "uint8")} "
                + $"{(data.Labels is null ? "unlabelled" : "labelled")}\n")));
        if (bytes is not null)
            hash.AppendData(bytes);
        else
            Append<float>(hash, floats);
        if (data.Labels is not null)
            Append<int>(hash, [.. data.Labels]);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Append<T>(IncrementalHash hash, ReadOnlySpan<T> values)
        where T : unmanaged
    {
        for (; values.Length > 0; values = values[Math.Min(Chunk, values.Length)..])
            hash.AppendData(MemoryMarshal.AsBytes(values[..Math.Min(Chunk, values.Length)]));
    }
}
