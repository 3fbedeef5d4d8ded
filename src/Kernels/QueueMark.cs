using System.Diagnostics;

namespace BDense.Kernels;

/// <summary>A point in a device's queue, to tell the time between two of them without waiting in between.</summary>
public abstract class QueueMark : IDisposable
{
    /// <summary>Milliseconds of the device's own clock since <paramref name="earlier"/>; waits until this point has been reached.</summary>
    /// <param name="earlier">Of the same backend, made before this one.</param>
    public abstract double MillisecondsSince(QueueMark earlier);

    /// <summary>Gives the mark back to the driver.</summary>
    public virtual void Dispose() => GC.SuppressFinalize(this);
}

public abstract partial class Backend
{
    /// <summary>Marks the end of everything queued so far: an event on CUDA; elsewhere it waits and reads the host's clock.</summary>
    public virtual QueueMark Mark()
    {
        Synchronize();
        return new HostMark(Stopwatch.GetTimestamp());
    }

    private sealed class HostMark(long timestamp) : QueueMark
    {
        public override double MillisecondsSince(QueueMark earlier) =>
            Stopwatch.GetElapsedTime(((HostMark)earlier)._timestamp, _timestamp).TotalMilliseconds;

        private readonly long _timestamp = timestamp;
    }
}
