using BDense.VirtualGpu.Driver;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Hopper;

/// <summary>cuTensorMapEncodeTiled: what it takes and what it refuses.</summary>
internal sealed class TensorMapTests
{
    private static CudaResult Result(ulong address = 0x2000000000000, int type = TensorMaps.BFloat16, ulong[]? extents = null,
        ulong[]? strides = null, uint[]? box = null, int swizzle = 3,
        uint[]? steps = null, int fill = 0, int interleave = 0, int offset = 0) =>
        TensorMaps.Try(new byte[128], address, type, extents ?? [100, 50], strides ?? [208], box ?? [64, 32], swizzle, steps, fill,
            interleave, offset);

    [Test]
    public void What_the_rules_allow_is_taken()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Result(), Is.EqualTo(CudaResult.Success));
            Assert.That(Result(box: [256, 256], swizzle: 0), Is.EqualTo(CudaResult.Success));
            Assert.That(Result(offset: 64), Is.EqualTo(CudaResult.Success));
            Assert.That(Result(fill: 1), Is.EqualTo(CudaResult.Success));
            Assert.That(Result(extents: [1L << 32, 1], strides: [(1L << 40) - 16]), Is.EqualTo(CudaResult.Success));
            Assert.That(Result(extents: [64, 8, 8, 8, 8], strides: [128, 1024, 8192, 65536], box: [64, 1, 2, 3, 4]),
                Is.EqualTo(CudaResult.Success));
            Assert.That(Result(extents: [64], strides: [], box: [64]), Is.EqualTo(CudaResult.Success));
        });
    }

    [Test]
    public void What_they_do_not_allow_is_an_invalid_value()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Result(offset: 32), Is.EqualTo(CudaResult.InvalidValue), "the map's own address");
            Assert.That(Result(address: 0x2000000000008), Is.EqualTo(CudaResult.InvalidValue), "the tensor's address");
            Assert.That(Result(type: 13), Is.EqualTo(CudaResult.InvalidValue), "type");
            Assert.That(Result(strides: [200]), Is.EqualTo(CudaResult.InvalidValue), "a stride of no multiple of 16");
            Assert.That(Result(strides: [1L << 40]), Is.EqualTo(CudaResult.InvalidValue), "a stride that is too long");
            Assert.That(Result(extents: [0, 50]), Is.EqualTo(CudaResult.InvalidValue), "an empty tensor");
            Assert.That(Result(extents: [(1L << 32) + 1, 50]), Is.EqualTo(CudaResult.InvalidValue), "a tensor that is too wide");
            Assert.That(Result(box: [64, 257]), Is.EqualTo(CudaResult.InvalidValue), "a box of 257");
            Assert.That(Result(box: [64, 0]), Is.EqualTo(CudaResult.InvalidValue), "an empty box");
            Assert.That(Result(box: [60, 32]), Is.EqualTo(CudaResult.InvalidValue), "rows of no multiple of 16 bytes");
            Assert.That(Result(box: [72, 32]), Is.EqualTo(CudaResult.InvalidValue), "rows longer than the swizzle");
            Assert.That(Result(box: [64, 32], swizzle: 2), Is.EqualTo(CudaResult.InvalidValue), "the same, of 64 bytes");
            Assert.That(Result(swizzle: 4), Is.EqualTo(CudaResult.InvalidValue), "swizzle");
            Assert.That(Result(steps: [1, 9]), Is.EqualTo(CudaResult.InvalidValue), "element strides");
            Assert.That(Result(type: 1, fill: 1), Is.EqualTo(CudaResult.InvalidValue), "NaN among whole numbers");
            Assert.That(Result(extents: [], strides: [], box: []), Is.EqualTo(CudaResult.InvalidValue), "no dimensions");
            Assert.That(Result(interleave: 1), Is.EqualTo(CudaResult.NotSupported));
        });
    }
}
