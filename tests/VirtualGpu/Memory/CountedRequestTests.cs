using BDense.VirtualGpu.Execution;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Memory;

/// <summary>What each kind of memory instruction tells the counter of itself.</summary>
internal sealed class CountedRequestTests
{
    private const string Rows = """
        .shared .align 16 .b8 a[512];
        mov.u32 %r8, a;
        mad.lo.u32 %r9, %t, 16, %r8;
        mul.wide.u32 %d0, %t, 16;
        add.u64 %d0, %d0, %p;
        setp.lt.u32 %m0, %t, 8;
        selp.u32 %r10, 16, 0, %m0;
        st.shared.v4.u32 [%r9], {%t, %t, %t, %t};
        bar.sync 0;
        """;

    [TestCase("ld.global.v4.f32 {%f0, %f1, %f2, %f3}, [%d0];", InstructionClass.GlobalLoad, 1, 16, 0)]
    [TestCase("@%m0 ld.global.v4.f32 {%f0, %f1, %f2, %f3}, [%d0];", InstructionClass.GlobalLoad, 1, 4, 0)]
    [TestCase("ld.v4.f32 {%f0, %f1, %f2, %f3}, [%d0];", InstructionClass.GlobalLoad, 1, 16, 0)]
    [TestCase("st.global.f32 [%d0], %f0;", InstructionClass.GlobalStore, 1, 16, 0)]
    [TestCase("red.global.add.u32 [%d0], 1;", InstructionClass.Atomic, 1, 16, 0)]
    [TestCase("ld.shared.v4.f32 {%f0, %f1, %f2, %f3}, [%r9];", InstructionClass.SharedLoad, 0, 0, 4)]
    [TestCase("ld.shared.f32 %f0, [%r9];", InstructionClass.SharedLoad, 0, 0, 4)]
    [TestCase("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r0, %r1, %r2, %r3}, [%r9];", InstructionClass.MatrixLoad, 0, 0, 4)]
    [TestCase("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r0}, [%r9];", InstructionClass.MatrixLoad, 0, 0, 1)]
    [TestCase("cp.async.cg.shared.global [%r9], [%d0], 16;", InstructionClass.AsyncCopy, 1, 16, 4)]
    [TestCase("cp.async.cg.shared.global [%r9], [%d0], 16, %r10;", InstructionClass.AsyncCopy, 1, 4, 4)]
    public void Sectors_and_wavefronts_are_those_of_the_addresses(string instruction, InstructionClass kind, int requests, int sectors,
        int wavefronts)
    {
        using var kernel = new TestKernel($"{Rows} {instruction}", count: true);
        var counts = kernel.Run(kernel.Array(new byte[512]))!.Of(kind);
        Assert.That((counts.GlobalRequests, counts.Sectors, counts.Wavefronts),
            Is.EqualTo(((long)requests, (long)sectors, (long)wavefronts)));
    }
}
