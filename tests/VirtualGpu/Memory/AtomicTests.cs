using BDense.VirtualGpu;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Memory;

/// <summary>atom and red: one lane after the other, and blocks of several threads of the host at once.</summary>
internal sealed class AtomicTests
{
    [TestCase("add.u32", 10, 520)]
    [TestCase("min.s32", 10, 1)]
    [TestCase("min.u32", -1, 1)]
    [TestCase("max.s32", -5, 32)]
    [TestCase("max.u32", -5, -5)]
    [TestCase("and.b32", 48, 0)]
    [TestCase("or.b32", 64, 127)]
    [TestCase("xor.b32", 0, 32)]
    [TestCase("exch.b32", 0, 32)]
    public void A_warp_applies_its_values_in_order(string operation, int before, int after)
    {
        // The values are 1 to 32.
        int expected = operation == "add.u32" ? before + 528 : after;
        foreach (string space in (string[])["global", "shared"])
        {
            using var kernel = new TestKernel($$"""
                .shared .align 4 .b8 a[4];
                mov.u64 %d0, {{(space == "global" ? "%p" : "a")}};
                setp.eq.u32 %m0, %t, 0;
                ld.global.u32 %r1, [%q];
                @%m0 st.{{space}}.u32 [%d0], %r1;
                bar.sync 0;
                add.u32 %r0, %t, 1;
                atom.{{space}}.{{operation}} %r2, [%d0], %r0;
                bar.sync 0;
                @%m0 ld.{{space}}.u32 %r1, [%d0];
                @%m0 st.global.u32 [%p], %r1;
                """);
            ulong p = kernel.Array(0);
            kernel.Run(p, kernel.Array(before));
            Assert.That(kernel.Read<int>(p, 1)[0], Is.EqualTo(expected), space);
        }
    }

    [Test]
    public void The_old_value_is_returned_and_counters_wrap()
    {
        using var kernel = new TestKernel("""
            mul.wide.u32 %d0, %t, 4;
            add.u64 %d0, %d0, %q;
            atom.global.inc.u32 %r0, [%p], 9;
            st.global.u32 [%d0], %r0;
            """);
        ulong p = kernel.Array(0), q = kernel.Room(128);
        kernel.Run(p, q);
        Assert.That(kernel.Read<int>(q, 32), Is.EqualTo(Enumerable.Range(0, 32).Select(k => k % 10)));
    }

    [Test]
    public void Compare_and_swap_lets_one_lane_through()
    {
        using var kernel =
            new TestKernel(
                "mul.wide.u32 %d0, %t, 8; add.u64 %d0, %d0, %q; cvt.u64.u32 %d1, %t; atom.global.cas.b64 %d2, [%p], 77, %d1; "
                + "st.global.u64 [%d0], %d2;");
        ulong p = kernel.Array(77L), q = kernel.Room(256);
        kernel.Run(p, q);
        Assert.That((kernel.Read<long>(p, 1)[0], kernel.Read<long>(q, 32).Count(old => old == 77)), Is.EqualTo((0L, 1)));
    }

    [Test]
    public void Blocks_that_run_at_once_add_up()
    {
        using var kernel = new TestKernel("""
            red.global.add.f32 [%p], 0f3F800000;
            red.global.add.u64 [%p+8], 3;
            red.global.add.f64 [%p+16], 0d3FF0000000000000;
            atom.global.dec.u32 %r0, [%p+4], 6;
            """, threads: 2);
        ulong p = kernel.Array(new byte[24]);
        kernel.Run(p, blocks: 700, threads: 64);
        Assert.That(kernel.Read<float>(p, 1)[0], Is.EqualTo(700 * 64));
        Assert.That(kernel.Read<long>(p, 2)[1], Is.EqualTo(3 * 700 * 64));
        Assert.That(kernel.Read<double>(p, 3)[2], Is.EqualTo(700 * 64));
        Assert.That(kernel.Read<int>(p, 2)[1], Is.EqualTo(0));
    }

    [Test]
    public void An_atomic_on_a_misaligned_address_is_found()
    {
        using var kernel = new TestKernel("red.global.add.u64 [%p+4], 3;");
        Assert.That(kernel.Found(kernel.Array(new byte[24])).Kind, Is.EqualTo(FindingKind.Misaligned));
    }
}
