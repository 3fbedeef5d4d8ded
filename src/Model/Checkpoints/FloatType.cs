using System.Runtime.InteropServices;

namespace BDense.Model.Checkpoints;

/// <summary>The element types of a checkpoint that are read, by the names the safetensors format gives them.</summary>
internal enum FloatType
{
    F32,
    F16,
    BF16,
    F64,
}

internal static class FloatTypes
{
    public static int Bytes(this FloatType type) => type switch { FloatType.F64 => 8, FloatType.F32 => 4, _ => 2 };

    /// <summary>Little-endian values of <paramref name="type"/> to float32; F64 is rounded to nearest, the others are exact.</summary>
    public static void Widen(this FloatType type, ReadOnlySpan<byte> source, Span<float> values)
    {
        switch (type)
        {
            case FloatType.F32:
                MemoryMarshal.Cast<byte, float>(source).CopyTo(values);
                break;
            case FloatType.F16:
                var halves = MemoryMarshal.Cast<byte, Half>(source);
                for (int i = 0; i < values.Length; i++)
                    values[i] = (float)halves[i];
                break;
            case FloatType.BF16:
                // The upper half of a float32.
                var words = MemoryMarshal.Cast<byte, ushort>(source);
                for (int i = 0; i < values.Length; i++)
                    values[i] = BitConverter.UInt32BitsToSingle((uint)words[i] << 16);
                break;
            default:
                var doubles = MemoryMarshal.Cast<byte, double>(source);
                for (int i = 0; i < values.Length; i++)
                    values[i] = (float)doubles[i];
                break;
        }
    }
}
