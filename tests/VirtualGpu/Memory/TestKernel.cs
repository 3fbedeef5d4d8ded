using BDense.VirtualGpu;
using BDense.VirtualGpu.Counts;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Memory;

/// <summary>A kernel written for a test, <c>k(p, q)</c> with two pointers and registers enough, and a GPU to run it on.</summary>
internal sealed unsafe class TestKernel : IDisposable
{
    private readonly PtxKernel _kernel;

    /// <param name="body">Statements; %t is the thread's number in its block, %p and %q the pointers.</param>
    /// <param name="judge">See <see cref="GpuOptions"/>.</param>
    /// <param name="threads">Of the host.</param>
    /// <param name="shared">What is declared before the entry.</param>
    /// <param name="count">See <see cref="GpuOptions"/>.</param>
    public TestKernel(string body, bool judge = true, int threads = 1, string shared = "", bool count = false)
    {
        Gpu = new Gpu(GpuModel.H100, new GpuOptions(Threads: threads, Judge: judge, Count: count));
        string text = $$"""
            .version 7.8
            .target sm_80
            .address_size 64
            {{shared}}
            .visible .entry k(.param .b64 p, .param .b64 q)
            {
            .reg .pred %m<4>;
            .reg .b16 %h<8>;
            .reg .b32 %r<32>, %t, %b;
            .reg .b64 %d<16>, %p, %q;
            .reg .f32 %f<16>;
            .reg .f64 %g<8>;
            ld.param.u64 %p, [p];
            ld.param.u64 %q, [q];
            mov.u32 %t, %tid.x;
            mov.u32 %b, %ctaid.x;
            {{body}}
            ret;
            }
            """;
        _kernel = PtxModule.Read(text).Kernels["k"];
    }

    public Gpu Gpu { get; }

    public LaunchCounts? Run(ulong p = 0, ulong q = 0, int blocks = 1, int threads = 32, int dynamicShared = 0)
    {
        byte[] arguments = [.. BitConverter.GetBytes(p), .. BitConverter.GetBytes(q)];
        return Gpu.Run(new Launch(_kernel, new Dim3(blocks), new Dim3(threads), dynamicShared, arguments));
    }

    /// <summary>Runs it and returns what was found.</summary>
    public Finding Found(ulong p = 0, ulong q = 0, int blocks = 1, int threads = 32)
    {
        try
        {
            Run(p, q, blocks, threads);
        }
        catch (FindingException e)
        {
            TestContext.Out.WriteLine(e.Message);
            return e.Finding;
        }
        throw new AssertionException("nothing was found");
    }

    /// <summary>An allocation with these values.</summary>
    public ulong Array<T>(params T[] values)
        where T : unmanaged
    {
        ulong address = Gpu.Memory.Allocate((long)values.Length * sizeof(T));
        values.CopyTo(new Span<T>(Gpu.Memory.Find(address, (long)values.Length * sizeof(T)), values.Length));
        Gpu.Memory.MarkWritten(address, (long)values.Length * sizeof(T));
        return address;
    }

    /// <summary>An allocation that nobody wrote.</summary>
    public ulong Room(long bytes) => Gpu.Memory.Allocate(bytes);

    public T[] Read<T>(ulong address, int count)
        where T : unmanaged => new ReadOnlySpan<T>(Gpu.Memory.Find(address, (long)count * sizeof(T)), count).ToArray();

    public void Dispose() => Gpu.Dispose();
}
