using BDense.VirtualGpu;
using BDense.VirtualGpu.Counts;
using BDense.VirtualGpu.Execution;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Counts;

/// <summary>Kernels of a few lines, run and counted.</summary>
internal sealed class CountedKernelTests
{
    [Test]
    public void A_copy_is_counted_instruction_by_instruction()
    {
        var counts = Run("""
            mul.wide.u32 %d0, %t, 4;
            add.u64 %d1, %p, %d0;
            add.u64 %d2, %q, %d0;
            ld.global.f32 %f0, [%d1];
            st.global.f32 [%d2], %f0;
            """, threads: 64, blocks: 3, sameBlocks: true);
        Assert.Multiple(() =>
        {
            Assert.That(counts.Of(InstructionClass.GlobalLoad), Is.EqualTo(new PlaceCounts(6, 192, 6, 24, 24, 768, 24, 0, 0, 0, 0, 0)));
            Assert.That(counts.Of(InstructionClass.Integer).Executions, Is.EqualTo(18));
            Assert.That((counts.MemoryBytesRead, counts.MemoryBytesWritten), Is.EqualTo((256, 256)),
                "three blocks copy the same 64 floats");
            Assert.That(counts.Places.Single(p => p.Class == InstructionClass.GlobalStore).Place.Text, Does.StartWith("st.global"));
        });
    }

    [Test]
    public void Lanes_that_part_meet_again_where_all_come_to_although_the_text_has_it_before_the_rarer_side()
    {
        // Odd lanes go to RARE, which lies behind the place where they meet.
        var counts = Run("""
            and.b32 %r0, %t, 1;
            setp.ne.u32 %m0, %r0, 0;
            @%m0 bra RARE;
            add.f32 %f0, %f0, 0f3f800000;
            MEET:
            sqrt.rn.f32 %f1, %f0;
            bra END;
            RARE:
            add.f32 %f0, %f0, 0f40000000;
            bra MEET;
            END:
            """);
        Assert.Multiple(() =>
        {
            Assert.That(counts.Places.Single(p => p.Place.Text.StartsWith("sqrt", StringComparison.Ordinal)).Counts,
                Is.EqualTo(new PlaceCounts(1, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)));
            Assert.That(counts.Total.Diverged, Is.EqualTo(1));
        });
    }

    [Test]
    public void Lanes_that_leave_a_loop_early_wait_behind_it()
    {
        // Lane t leaves after t % 4 + 1 rounds, to a place that the text has before the rest of the loop.
        var counts = Run("""
            and.b32 %r0, %t, 3;
            mov.u32 %r1, 0;
            bra HEAD;
            EXIT:
            sqrt.rn.f32 %f1, %f0;
            bra END;
            HEAD:
            setp.ge.u32 %m0, %r1, %r0;
            add.u32 %r1, %r1, 1;
            @%m0 bra EXIT;
            bra HEAD;
            END:
            """);
        Assert.That(counts.Places.Single(p => p.Place.Text.StartsWith("sqrt", StringComparison.Ordinal)).Counts.Executions, Is.EqualTo(1));
    }

    [Test]
    public void Bank_conflicts_and_waits_are_counted_at_their_lines()
    {
        var counts = Run("""
            mul.lo.u32 %r0, %t, 128;
            mov.u32 %r1, tile;
            add.u32 %r0, %r0, %r1;
            st.shared.f32 [%r0], %f0;
            bar.sync 0;
            """, shared: ".shared .align 4 .b8 tile[8192];", threads: 64);
        Assert.That((counts.Total.Wavefronts, counts.Total.IdealWavefronts, counts.Total.Waits), Is.EqualTo((64L, 2L, 2L)));
    }

    [Test]
    public void A_product_that_is_added_at_once_takes_no_instruction_of_its_own()
    {
        var counts = Run("""
            mul.f32 %f2, %f0, %f1;
            add.f32 %f3, %f3, %f2;
            mul.f32 %f4, %f0, %f1;
            mul.f32 %f5, %f4, %f1;
            mul.rn.f32 %f6, %f0, %f1;
            add.f32 %f7, %f6, %f1;
            """);
        Assert.That(counts.Contracted, Is.EqualTo(1));
    }

    /// <summary>k(p, q) with two arrays of 256 bytes; %t is the thread, %f0 to %f7 are 1.</summary>
    private static LaunchCounts Run(string body, string shared = "", int threads = 32, int blocks = 1, bool sameBlocks = false)
    {
        using var gpu = new Gpu(GpuModel.H100, new GpuOptions(Judge: !sameBlocks, Count: true));
        string ones = string.Concat(Enumerable.Range(0, 8).Select(k => $"mov.f32 %f{k}, 0f3f800000;\n"));
        var kernel = PtxModule.Read($$"""
            .version 7.8
            .target sm_80
            .address_size 64
            {{shared}}
            .visible .entry k(.param .b64 p, .param .b64 q)
            {
            .reg .pred %m<4>;
            .reg .b32 %r<8>, %t;
            .reg .b64 %d<8>, %p, %q;
            .reg .f32 %f<8>;
            ld.param.u64 %p, [p];
            ld.param.u64 %q, [q];
            mov.u32 %t, %tid.x;
            {{ones}}
            {{body}}
            ret;
            }
            """).Kernels["k"];
        ulong from = gpu.Memory.Allocate(256), to = gpu.Memory.Allocate(256);
        gpu.Memory.MarkWritten(from, 256);
        byte[] arguments = [.. BitConverter.GetBytes(from), .. BitConverter.GetBytes(to)];
        return gpu.Run(new Launch(kernel, new Dim3(blocks), new Dim3(threads), 0, arguments))!;
    }
}
