namespace BDense.VirtualGpu.Driver;

/// <summary>
/// The functions of libcuda that ILGPU and this project call, over virtual GPUs. Names, arguments, results and rules are cuda.h's
/// (CUDA driver API reference, version 12.8); files of this class are by subject. All may be called from any thread.
/// </summary>
/// <remarks>
/// Rules for every call: cuInit comes first (CUDA_ERROR_NOT_INITIALIZED); what works on a context works on the calling thread's
/// (CUDA_ERROR_INVALID_CONTEXT, CUDA_ERROR_CONTEXT_IS_DESTROYED); a handle that is none is CUDA_ERROR_INVALID_HANDLE, also where a real
/// driver would crash; after a kernel's fault every call of the context returns the fault, until the context is destroyed.
/// </remarks>
public sealed unsafe partial class VirtualDriver : IDisposable
{
    private readonly Lock _gate = new();
    private readonly DriverDevice[] _devices;
    private readonly Dictionary<nint, object> _handles = [];

    // Never 0 and never an address of the host.
    private nint _nextHandle = 0x1000;
    private bool _initialised;
    private volatile Finding? _lastFinding;

    /// <param name="models">Its devices, in order.</param>
    /// <param name="options">How they run.</param>
    public VirtualDriver(IReadOnlyList<GpuModel> models, GpuOptions? options = null) =>
        _devices = [.. models.Select((model, i) => new DriverDevice(i, model, options))];

    /// <summary>What a kernel, or a launch that was refused, did wrong last, on any device; null so far.</summary>
    public Finding? LastFinding => _lastFinding;

    /// <summary>Its devices, in order: for whoever counts launches.</summary>
    public IReadOnlyList<Gpu> Gpus => [.. _devices.Select(device => device.Gpu)];

    /// <summary>To be called when nobody calls anything else any more.</summary>
    public void Dispose()
    {
        foreach (var device in _devices)
            device.Dispose();
        _current.Dispose();
    }

    /// <summary>Every call goes through here: one at a time, and whatever happens is a code.</summary>
    private CudaResult Call(Func<CudaResult> body, bool initialised = true)
    {
        try
        {
            lock (_gate)
                return initialised && !_initialised ? CudaResult.NotInitialized : body();
        }
        catch (DriverRefusal e)
        {
            return e.Result;
        }
        catch (OutOfMemoryException)
        {
            return CudaResult.OutOfMemory;
        }
    }

    /// <summary>A call that works on the thread's context.</summary>
    private CudaResult InContext(Func<DriverContext, CudaResult> body) => Call(() => body(Current()));

    /// <summary>A call that finds out what to wait for, and then waits without keeping others from calling.</summary>
    private CudaResult Wait(Func<DriverContext, long> what)
    {
        DriverContext? context = null;
        long number = 0;
        var result = InContext(current =>
        {
            context = current;
            number = what(current);
            return CudaResult.Success;
        });
        if (result != CudaResult.Success)
            return result;
        context!.Device.Queue.Wait(number);
        return context.Fault;
    }

    private nint NewHandle(object thing)
    {
        _handles.Add(_nextHandle, thing);
        nint handle = _nextHandle;
        _nextHandle += 0x10;
        return handle;
    }

    /// <summary>The object of the context that a handle names.</summary>
    private T Find<T>(DriverContext context, nint handle)
        where T : DriverObject =>
        _handles.TryGetValue(handle, out object? thing) && thing is T found && found.Context == context ? found
            : throw new DriverRefusal(CudaResult.InvalidHandle);

    private static void Require(bool condition, CudaResult otherwise = CudaResult.InvalidValue)
    {
        if (!condition)
            throw new DriverRefusal(otherwise);
    }

    private void Note(Finding finding) => _lastFinding = finding;

    /// <summary>A fault of the driver itself: nobody's kernel did it, and nobody sees the exception.</summary>
    internal void NoteFailure(Exception e) => Note(Failure(e, "the driver"));

    internal static Finding Failure(Exception e, string during) =>
        new(FindingKind.Internal, $"the virtual GPU itself failed: {e.GetType().Name}: {e.Message}{Where(e)}", during);

    /// <summary>The method of this library that failed: whoever mends it needs no more.</summary>
    private static string Where(Exception e) =>
        e.StackTrace?.Split('\n').FirstOrDefault(line => line.Contains(nameof(VirtualGpu), StringComparison.Ordinal)) is { } line
            ? " " + line.Trim() : "";
}
