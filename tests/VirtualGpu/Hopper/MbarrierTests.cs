using BDense.VirtualGpu;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Hopper;

/// <summary>mbarriers: phases, counts, who is ordered by them, and what is wrong with them.</summary>
internal sealed class MbarrierTests
{
    /// <summary>An mbarrier at %s, which thread 0 makes and all may use.</summary>
    private static string Made(int count) => $"setp.eq.u32 %m0, %t, 0; @%m0 mbarrier.init.shared::cta.b64 [%s], {count}; bar.sync 0;";

    private static string Wait(string label, string parity, string address = "%s") =>
        $"{label}: mbarrier.try_wait.parity.shared::cta.b64 %m1, [{address}], {parity}; @!%m1 bra {label};";

    private const string Arrive = "mbarrier.arrive.shared::cta.b64 _, [%s];";

    /// <summary>What each thread has in %r0 at the end.</summary>
    private static int[] Results(string body, int threads = 128)
    {
        using var kernel = new HopperKernel($"{body} mul.wide.u32 %d9, %t, 4; add.u64 %d9, %d9, %q; st.global.b32 [%d9], %r0;");
        ulong q = kernel.Room(4 * threads);
        kernel.Run(0, q, threads);
        return kernel.Read<int>(q, threads);
    }

    [Test]
    public void A_block_is_its_own_cluster()
    {
        Assert.That(Results("mov.u32 %r1, %cluster_nctarank; mov.u32 %r2, %cluster_ctarank; mad.lo.u32 %r0, %r1, 10, %r2;"),
            Is.All.EqualTo(10));
        string text = HopperKernel.Text("");
        string asks = text.Replace("map2[128])", "map2[128]) .explicitcluster .reqnctapercluster ");
        Assert.That(PtxModule.Read(asks.Replace("cluster \n", "cluster 1, 1, 1\n")).Kernels, Has.Count.EqualTo(1));
        Assert.That(() => PtxModule.Read(asks.Replace("cluster \n", "cluster 2, 1, 1\n")),
            Throws.InstanceOf<PtxException>().With.Message.Contains("one block"));
    }

    private static Finding Found(string body, FindingKind kind, string says = "", int threads = 128)
    {
        using var kernel = new HopperKernel(body);
        var finding = kernel.Found(kernel.Array(new byte[4096]), kernel.Room(4096), threads);
        Assert.That(finding.Kind, Is.EqualTo(kind), finding.Message);
        Assert.That(finding.Message, Does.Contain(says));
        return finding;
    }

    [Test]
    public void A_phase_is_complete_when_all_have_arrived()
    {
        const string Ask = "mbarrier.test_wait.parity.shared::cta.b64 %m2, [%s], ";
        int[] results = Results($$"""
            {{Made(3)}}
            setp.ne.u32 %m3, %t, 0;
            @%m3 bra end;
            {{Ask}} 1; selp.b32 %r0, 1, 0, %m2;
            {{Ask}} 0; selp.b32 %r1, 2, 0, %m2; or.b32 %r0, %r0, %r1;
            {{Arrive}} mbarrier.arrive.shared::cta.b64 %d0, [%s];
            mbarrier.test_wait.shared::cta.b64 %m2, [%s], %d0; selp.b32 %r1, 4, 0, %m2; or.b32 %r0, %r0, %r1;
            {{Arrive}}
            mbarrier.test_wait.shared::cta.b64 %m2, [%s], %d0; selp.b32 %r1, 8, 0, %m2; or.b32 %r0, %r0, %r1;
            {{Ask}} 0; selp.b32 %r1, 16, 0, %m2; or.b32 %r0, %r0, %r1;
            {{Ask}} 1; selp.b32 %r1, 32, 0, %m2; or.b32 %r0, %r0, %r1;
            mbarrier.arrive.release.cta.shared::cta.b64 %d0, [%s], 3;
            {{Ask}} 1; selp.b32 %r1, 64, 0, %m2; or.b32 %r0, %r0, %r1;
            end:
            """);
        Assert.That(results[0], Is.EqualTo(1 | 8 | 16 | 64));
    }

    [Test]
    public void Bytes_hold_a_phase_up()
    {
        int[] results = Results($$"""
            {{Made(1)}}
            setp.ne.u32 %m3, %t, 0;
            @%m3 bra end;
            mbarrier.arrive.expect_tx.shared::cta.b64 %d0, [%s], 48;
            mbarrier.test_wait.shared::cta.b64 %m2, [%s], %d0; selp.b32 %r0, 1, 0, %m2;
            mbarrier.complete_tx.relaxed.cta.shared::cta.b64 [%s], 32;
            mbarrier.test_wait.shared::cta.b64 %m2, [%s], %d0; selp.b32 %r1, 2, 0, %m2; or.b32 %r0, %r0, %r1;
            mbarrier.complete_tx.relaxed.cta.shared::cta.b64 [%s], 16;
            mbarrier.test_wait.shared::cta.b64 %m2, [%s], %d0; selp.b32 %r1, 4, 0, %m2; or.b32 %r0, %r0, %r1;
            end:
            """);
        Assert.That(results[0], Is.EqualTo(4));
    }

    [Test]
    public void Who_drops_out_is_not_missed_in_the_next_phase()
    {
        int[] results = Results($$"""
            {{Made(2)}}
            setp.ne.u32 %m3, %t, 0;
            @%m3 bra end;
            mbarrier.arrive_drop.shared::cta.b64 _, [%s];
            {{Arrive}}
            mbarrier.test_wait.parity.shared::cta.b64 %m2, [%s], 0;
            {{Arrive}}
            mbarrier.test_wait.parity.shared::cta.b64 %m2, [%s], 1; selp.b32 %r0, 1, 0, %m2;
            end:
            """);
        Assert.That(results[0], Is.EqualTo(1));
    }

    /// <summary>The last warp writes what the first reads, round after round, with a barrier for each direction.</summary>
    private static string PingPong(string readerWaits = "", string writerWaits = "",
        string writerArrives = "mbarrier.arrive.shared::cta.b64 _, [%s+8];")
    {
        readerWaits = readerWaits.Length > 0 ? readerWaits : Wait("full", "%r2", "%s+8");
        writerWaits = writerWaits.Length > 0 ? writerWaits : Wait("empty", "%r3", "%s");
        return $$"""
            setp.eq.u32 %m0, %t, 0;
            @%m0 mbarrier.init.shared::cta.b64 [%s], 32;
            @%m0 mbarrier.init.shared::cta.b64 [%s+8], 32;
            bar.sync 0;
            mov.u32 %r0, 0; mov.u32 %r1, 0; mov.u32 %r2, 0;
            and.b32 %r4, %t, 31;
            mad.lo.u32 %r5, %r4, 4, %s;
            setp.lt.u32 %m2, %t, 96;
            @%m2 bra readers;
            writes:
            xor.b32 %r3, %r2, 1;
            {{writerWaits}}
            add.u32 %r6, %r1, %r4;
            st.shared.b32 [%r5+128], %r6;
            {{writerArrives}}
            xor.b32 %r2, %r2, 1; add.u32 %r1, %r1, 1; setp.lt.u32 %m3, %r1, 5; @%m3 bra writes;
            bra done;
            readers:
            setp.ge.u32 %m2, %t, 32;
            @%m2 bra done;
            reads:
            {{readerWaits}}
            sub.u32 %r7, 31, %r4; mad.lo.u32 %r7, %r7, 4, %s;
            ld.shared.b32 %r6, [%r7+128]; add.u32 %r0, %r0, %r6;
            mbarrier.arrive.shared::cta.b64 _, [%s];
            xor.b32 %r2, %r2, 1; add.u32 %r1, %r1, 1; setp.lt.u32 %m3, %r1, 5; @%m3 bra reads;
            done:
            """;
    }

    [Test]
    public void Warps_that_wait_for_each_other_take_turns() =>
        Assert.That(Results(PingPong()).Take(32), Is.EqualTo(Enumerable.Range(0, 32).Select(lane => 5 * (31 - lane) + 10)));

    [Test]
    public void What_no_mbarrier_orders_is_a_race()
    {
        // The reader has nothing to wait for: it comes first, and nobody has written yet.
        Found(PingPong(readerWaits: "full:"), FindingKind.Unwritten);
        // The writer does not wait until its values were read.
        Found(PingPong(writerWaits: "empty:"), FindingKind.Race);
        // It always waits for the phase before the first, which is complete from the start, and not after the reader's next arrival.
        Found(PingPong(writerWaits: Wait("empty", "1")), FindingKind.BarrierNotReached);
    }

    [Test]
    public void An_arrival_before_the_store_is_found() => Found(PingPong().Replace("st.shared.b32 [%r5+128], %r6;\n", "").Replace(
        "mbarrier.arrive.shared::cta.b64 _, [%s+8];", "mbarrier.arrive.shared::cta.b64 _, [%s+8]; st.shared.b32 [%r5+128], %r6;"),
            FindingKind.Unwritten);

    [Test]
    public void A_phase_that_never_completes_is_told_with_its_places()
    {
        string message = Found(PingPong(writerArrives: ""), FindingKind.BarrierNotReached).Message;
        Assert.That(message, Does.Contain("the mbarrier at 1024 (byte 0 of sm), phase 0, 32 of 32 arrivals missing").And.Contain("the "
            + "mbarrier at 1032 (byte 8 of sm), phase 0").And.Contain("warp 3 at line"));
        message = Found($"{Made(1)} @%m0 mbarrier.arrive.expect_tx.shared::cta.b64 _, [%s], 64; {Wait("full", "0")}",
            FindingKind.BarrierNotReached).Message;
        Assert.That(message, Does.Contain("64 bytes expected that nobody copies"));
        message = Found($"{Made(1)} @%m0 mbarrier.arrive.expect_tx.shared::cta.b64 _, [%s], 64; @%m0 "
            + $"mbarrier.complete_tx.relaxed.cta.shared::cta.b64 [%s], 80; {Wait("full", "0")}",
            FindingKind.BarrierNotReached).Message;
        Assert.That(message, Does.Contain("16 bytes more arrived than were expected"));
    }

    [TestCase("mbarrier.init.shared::cta.b64 [%s], 0;", "0 arrivals")]
    [TestCase("mbarrier.init.shared::cta.b64 [%s], 1048576;", "1048576 arrivals")]
    [TestCase("mbarrier.init.shared::cta.b64 [%s], 1; mbarrier.init.shared::cta.b64 [%s], 1;", "made again")]
    [TestCase("mbarrier.arrive.shared::cta.b64 _, [%s];", "mbarrier.init comes first")]
    [TestCase("mbarrier.init.shared::cta.b64 [%s], 2; mbarrier.arrive.shared::cta.b64 _, [%s], 3;", "3 arrivals")]
    [TestCase("mbarrier.init.shared::cta.b64 [%s], 2; mbarrier.inval.shared::cta.b64 [%s]; mbarrier.arrive.shared::cta.b64 _, [%s];",
        "mbarrier.init comes first")]
    [TestCase("mbarrier.init.shared::cta.b64 [%s], 2; mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [%s], 1048575; "
        + "mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [%s], 1;", "at most 1048575")]
    [TestCase("mbarrier.init.shared::cta.b64 [%s], 2; mov.u32 %r1, 2; mbarrier.test_wait.parity.shared::cta.b64 %m1, [%s], %r1;",
        "parity 2")]
    [TestCase("mbarrier.init.shared::cta.b64 [%s], 2; mov.b64 %d0, 5; mbarrier.test_wait.shared::cta.b64 %m1, [%s], %d0;",
        "a state of phase 5")]
    [TestCase("mbarrier.init.shared::cta.b64 [%s], 1;" + Arrive + Arrive, "nobody has seen")]
    [TestCase("mbarrier.init.shared::cta.b64 [%s], 2; ld.shared.b32 %r0, [%s+4];", "accesses the bytes of the mbarrier")]
    [TestCase("mbarrier.init.shared::cta.b64 [%s], 2; st.shared.b32 [%s+4], %t;", "accesses the bytes of the mbarrier")]
    public void Misuse_is_found(string body, string says) =>
        Found($"setp.ne.u32 %m2, %t, 0; @%m2 bra end; {body} end:", FindingKind.Mbarrier, says);

    [Test]
    public void An_mbarrier_lies_at_a_multiple_of_8() =>
        Found("setp.ne.u32 %m2, %t, 0; @%m2 bra end; mbarrier.init.shared::cta.b64 [%s+4], 1; end:", FindingKind.Misaligned);

    [Test]
    public void An_mbarrier_that_another_warp_made_needs_a_barrier() =>
        Found($"setp.eq.u32 %m0, %t, 0; @%m0 mbarrier.init.shared::cta.b64 [%s], 128; {Arrive}", FindingKind.Race, "was made by warp 0");

    [Test]
    public void Its_bytes_serve_again_once_it_is_no_more()
    {
        int[] results = Results($"{Made(1)} bar.sync 0; @%m0 mbarrier.inval.shared::cta.b64 [%s]; bar.sync 0; @%m0 st.shared.b32 [%s], 7; "
            + $"bar.sync 0; ld.shared.b32 %r0, [%s];");
        Assert.That(results, Is.All.EqualTo(7));
    }

    /// <summary>
    /// cp.async counts by an mbarrier: who waits for it may read what others copied, and let a wgmma read it after a fence.
    /// </summary>
    [Test]
    public void Copies_of_threads_arrive_at_an_mbarrier()
    {
        string copies = $$"""
            {{Made(128)}}
            mul.wide.u32 %d0, %t, 4; add.u64 %d0, %d0, %p;
            mad.lo.u32 %r4, %t, 4, %s;
            cp.async.ca.shared.global [%r4+128], [%d0], 4;
            cp.async.mbarrier.arrive.noinc.shared.b64 [%s];
            {{Wait("full", "0")}}
            xor.b32 %r5, %t, 127; mad.lo.u32 %r5, %r5, 4, %s;
            ld.shared.b32 %r0, [%r5+128];
            mul.wide.u32 %d9, %t, 4; add.u64 %d9, %d9, %q; st.global.b32 [%d9], %r0;
            """;
        using var kernel = new HopperKernel(copies);
        ulong q = kernel.Room(512);
        kernel.Run(kernel.Array(Enumerable.Range(0, 128).ToArray()), q);
        Assert.That(kernel.Read<int>(q, 128), Is.EqualTo(Enumerable.Range(0, 128).Select(k => 127 - k)));
        using var bad = new HopperKernel(copies.Replace(Wait("full", "0"), "xor.b32 %r6, %t, 32;").Replace("xor.b32 %r5, %t, 127;",
            "and.b32 %r5, %t, 31;"));
        Assert.That(bad.Found(bad.Array(new int[128]), bad.Room(512)).Kind, Is.EqualTo(FindingKind.Race));
    }

    /// <summary>A lane may poll and do something else; a named barrier between some warps passes while others ask.</summary>
    [Test]
    public void Others_meet_while_a_warp_asks()
    {
        int[] results = Results($$"""
            {{Made(64)}}
            setp.lt.u32 %m2, %t, 64;
            @%m2 bra others;
            {{Wait("full", "0")}}
            mov.u32 %r0, 1;
            bra done;
            others:
            bar.sync 1, 64;
            bar.sync 1, 64;
            {{Arrive}}
            mov.u32 %r0, 2;
            done:
            """);
        Assert.That(results, Is.EqualTo(Enumerable.Repeat(2, 64).Concat(Enumerable.Repeat(1, 64))));
    }

    [Test]
    public void One_of_a_warp_is_elected()
    {
        int[] results = Results("elect.sync %r1|%m1, 0xfffffff0; selp.b32 %r0, 100, 0, %m1; add.u32 %r0, %r0, %r1;".Replace("elect",
            "setp.ge.u32 %m2, %t, 4; @!%m2 bra end; elect", StringComparison.Ordinal) + " end:", 32);
        Assert.That(results.Skip(4), Is.EqualTo(Enumerable.Repeat(104, 1).Concat(Enumerable.Repeat(4, 27))));
    }

    [TestCase("sm_80", "mbarrier.try_wait.parity.shared.b64 %m1, [%s], 0;", "sm_90")]
    [TestCase("sm_80", "mbarrier.arrive.expect_tx.shared.b64 _, [%s], 0;", "sm_90")]
    [TestCase("sm_80", "elect.sync %r0|%m1, 0xffffffff;", "sm_90")]
    [TestCase("sm_90", "setmaxnreg.inc.sync.aligned.u32 40;", "sm_90a")]
    [TestCase("sm_90a", "setmaxnreg.inc.sync.aligned.u32 41;", "multiple of 8")]
    [TestCase("sm_90a", "cp.async.mbarrier.arrive.shared.b64 [%s];", "noinc")]
    [TestCase("sm_90a", "mbarrier.pending_count.b64 %r0, %d0;", "not an mbarrier instruction")]
    public void What_is_not_known_is_refused(string target, string statement, string why) =>
        Assert.That(() => PtxModule.Read(HopperKernel.Text(statement, target: target)),
            Throws.InstanceOf<PtxException>().With.Message.Contains(why));
}
