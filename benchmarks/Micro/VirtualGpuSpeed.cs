using System.Diagnostics;
using System.Globalization;
using BDense.VirtualGpu;

namespace BDense.Benchmarks.Micro;

/// <summary>
/// How fast the virtual GPU runs: lane-instructions a second and core, for a plain loop, one with loads, and one of matrix products.
/// </summary>
internal static class VirtualGpuSpeed
{
    private const int Blocks = 8, Threads = 256, Warmups = 3, Repeats = 5;

    /// <summary>The instructions of a round stand between the label and the last three, which count rounds.</summary>
    private static readonly (string Name, int Instructions, int Rounds, string Body)[] Loops =
    [
        ("arithmetic", 19, 4000, """
            mul.f32 %f1, %f1, %f5; add.f32 %f1, %f1, %f6; fma.rn.f32 %f2, %f1, %f5, %f2; add.s32 %r5, %r5, %r4;
            and.b32 %r6, %r5, 255; shl.b32 %r7, %r6, 2; xor.b32 %r8, %r7, %r5; mad.lo.s32 %r9, %r8, 3, %r6;
            mul.f32 %f3, %f2, %f5; add.f32 %f3, %f3, %f6; max.f32 %f4, %f3, %f2; sub.f32 %f4, %f4, %f1;
            mul.f32 %f7, %f4, %f5; add.f32 %f7, %f7, %f6; fma.rn.f32 %f8, %f7, %f5, %f4; sub.s32 %r5, %r5, 7;
            """),
        ("loads", 11, 4000, """
            and.b32 %r6, %r1, 63; shl.b32 %r6, %r6, 2; add.s32 %r7, %r6, %r3; ld.shared.f32 %f1, [%r7];
            mul.wide.s32 %rd2, %r6, 4; add.s64 %rd2, %rd1, %rd2; ld.global.f32 %f2, [%rd2]; fma.rn.f32 %f3, %f1, %f2, %f3;
            """),
        ("mma", 7, 1000, """
            mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%f1, %f2, %f3, %f4}, {%r5, %r6, %r7, %r8},
                {%r9, %r10}, {%f1, %f2, %f3, %f4};
            mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%f5, %f6, %f7, %f8}, {%r5, %r6, %r7, %r8},
                {%r9, %r10}, {%f5, %f6, %f7, %f8};
            mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%f1, %f2, %f3, %f4}, {%r5, %r6, %r7, %r8},
                {%r9, %r10}, {%f1, %f2, %f3, %f4};
            mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%f5, %f6, %f7, %f8}, {%r5, %r6, %r7, %r8},
                {%r9, %r10}, {%f5, %f6, %f7, %f8};
            """),
    ];

    public static int Run(string[] arguments)
    {
        if (arguments.Length > 0)
        {
            Console.WriteLine("usage: virtual: times loops on the virtual GPU, on one thread of the host; best of five");
            return arguments is ["--help"] or ["-h"] ? 0 : 2;
        }
        Console.WriteLine("loop        judged   10^9 lane-instructions/s a core");
        foreach (var loop in Loops)
        {
            foreach (bool judge in (bool[])[true, false])
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{loop.Name,-11} {(judge ? "yes" : "no"),-8} {Time(loop.Body, loop.Instructions, loop.Rounds, judge) / 1e9:f2}"));
        }
        return 0;
    }

    private static double Time(string body, int instructions, int rounds, bool judge)
    {
        var kernel = PtxModule.Read(Text(body)).Kernels["k"];
        using var gpu = new BDense.VirtualGpu.Gpu(GpuModel.H100, new GpuOptions(Threads: 1, Judge: judge));
        ulong memory = gpu.Memory.Allocate(4096);
        gpu.Memory.MarkWritten(memory, 4096);
        var launch = new Launch(kernel, new Dim3(Blocks), new Dim3(Threads), 0,
            (byte[])[.. BitConverter.GetBytes(memory), .. BitConverter.GetBytes(rounds)]);
        double best = double.MaxValue;
        for (int k = 0; k < Warmups + Repeats; k++)
        {
            long start = Stopwatch.GetTimestamp();
            gpu.Run(launch);
            if (k >= Warmups)
                best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return (double)Blocks * Threads * instructions * rounds / best;
    }

    private static string Text(string body) => $$"""
        .version 7.8
        .target sm_80
        .address_size 64
        .visible .entry k(.param .b64 memory, .param .b32 rounds)
        {
            .shared .align 16 .b8 tile[1024];
            .reg .pred %p<2>; .reg .b32 %r<16>; .reg .b64 %rd<4>; .reg .f32 %f<16>;
            ld.param.b64 %rd1, [memory];
            ld.param.b32 %r1, [rounds];
            mov.b32 %r3, tile;
            mov.b32 %r4, %tid.x;
            shl.b32 %r5, %r4, 2;
            add.s32 %r5, %r5, %r3;
            st.shared.b32 [%r5], %r4;
            bar.sync 0;
            mov.f32 %f5, 0f3F000000; mov.f32 %f6, 0f3F800000;
            loop:
            {{body}}
            sub.s32 %r1, %r1, 1;
            setp.gt.s32 %p1, %r1, 0;
            @%p1 bra loop;
            ret;
        }
        """;
}
