using BDense.VirtualGpu;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Memory;

/// <summary>Accesses that nothing orders, each beside the variant that is right.</summary>
internal sealed class RaceTests
{
    /// <summary>%r9: this thread's word of a shared array of 64 (other: that of the thread half a block away), %d1 that of q.</summary>
    private const string Words = """
        .shared .align 16 .b8 a[1024];
        mov.u32 %r8, a;
        mad.lo.u32 %r9, %t, 4, %r8;
        xor.b32 %r10, %t, 32;
        mad.lo.u32 %r10, %r10, 4, %r8;
        xor.b32 %r11, %t, 1;
        mad.lo.u32 %r11, %r11, 4, %r8;
        mul.wide.u32 %d1, %t, 4;
        add.u64 %d1, %d1, %q;
        xor.b32 %r12, %t, 32;
        mul.wide.u32 %d2, %r12, 4;
        add.u64 %d2, %d2, %q;
        cvt.u16.u32 %h0, %t;
        """;

    private static Finding IsFound(string right, string wrong, int threads = 64, int blocks = 1, FindingKind kind = FindingKind.Race)
    {
        using var good = new TestKernel(Words + right);
        good.Run(good.Array(new byte[4096]), good.Array(new byte[4096]), blocks, threads);
        using var bad = new TestKernel(Words + wrong);
        var finding = bad.Found(bad.Array(new byte[4096]), bad.Array(new byte[4096]), blocks, threads);
        Assert.That(finding.Kind, Is.EqualTo(kind), finding.Message);
        return finding;
    }

    [TestCase("st.shared.u32 [%r9], %t; bar.sync 0; ld.shared.u32 %r0, [%r9];",
        "st.shared.u32 [%r9], %t; setp.ge.u32 %m0, %t, 32; @%m0 ld.shared.u32 %r0, [%r10];")]
    [TestCase("st.shared.u32 [%r9], %t; bar.sync 0; st.shared.u32 [%r10], %t;", "st.shared.u32 [%r9], %t; st.shared.u32 [%r10], %t;")]
    [TestCase("st.shared.u32 [%r9], %t; bar.sync 0; ld.shared.u32 %r0, [%r10]; bar.sync 0; st.shared.u32 [%r9], %t;",
        "st.shared.u32 [%r9], %t; bar.sync 0; ld.shared.u32 %r0, [%r10]; st.shared.u32 [%r9], %t;")]
    [TestCase("st.global.u32 [%d1], %t; bar.sync 0; ld.global.u32 %r0, [%d2];", "st.global.u32 [%d1], %t; ld.global.u32 %r0, [%d2];")]
    [TestCase("ld.global.u32 %r0, [%d2]; bar.sync 0; st.global.u32 [%d1], %t;", "ld.global.u32 %r0, [%d2]; st.global.u32 [%d1], %t;")]
    public void Warps_of_a_block_are_ordered_by_a_barrier(string right, string wrong) =>
        Assert.That(IsFound(right, wrong).Message, Does.Contain("since the last barrier: nothing orders the two"));

    [Test]
    public void Lanes_of_a_warp_are_ordered_by_its_barrier()
    {
        string message = IsFound("st.shared.u32 [%r9], %t; bar.warp.sync 0xffffffff; ld.shared.u32 %r0, [%r11];",
            "st.shared.u32 [%r9], %t; ld.shared.u32 %r0, [%r11];").Message;
        Assert.That(message, Does.EndWith("which thread (1, 0, 0) wrote since the last barrier or bar.warp.sync: nothing orders the two"));
        IsFound("st.shared.u32 [%r9], %t; bar.warp.sync 0xffffffff; ld.shared.u32 %r0, [%r9];",
            "st.shared.u32 [%r9], %t; bar.warp.sync 0xffffffff; setp.ge.u32 %m0, %t, 32; @%m0 ld.shared.u32 %r0, [%r10];");
    }

    [Test]
    public void A_warps_barrier_of_some_lanes_orders_nothing()
    {
        string halves = "mov.u32 %r0, 0x0000ffff; setp.ge.u32 %m0, %t, 16; selp.b32 %r0, 0xffff0000, %r0, %m0;";
        string across = "xor.b32 %r1, %t, 16; mad.lo.u32 %r1, %r1, 4, %r8; st.shared.u32 [%r9], %t;";
        IsFound($"{across} bar.warp.sync 0xffffffff; ld.shared.u32 %r2, [%r1];",
            $"{across} {halves} bar.warp.sync %r0; ld.shared.u32 %r2, [%r1];", threads: 32);
        IsFound($"{across} bar.warp.sync 0xffffffff; ld.shared.u32 %r2, [%r1];",
            $"{across} setp.lt.u32 %m1, %t, 2; @!%m1 bra PAST; bar.warp.sync 3; PAST: setp.eq.u32 %m0, %t, 20; @%m0 ld.shared.u32 "
                + $"%r2, [%r1];", threads: 32);
    }

    [Test]
    public void A_warps_barrier_of_all_lanes_that_have_not_ended_orders_them()
    {
        using var kernel =
            new TestKernel(
                Words + "setp.ge.u32 %m0, %t, 20; @%m0 ret; st.shared.u32 [%r9], %t; bar.warp.sync 0x000fffff; ld.shared.u32 %r0, [%r11];");
        kernel.Run(threads: 32);
    }

    [Test]
    public void A_finding_names_a_thread_that_only_read_as_one_of_those_in_order()
    {
        string message = IsFound("st.shared.u32 [%r9], %t;", """
            setp.eq.u32 %m0, %t, 0; @%m0 st.shared.u32 [%r8], %t; setp.lt.u32 %m1, %t, 32; @!%m1 bra PAST; bar.warp.sync 0xffffffff;
            PAST: setp.eq.u32 %m0, %t, 1; @%m0 ld.shared.u32 %r0, [%r8]; setp.eq.u32 %m0, %t, 32; @%m0 ld.shared.u32 %r0, [%r8];
            """).Message;
        Assert.That(message,
            Does.EndWith("which thread (1, 0, 0) or one ordered before it wrote since the last barrier: nothing orders the two"));
    }

    [TestCase("shared", "%r8")]
    [TestCase("global", "%q")]
    public void Lanes_that_store_to_one_word_at_once_race(string space, string address)
    {
        var finding = IsFound($"setp.eq.u32 %m0, %t, 7; @%m0 st.{space}.u32 [{address}], %t;",
            $"setp.le.u32 %m0, %t, 7; @%m0 st.{space}.u32 [{address}], %t;");
        Assert.That(finding.Thread, Is.EqualTo(new Dim3(1, 0, 0)));
    }

    [Test]
    public void Stores_of_one_value_by_many_pass()
    {
        string one = "mov.u32 %r0, 5; mov.b16 %h0, 5; ";
        IsFound($"{one} st.global.u32 [%q], %r0;", $"{one} st.global.u32 [%q], %r0; ld.global.u32 %r1, [%q];", blocks: 3);
        IsFound($"{one} st.shared.u32 [%r8], %r0; bar.sync 0; ld.shared.u32 %r1, [%r8];",
            $"{one} st.shared.u32 [%r8], %r0; ld.shared.u32 %r1, [%r8];");
        // By the last that stored, by a warp whose barrier does not order the other, and by a block that stored last.
        IsFound($"{one} st.shared.u32 [%r8], %r0;",
            $"{one} st.shared.u32 [%r8], %r0; setp.eq.u32 %m0, %t, 31; @%m0 ld.shared.u32 %r1, [%r8];", threads: 32);
        IsFound($"{one} st.shared.u32 [%r8], %r0; bar.sync 0; ld.shared.u32 %r1, [%r8];",
            $"{one} setp.eq.u32 %m0, %t, 0; setp.eq.or.u32 %m0, %t, 32, %m0; @%m0 st.shared.u32 [%r8], %r0; bar.warp.sync 0xffffffff; "
                + "setp.eq.u32 %m0, %t, 32; @%m0 ld.shared.u32 %r1, [%r8];");
        IsFound($"{one} st.shared.u16 [%r8], %h0;",
            $"{one} st.shared.u16 [%r8], %h0; setp.eq.u32 %m0, %t, 63; @%m0 ld.shared.u16 %h1, [%r8];");
        IsFound($"{one} setp.eq.u32 %m0, %t, 0; @%m0 st.global.u32 [%q], %r0;",
            $"{one} setp.eq.u32 %m0, %t, 0; @%m0 st.global.u32 [%q], %r0; @%m0 ld.global.u32 %r1, [%q];", threads: 32, blocks: 2);
        IsFound($"{one} st.shared.v4.u32 [%r8], {{%r0, %r0, %r0, %r0}};", "st.shared.v4.u32 [%r8], {5, 5, 5, %t};");
        IsFound($"{one} st.shared.u16 [%r8], %h0;",
            $"{one} st.shared.u16 [%r8], %h0; setp.eq.u32 %m0, %t, 40; @%m0 st.shared.u8 [%r8], 6;");
        // What was only read and is then stored by another thread, though it is what was there.
        IsFound("ld.global.u32 %r0, [%q]; bar.sync 0; setp.eq.u32 %m0, %t, 40; @%m0 st.global.u32 [%q], %r0;",
            "ld.global.u32 %r0, [%q]; setp.eq.u32 %m0, %t, 40; @%m0 st.global.u32 [%q], %r0;");
    }

    [Test]
    public void The_finding_names_both_threads_and_the_line()
    {
        var finding = IsFound("st.shared.u32 [%r9], %t;", "st.shared.u32 [%r9], %t;\nst.shared.u32 [%r10], %t;");
        Assert.That(finding.Message,
            Is.EqualTo(
                "writes 4 bytes of shared memory at 144 (byte 128 of a), which thread (0, 0, 0) wrote since the last barrier: nothing "
                + "orders the two"));
        Assert.That((finding.Thread, finding.Place!.Text), Is.EqualTo(((Dim3?)new Dim3(32, 0, 0), "st.shared.u32 [%r9], %t;")));
    }

    [Test]
    public void A_warp_that_reads_before_another_one_wrote_reads_what_nobody_wrote() =>
        IsFound("st.shared.u32 [%r9], %t; bar.sync 0; ld.shared.u32 %r0, [%r10];", "st.shared.u32 [%r9], %t; ld.shared.u32 %r0, [%r10];",
            kind: FindingKind.Unwritten);

    [TestCase("st.global.u32 [%d1], %t;", "ld.global.u32 %r0, [%d1];")]
    [TestCase("st.global.u32 [%d1], %t;", "st.global.u32 [%d1], %r12;")]
    [TestCase("ld.global.u32 %r0, [%d1]; bar.sync 0; ld.global.u32 %r0, [%d1];", "st.global.u32 [%d1], %t;")]
    [TestCase("atom.global.add.u32 %r0, [%d1], 1;", "ld.global.u32 %r0, [%d1];")]
    [TestCase("st.global.u32 [%d1], %t; bar.sync 0; ld.global.u32 %r0, [%d1];", "ld.global.u32 %r0, [%d1];")]
    public void Nothing_orders_blocks_of_a_launch(string first, string second)
    {
        string split = "setp.eq.u32 %m0, %b, 0; @!%m0 bra OTHER; {0}; bra DONE; OTHER: {1}; DONE:";
        string Of(string a, string b) => split.Replace("{0}", a, StringComparison.Ordinal).Replace("{1}", b, StringComparison.Ordinal);
        string move = "mul.wide.u32 %d3, %b, 512; add.u64 %d1, %d1, %d3;";
        foreach (var (a, b) in ((string, string)[])[(first, second), (second, first)])
            Assert.That(IsFound(move + Of(a, b), Of(a, b), blocks: 2).Message, Does.EndWith("in the same launch: nothing orders blocks"));
    }

    [Test]
    public void Launches_are_ordered()
    {
        using var kernel = new TestKernel(Words + "ld.global.u32 %r0, [%d1]; add.u32 %r0, %r0, 1; st.global.u32 [%d1], %r0;");
        ulong q = kernel.Array(new int[64]);
        // More often than launches have numbers.
        for (int k = 0; k < 200; k++)
            kernel.Run(0, q, threads: 64);
        Assert.That(kernel.Read<int>(q, 64), Is.All.EqualTo(200));
    }

    [Test]
    public void Blocks_that_read_the_same_do_not_race() => IsFound("ld.global.u32 %r0, [%q]; ld.global.v4.u32 {%r1, %r2, %r3, %r4}, [%q];",
        "ld.global.u32 %r0, [%q]; setp.eq.u32 %m0, %b, 4; setp.eq.and.u32 %m0, %t, 63, %m0; @%m0 st.global.u32 [%q], %t;", blocks: 5);

    [TestCase("atom.shared.add.u32 %r0, [%r8], 1;", "ld.shared.u32 %r0, [%r8];")]
    [TestCase("red.shared.add.u32 [%r8], 1;", "st.shared.u32 [%r8], %t;")]
    public void Atomics_do_not_race_with_atomics_but_with_the_rest(string atomic, string other)
    {
        string zero = "setp.eq.u32 %m0, %t, 0; @%m0 st.shared.u32 [%r8], 0; bar.sync 0;", last = "setp.eq.u32 %m0, %t, 63;";
        IsFound($"{zero} {atomic} bar.sync 0; {last} @%m0 {other}", $"{zero} {atomic} {last} @%m0 {other}");
    }

    [TestCase("u16", 2)]
    [TestCase("u8", 1)]
    public void Parts_of_a_word_are_told_apart(string type, int bytes)
    {
        string mine = $"mad.lo.u32 %r0, %t, {bytes}, %r8;", store = $"st.shared.{type} [%r0], %h0;";
        IsFound($"{mine} {store} {store} ld.shared.{type} %h1, [%r0];", $"shr.u32 %r1, %t, 1; mad.lo.u32 %r0, %r1, {bytes}, %r8; {store}");
        IsFound($"{mine} {store} bar.sync 0; ld.shared.u32 %r2, [%r8];", $"{mine} {store} ld.shared.u32 %r2, [%r8];");
        IsFound($"st.shared.u32 [%r9], %t; bar.sync 0; {mine} {store}", $"st.shared.u32 [%r9], %t; {mine} {store}");
        string global = $"mul.wide.u32 %d3, %t, {bytes}; add.u64 %d3, %d3, %q;";
        IsFound($"{global} st.global.{type} [%d3], %h0;", $"{global} st.global.{type} [%d3], %h0; ld.global.u32 %r0, [%q];");
    }

    [Test]
    public void A_broadcast_read_counts_for_all_its_lanes() =>
        IsFound("st.shared.u32 [%r9], %t; bar.sync 0; ld.shared.u32 %r0, [%r8]; bar.sync 0; setp.eq.u32 %m0, %t, 0; @%m0 "
            + "st.shared.u32 [%r8], %t;",
            "st.shared.u32 [%r9], %t; bar.sync 0; ld.shared.u32 %r0, [%r8]; setp.eq.u32 %m0, %t, 0; @%m0 st.shared.u32 [%r8], %t;",
            threads: 32);

    [Test]
    public void The_same_finding_comes_in_each_run()
    {
        using var kernel = new TestKernel(Words + "st.shared.u32 [%r9], %t; setp.ge.u32 %m0, %t, 32; @%m0 ld.shared.u32 %r0, [%r10];",
            threads: 2);
        var first = kernel.Found(blocks: 64, threads: 64);
        for (int k = 0; k < 20; k++)
            Assert.That(kernel.Found(blocks: 64, threads: 64), Is.EqualTo(first));
    }

    [Test]
    public void Blocks_that_run_at_once_are_found_too()
    {
        using var kernel = new TestKernel(Words + "add.u32 %r0, %t, %b; st.global.u32 [%d1], %r0;", threads: 2);
        Assert.That(kernel.Found(0, kernel.Room(256), blocks: 300, threads: 64).Kind, Is.EqualTo(FindingKind.Race));
    }

    [Test]
    public void Without_the_judge_nobody_looks()
    {
        using var kernel = new TestKernel(Words + "st.shared.u32 [%r9], %t; ld.shared.u32 %r0, [%r10]; st.global.u32 [%q], %t;",
            judge: false);
        kernel.Run(0, kernel.Room(256), blocks: 2, threads: 64);
    }
}
