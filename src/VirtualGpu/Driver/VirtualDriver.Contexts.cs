namespace BDense.VirtualGpu.Driver;

/// <content>Contexts: each thread has a stack of them, whose top is current.</content>
public sealed unsafe partial class VirtualDriver
{
    private readonly ThreadLocal<Stack<DriverContext>> _current = new(() => new());

    /// <summary>Makes it current.</summary>
    public CudaResult cuCtxCreate_v2(nint* context, uint flags, int device) => Call(() =>
    {
        // Scheduling (bits 0 to 2), mapped memory, local memory kept: none of these changes anything here.
        Require(context != null && flags < 0x80);
        var made = new DriverContext(Device(device), Note);
        made.Legacy = new DriverStream(made, blocking: true);
        *context = NewHandle(made);
        _current.Value!.Push(made);
        return CudaResult.Success;
    });

    /// <summary>Waits for its work and frees all that it has; also after a fault.</summary>
    public CudaResult cuCtxDestroy_v2(nint context) => Call(() =>
    {
        var old = Context(context);
        old.Device.Queue.WhenIdle(() =>
        {
            foreach (ulong address in old.Allocations.Keys)
                old.Device.Gpu.Memory.Free(address);
            return true;
        });
        old.IsDestroyed = true;
        FreePinned(old);
        foreach (nint handle in _handles.Where(h => h.Value == old || (h.Value as DriverObject)?.Context == old).Select(h => h.Key)
            .ToArray())
            _handles.Remove(handle);
        if (_current.Value!.TryPeek(out var top) && top == old)
            _current.Value.Pop();
        return CudaResult.Success;
    });

    /// <summary>In place of the top; 0 takes that away.</summary>
    public CudaResult cuCtxSetCurrent(nint context) => Call(() =>
    {
        var next = context == 0 ? null : Context(context);
        _current.Value!.TryPop(out _);
        if (next is not null)
            _current.Value.Push(next);
        return CudaResult.Success;
    });

    /// <summary>0 where there is none.</summary>
    public CudaResult cuCtxGetCurrent(nint* context) => Call(() =>
    {
        Require(context != null);
        *context = _current.Value!.TryPeek(out var top) ? _handles.FirstOrDefault(h => h.Value == top).Key : 0;
        return CudaResult.Success;
    });

    /// <summary>While a stream of the context is captured it fails, and so does that capture.</summary>
    public CudaResult cuCtxSynchronize() => Wait(context =>
    {
        if (context.Capturing.Count > 0)
            throw Invalidated(context.Capturing, CudaResult.StreamCaptureUnsupported);
        return context.Device.Queue.Last;
    });

    /// <summary>CU_FUNC_CACHE_PREFER_NONE.</summary>
    public CudaResult cuCtxGetCacheConfig(int* config) => Setting(config, 0);

    /// <summary>CU_SHARED_MEM_CONFIG_FOUR_BYTE_BANK_SIZE: the only one since compute capability 5.</summary>
    public CudaResult cuCtxGetSharedMemConfig(int* config) => Setting(config, 1);

    private CudaResult Setting(int* to, int value) => InContext(_ =>
    {
        Require(to != null);
        *to = value;
        return CudaResult.Success;
    });

    private DriverContext Context(nint handle) =>
        _handles.TryGetValue(handle, out object? thing) && thing is DriverContext context ? context
            : throw new DriverRefusal(CudaResult.InvalidContext);

    /// <summary>The thread's context, if its calls can do anything.</summary>
    private DriverContext Current()
    {
        if (!_current.Value!.TryPeek(out var context))
            throw new DriverRefusal(CudaResult.InvalidContext);
        Require(!context.IsDestroyed, CudaResult.ContextIsDestroyed);
        Require(context.Fault == CudaResult.Success, context.Fault);
        return context;
    }
}
