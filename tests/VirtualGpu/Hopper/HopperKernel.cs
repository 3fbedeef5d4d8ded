using System.Diagnostics;
using BDense.VirtualGpu;
using BDense.VirtualGpu.Counts;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Hopper;

/// <summary>
/// A kernel for sm_90a, <c>k(p, q, map, map2)</c>: two pointers and two tensor maps; registers enough, and <c>sm</c>, as much shared memory
/// as the launch gives. What the virtual GPU takes NVIDIA's
/// assembler must take, too: where ptxas is on the PATH each text goes through it once.
/// </summary>
internal sealed unsafe class HopperKernel : IDisposable
{
    private static readonly Dictionary<string, string> Assembled = [];
    private static readonly bool HasAssembler = Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder =>
        File.Exists(Path.Combine(folder, "ptxas")));

    private readonly PtxKernel _kernel;

    public HopperKernel(string body, bool judge = true, bool count = false, int floats = 16, bool assemble = true)
    {
        string text = Text(body, floats);
        _kernel = PtxModule.Read(text).Kernels["k"];
        if (assemble)
            Assert.That(Assemble(text), Is.Empty, text);
        Gpu = new Gpu(GpuModel.H100, new GpuOptions(Threads: 1, Judge: judge, Count: count));
    }

    public Gpu Gpu { get; }

    /// <summary>
    /// %t is the thread's number, %p and %q the pointers, %s where the shared memory begins, %map and %map2 the maps' addresses.
    /// </summary>
    public static string Text(string body, int floats = 16, string target = "sm_90a") => $$"""
        .version 8.4
        .target {{target}}
        .address_size 64
        .extern .shared .align 1024 .b8 sm[];
        .visible .entry k(.param .b64 p, .param .b64 q, .param .align 64 .b8 map[128], .param .align 64 .b8 map2[128])
        {
        .reg .pred %m<8>;
        .reg .b16 %h<8>;
        .reg .b32 %r<32>, %t, %s;
        .reg .b64 %d<32>, %p, %q, %map, %map2;
        .reg .f32 %f<{{floats}}>;
        ld.param.u64 %p, [p];
        ld.param.u64 %q, [q];
        mov.b64 %map, map;
        cvta.param.u64 %map, %map;
        mov.b64 %map2, map2;
        cvta.param.u64 %map2, %map2;
        mov.u32 %t, %tid.x;
        mov.u32 %s, sm;
        {{body}}
        ret;
        }
        """;

    public LaunchCounts? Run(ulong p = 0, ulong q = 0, int threads = 128, int shared = 32 << 10, byte[]? map = null, byte[]? map2 = null,
        int blocks = 1)
    {
        byte[] arguments = new byte[64 + 2 * 128];
        BitConverter.TryWriteBytes(arguments, p);
        BitConverter.TryWriteBytes(arguments.AsSpan(8), q);
        map?.CopyTo(arguments, 64);
        map2?.CopyTo(arguments, 192);
        return Gpu.Run(new Launch(_kernel, new Dim3(blocks), new Dim3(threads), shared, arguments));
    }

    /// <summary>Runs it and returns what was found.</summary>
    public Finding Found(ulong p = 0, ulong q = 0, int threads = 128, int shared = 32 << 10, byte[]? map = null, byte[]? map2 = null)
    {
        try
        {
            Run(p, q, threads, shared, map, map2);
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

    /// <summary>What ptxas says against it; nothing if it takes it.</summary>
    public static string Assemble(string text)
    {
        if (!HasAssembler)
            return "";
        lock (Assembled)
        {
            if (Assembled.TryGetValue(text, out string? known))
                return known;
            string file = Path.Combine(Path.GetTempPath(), $"bdense-{Environment.ProcessId}-{Assembled.Count}.ptx");
            File.WriteAllText(file, text);
            string[] arguments = ["-arch=sm_90a", file, "-o", "/dev/null"];
            var start = new ProcessStartInfo("ptxas", arguments) { RedirectStandardError = true, RedirectStandardOutput = true };
            using var process = Process.Start(start)!;
            string said = process.StandardError.ReadToEnd() + process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            File.Delete(file);
            return Assembled[text] = process.ExitCode == 0 ? "" : said;
        }
    }
}
