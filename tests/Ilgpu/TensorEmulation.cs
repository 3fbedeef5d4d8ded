using System.Runtime.InteropServices;
using BDense.Kernels;
using BDense.Kernels.Ilgpu;

namespace BDense.Tests.Ilgpu;

/// <summary>Values for tensor cores, and how they lie in memory.</summary>
internal static class TensorEmulation
{
    /// <summary>
    /// Eighths from -1 to 1, three bits of mantissa: TF32 and BF16 hold them exactly, so only the order of a sum may differ.
    /// </summary>
    public static float[] Exact(int seed, int length)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => random.Next(-8, 9) / 8f)];
    }

    /// <summary>As the kernels of a precision read it.</summary>
    public static byte[] Bytes(Precision precision, float[] values) => precision == Precision.Tf32
        ? Bytes(values)
        : MemoryMarshal.AsBytes<ushort>(values.Select(v => (ushort)IlgpuBackend.RoundBFloat16(v)).ToArray()).ToArray();

    /// <summary>As they are.</summary>
    public static byte[] Bytes(float[] values) => MemoryMarshal.AsBytes<float>(values).ToArray();

    /// <summary>Rows of channels with zeros behind the last.</summary>
    public static T[] Pad<T>(T[] values, int channels, int padded)
    {
        var y = new T[values.Length / channels * padded];
        for (int row = 0; row < values.Length / channels; row++)
            Array.Copy(values, row * channels, y, row * padded, channels);
        return y;
    }
}
