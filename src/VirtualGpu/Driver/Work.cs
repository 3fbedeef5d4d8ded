using System.Diagnostics;

namespace BDense.VirtualGpu.Driver;

/// <summary>
/// Something for a device to do: waits in a <see cref="WorkQueue"/>, or is a graph's node that is done at each launch of the graph.
/// </summary>
internal abstract class Work(DriverContext context)
{
    protected DriverContext Context { get; } = context;

    /// <summary>Does it. A finding becomes its context's fault; after one the context does nothing more.</summary>
    public void RunUnlessFaulted()
    {
        if (Context.Fault != CudaResult.Success)
            return;
        try
        {
            Run();
        }
        catch (FindingException e)
        {
            Context.SetFault(CudaResults.Of(e.Finding.Kind), e.Finding);
        }
        catch (DriverRefusal e)
        {
            Context.SetFault(e.Result, null);
        }
        // A fault of the interpreter itself: shown as such, and not on the thread where nobody would catch it.
        catch (Exception e)
        {
            Context.SetFault(CudaResult.Unknown, VirtualDriver.Failure(e, ToString()!));
        }
    }

    protected abstract void Run();
}

/// <summary>A launch; the arguments are the node's own.</summary>
internal sealed class KernelWork(DriverContext context, DriverFunction function, Launch launch) : Work(context)
{
    protected override void Run()
    {
        if (function.Module.IsUnloaded)
            throw new DriverRefusal(CudaResult.InvalidHandle);
        Context.Device.Gpu.Run(launch);
    }

    public override string ToString() => launch.Kernel.Name;
}

/// <summary>A copy. Bytes of pageable memory of the host were read when the call was made (<see cref="Staged"/>).</summary>
internal sealed unsafe class CopyWork(DriverContext context, ulong destination, ulong source, long bytes) : Work(context)
{
    /// <summary>What to copy instead of the source's bytes.</summary>
    public byte[]? Staged { get; init; }

    protected override void Run()
    {
        var memory = Context.Device.Gpu.Memory;
        if (Staged is null)
            Copy(memory, source);
        else
            fixed (byte* staged = Staged)
                Copy(memory, (ulong)staged);
    }

    // Only a graph's copy can meet memory that has been freed since: a queued one is waited for before anything is freed.
    private void Copy(Memory.GlobalMemory memory, ulong from)
    {
        bool toDevice = Memory.GlobalMemory.Owns(destination), fromDevice = Memory.GlobalMemory.Owns(from);
        if ((toDevice && memory.Find(destination, bytes) == null) || (fromDevice && memory.Find(from, bytes) == null))
            throw new DriverRefusal(CudaResult.IllegalAddress);
        if (toDevice && fromDevice)
        {
            memory.Copy(destination, from, bytes);
            return;
        }
        if (fromDevice && !memory.AreWritten(from, bytes))
            throw new FindingException(new Finding(FindingKind.Unwritten,
                $"{bytes} bytes from {from:x} on go to the host, and not all of them were written", ToString()));
        Buffer.MemoryCopy(fromDevice ? memory.Find(from, bytes) : (byte*)from,
            toDevice ? memory.Find(destination, bytes) : (byte*)destination, bytes, bytes);
        if (toDevice)
            memory.MarkWritten(destination, bytes);
    }

    public override string ToString() => "copy";
}

/// <summary>cuMemsetD8.</summary>
internal sealed unsafe class SetWork(DriverContext context, ulong destination, byte value, long bytes) : Work(context)
{
    protected override void Run()
    {
        var memory = Context.Device.Gpu.Memory;
        byte* to = memory.Find(destination, bytes);
        if (to == null)
            throw new DriverRefusal(CudaResult.IllegalAddress);
        for (long at = 0; at < bytes; at += int.MaxValue)
            new Span<byte>(to + at, (int)Math.Min(int.MaxValue, bytes - at)).Fill(value);
        memory.MarkWritten(destination, bytes);
    }

    public override string ToString() => "memset";
}

/// <summary>An event takes the time.</summary>
internal sealed class EventWork(DriverContext context, DriverEvent recorded) : Work(context)
{
    protected override void Run() => recorded.Timestamp = Stopwatch.GetTimestamp();

    public override string ToString() => "event";
}

/// <summary>A graph's nodes, in order.</summary>
internal sealed class GraphWork(DriverContext context, IReadOnlyList<Work> nodes) : Work(context)
{
    protected override void Run()
    {
        foreach (var node in nodes)
            node.RunUnlessFaulted();
    }

    public override string ToString() => "graph";
}
