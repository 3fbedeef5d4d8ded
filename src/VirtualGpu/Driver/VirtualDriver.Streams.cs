using System.Diagnostics;

namespace BDense.VirtualGpu.Driver;

/// <content>Streams and events.</content>
public sealed unsafe partial class VirtualDriver
{
    /// <param name="stream">The new one.</param>
    /// <param name="flags">1 is CU_STREAM_NON_BLOCKING: nothing to do with the legacy stream.</param>
    public CudaResult cuStreamCreate(nint* stream, uint flags) => InContext(context =>
    {
        Require(stream != null && flags <= 1);
        *stream = NewHandle(new DriverStream(context, blocking: flags == 0));
        return CudaResult.Success;
    });

    /// <summary>Its work is still done. A capture of it ends without a graph.</summary>
    public CudaResult cuStreamDestroy_v2(nint stream) => InContext(context =>
    {
        context.Capturing.Remove(Find<DriverStream>(context, stream));
        _handles.Remove(stream);
        return CudaResult.Success;
    });

    public CudaResult cuStreamSynchronize(nint stream) => Wait(context =>
    {
        var waited = Stream(context, stream);
        if (waited.Capture is not null)
            throw Invalidated([waited], CudaResult.StreamCaptureUnsupported);
        return waited.Last;
    });

    /// <summary>Whether all its work is done, or CUDA_ERROR_NOT_READY.</summary>
    public CudaResult cuStreamQuery(nint stream) => InContext(context =>
    {
        var asked = Stream(context, stream);
        if (asked.Capture is not null)
            throw Invalidated([asked], CudaResult.StreamCaptureUnsupported);
        RefuseUnsafeWhileCapturing(context);
        return Done(context, asked.Last);
    });

    /// <param name="recorded">The new one.</param>
    /// <param name="flags">1 CU_EVENT_BLOCKING_SYNC, 2 CU_EVENT_DISABLE_TIMING.</param>
    public CudaResult cuEventCreate(nint* recorded, uint flags) => InContext(context =>
    {
        Require(recorded != null && flags <= 3);
        *recorded = NewHandle(new DriverEvent(context, timed: (flags & 2) == 0));
        return CudaResult.Success;
    });

    public CudaResult cuEventDestroy_v2(nint recorded) => InContext(context =>
    {
        Find<DriverEvent>(context, recorded);
        _handles.Remove(recorded);
        return CudaResult.Success;
    });

    public CudaResult cuEventRecord(nint recorded, nint stream) => InContext(context =>
    {
        var marked = Find<DriverEvent>(context, recorded);
        var target = Stream(context, stream);
        marked.IsCaptured = target.Capture is not null;
        var result = Do(target, new EventWork(context, marked));
        if (!marked.IsCaptured)
            marked.Number = target.Last;
        return result;
    });

    /// <summary>An event that was never recorded is done.</summary>
    public CudaResult cuEventQuery(nint recorded) => InContext(context =>
    {
        var asked = NotCaptured(context, recorded);
        RefuseUnsafeWhileCapturing(context);
        return Done(context, asked.Number);
    });

    public CudaResult cuEventSynchronize(nint recorded) => Wait(context =>
    {
        var waited = NotCaptured(context, recorded);
        RefuseUnsafeWhileCapturing(context);
        return waited.Number;
    });

    /// <summary>By the host's clock, when the device got to each.</summary>
    public CudaResult cuEventElapsedTime(float* milliseconds, nint start, nint end) => InContext(context =>
    {
        Require(milliseconds != null);
        DriverEvent first = NotCaptured(context, start), second = NotCaptured(context, end);
        Require(first.Timed && second.Timed && first.Number > 0 && second.Number > 0, CudaResult.InvalidHandle);
        Require(context.Device.Queue.IsDone(first.Number) && context.Device.Queue.IsDone(second.Number), CudaResult.NotReady);
        *milliseconds = (float)((second.Timestamp - first.Timestamp) * 1e3 / Stopwatch.Frequency);
        return CudaResult.Success;
    });

    /// <summary>0 and 1 (CU_STREAM_LEGACY) are the default stream.</summary>
    private DriverStream Stream(DriverContext context, nint handle)
    {
        if (handle is not (0 or 1))
            return Find<DriverStream>(context, handle);
        var blocking = context.Capturing.Where(stream => stream.Blocking).ToList();
        return blocking.Count == 0 ? context.Legacy! : throw Invalidated(blocking, CudaResult.StreamCaptureImplicit);
    }

    private DriverEvent NotCaptured(DriverContext context, nint handle)
    {
        var found = Find<DriverEvent>(context, handle);
        return !found.IsCaptured ? found : throw Invalidated(context.Capturing, CudaResult.CapturedEvent);
    }

    private static CudaResult Done(DriverContext context, long number) =>
        context.Device.Queue.IsDone(number) ? context.Fault : CudaResult.NotReady;

    /// <summary>Gives work to the device, or to the capture.</summary>
    private static CudaResult Do(DriverStream stream, Work work)
    {
        if (stream.Capture is not { } capture)
        {
            stream.Last = stream.Context.Device.Queue.Add(work);
            return CudaResult.Success;
        }
        Require(!capture.IsInvalidated, CudaResult.StreamCaptureInvalidated);
        capture.Nodes.Add(work);
        return CudaResult.Success;
    }
}
