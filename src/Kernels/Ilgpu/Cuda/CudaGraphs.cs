using BDense.Kernels.Devices;

namespace BDense.Kernels.Ilgpu.Cuda;

/// <summary>The calls of the CUDA driver that graphs need; each returns a CUresult, 0 for success.</summary>
internal interface ICudaGraphDriver
{
    /// <summary>Why the driver cannot be called; null if it can.</summary>
    string? Missing { get; }

    int BeginCapture(nint stream);

    int EndCapture(nint stream, out nint graph);

    int CountNodes(nint graph, out int nodes);

    int Instantiate(nint graph, out nint executable);

    int Launch(nint executable, nint stream);

    void DestroyGraph(nint graph);

    void DestroyExecutable(nint executable);

    /// <summary>As <c>CUDA_ERROR_STREAM_CAPTURE_INVALIDATED</c>.</summary>
    string NameOf(int result);
}

/// <summary>
/// CUDA graphs by stream capture on ILGPU's stream, through the driver: ILGPU 1.5 has none. Capturing is in relaxed mode, since the garbage
/// collector may free device memory on a thread of its own in the meantime, which the stricter modes take for an error.
/// </summary>
/// <param name="driver">The driver.</param>
/// <param name="stream">Not the default stream, which cannot be captured.</param>
/// <param name="bind">Makes the accelerator's context the calling thread's.</param>
internal sealed class CudaGraphs(ICudaGraphDriver driver, nint stream, Action bind) : IGraphCapture
{
    public string Name => "CUDA graph";

    public void Begin()
    {
        if (driver.Missing is { } missing)
            throw new GraphRefusedException(missing);
        bind();
        Check(driver.BeginCapture(stream), "cuStreamBeginCapture");
    }

    public ILaunchGraph End()
    {
        Check(driver.EndCapture(stream, out nint graph), "cuStreamEndCapture");
        if (graph == 0)
            throw new GraphRefusedException("cuStreamEndCapture gave no graph");
        try
        {
            Check(driver.CountNodes(graph, out int nodes), "cuGraphGetNodes");
            if (nodes == 0)
                throw new GraphRefusedException("nothing was launched on the stream");
            Check(driver.Instantiate(graph, out nint executable), "cuGraphInstantiate");
            return new Graph(driver, stream, executable, nodes);
        }
        finally
        {
            // The executable is a copy.
            driver.DestroyGraph(graph);
        }
    }

    public void Abandon()
    {
        // An invalidated capture ends with an error and without a graph; both are expected here.
        _ = driver.EndCapture(stream, out nint graph);
        if (graph != 0)
            driver.DestroyGraph(graph);
    }

    private void Check(int result, string call)
    {
        if (result != 0)
            throw new GraphRefusedException($"{call}: {driver.NameOf(result)}");
    }

    private sealed class Graph(ICudaGraphDriver driver, nint stream, nint executable, int nodes) : ILaunchGraph
    {
        private nint _executable = executable;

        public int Launches => nodes;

        public void Launch()
        {
            int result = driver.Launch(_executable, stream);
            if (result != 0)
                throw new BDenseException($"cuGraphLaunch: {driver.NameOf(result)}{DeviceFault.Finding}");
        }

        public void Dispose()
        {
            if (_executable != 0)
                driver.DestroyExecutable(_executable);
            _executable = 0;
        }
    }
}
