using BDense.VirtualGpu;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Execution;

internal sealed class DivergenceTests
{
    [Test]
    public void Lanes_loop_as_often_as_each_wants([Values(1, 31, 32, 33, 80)] int threads)
    {
        int[] counts = ControlKernel.Run("""
            and.b32 %r1, %t, 7;
            again: setp.ge.s32 %p0, %r0, %r1;
            @%p0 bra end;
            add.s32 %r0, %r0, 1;
            bra again;
            """, threads);
        Assert.That(counts, Is.EqualTo(Enumerable.Range(0, threads).Select(t => t & 7)));
    }

    /// <summary>Four ways by two nested branches; each lane's way shows in its digits.</summary>
    [Test]
    public void Lanes_that_part_meet_again()
    {
        int[] ways = ControlKernel.Run("""
            and.b32 %r1, %t, 1; and.b32 %r2, %t, 2; setp.ne.s32 %p0, %r1, 0; setp.ne.s32 %p1, %r2, 0;
            @%p0 bra odd;
            add.s32 %r0, %r0, 1;
            @%p1 bra join;
            add.s32 %r0, %r0, 10;
            bra join;
            odd: add.s32 %r0, %r0, 100;
            @!%p1 bra join;
            add.s32 %r0, %r0, 1000;
            join: activemask.b32 %r3; popc.b32 %r3, %r3;
            mad.lo.s32 %r0, %r3, 10000, %r0;
            """);
        Assert.That(ways,
            Is.EqualTo(Enumerable.Range(0, 32).Select(t => 320000 + ((t & 3) switch { 0 => 11, 1 => 100, 2 => 1, _ => 1100 }))));
    }

    [Test]
    public void A_switch_goes_by_its_list()
    {
        const string body = """
            and.b32 %r1, %t, 3;
            list: .branchtargets zero, one, zero, three;
            brx.idx %r1, list;
            zero: mov.b32 %r0, 5; bra end;
            one: mov.b32 %r0, 6; bra end;
            three: mov.b32 %r0, 7;
            """;
        Assert.That(ControlKernel.Run(body), Is.EqualTo(Enumerable.Range(0, 32).Select(t => (t & 3) switch { 1 => 6, 3 => 7, _ => 5 })));
        Assert.That(ControlKernel.Found(body.Replace("brx.idx", "brx.idx.uni", StringComparison.Ordinal)).Kind,
            Is.EqualTo(FindingKind.DivergentUniform));
        Assert.That(ControlKernel.Found(body.Replace("%t, 3;", "%t, 7;", StringComparison.Ordinal)).Kind,
            Is.EqualTo(FindingKind.OutOfBounds));
    }

    [Test]
    public void A_divergent_uniform_branch_is_found()
    {
        var finding = ControlKernel.Found("setp.lt.s32 %p0, %t, 5;\n@%p0 bra.uni end;\nmov.b32 %r0, 1;");
        Assert.Multiple(() =>
        {
            Assert.That(finding.Kind, Is.EqualTo(FindingKind.DivergentUniform));
            Assert.That(finding.Place!.Text, Is.EqualTo("@%p0 bra.uni end;"));
            Assert.That(finding.Thread, Is.EqualTo(new Dim3(5, 0, 0)));
            Assert.That(finding.Message, Does.Contain("5 of 32 lanes"));
        });
    }

    [Test]
    public void A_uniform_branch_that_all_or_none_take_is_not()
    {
        Assert.That(
            ControlKernel.Run(
                "setp.lt.s32 %p0, %t, 32; mov.b32 %r0, 1; @!%p0 bra.uni end; mov.b32 %r0, 2; @%p0 bra.uni end; mov.b32 %r0, 3;"),
                Is.All.EqualTo(2));
        // Lanes that have parted before are judged by themselves.
        Assert.That(ControlKernel.Run("setp.lt.s32 %p0, %t, 16; mov.b32 %r0, 1; @%p0 bra end; bra.uni past; past: mov.b32 %r0, 2;")[15..17],
            Is.EqualTo((int[])[1, 2]));
    }

    [Test]
    public void A_divergent_uniform_return_is_found() =>
        Assert.That(ControlKernel.Found("setp.lt.s32 %p0, %t, 5; @%p0 ret.uni;").Kind, Is.EqualTo(FindingKind.DivergentUniform));

    [Test]
    public void Lanes_end_where_they_return() =>
        Assert.That(ControlKernel.Run("mov.b32 %r0, 3; setp.lt.s32 %p0, %t, 5; @%p0 ret;"),
            Is.EqualTo(Enumerable.Range(0, 32).Select(t => t < 5 ? -1 : 3)));

    [Test]
    public void A_kernel_that_does_not_end_is_stopped()
    {
        var finding = ControlKernel.Found("again: add.s32 %r0, %r0, 1;\nbra again;",
            options: new GpuOptions(Threads: 1, InstructionLimit: 1_000_000));
        Assert.Multiple(() =>
        {
            Assert.That(finding.Kind, Is.EqualTo(FindingKind.Endless));
            Assert.That(finding.Place!.Text, Is.EqualTo("add.s32 %r0, %r0, 1;").Or.EqualTo("bra again;"));
            Assert.That(finding.Message, Does.Contain("1000000 instructions"));
        });
    }

    [Test]
    public void The_finding_of_the_lowest_block_is_reported_whatever_the_timing()
    {
        for (int run = 0; run < 10; run++)
        {
            // Block 3 takes long before it goes wrong; the blocks behind it do so at once.
            var finding = ControlKernel.Found("""
                setp.lt.s32 %p0, %b, 3; @%p0 bra end;
                setp.gt.s32 %p0, %b, 3; @%p0 bra wrong;
                mov.b32 %r1, 20000;
                wait: sub.s32 %r1, %r1, 1; setp.gt.s32 %p0, %r1, 0; @%p0 bra wait;
                wrong: setp.lt.s32 %p0, %t, 5; @%p0 bra.uni end;
                """, blocks: 50, options: new GpuOptions(Threads: 4));
            Assert.That(finding.Block, Is.EqualTo(new Dim3(3, 0, 0)));
        }
    }

    [Test]
    public void Special_registers_say_where_a_thread_is()
    {
        int[] values =
            ControlKernel.Run(
                "mov.b32 %r1, %laneid; mov.b32 %r2, %warpid; mov.b32 %r3, %nctaid.x; mad.lo.s32 %r0, %r2, 100, %r1; mad.lo.s32 %r0, %b, "
                + "10000, %r0; mad.lo.s32 %r0, %r3, 1000000, %r0;", threads: 70, blocks: 3);
        Assert.That(values, Is.EqualTo(Enumerable.Range(0, 210).Select(i => 3000000 + i / 70 * 10000 + i % 70 / 32 * 100 + i % 70 % 32)));
    }

    [Test]
    public void The_clock_counts_instructions() =>
        Assert.That(ControlKernel.Run("mov.u32 %r1, %clock; mov.u32 %r2, %r1; mov.u32 %r2, %clock; sub.s32 %r0, %r2, %r1;"),
            Is.All.EqualTo(2));
}
