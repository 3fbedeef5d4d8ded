using System.Runtime.InteropServices;

namespace BDense.Kernels.Ilgpu.Cuda;

/// <summary>
/// The entry points in <c>libcuda.so.1</c> or <c>nvcuda.dll</c>, found at first use: CUDA 11.4 and later have all of them.
/// </summary>
internal sealed unsafe class CudaGraphDriver : ICudaGraphDriver
{
    /// <summary>CU_STREAM_CAPTURE_MODE_RELAXED.</summary>
    private const int Relaxed = 2;

    private readonly delegate* unmanaged<nint, int, int> _beginCapture;
    private readonly delegate* unmanaged<nint, nint*, int> _endCapture;
    private readonly delegate* unmanaged<nint, nint*, nuint*, int> _getNodes;
    private readonly delegate* unmanaged<nint*, nint, ulong, int> _instantiate;
    private readonly delegate* unmanaged<nint, nint, int> _launch;
    private readonly delegate* unmanaged<nint, int> _destroyGraph, _destroyExecutable;
    private readonly delegate* unmanaged<int, byte**, int> _errorName;

    private CudaGraphDriver()
    {
        if (!CudaLibrary.TryLoad(out nint handle))
        {
            Missing = $"{CudaLibrary.Names[0]} does not load";
            return;
        }
        _beginCapture = (delegate* unmanaged<nint, int, int>)Find("cuStreamBeginCapture_v2");
        _endCapture = (delegate* unmanaged<nint, nint*, int>)Find("cuStreamEndCapture");
        _getNodes = (delegate* unmanaged<nint, nint*, nuint*, int>)Find("cuGraphGetNodes");
        _instantiate = (delegate* unmanaged<nint*, nint, ulong, int>)Find("cuGraphInstantiateWithFlags");
        _launch = (delegate* unmanaged<nint, nint, int>)Find("cuGraphLaunch");
        _destroyGraph = (delegate* unmanaged<nint, int>)Find("cuGraphDestroy");
        _destroyExecutable = (delegate* unmanaged<nint, int>)Find("cuGraphExecDestroy");
        _errorName = (delegate* unmanaged<int, byte**, int>)Find("cuGetErrorName");

        void* Find(string name)
        {
            if (NativeLibrary.TryGetExport(handle, name, out nint address))
                return (void*)address;
            Missing ??= $"this driver has no {name}; CUDA 11.4 and later have it";
            return null;
        }
    }

    public static CudaGraphDriver Instance { get; } = new();

    public string? Missing { get; private set; }

    public int BeginCapture(nint stream) => _beginCapture(stream, Relaxed);

    public int EndCapture(nint stream, out nint graph)
    {
        nint result = 0;
        int code = _endCapture(stream, &result);
        graph = result;
        return code;
    }

    public int CountNodes(nint graph, out int nodes)
    {
        nuint count = 0;
        int code = _getNodes(graph, null, &count);
        nodes = (int)count;
        return code;
    }

    public int Instantiate(nint graph, out nint executable)
    {
        nint result = 0;
        int code = _instantiate(&result, graph, 0);
        executable = result;
        return code;
    }

    public int Launch(nint executable, nint stream) => _launch(executable, stream);

    public void DestroyGraph(nint graph) => _ = _destroyGraph(graph);

    public void DestroyExecutable(nint executable) => _ = _destroyExecutable(executable);

    public string NameOf(int result)
    {
        byte* name = null;
        return _errorName(result, &name) == 0 && name != null ? Marshal.PtrToStringUTF8((nint)name)! : $"CUDA error {result}";
    }
}
