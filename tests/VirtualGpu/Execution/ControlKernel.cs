using BDense.VirtualGpu;

namespace BDense.Tests.VirtualGpu.Execution;

/// <summary>A kernel for control flow: %t is the thread, %r0 what each thread hands back at the end.</summary>
internal static unsafe class ControlKernel
{
    public static int[] Run(string body, int threads = 32, int blocks = 1, GpuOptions? options = null)
    {
        using var gpu = new Gpu(GpuModel.H100, options ?? new GpuOptions(Threads: 1));
        int count = threads * blocks;
        ulong result = gpu.Memory.Allocate(4L * count);
        new Span<int>(gpu.Memory.Find(result, 4L * count), count).Fill(-1);
        gpu.Memory.MarkWritten(result, 4L * count);
        gpu.Run(new Launch(PtxModule.Read(Text(body)).Kernels["k"], new Dim3(blocks), new Dim3(threads), 0, BitConverter.GetBytes(result)));
        return new ReadOnlySpan<int>(gpu.Memory.Find(result, 4L * count), count).ToArray();
    }

    /// <summary>What is found.</summary>
    public static Finding Found(string body, int threads = 32, int blocks = 1, GpuOptions? options = null)
    {
        try
        {
            Run(body, threads, blocks, options);
        }
        catch (FindingException e)
        {
            return e.Finding;
        }
        throw new NUnit.Framework.AssertionException("nothing was found");
    }

    public static string Text(string body) => $$"""
        .version 8.0
        .target sm_90
        .address_size 64
        .visible .entry k(.param .b64 result)
        {
        .reg .pred %p<8>;
        .reg .b32 %r<16>, %t, %b, %n;
        .reg .b64 %d<4>;
        .reg .f32 %f<16>;
        mov.b32 %t, %tid.x; mov.b32 %b, %ctaid.x; mov.b32 %n, %ntid.x;
        mov.b32 %r0, 0;
        {{body}}
        end:
        mad.lo.s32 %r15, %b, %n, %t;
        mul.wide.s32 %d1, %r15, 4;
        ld.param.b64 %d0, [result];
        add.s64 %d0, %d0, %d1;
        st.global.b32 [%d0], %r0;
        ret;
        }
        """;
}
