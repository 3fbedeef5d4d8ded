using System.Runtime.InteropServices;
using System.Text;
using BDense.VirtualGpu;
using BDense.VirtualGpu.Driver;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Driver;

/// <summary>A driver with an H100 and an A100, and its calls without pointers. Those that return something expect success.</summary>
internal sealed unsafe class Rig : IDisposable
{
    public Rig(GpuOptions? options = null, bool context = true)
    {
        Driver = new VirtualDriver([GpuModel.H100, GpuModel.A100], options);
        if (!context)
            return;
        Check(Driver.cuInit(0));
        Context = NewContext();
    }

    public VirtualDriver Driver { get; }

    /// <summary>Of the first device, current on the thread that made this.</summary>
    public nint Context { get; }

    public void Check(CudaResult result) => Assert.That(result, Is.EqualTo(CudaResult.Success), Driver.LastFinding?.ToString());

    public nint NewContext(int device = 0)
    {
        nint context;
        Check(Driver.cuCtxCreate_v2(&context, 0, device));
        return context;
    }

    public CudaResult Allocate(long bytes, out ulong address)
    {
        ulong found = 0;
        var result = Driver.cuMemAlloc_v2(&found, (nuint)bytes);
        address = found;
        return result;
    }

    public ulong Allocate(long bytes)
    {
        Check(Allocate(bytes, out ulong address));
        return address;
    }

    public nint Stream(uint flags = 1)
    {
        nint stream;
        Check(Driver.cuStreamCreate(&stream, flags));
        return stream;
    }

    public nint Event(uint flags = 0)
    {
        nint recorded;
        Check(Driver.cuEventCreate(&recorded, flags));
        return recorded;
    }

    /// <summary>With logs of so many bytes; their text comes back.</summary>
    public CudaResult Load(string ptx, out nint module, out string errors, int logBytes = 1024)
    {
        byte[] image = Encoding.UTF8.GetBytes(ptx + "\0"), log = new byte[logBytes];
        int[] options = [5, 6];
        nint found = 0;
        CudaResult result;
        fixed (byte* text = image, buffer = log)
        fixed (int* kinds = options)
        {
            void** values = stackalloc void*[] { buffer, (void*)logBytes };
            result = Driver.cuModuleLoadDataEx(&found, text, 2, kinds, values);
        }
        module = found;
        errors = Encoding.UTF8.GetString(log).TrimEnd('\0');
        return result;
    }

    public nint Module(string ptx)
    {
        Check(Load(ptx, out nint module, out _));
        return module;
    }

    public CudaResult Function(nint module, string name, out nint function)
    {
        nint found = 0;
        var result = CudaResult.Success;
        fixed (byte* text = Encoding.UTF8.GetBytes(name + "\0"))
            result = Driver.cuModuleGetFunction(&found, module, text);
        function = found;
        return result;
    }

    public nint Function(string ptx, string name)
    {
        Check(Function(Module(ptx), name, out nint function));
        return function;
    }

    /// <summary>A kernel of <see cref="Programs"/>: an address and a count, packed as ILGPU packs them.</summary>
    public CudaResult Launch(nint function, ulong y, int n, int threads = 32, uint shared = 0, nint stream = 0, int blocks = 1,
        int bytes = 12)
    {
        byte* packed = stackalloc byte[64];
        *(ulong*)packed = y;
        *(int*)(packed + 8) = n;
        nint size = bytes;
        void** extra = stackalloc void*[] { (void*)1, packed, (void*)2, &size, null };
        var result = Driver.cuLaunchKernel(function, (uint)blocks, 1, 1, (uint)threads, 1, 1, shared, stream, null, extra);
        // The buffer is the caller's stack: whoever reads it later reads rubbish.
        new Span<byte>(packed, 64).Fill(0xee);
        return result;
    }

    public CudaResult Upload(ulong to, int[] values, nint stream = 0)
    {
        fixed (int* from = values)
            return Driver.cuMemcpyAsync(to, (ulong)from, (nuint)(4 * values.Length), stream);
    }

    public CudaResult Download(ulong from, int[] values, nint stream = 0)
    {
        fixed (int* to = values)
            return Driver.cuMemcpyAsync((ulong)to, from, (nuint)(4 * values.Length), stream);
    }

    public int[] Values(ulong from, int count, nint stream = 0)
    {
        int[] values = new int[count];
        Check(Download(from, values, stream));
        return values;
    }

    public CudaResult Begin(nint stream, CaptureMode mode = CaptureMode.Relaxed) => Driver.cuStreamBeginCapture_v2(stream, mode);

    public CudaResult End(nint stream, out nint graph)
    {
        nint found = -1;
        var result = Driver.cuStreamEndCapture(stream, &found);
        graph = found;
        return result;
    }

    /// <summary>What a stream records while <paramref name="work"/> is done, ready to be launched.</summary>
    public nint Capture(nint stream, Action work)
    {
        Check(Begin(stream));
        work();
        Check(End(stream, out nint graph));
        nint executable;
        Check(Driver.cuGraphInstantiateWithFlags(&executable, graph, 0));
        Check(Driver.cuGraphDestroy(graph));
        return executable;
    }

    public int Nodes(nint graph)
    {
        nuint count = 0;
        Check(Driver.cuGraphGetNodes(graph, null, &count));
        return (int)count;
    }

    /// <summary>Keeps the first device from its next launch until the result is disposed.</summary>
    public IDisposable Busy() => new Gate(Driver.Gpus[0]);

    private sealed class Gate : IDisposable
    {
        private readonly ManualResetEventSlim _open = new();
        private readonly Gpu _gpu;

        public Gate(Gpu gpu)
        {
            _gpu = gpu;
            gpu.Wanted = _ =>
            {
                _open.Wait();
                return true;
            };
        }

        public void Dispose()
        {
            _gpu.Wanted = null;
            _open.Set();
        }
    }

    public string NameOf(CudaResult result)
    {
        byte* text;
        return Driver.cuGetErrorName(result, &text) == CudaResult.Success ? Marshal.PtrToStringUTF8((nint)text)! : "none";
    }

    public void Dispose() => Driver.Dispose();
}
