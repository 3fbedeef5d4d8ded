using System.Runtime.InteropServices;
using BDense.VirtualGpu;
using BDense.VirtualGpu.Driver;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Hopper;

/// <summary>Tensor maps as the driver makes them.</summary>
internal static unsafe class TensorMaps
{
    public const int BFloat16 = 9, Float32 = 7;

    /// <summary>A map of a tensor; innermost dimension first.</summary>
    public static byte[] Encode(ulong address, int type, ulong[] extents, ulong[] strides, uint[] box, int swizzle = 0,
        uint[]? steps = null, int fill = 0)
    {
        byte[] map = new byte[128];
        Assert.That(Try(map, address, type, extents, strides, box, swizzle, steps, fill), Is.EqualTo(CudaResult.Success));
        return map;
    }

    public static CudaResult Try(byte[] map, ulong address, int type, ulong[] extents, ulong[] strides, uint[] box, int swizzle = 0,
        uint[]? steps = null, int fill = 0,
        int interleave = 0, int offset = 0)
    {
        using var driver = new VirtualDriver([GpuModel.H100]);
        driver.cuInit(0);
        byte* room = (byte*)NativeMemory.AlignedAlloc(256, 64);
        steps ??= [.. Enumerable.Repeat(1u, extents.Length)];
        fixed (ulong* e = extents, s = strides)
        fixed (uint* b = box, t = steps)
        {
            var result = driver.cuTensorMapEncodeTiled(room + offset, type, (uint)extents.Length, address, e, s, b, t, interleave, swizzle,
                0, fill);
            new Span<byte>(room + offset, 128).CopyTo(map);
            NativeMemory.AlignedFree(room);
            return result;
        }
    }
}
