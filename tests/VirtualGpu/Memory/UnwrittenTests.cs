using BDense.VirtualGpu;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Memory;

/// <summary>Reads of bytes that nobody wrote, each beside the variant that is right.</summary>
internal sealed class UnwrittenTests
{
    private const string Shared = ".shared .align 16 .b8 a[1024]; mov.u32 %r8, a; mad.lo.u32 %r9, %t, 4, %r8;",
        Local = ".local .align 16 .b8 a[16]; mov.u32 %r8, a;";

    private static void IsFound(string right, string wrong, string message, int threads = 32, int blocks = 1)
    {
        using var good = new TestKernel(right);
        good.Run(good.Array(new byte[4096]), good.Room(4096), blocks, threads);
        using var bad = new TestKernel(wrong);
        var finding = bad.Found(bad.Array(new byte[4096]), bad.Room(4096), blocks, threads);
        Assert.That(finding.Kind, Is.EqualTo(FindingKind.Unwritten));
        Assert.That(finding.Message, Does.Contain(message));
    }

    [Test]
    public void Global_memory_that_was_only_allocated_is_found() =>
        IsFound("ld.global.f32 %f0, [%p];", "ld.global.f32 %f0, [%q];", "byte 0 was never written since it was allocated");

    [Test]
    public void A_vector_of_which_a_byte_was_not_written_is_found() => IsFound(
        "st.global.v2.u32 [%q], {%t, %t}; st.global.u32 [%q+8], %t; st.global.u32 [%q+12], %t; ld.global.v4.f32 {%f0, %f1, %f2, "
        + "%f3}, [%q];",
        "mov.b16 %h0, 1; st.global.v2.u32 [%q], {%t, %t}; st.global.u32 [%q+8], %t; st.global.u16 [%q+12], %h0; st.global.u8 [%q+15], "
        + "%h0; ld.global.v4.f32 {%f0, %f1, %f2, %f3}, [%q];",
        "of which byte 14 was never written", threads: 1);

    [Test]
    public void One_lane_of_a_whole_row_is_found()
    {
        using var kernel =
            new TestKernel(
                "mul.wide.u32 %d0, %t, 4; add.u64 %d0, %d0, %q; setp.ne.u32 %m0, %t, 9; @%m0 st.global.u32 [%d0], %t; ld.global.u32 "
                + "%r0, [%d0];");
        var finding = kernel.Found(0, kernel.Room(128));
        Assert.That((finding.Kind, finding.Thread), Is.EqualTo((FindingKind.Unwritten, (Dim3?)new Dim3(9, 0, 0))));
    }

    [Test]
    public void Shared_memory_that_the_block_did_not_write_is_found() =>
        IsFound($"{Shared} st.shared.u32 [%r9], %t; ld.shared.u32 %r0, [%r9];", $"{Shared} ld.shared.u32 %r0, [%r9];",
            "since the block began");

    [Test]
    public void What_the_block_before_wrote_in_shared_memory_does_not_count() => IsFound(
        $"{Shared} st.shared.u32 [%r9], %t; ld.shared.u32 %r0, [%r9];",
        $"{Shared} setp.eq.u32 %m0, %b, 0; @%m0 st.shared.u32 [%r9], %t; ld.shared.u32 %r0, [%r9];", "since the block began", blocks: 2);

    [Test]
    public void Local_memory_is_found_for_each_thread() => IsFound(
        $"{Local} st.local.u32 [%r8+4], %t; ld.local.u32 %r0, [%r8+4];",
        $"{Local} setp.ne.u32 %m0, %t, 3; @%m0 st.local.u32 [%r8+4], %t; ld.local.u32 %r0, [%r8+4];", "since the thread began");

    [Test]
    public void Sources_of_copies_and_rows_of_matrices_and_atomics_are_reads()
    {
        IsFound($"{Shared} cp.async.ca.shared.global [%r9], [%p], 4; cp.async.wait_all;",
            $"{Shared} cp.async.ca.shared.global [%r9], [%q], 4; cp.async.wait_all;", "never written");
        string rows = $"{Shared} and.b32 %r7, %t, 7; mad.lo.u32 %r7, %r7, 16, %r8;",
            matrix = "bar.sync 0; ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r0}, [%r7];";
        IsFound($"{rows} st.shared.u32 [%r9], %t; {matrix}", $"{rows} setp.ne.u32 %m0, %t, 5; @%m0 st.shared.u32 [%r9], %t; {matrix}",
            "of which byte 4 was never written");
        IsFound("atom.global.add.u32 %r0, [%p], 1;", "atom.global.add.u32 %r0, [%q], 1;", "never written");
    }

    [Test]
    public void What_the_host_writes_is_written_to_the_byte()
    {
        using var kernel = new TestKernel("ld.global.v2.u32 {%r0, %r1}, [%p+8];");
        ulong p = kernel.Room(64), from = kernel.Room(64);
        kernel.Gpu.Memory.MarkWritten(p + 8, 7);
        Assert.That(kernel.Found(p, threads: 1).Kind, Is.EqualTo(FindingKind.Unwritten));
        kernel.Gpu.Memory.MarkWritten(p + 15, 1);
        kernel.Run(p, threads: 1);
        Assert.That((kernel.Gpu.Memory.AreWritten(p + 8, 8), kernel.Gpu.Memory.AreWritten(p + 8, 9)), Is.EqualTo((true, false)));
        kernel.Gpu.Memory.MarkWritten(from, 15);
        Assert.That(kernel.Gpu.Memory.Copy(p, from, 64), Is.True, "a copy takes over what was not written");
        Assert.That(kernel.Found(p, threads: 1).Message, Does.Contain("byte 7 was never written"));
    }

    [Test]
    public void Without_the_judge_nobody_looks()
    {
        using var kernel = new TestKernel($"{Shared} ld.shared.u32 %r0, [%r9]; ld.global.f32 %f0, [%q];", judge: false);
        kernel.Run(0, kernel.Room(4));
    }
}
