using BDense.Tests.VirtualGpu.Execution;
using BDense.Tests.VirtualGpu.Hopper;
using BDense.VirtualGpu;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Ptx;

internal sealed class MutatedTextTests
{
    private static readonly string[] Pieces = ["{", "}", ";", ",", "[", "]", "@", "%p0", "%r0", "0", "-1", "0f3F800000", "999999999999",
        ".reg .b32 x<9>;", "bra end;", "\"", "/*", "|", ":", "<", ".shared", "v4", "\n", "_", "!", "1e999", ".align 3"];

    private static readonly string Plain = ControlKernel.Text("""
        .shared .align 16 .b8 tile[1024]; .local .b32 stack[4];
        { .reg .f32 s<4>; ld.shared.v4.f32 {s0, s1, s2, s3}, [tile+16]; fma.rn.f32 s0, s1, s2, s3; @%p1 st.shared.f32 [tile], s0; }
        again: setp.lt.and.s32 %p0|%p1, %t, 5, !%p2; selp.b32 %r0, %t, 7, %p0; shfl.sync.bfly.b32 %r1|%p3, %r0, 1, 31, 0xffffffff;
        list: .branchtargets again, end;
        mov.b64 %d0, {%r1, %r2}; cvt.rn.bf16x2.f32 %r3, %f0, %f1; bar.sync 0; brx.idx %r0, list; @%p0 bra.uni end;
        cp.async.cg.shared.global [tile], [%d0], 16, %r1; atom.global.add.u32 %r1, [%d0], 1;
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%f0, %f1, %f2, %f3}, {%r1, %r2, %r3, %r4}, {%r5, %r6}, {%f0, %f1, %f2, %f3};
        """);

    private static readonly string Hopper = HopperKernel.Text("""
        mbarrier.init.shared::cta.b64 [%s], 1; fence.mbarrier_init.release.cluster; mbarrier.arrive.expect_tx.shared::cta.b64 _, [%s], 64;
        mbarrier.arrive.release.cta.shared::cta.b64 %d3, [%s], 2; mbarrier.test_wait.shared.b64 %m1, [%s], %d3; elect.sync %r1|%m1, -1;
        again: mbarrier.try_wait.parity.acquire.cta.shared::cta.b64 %m1, [%s], %r2, 1000; @!%m1 bra again; mbarrier.inval.shared.b64 [%s];
        cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%s], [%d6], %r5, [%r2], %d7;
        cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%r1], [%map, {%r3, 7}], [%s];
        cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%map, {%r3, %r4}], [%r1]; prefetch.tensormap [%map];
        cp.async.bulk.global.shared::cta.bulk_group [%d6], [%r1], 64; cp.async.bulk.commit_group; cp.async.bulk.wait_group.read 1;
        cp.async.mbarrier.arrive.noinc.shared.b64 [%s]; fence.proxy.async.shared::cta; setmaxnreg.inc.sync.aligned.u32 232;
        wgmma.fence.sync.aligned; wgmma.commit_group.sync.aligned; wgmma.wait_group.sync.aligned 0;
        wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%f0, %f1, %f2, %f3}, {%r4, %r5, %r6, %r7}, %d5, !%m1, 1, 1, 0;
        wgmma.mma_async.sync.aligned.m64n8k8.f32.tf32.tf32 {%f0, %f1, %f2, %f3}, %d4, %d5, 1, -1, 1;
        """);

    private static IEnumerable<TestCaseData> Texts() =>
        [new TestCaseData(Plain).SetArgDisplayNames("plain"), new TestCaseData(Hopper).SetArgDisplayNames("hopper")];

    /// <summary>Text that was cut, doubled and mixed is either a module or refused.</summary>
    [TestCaseSource(nameof(Texts))]
    public void Mutated_text_is_a_module_or_refused(string text)
    {
        Assert.That(PtxModule.Read(text).Kernels.Keys, Is.EqualTo((string[])["k"]));
        var random = new Random(14);
        int read = 0, refused = 0;
        for (int run = 0; run < 2000; run++)
        {
            string mutated = text;
            for (int change = random.Next(1, 3); change > 0; change--)
            {
                int at = random.Next(mutated.Length), length = Math.Min(random.Next(1, 6), mutated.Length - at);
                int digit = mutated.IndexOfAny([.. "0123456789"], at);
                mutated = random.Next(7) switch
                {
                    4 or 5 when digit >= 0 =>
                        mutated.Remove(digit, 1).Insert(digit,
                            random.Next(0, 10).ToString(System.Globalization.CultureInfo.InvariantCulture)),
                    // A part of an opcode, or an operand, is gone.
                    6 when mutated.IndexOfAny(['.', ' '], at) is >= 0 and var from
                        && mutated.IndexOfAny(['.', ' ', ';'], from + 1) is >= 0 and var to =>
                        mutated.Remove(from, to - from),
                    0 => mutated.Remove(at, length),
                    1 => mutated.Insert(at, Pieces[random.Next(Pieces.Length)]),
                    2 => mutated.Insert(random.Next(mutated.Length), mutated.Substring(at, length)),
                    _ => mutated.Remove(at, 1).Insert(at, ((char)random.Next(1, 127)).ToString()),
                };
            }
            try
            {
                Assert.That(PtxModule.Read(mutated).Kernels, Is.Not.Empty);
                read++;
            }
            catch (PtxException e)
            {
                Assert.That(e.Message, Does.Not.Contain("\n"));
                refused++;
            }
        }
        // Were all of them refused, only the first check would have been tried.
        Assert.That(Math.Min(read, refused), Is.GreaterThan(50));
    }
}
