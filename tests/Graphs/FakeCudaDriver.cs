using BDense.Kernels.Devices;
using BDense.Kernels.Ilgpu.Cuda;

namespace BDense.Tests.Graphs;

/// <summary>A driver that does as told and keeps count: any call can be made to fail.</summary>
internal sealed class FakeCudaDriver : ICudaGraphDriver
{
    private const int Failure = 901;

    /// <summary>Calls in order.</summary>
    public List<string> Calls { get; } = [];

    /// <summary>The call that fails; none for a driver that works.</summary>
    public string Fails { get; set; } = "";

    public string? Missing { get; set; }

    public bool IsCapturing { get; private set; }

    public HashSet<nint> Graphs { get; } = [];

    public HashSet<nint> Executables { get; } = [];

    public int Nodes { get; set; } = 3;

    public int BeginCapture(nint stream)
    {
        int result = Call("begin");
        IsCapturing = result == 0;
        return result;
    }

    public int EndCapture(nint stream, out nint graph)
    {
        IsCapturing = false;
        int result = Call("end");
        graph = result == 0 ? 100 + Graphs.Count : 0;
        if (graph != 0)
            Graphs.Add(graph);
        return result;
    }

    public int CountNodes(nint graph, out int nodes)
    {
        nodes = Nodes;
        return Call("count");
    }

    public int Instantiate(nint graph, out nint executable)
    {
        int result = Call("instantiate");
        executable = result == 0 ? 200 + Executables.Count : 0;
        if (executable != 0)
            Executables.Add(executable);
        return result;
    }

    public int Launch(nint executable, nint stream) =>
        Executables.Contains(executable) ? Call("launch") : throw new InvalidOperationException("no such graph");

    public void DestroyGraph(nint graph)
    {
        if (!Graphs.Remove(graph))
            throw new InvalidOperationException("no such graph");
    }

    public void DestroyExecutable(nint executable)
    {
        if (!Executables.Remove(executable))
            throw new InvalidOperationException("no such executable");
    }

    public string NameOf(int result) => result == Failure ? "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED" : $"{result}";

    private int Call(string name)
    {
        Calls.Add(name);
        return name == Fails ? Failure : 0;
    }
}

/// <summary>A device that computes nothing and whose launches go to a <see cref="FakeCudaDriver"/>.</summary>
internal sealed class FakeCudaBackend(FakeCudaDriver driver) : DryRunBackend
{
    private readonly CudaGraphs _graphs = new(driver, 1, () => { });

    public override IGraphCapture? Graphs => _graphs;
}
