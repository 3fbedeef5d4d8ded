namespace BDense.VirtualGpu.Driver;

/// <summary>
/// What a device has to do, done by a thread of its own in the order in which the host asked, whatever the stream. That is one of the
/// orders that streams allow, and the same in every run.
/// </summary>
internal sealed class WorkQueue : IDisposable
{
    private readonly Lock _running = new();
    private readonly object _gate = new();
    private readonly Queue<Work> _waiting = new();
    private Thread? _thread;
    private long _queued, _done;
    private bool _ended;

    /// <returns>Its number; see <see cref="IsDone"/>.</returns>
    public long Add(Work work)
    {
        lock (_gate)
        {
            if (_thread is null)
            {
                _thread = new Thread(Run) { IsBackground = true, Name = "virtual GPU" };
                _thread.Start();
            }
            _waiting.Enqueue(work);
            Monitor.PulseAll(_gate);
            return ++_queued;
        }
    }

    /// <summary>Everything up to that number has been done; 0 is before all work.</summary>
    public bool IsDone(long number)
    {
        lock (_gate)
            return _done >= number;
    }

    public void Wait(long number)
    {
        lock (_gate)
        {
            while (_done < number)
                Monitor.Wait(_gate);
        }
    }

    /// <summary>The number of the last work that was added.</summary>
    public long Last
    {
        get
        {
            lock (_gate)
                return _queued;
        }
    }

    /// <summary>Waits for what has been added and then, before anything else runs, changes what running work could see.</summary>
    public T WhenIdle<T>(Func<T> change)
    {
        Wait(Last);
        lock (_running)
            return change();
    }

    /// <summary>What waits is still done.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _ended = true;
            Monitor.PulseAll(_gate);
        }
        _thread?.Join();
    }

    private void Run()
    {
        while (Next() is { } work)
        {
            lock (_running)
                work.RunUnlessFaulted();
            lock (_gate)
            {
                _done++;
                Monitor.PulseAll(_gate);
            }
        }
    }

    private Work? Next()
    {
        lock (_gate)
        {
            while (_waiting.Count == 0 && !_ended)
                Monitor.Wait(_gate);
            return _waiting.TryDequeue(out var work) ? work : null;
        }
    }
}
