using System.Runtime.InteropServices;
using BDense.Kernels;
using BDense.Kernels.Ptx;
using BDense.VirtualGpu;
using BDense.VirtualGpu.Counts;
using BDense.VirtualGpu.Driver;
using Device = BDense.VirtualGpu.Gpu;

namespace BDense.Tests.Ptx;

/// <summary>A virtual GPU for kernels that were written: memory from arrays, launches, results as arrays.</summary>
internal sealed class WrittenLaunch : IDisposable
{
    private readonly Device _gpu = new(GpuModel.H100, new GpuOptions(Count: true));

    /// <summary>float32.</summary>
    public long Put(float[] values) => Put(MemoryMarshal.AsBytes(values.AsSpan()));

    /// <summary>As the kernel multiplies them; values that <see cref="Rounded"/> gave lose nothing.</summary>
    public long Put(float[] values, MmaShape shape) => shape == MmaShape.Tf32 ? Put(values)
        : Put(MemoryMarshal.AsBytes(Array.ConvertAll(values, v => (ushort)(BitConverter.SingleToUInt32Bits(v) >> 16)).AsSpan()));

    /// <summary>Memory that nothing was written to: to read it is a fault.</summary>
    public long Empty(int floats) => (long)_gpu.Memory.Allocate(4L * floats);

    public unsafe float[] Get(long address, int floats) =>
        new Span<float>(_gpu.Memory.Find((ulong)address, 4L * floats), floats).ToArray();

    /// <summary>BF16, two in the place of a float.</summary>
    public float[] GetRounded(long address, int count) =>
        [.. MemoryMarshal.Cast<float, ushort>(Get(address, (count + 1) / 2).AsSpan())[..count].ToArray().Select(BFloat16.Widen)];

    /// <exception cref="FindingException">A race, an access out of bounds, memory that nobody wrote.</exception>
    public LaunchCounts Run<TArguments>(WrittenKernel kernel, int groups, TArguments arguments)
        where TArguments : unmanaged
    {
        var decoded = PtxModule.Read(kernel.Text).Kernels[kernel.Name];
        byte[] packed = MemoryMarshal.AsBytes(new Span<TArguments>(ref arguments)).ToArray();
        return _gpu.Run(new Launch(decoded, new Dim3(groups, 1, 1), new Dim3(kernel.Threads, 1, 1), kernel.SharedBytes,
            packed.AsMemory(0, decoded.ParameterBytes)))!;
    }

    /// <summary>A tensor's map, by the virtual GPU's driver.</summary>
    public static unsafe TensorMap Map(TensorBoxes boxes)
    {
        using var driver = new VirtualDriver([GpuModel.H100]);
        driver.cuInit(0);
        return boxes.Encode((map, type, rank, address, extents, strides, box, steps, interleave, swizzle, promotion, fill) =>
            (int)driver.cuTensorMapEncodeTiled((byte*)map, type, rank, address, extents, strides, box, steps, interleave, swizzle,
                promotion, fill));
    }

    /// <summary>Random values that the tensor core takes as they are.</summary>
    public static float[] Rounded(Random random, int count, MmaShape shape)
    {
        uint kept = shape == MmaShape.Bf16 ? 0xffff0000 : 0xffffe000;
        return [.. Enumerable.Range(0, count).Select(_ =>
            BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits((float)(random.NextDouble() * 2 - 1)) & kept))];
    }

    /// <summary>The largest difference, in units of the largest value.</summary>
    public static double Worst(float[] got, double[] expected) =>
        got.Zip(expected, (x, y) => Math.Abs(x - y)).Max() / expected.Max(Math.Abs);

    /// <summary>The same of results that were rounded to BF16, beyond half a unit in their last place.</summary>
    public static double WorstRounded(float[] got, double[] expected) =>
        got.Zip(expected, (x, y) => Math.Max(0, Math.Abs(x - y) - (y == 0 ? 0 : Math.ScaleB(1, Math.ILogB(y) - 8)))).Max()
            / expected.Max(Math.Abs);

    public void Dispose() => _gpu.Dispose();

    private unsafe long Put(Span<byte> bytes)
    {
        ulong at = _gpu.Memory.Allocate(bytes.Length);
        bytes.CopyTo(new Span<byte>(_gpu.Memory.Find(at, bytes.Length), bytes.Length));
        _gpu.Memory.MarkWritten(at, bytes.Length);
        return (long)at;
    }
}
