using System.Runtime.InteropServices;
using BDense.VirtualGpu;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Memory;

internal sealed unsafe class LentMemoryTests
{
    private const string Square =
        "shl.b32 %r0, %t, 2; cvt.u64.u32 %d0, %r0; add.s64 %d1, %p, %d0; ld.global.b32 %r1, [%d1]; mul.lo.s32 %r1, %r1, %r1; "
        + "st.global.b32 [%d1], %r1;";

    [Test]
    public void Kernels_work_on_the_hosts_own_bytes()
    {
        using var kernel = new TestKernel(Square);
        int* values = (int*)NativeMemory.AlignedAlloc(128, 16);
        try
        {
            for (int k = 0; k < 32; k++)
                values[k] = k;
            // What was lent before in the same place is forgotten.
            kernel.Gpu.Memory.Lend((byte*)values, 64);
            kernel.Gpu.Memory.Lend((byte*)values, 128);
            kernel.Run((ulong)values);
            Assert.That(new ReadOnlySpan<int>(values, 32).ToArray(), Is.EqualTo(Enumerable.Range(0, 32).Select(k => k * k)));
        }
        finally
        {
            NativeMemory.AlignedFree(values);
        }
    }

    [Test]
    public void Bytes_that_were_not_lent_are_out_of_bounds()
    {
        using var kernel = new TestKernel(Square);
        byte* values = (byte*)NativeMemory.AlignedAlloc(256, 16);
        try
        {
            kernel.Gpu.Memory.Lend(values, 100);
            var finding = kernel.Found((ulong)values);
            Assert.That((finding.Kind, finding.Thread), Is.EqualTo((FindingKind.OutOfBounds, (Dim3?)new Dim3(25, 0, 0))));
        }
        finally
        {
            NativeMemory.AlignedFree(values);
        }
    }

    [Test]
    public void Addresses_of_allocations_cannot_be_lent()
    {
        using var kernel = new TestKernel("");
        Assert.That(() => kernel.Gpu.Memory.Lend((byte*)BDense.VirtualGpu.Memory.GlobalMemory.Base, 4), Throws.ArgumentException);
    }
}
