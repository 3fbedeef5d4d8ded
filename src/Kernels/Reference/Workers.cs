namespace BDense.Kernels.Reference;

/// <summary>A CPU kernel: pointers and sizes, no references. <see cref="Run"/> is called once for every task number, in any order.</summary>
internal interface IJob
{
    void Run(int task);
}

/// <summary>A fixed set of threads that share the tasks of one job at a time: contiguous ranges, dealt out beforehand.</summary>
/// <remarks>
/// The caller works too. Helpers spin for some microseconds before they sleep, since jobs follow each other closely. Nothing is
/// allocated: the job stays on the caller's stack and is passed by address.
/// </remarks>
internal sealed unsafe class Workers : IDisposable
{
    private const int SpinsBeforeSleep = 2000;

    private readonly Thread[] _threads;
    private readonly SemaphoreSlim[] _wake;
    private readonly int[] _asleep;
    private void* _job;
    private delegate*<void*, int, void> _run;
    private int _tasks;
    private volatile int _generation;
    private volatile bool _stop;
    private int _pending;
    private Exception? _failure;

    public Workers(int threads)
    {
        Threads = Math.Max(1, threads);
        _threads = new Thread[Threads - 1];
        _wake = new SemaphoreSlim[Threads - 1];
        _asleep = new int[Threads - 1];
        for (int i = 0; i < _threads.Length; i++)
        {
            int index = i;
            _wake[i] = new SemaphoreSlim(0);
            _threads[i] = new Thread(() => Loop(index)) { IsBackground = true, Name = $"bdense worker {i + 1}" };
            _threads[i].Start();
        }
    }

    public int Threads { get; }

    /// <summary>Runs tasks 0 .. <paramref name="tasks"/> - 1 and returns when all are done; the first exception is thrown here.</summary>
    public void Run<TJob>(in TJob job, int tasks)
        where TJob : unmanaged, IJob
    {
        if (Threads == 1 || tasks <= 1)
        {
            for (int i = 0; i < tasks; i++)
                job.Run(i);
            return;
        }

        fixed (TJob* pointer = &job)
        {
            _job = pointer;
            _run = &Invoke<TJob>;
            _tasks = tasks;
            _failure = null;
            Volatile.Write(ref _pending, _threads.Length);
            Interlocked.Increment(ref _generation);
            for (int i = 0; i < _threads.Length; i++)
            {
                if (Interlocked.Exchange(ref _asleep[i], 0) == 1)
                    _wake[i].Release();
            }
            Share(0);

            var spin = new SpinWait();
            while (Volatile.Read(ref _pending) > 0)
                spin.SpinOnce(sleep1Threshold: -1);
        }

        if (_failure is { } failure)
            throw new InvalidOperationException("a CPU kernel failed", failure);
    }

    public void Dispose()
    {
        _stop = true;
        Interlocked.Increment(ref _generation);
        foreach (var wake in _wake)
            wake.Release();
        foreach (var thread in _threads)
            thread.Join();
        foreach (var wake in _wake)
            wake.Dispose();
    }

    private static void Invoke<TJob>(void* job, int task)
        where TJob : unmanaged, IJob => ((TJob*)job)->Run(task);

    private void Share(int thread)
    {
        int first = (int)((long)_tasks * thread / Threads);
        int end = (int)((long)_tasks * (thread + 1) / Threads);
        try
        {
            for (int i = first; i < end; i++)
                _run(_job, i);
        }
        catch (Exception e)
        {
            // Kept until all threads are done: they still read the job on the caller's stack.
            Interlocked.CompareExchange(ref _failure, e, null);
        }
    }

    private void Loop(int index)
    {
        int seen = 0;
        while (true)
        {
            int spins = 0;
            while (_generation == seen)
            {
                if (++spins < SpinsBeforeSleep)
                {
                    Thread.SpinWait(10);
                    continue;
                }
                Volatile.Write(ref _asleep[index], 1);
                Interlocked.MemoryBarrier();
                // Either the caller sees the flag and releases, or we see its generation and take the flag back.
                if (_generation != seen && Interlocked.Exchange(ref _asleep[index], 0) == 1)
                    break;
                _wake[index].Wait();
                spins = 0;
            }
            if (_stop)
                return;
            seen = _generation;
            Share(index + 1);
            Interlocked.Decrement(ref _pending);
        }
    }
}
