using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using BDense.Kernels;

namespace BDense.Training.Data;

/// <summary>An array of NumPy's .npy format: extents, outermost first, and values in row-major (C) order.</summary>
/// <param name="Shape">Extents; empty for a scalar.</param>
/// <param name="Values">float[], double[], Half[], byte[], int[] or long[].</param>
public sealed partial record NpyArray(int[] Shape, Array Values)
{
    private static readonly (string Descr, Type Type, int Size)[] Types =
    [
        ("<f4", typeof(float), 4), ("<f8", typeof(double), 8), ("<f2", typeof(Half), 2),
        ("|u1", typeof(byte), 1), ("<i4", typeof(int), 4), ("<i8", typeof(long), 8),
    ];

    /// <summary>NumPy's name of the element type, as "&lt;f4".</summary>
    public string Descr => Types.First(t => t.Type == Values.GetType().GetElementType()).Descr;

    /// <summary>The values as float32; of integers, those beyond 2^24 are rounded.</summary>
    public float[] ToSingle()
    {
        if (Values is float[] same)
            return same;
        var result = new float[Values.Length];
        for (int i = 0; i < result.Length; i++)
        {
            result[i] = Values switch
            {
                double[] v => (float)v[i],
                Half[] v => (float)v[i],
                byte[] v => v[i],
                int[] v => v[i],
                _ => ((long[])Values)[i],
            };
        }
        return result;
    }

    /// <summary>Writes format version 1.0; the header padded so that the data start at a multiple of 64 bytes.</summary>
    internal void Write(Stream stream)
    {
        WriteHeader(stream, Descr, Shape);
        ForEachChunk(bytes => stream.Write(bytes));
    }

    /// <summary>What stands before the values.</summary>
    internal static void WriteHeader(Stream stream, string descr, IReadOnlyList<int> shape)
    {
        string extents = string.Concat(shape.Select(extent => extent.ToString(CultureInfo.InvariantCulture) + ", ")).TrimEnd();
        if (shape.Count > 1)
            extents = extents.TrimEnd(',');
        string header = $"{{'descr': '{descr}', 'fortran_order': False, 'shape': ({extents}), }}";
        int padded = (10 + header.Length + 1 + 63) / 64 * 64 - 10;
        stream.Write([0x93, .. "NUMPY"u8, 1, 0, (byte)padded, (byte)(padded >> 8)]);
        stream.Write(Encoding.ASCII.GetBytes(header.PadRight(padded - 1) + "\n"));
    }

    /// <summary>Some of an array's values, for one that is written as it comes.</summary>
    internal static void WriteValues(Stream stream, float[] values) =>
        new NpyArray([values.Length], values).ForEachChunk(bytes => stream.Write(bytes));

    /// <summary>Reads from a stream of <paramref name="length"/> bytes: exactly one array, nothing after it.</summary>
    /// <param name="stream">At the array's first byte.</param>
    /// <param name="length">Bytes that the stream holds, by its container's word; at most so much memory is taken.</param>
    /// <param name="label">Names the array in messages.</param>
    /// <exception cref="BDenseException">It is no .npy array, is damaged, or of an element type or order that is not read.</exception>
    internal static NpyArray Read(Stream stream, long length, string label)
    {
        try
        {
            var prefix = new byte[8];
            stream.ReadExactly(prefix);
            Check(prefix[0] == 0x93 && prefix.AsSpan(1, 5).SequenceEqual("NUMPY"u8), label,
                "not a .npy array: it does not start with \\x93NUMPY");
            Check(prefix[6] is >= 1 and <= 3, label, $".npy version {prefix[6]} is not known");
            var size = new byte[prefix[6] == 1 ? 2 : 4];
            stream.ReadExactly(size);
            long headerBytes = size.Length == 2 ? BinaryPrimitives.ReadUInt16LittleEndian(size)
                : BinaryPrimitives.ReadUInt32LittleEndian(size);
            Check(headerBytes <= 65536, label, $"a .npy header of {headerBytes} bytes is too long");
            var header = new byte[headerBytes];
            stream.ReadExactly(header);

            var (descr, shape, count) = ParseHeader(Encoding.Latin1.GetString(header), label);
            var (_, type, elementBytes) = Types.FirstOrDefault(t => t.Descr == descr);
            Check(type is not null, label,
                $"the elements are '{descr}'; little-endian float16, float32, float64, uint8, int32 and int64 can be read");
            long expected = length - 8 - size.Length - headerBytes;
            Check(count * elementBytes == expected, label,
                $"[{string.Join(", ", shape)}] of {descr} takes {count * elementBytes} bytes, {Math.Max(0, expected)} are there "
                    + "(cut short?)");
            var array = new NpyArray(shape, Array.CreateInstance(type!, count));
            array.ForEachChunk(stream.ReadExactly);
            Check(stream.ReadByte() < 0, label, "there is more after the array's end");
            return array;
        }
        catch (EndOfStreamException e)
        {
            throw new BDenseException($"{label}: cut short", e);
        }
    }

    private static (string Descr, int[] Shape, long Count) ParseHeader(string header, string label)
    {
        var match = HeaderPattern().Match(header);
        Check(match.Success, label,
            "the .npy header is not {'descr': ..., 'fortran_order': ..., 'shape': (...), } (structured types are not read)");
        Check(match.Groups["fortran"].Value == "False", label, "the array is in Fortran order; save it with numpy.ascontiguousarray");
        string[] texts = match.Groups["shape"].Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Check(texts.Length <= 8, label, $"{texts.Length} extents are too many");
        var shape = new int[texts.Length];
        long count = 1;
        for (int i = 0; i < shape.Length; i++)
        {
            Check(int.TryParse(texts[i], NumberStyles.None, CultureInfo.InvariantCulture, out shape[i]), label,
                $"an extent of {texts[i]} is too large");
            count *= shape[i];
            Check(count <= Array.MaxLength, label, $"[{string.Join(", ", texts)}] has more than 2^31 elements");
        }
        return (match.Groups["descr"].Value, shape, count);
    }

    private delegate void ChunkAction(Span<byte> bytes);

    // In pieces, since a span of bytes reaches no further than 2^31.
    private void ForEachChunk(ChunkAction action)
    {
        const int Chunk = 1 << 20;
        for (int i = 0; i < Values.Length; i += Chunk)
        {
            int n = Math.Min(Chunk, Values.Length - i);
            action(Values switch
            {
                float[] v => MemoryMarshal.AsBytes(v.AsSpan(i, n)),
                double[] v => MemoryMarshal.AsBytes(v.AsSpan(i, n)),
                Half[] v => MemoryMarshal.AsBytes(v.AsSpan(i, n)),
                byte[] v => v.AsSpan(i, n),
                int[] v => MemoryMarshal.AsBytes(v.AsSpan(i, n)),
                _ => MemoryMarshal.AsBytes(((long[])Values).AsSpan(i, n)),
            });
        }
    }

    private static void Check(bool condition, string label, string fault)
    {
        if (!condition)
            throw new BDenseException($"{label}: {fault}");
    }

    [GeneratedRegex(@"^\s*\{\s*'descr'\s*:\s*'(?<descr>[^']{1,16})'\s*,\s*'fortran_order'\s*:\s*(?<fortran>True|False)\s*,\s*"
        + @"'shape'\s*:\s*\((?<shape>[\d,\s]*)\)\s*,?\s*\}\s*$",
        RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex HeaderPattern();
}
