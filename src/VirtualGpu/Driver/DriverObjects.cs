namespace BDense.VirtualGpu.Driver;

/// <summary>A GPU and the thread that works for it.</summary>
internal sealed class DriverDevice(int ordinal, GpuModel model, GpuOptions? options) : IDisposable
{
    public int Ordinal { get; } = ordinal;

    public Gpu Gpu { get; } = new(model, options);

    public WorkQueue Queue { get; } = new();

    public void Dispose()
    {
        Queue.Dispose();
        Gpu.Dispose();
    }
}

/// <summary>What belongs to a context and is known by a handle.</summary>
internal abstract class DriverObject(DriverContext context)
{
    public DriverContext Context { get; } = context;
}

/// <summary>CUcontext.</summary>
internal sealed class DriverContext(DriverDevice device, Action<Finding> found)
{
    private volatile CudaResult _fault;

    public DriverDevice Device { get; } = device;

    public bool IsDestroyed { get; set; }

    /// <summary>What each of its calls returns from now on.</summary>
    public CudaResult Fault => _fault;

    /// <summary>The legacy default stream, handle 0.</summary>
    public DriverStream? Legacy { get; set; }

    /// <summary>Address and bytes of each allocation that is not freed.</summary>
    public SortedDictionary<ulong, long> Allocations { get; } = [];

    /// <summary>
    /// Memory of the host that copies may read and write when they run: address and bytes, and whether this driver allocated it.
    /// </summary>
    public Dictionary<nint, (long Bytes, bool Own)> Pinned { get; } = [];

    /// <summary>Streams that are being captured.</summary>
    public HashSet<DriverStream> Capturing { get; } = [];

    public void SetFault(CudaResult result, Finding? finding)
    {
        if (finding is not null)
            found(finding);
        _fault = result;
    }

    /// <summary>Whether bytes lie in page-locked memory of the host.</summary>
    public bool IsPinned(ulong address, long bytes) =>
        Pinned.Any(p => address >= (ulong)p.Key && address + (ulong)bytes <= (ulong)p.Key + (ulong)p.Value.Bytes);
}

/// <summary>CUstream.</summary>
/// <param name="context">Its context.</param>
/// <param name="blocking">Whether it waits for the legacy stream and that for it.</param>
internal sealed class DriverStream(DriverContext context, bool blocking) : DriverObject(context)
{
    public bool Blocking { get; } = blocking;

    /// <summary>Number of the last work that it was given.</summary>
    public long Last { get; set; }

    /// <summary>While its work is recorded instead of done.</summary>
    public Capture? Capture { get; set; }
}

/// <summary>CUevent.</summary>
/// <param name="context">Its context.</param>
/// <param name="timed">Without CU_EVENT_DISABLE_TIMING.</param>
internal sealed class DriverEvent(DriverContext context, bool timed) : DriverObject(context)
{
    private long _timestamp;

    public bool Timed { get; } = timed;

    /// <summary>Number of the work that sets <see cref="Timestamp"/>; 0 if it was never recorded.</summary>
    public long Number { get; set; }

    /// <summary>Of the host's clock.</summary>
    public long Timestamp
    {
        get => Volatile.Read(ref _timestamp);
        set => Volatile.Write(ref _timestamp, value);
    }

    /// <summary>Whether it was last recorded in a stream that was captured: it then stands for no point in time.</summary>
    public bool IsCaptured { get; set; }
}

/// <summary>CUmodule.</summary>
internal sealed class DriverModule(DriverContext context, PtxModule code) : DriverObject(context)
{
    public PtxModule Code { get; } = code;

    /// <summary>Handles of the entries that were asked for, by name.</summary>
    public Dictionary<string, nint> Functions { get; } = [];

    public bool IsUnloaded { get; set; }
}

/// <summary>CUfunction.</summary>
internal sealed class DriverFunction(DriverModule module, PtxKernel kernel) : DriverObject(module.Context)
{
    public DriverModule Module { get; } = module;

    public PtxKernel Kernel { get; } = kernel;

    /// <summary>CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES: 48 KiB with the static ones, until more is asked for.</summary>
    public int MaxDynamicShared { get; set; } = GpuModel.SharedPerBlock - kernel.StaticSharedBytes;
}

/// <summary>CUgraph: its nodes in order, each waiting for the one before, as one stream makes them.</summary>
internal sealed class DriverGraph(DriverContext context, IReadOnlyList<Work> nodes) : DriverObject(context)
{
    public IReadOnlyList<Work> Nodes { get; } = nodes;

    /// <summary>Handles of the nodes; made when they are asked for.</summary>
    public IReadOnlyList<nint>? Handles { get; set; }
}

/// <summary>CUgraphExec.</summary>
internal sealed class DriverGraphExecutable(DriverContext context, IReadOnlyList<Work> nodes) : DriverObject(context)
{
    public IReadOnlyList<Work> Nodes { get; } = nodes;
}

/// <summary>CUgraphNode: a name for a place in a graph.</summary>
internal sealed class DriverGraphNode(DriverGraph graph) : DriverObject(graph.Context);

/// <summary>CUstreamCaptureMode.</summary>
public enum CaptureMode
{
    Global = 0,
    ThreadLocal = 1,
    Relaxed = 2,
}

/// <summary>A stream's work as it is recorded.</summary>
internal sealed class Capture(CaptureMode mode, int thread)
{
    public CaptureMode Mode { get; } = mode;

    /// <summary>The managed thread that began.</summary>
    public int Thread { get; } = thread;

    public List<Work> Nodes { get; } = [];

    /// <summary>Something was done that cannot be recorded: there will be no graph.</summary>
    public bool IsInvalidated { get; set; }
}
