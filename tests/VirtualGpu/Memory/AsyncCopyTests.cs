using BDense.VirtualGpu;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Memory;

/// <summary>cp.async: what arrives, and when who may touch it; each fault beside the variant that is right.</summary>
internal sealed class AsyncCopyTests
{
    /// <summary>%r9: this thread's 16 bytes of a shared array; %r10: those of the thread before it; %d0, %d1: of p and q.</summary>
    private const string Rows = """
        .shared .align 16 .b8 a[4096];
        mov.u32 %r8, a;
        mad.lo.u32 %r9, %t, 16, %r8;
        xor.b32 %r10, %t, 1;
        mad.lo.u32 %r10, %r10, 16, %r8;
        mul.wide.u32 %d0, %t, 16;
        add.u64 %d1, %d0, %q;
        add.u64 %d0, %d0, %p;
        """;

    private const string Copy = "cp.async.cg.shared.global [%r9], [%d0], 16;", Commit = "cp.async.commit_group;",
        Wait = "cp.async.wait_group 0;",
        Load = "ld.shared.v4.f32 {%f0, %f1, %f2, %f3}, [%r9];", LoadOther = "ld.shared.v4.f32 {%f0, %f1, %f2, %f3}, [%r10];";

    private static Finding IsFound(string right, string wrong, FindingKind kind, int threads = 64)
    {
        using var good = new TestKernel(Rows + right);
        good.Run(good.Array(new byte[4096]), good.Array(new byte[4096]), 1, threads);
        using var bad = new TestKernel(Rows + wrong);
        var finding = bad.Found(bad.Array(new byte[4096]), bad.Array(new byte[4096]), 1, threads);
        Assert.That(finding.Kind, Is.EqualTo(kind), finding.Message);
        return finding;
    }

    [TestCase(4, "ca")]
    [TestCase(8, "ca")]
    [TestCase(16, "ca")]
    [TestCase(16, "cg")]
    public void What_is_copied_arrives(int bytes, string cache)
    {
        using var kernel = new TestKernel($$"""
            .shared .align 16 .b8 a[1024];
            mov.u32 %r8, a;
            mad.lo.u32 %r9, %t, {{bytes}}, %r8;
            mul.wide.u32 %d0, %t, {{bytes}};
            add.u64 %d0, %d0, %p;
            cp.async.{{cache}}.shared.global [%r9], [%d0+{{bytes}}], {{bytes}};
            cp.async.wait_all;
            bar.sync 0;
            mul.wide.u32 %d1, %t, 4;
            add.u64 %d1, %d1, %q;
            mad.lo.u32 %r9, %t, 4, %r8;
            ld.shared.u32 %r0, [%r9];
            st.global.u32 [%d1], %r0;
            """);
        int[] values = [.. Enumerable.Range(0, 256)];
        ulong p = kernel.Array(values), q = kernel.Room(4 * 40);
        kernel.Run(p, q, threads: 40);
        Assert.That(kernel.Read<int>(q, 40), Is.EqualTo(values.Skip(bytes / 4).Take(40)));
    }

    [Test]
    public void Data_read_before_the_wait_is_found()
    {
        string message = IsFound($"{Copy} {Commit} {Wait} {Load}", $"{Copy} {Commit} {Load}", FindingKind.CopyNotAwaited).Message;
        Assert.That(message, Does.EndWith("to which thread (0, 0, 0) still copies: its cp.async was not waited for"));
    }

    [TestCase("st.shared.u32 [%r9], %t;")]
    [TestCase("cp.async.cg.shared.global [%r9], [%d1], 16;")]
    public void Data_overwritten_before_the_wait_is_found(string write) =>
        IsFound($"{Copy} {Commit} {Wait} {write}", $"{Copy} {Commit} {write} {Wait}", FindingKind.CopyNotAwaited);

    [Test]
    public void A_barrier_does_not_replace_the_wait() =>
        IsFound($"{Copy} {Commit} {Wait} bar.sync 0; {LoadOther}", $"{Copy} {Commit} bar.sync 0; {LoadOther} {Wait}",
            FindingKind.CopyNotAwaited);

    [Test]
    public void The_wait_does_not_replace_a_barrier() =>
        IsFound($"{Copy} {Commit} {Wait} bar.sync 0; {LoadOther}", $"{Copy} {Commit} {Wait} {LoadOther}", FindingKind.Race);

    [Test]
    public void Groups_are_waited_for_in_order()
    {
        string three =
            $"{Copy} {Commit} cp.async.cg.shared.global [%r9+1024], [%d0], 16; {Commit} cp.async.cg.shared.global [%r9+2048], [%d0], "
                + $"16; {Commit}";
        IsFound($"{three} cp.async.wait_group 2; {Load}", $"{three} cp.async.wait_group 3; {Load}", FindingKind.CopyNotAwaited);
        string second = "ld.shared.u32 %r0, [%r9+1024];";
        IsFound($"{three} cp.async.wait_group 1; {second}", $"{three} cp.async.wait_group 2; {second}", FindingKind.CopyNotAwaited);
    }

    [Test]
    public void An_empty_group_counts() =>
        IsFound($"{Copy} {Commit} {Commit} cp.async.wait_group 1; {Load}", $"{Copy} {Commit} cp.async.wait_group 1; {Load}",
            FindingKind.CopyNotAwaited);

    [Test]
    public void What_was_not_committed_is_not_waited_for() =>
        IsFound($"{Copy} cp.async.wait_all; {Load}", $"{Copy} {Wait} {Load}", FindingKind.CopyNotAwaited);

    [Test]
    public void Each_lane_counts_its_own_groups() => IsFound(
        $"setp.lt.u32 %m0, %t, 8; {Copy} {Commit} @%m0 {Commit} @%m0 cp.async.wait_group 1; @%m0 {Load} {Wait}",
        $"setp.lt.u32 %m0, %t, 8; {Copy} {Commit} @%m0 {Commit} cp.async.wait_group 1; {Load}", FindingKind.CopyNotAwaited);

    [Test]
    public void A_destination_that_others_still_read_is_found() => IsFound(
        $"st.shared.v4.u32 [%r9], {{%t, %t, %t, %t}}; bar.sync 0; {LoadOther} bar.sync 0; {Copy} {Commit} {Wait}",
        $"st.shared.v4.u32 [%r9], {{%t, %t, %t, %t}}; bar.sync 0; {LoadOther} {Copy} {Commit} {Wait}", FindingKind.Race);

    [Test]
    public void A_source_that_is_written_meanwhile_is_found()
    {
        IsFound($"{Copy} {Commit} {Wait} st.global.u32 [%d0], 1;", $"{Copy} {Commit} st.global.u32 [%d0], 1; {Wait}", FindingKind.Race);
        // The value that was there, by another thread behind a barrier.
        string other = "setp.eq.u32 %m0, %t, 40; @%m0 st.global.u32 [%p], 0;";
        IsFound($"{Copy} {Commit} {Wait} bar.sync 0; {other}", $"{Copy} {Commit} bar.sync 0; {other} bar.sync 0; {Wait}", FindingKind.Race);
    }

    [Test]
    public void Zeros_that_arrive_are_a_copy_too() =>
        IsFound("cp.async.cg.shared.global [%r9], [%d0], 16, 0;" + $"{Commit} {Wait} {Load}",
            "cp.async.cg.shared.global [%r9], [%d0], 16, 0;" + $"{Commit} {Load}", FindingKind.CopyNotAwaited);

    [Test]
    public void A_copy_on_its_way_when_the_block_ends_is_no_concern_of_the_next()
    {
        using var kernel = new TestKernel($"{Rows} {Copy} {Commit} st.shared.u32 [%r9+1024], %t; ld.shared.u32 %r0, [%r9+1024];");
        kernel.Run(kernel.Array(new byte[4096]), blocks: 200, threads: 64);
    }
}
