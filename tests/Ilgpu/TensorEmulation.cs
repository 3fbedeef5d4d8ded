using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using BDense.Kernels;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.Ilgpu.Tiles;
using BDense.Kernels.MachineCode;
using BDense.Tests.Ilgpu.Emulator;

namespace BDense.Tests.Ilgpu;

/// <summary>Running a tensor-core kernel's PTX on a virtual GPU and holding its result to an oracle.</summary>
internal static class TensorEmulation
{
    private static readonly ConcurrentDictionary<string, string> Compiled = new(StringComparer.Ordinal);

    public static KernelEntry Kernel(string operation, TileName tile, Precision precision) =>
        KernelRegistry.All.Single(k => k.Name == $"Tensor{operation}{tile.ToString()[1..]}{precision}Kernel");

    public static string Ptx(KernelEntry kernel) =>
        Compiled.GetOrAdd(kernel.Name, _ => KernelCatalog.Ptx(kernel, GpuArchitecture.Find("sm_80")));

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

    /// <summary>Rows of channels with zeros behind the last.</summary>
    public static T[] Pad<T>(T[] values, int channels, int padded)
    {
        var y = new T[values.Length / channels * padded];
        for (int row = 0; row < values.Length / channels; row++)
            Array.Copy(values, row * channels, y, row * padded, channels);
        return y;
    }

    public static byte[] Bytes(float[] values) => MemoryMarshal.AsBytes<float>(values).ToArray();

    /// <summary>NaN everywhere: what is not written shows.</summary>
    public static byte[] Unwritten(int length)
    {
        var y = new float[length];
        y.AsSpan().Fill(float.NaN);
        return Bytes(y);
    }

    public static byte[] Argument<T>(T value)
        where T : unmanaged => MemoryMarshal.AsBytes<T>([value]).ToArray();

    public static double[] Doubles(float[] values) => [.. values.Select(v => (double)v)];

    /// <summary>Runs, and throws at bank conflicts.</summary>
    public static void Run(string ptx, KernelEntry kernel, DeviceMemory memory, int groups, params byte[][] arguments)
    {
        long conflicts = EmulatedLaunch.Run(ptx, memory, groups, kernel.GroupSize, kernel.DynamicSharedBytes, arguments);
        if (conflicts > 0)
            throw new InvalidOperationException($"{conflicts} bank conflicts");
    }

    public static void Expect(double[] expected, ReadOnlySpan<float> got, double tolerance = 1e-5)
    {
        double rms = Math.Sqrt(expected.Average(v => v * v));
        for (int i = 0; i < expected.Length; i++)
        {
            if (!(Math.Abs(got[i] - expected[i]) <= tolerance * rms))
                throw new InvalidOperationException($"element {i} is {got[i]}, expected {expected[i]}");
        }
    }

    /// <summary>
    /// Multiply-adds of a thread's activations in a step of 64 bytes: two a value, scale x + shift and SiLU's exponent. The product itself
    /// would need half the length of the tile's other side as many.
    /// </summary>
    /// <param name="row">The kernel's figures.</param>
    /// <param name="width">Rows or columns of the tile that are activated.</param>
    public static int ActivationFfma(KernelRow row, int width) =>
        2 * width * (row.Name.Contains("Bf16", StringComparison.Ordinal) ? 32 : 16) / row.GroupSize;
}
