using BDense.VirtualGpu;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Execution;

internal sealed class BarrierTests
{
    [Test]
    public void Warps_see_what_others_wrote_before_a_barrier()
    {
        int[] mirrored = ControlKernel.Run("""
            .shared .align 4 .b8 tile[1024];
            mov.b32 %r1, tile; shl.b32 %r2, %t, 2; add.s32 %r2, %r1, %r2; st.shared.b32 [%r2], %t;
            bar.sync 0;
            sub.s32 %r3, %n, 1; sub.s32 %r3, %r3, %t; shl.b32 %r3, %r3, 2; add.s32 %r3, %r1, %r3; ld.shared.b32 %r0, [%r3];
            """, threads: 200);
        Assert.That(mirrored, Is.EqualTo(Enumerable.Range(0, 200).Reverse()));
    }

    [TestCase("setp.lt.s32 %p0, %t, 5; @%p0 bra end; bar.sync 0;", "lanes 0-4 ended", TestName = "A barrier that lanes never reach")]
    [TestCase("setp.lt.s32 %p0, %t, 32; @%p0 bra end; bar.sync 0;", "warp 0 ended", TestName = "A barrier that a warp never reaches")]
    [TestCase("setp.lt.s32 %p0, %t, 5; @%p0 bar.sync 0;", "lanes 0-4 at line", TestName = "A barrier under a guard")]
    [TestCase("setp.lt.s32 %p0, %t, 5; @%p0 bra other; bar.sync 0; bra end; other: bar.sync 0;",
        "lanes 5-31 at line 12 of the PTX, 'bar.sync 0;', lanes 0-4 at line 12", TestName = "Two barriers, some lanes at each")]
    [TestCase("setp.lt.s32 %p0, %t, 32; @%p0 bra other; bar.sync 0; bra end; other: bar.sync 1;",
        "warp 1 at line 12 of the PTX, 'bar.sync 0;', warp 0 at line 12", TestName = "Two barriers, a warp at each")]
    public void Who_waits_in_vain_is_told(string body, string told)
    {
        var finding = ControlKernel.Found(body, threads: 64);
        Assert.That(finding.Kind, Is.EqualTo(FindingKind.BarrierNotReached));
        Assert.That(finding.Message, Does.Contain(told));
    }

    [Test]
    public void Named_barriers_bring_some_warps_together()
    {
        // Warps 0 and 1 meet at barrier 1, warp 2 arrives at barrier 2 for warp 3.
        const string body = """
            .shared .align 4 .b8 tile[1024];
            shr.u32 %r4, %t, 5; setp.lt.s32 %p0, %r4, 2; setp.eq.s32 %p1, %r4, 2;
            mov.b32 %r1, tile; shl.b32 %r2, %t, 2; add.s32 %r2, %r1, %r2; st.shared.b32 [%r2], %t;
            @%p0 bra pair; @%p1 bra producer;
            bar.sync 2, 64; bra read;
            producer: bar.arrive 2, 64; bra end;
            pair: bar.sync 1, 64;
            read: xor.b32 %r3, %t, 32; shl.b32 %r3, %r3, 2; add.s32 %r3, %r1, %r3; ld.shared.b32 %r0, [%r3];
            """;
        Assert.That(ControlKernel.Run(body, threads: 128, options: new GpuOptions(Threads: 1, Judge: false)),
            Is.EqualTo(Enumerable.Range(0, 128).Select(t => t / 32 == 2 ? 0 : t ^ 32)));
    }

    [Test]
    public void A_barrier_can_count_who_says_yes()
    {
        int[] counts =
            ControlKernel.Run(
                "setp.lt.s32 %p0, %t, 7; bar.red.popc.u32 %r0, 0, %p0; bar.red.and.pred %p1, 0, %p0; bar.red.or.pred %p2, 0, !%p0; @%p1 "
                + "add.s32 %r0, %r0, 100; @%p2 add.s32 %r0, %r0, 1000;", threads: 70);
        Assert.That(counts, Is.All.EqualTo(1007));
    }

    [TestCase("bfly", "3", "31", "t ^ 3")]
    [TestCase("down", "2", "31", "t + 2")]
    [TestCase("up", "2", "0", "t - 2")]
    [TestCase("idx", "5", "31", "5")]
    [TestCase("down", "1", "6175", "t + 1 in eights")]
    [TestCase("idx", "9", "6175", "9 in eights")]
    public void Shuffles_take_from_the_lane_that_the_manual_names(string mode, string b, string c, string what)
    {
        int[] result = ControlKernel.Run($"shfl.sync.{mode}.b32 %r0|%p0, %t, {b}, {c}, 0xffffffff; @!%p0 add.s32 %r0, %r0, 1000;");
        Func<int, int> expected = what switch
        {
            "t ^ 3" => t => t ^ 3,
            "t + 2" => t => t < 30 ? t + 2 : t + 1000,
            "t - 2" => t => t >= 2 ? t - 2 : t + 1000,
            "5" => _ => 5,
            "t + 1 in eights" => t => t % 8 < 7 ? t + 1 : t + 1000,
            _ => t => t / 8 * 8 + 1,
        };
        Assert.That(result, Is.EqualTo(Enumerable.Range(0, 32).Select(expected)));
    }

    [Test]
    public void Votes_count_their_members()
    {
        int[] result = ControlKernel.Run("""
            setp.lt.s32 %p0, %t, 7;
            vote.sync.any.pred %p1, %p0, 0xffffffff; vote.sync.all.pred %p2, %p0, 0xffffffff;
            vote.sync.uni.pred %p3, %p0, 0xffffffff; vote.sync.ballot.b32 %r0, !%p0, 0xffffffff;
            @%p1 add.s32 %r0, %r0, 1; @%p2 add.s32 %r0, %r0, 2; @%p3 add.s32 %r0, %r0, 4;
            """);
        Assert.That(result, Is.All.EqualTo(unchecked((int)~0x7Fu) + 1));
    }

    [Test]
    public void Members_wait_for_each_other_where_they_have_parted()
    {
        // Lanes below 16 come to the shuffle later; they are needed.
        int[] result = ControlKernel.Run("""
            mov.b32 %r1, %t; mov.b32 %r2, 3; setp.lt.s32 %p0, %t, 16;
            @%p0 bra longer;
            join: shfl.sync.bfly.b32 %r0, %r1, 16, 31, 0xffffffff; bra end;
            longer: add.s32 %r1, %r1, 100; bra join;
            """);
        Assert.That(result, Is.EqualTo(Enumerable.Range(0, 32).Select(t => t < 16 ? t + 16 : t - 16 + 100)));
    }

    [Test]
    public void Members_that_have_ended_are_not_waited_for() =>
        Assert.That(ControlKernel.Run("setp.lt.s32 %p0, %t, 5; @%p0 ret; bar.warp.sync 0xffffffff; mov.b32 %r0, 1;"),
            Is.EqualTo(Enumerable.Range(0, 32).Select(t => t < 5 ? -1 : 1)));

    [Test]
    public void Members_that_wait_elsewhere_are_found()
    {
        var finding =
            ControlKernel.Found(
                "setp.lt.s32 %p0, %t, 5; @%p0 bra other;\nbar.warp.sync 0xffffffff; bra end;\nother: shfl.sync.bfly.b32 %r0, %t, 1, 31, "
                + "0xffffffff;");
        Assert.That(finding.Kind, Is.EqualTo(FindingKind.BarrierNotReached));
        Assert.That(finding.Message, Does.Contain("lanes 5-31 at line 13").And.Contain("lanes 0-4 at line 14"));
    }

    [Test]
    public void A_lane_outside_of_its_own_members_is_found() =>
        Assert.That(ControlKernel.Found("bar.warp.sync 0xfffffffe;").Message, Does.Contain("not in its own mask"));

    [Test]
    public void A_product_by_a_part_of_a_warp_is_found([Values("setp.lt.s32 %p0, %t, 31; @!%p0 bra end; ",
        "setp.lt.s32 %p0, %t, 31; @%p0 ")] string before)
    {
        var finding =
            ControlKernel.Found(
                before + "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%f0, %f1, %f2, %f3}, {%r1, %r2, %r3, %r4}, {%r5, %r6}, "
                    + "{%f0, %f1, %f2, %f3};");
        Assert.That(finding.Kind, Is.EqualTo(FindingKind.BarrierNotReached));
    }

    [Test]
    public void A_trap_is_found() =>
        Assert.That(ControlKernel.Found("setp.eq.s32 %p0, %t, 9; @%p0 trap;").Thread, Is.EqualTo(new Dim3(9, 0, 0)));
}
