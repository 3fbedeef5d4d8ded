using BDense.Kernels.MachineCode;
using NUnit.Framework;

namespace BDense.Tests.Ilgpu;

/// <summary>Reading a disassembly, and occupancy by hand.</summary>
internal sealed class SassTests
{
    private const string Listing = """
        .text.Kernel_Axpy:
                /*0000*/                   LDC R1, c[0x0][0x28] ;
        .L_x_0:
        	//## File ".nv_debug_ptx_txt", line 44
                /*0010*/                   LDG.E.128 R4, [R2.64] ;
        .L_x_1:
                /*0020*/                   FFMA R6, R2, R13, 1 ;
        	//## File ".nv_debug_ptx_txt", line 47
                /*0030*/                   FFMA.FTZ R6, R2, R13, 1 ;
                /*0040*/              @!P0 BRA `(.L_x_1) ;
                /*0050*/               @P1 BRA `(.L_x_0) ;
        .L_x_3:
                /*0060*/                   LDL R0, [R1] ;
                /*0070*/                   HFMA2.MMA R9, -RZ, RZ, 0, 0 ;
                /*0080*/               @P1 BRA `(.L_x_3) ;
                /*0090*/                   EXIT ;
        .L_x_2:
                /*00a0*/                   BRA `(.L_x_2);
                /*00b0*/                   NOP;
        """;

    [Test]
    public void Padding_is_not_counted_and_lines_are_kept()
    {
        var sass = new Sass(Listing);
        Assert.That(sass.Code, Has.Count.EqualTo(10));
        Assert.That(sass.Code.Select(i => i.PtxLine), Is.EqualTo(new[] { 0, 44, 44, 47, 47, 47, 47, 47, 47, 47 }));
        var counts = InstructionCounts.Of([.. sass.Code]);
        Assert.That((counts.Ffma, counts.Ldg, counts.Ldg128, counts.Local, counts.Hmma), Is.EqualTo((2, 1, 1, 1, 0)));
    }

    [Test]
    public void The_main_loop_is_the_innermost_with_most_arithmetic()
    {
        var sass = new Sass(Listing);
        Assert.That(sass.Loops, Is.EquivalentTo(new[] { (2, 4), (1, 5), (6, 8) }));
        Assert.That(sass.MainLoop, Is.EqualTo((2, 4)));
    }

    // 128 registers: 16 warps a multiprocessor. 48 KiB of shared memory, 1 more for the system: 3 groups of 164 KiB, 4 of 228.
    [TestCase("sm_80", 32, 0, 256, 1.0)]
    [TestCase("sm_80", 128, 0, 256, 0.25)]
    [TestCase("sm_80", 40, 49152, 256, 0.375)]
    [TestCase("sm_90", 40, 49152, 256, 0.5)]
    [TestCase("sm_90", 255, 0, 64, 0.125)]
    public void Occupancy(string architecture, int registers, int shared, int group, double expected) =>
        Assert.That(GpuArchitecture.Find(architecture).Occupancy(registers, shared, group), Is.EqualTo(expected));
}
