namespace BDense.VirtualGpu.Driver;

/// <content>Graphs by capture of one stream. CUDA C++ programming guide, chapter on CUDA graphs, creating a graph by stream
/// capture.</content>
public sealed unsafe partial class VirtualDriver
{
    /// <summary>The default stream cannot be captured, and no stream twice at a time.</summary>
    public CudaResult cuStreamBeginCapture_v2(nint stream, CaptureMode mode) => InContext(context =>
    {
        Require(mode is CaptureMode.Global or CaptureMode.ThreadLocal or CaptureMode.Relaxed);
        var captured = Stream(context, stream);
        Require(captured != context.Legacy, CudaResult.StreamCaptureUnsupported);
        Require(captured.Capture is null, CudaResult.IllegalState);
        captured.Capture = new Capture(mode, Environment.CurrentManagedThreadId);
        context.Capturing.Add(captured);
        return CudaResult.Success;
    });

    /// <summary>Ends the capture also where there is no graph. Only a relaxed one may end on another thread than it began on.</summary>
    public CudaResult cuStreamEndCapture(nint stream, nint* graph) => InContext(context =>
    {
        Require(graph != null);
        *graph = 0;
        var captured = Find<DriverStream>(context, stream);
        Require(captured.Capture is not null, CudaResult.IllegalState);
        var capture = captured.Capture!;
        Require(capture.Mode == CaptureMode.Relaxed || capture.Thread == Environment.CurrentManagedThreadId,
            CudaResult.StreamCaptureWrongThread);
        captured.Capture = null;
        context.Capturing.Remove(captured);
        Require(!capture.IsInvalidated, CudaResult.StreamCaptureInvalidated);
        *graph = NewHandle(new DriverGraph(context, capture.Nodes));
        return CudaResult.Success;
    });

    /// <summary>Without <paramref name="nodes"/>, how many there are; with it, as many as fit.</summary>
    public CudaResult cuGraphGetNodes(nint graph, nint* nodes, nuint* count) => InContext(context =>
    {
        Require(count != null);
        var asked = Find<DriverGraph>(context, graph);
        if (nodes != null)
        {
            asked.Handles ??= [.. asked.Nodes.Select(_ => NewHandle(new DriverGraphNode(asked)))];
            for (int i = 0; i < (int)*count; i++)
                nodes[i] = i < asked.Handles.Count ? asked.Handles[i] : 0;
        }
        if (nodes == null || *count > (nuint)asked.Nodes.Count)
            *count = (nuint)asked.Nodes.Count;
        return CudaResult.Success;
    });

    /// <summary>A copy of the graph that can be launched.</summary>
    public CudaResult cuGraphInstantiateWithFlags(nint* executable, nint graph, ulong flags) => InContext(context =>
    {
        Require(executable != null && flags < 0x10);
        var source = Find<DriverGraph>(context, graph);
        *executable = NewHandle(new DriverGraphExecutable(context, source.Nodes));
        return CudaResult.Success;
    });

    public CudaResult cuGraphLaunch(nint executable, nint stream) => InContext(context =>
        Do(Stream(context, stream), new GraphWork(context, Find<DriverGraphExecutable>(context, executable).Nodes)));

    public CudaResult cuGraphDestroy(nint graph) => InContext(context =>
    {
        foreach (nint node in Find<DriverGraph>(context, graph).Handles ?? [])
            _handles.Remove(node);
        _handles.Remove(graph);
        return CudaResult.Success;
    });

    /// <summary>Launches that were made are still done.</summary>
    public CudaResult cuGraphExecDestroy(nint executable) => InContext(context =>
    {
        Find<DriverGraphExecutable>(context, executable);
        _handles.Remove(executable);
        return CudaResult.Success;
    });

    /// <summary>
    /// Calls that may wait for a captured stream behind the caller's back (allocations, frees, modules, queries) fail while a capture in
    /// global mode is under way, or one in thread-local mode of this thread; and with them that capture fails.
    /// </summary>
    private static void RefuseUnsafeWhileCapturing(DriverContext context)
    {
        var against = context.Capturing.Where(stream => stream.Capture!.Mode == CaptureMode.Global
            || (stream.Capture.Mode == CaptureMode.ThreadLocal && stream.Capture.Thread == Environment.CurrentManagedThreadId)).ToList();
        if (against.Count > 0)
            throw Invalidated(against, CudaResult.StreamCaptureUnsupported);
    }

    /// <summary>The captures of these streams will give no graph.</summary>
    private static DriverRefusal Invalidated(IEnumerable<DriverStream> streams, CudaResult result)
    {
        foreach (var stream in streams)
            stream.Capture!.IsInvalidated = true;
        return new DriverRefusal(result);
    }
}
