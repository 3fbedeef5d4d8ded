namespace BDense.Kernels.Reference;

/// <summary>
/// A CPU kernel: pointers and sizes, no references. <see cref="Run"/> is called once for every task number, in any order.
/// </summary>
internal interface IJob
{
    void Run(int task);
}

/// <summary>A fixed set of threads that share the tasks of one job at a time.</summary>
/// <remarks>
/// Each thread has a contiguous range of its own, the same from job to job where the shapes are, so that data stay in its core's cache;
/// whoever is through helps the others. So a thread that the system has put aside holds nobody up: the caller does its tasks.
/// Which thread does a task changes no bits, since tasks write to places of their own.
/// Nothing is allocated: the job stays on the caller's stack and is passed by address.
/// </remarks>
internal sealed unsafe class Workers : IDisposable
{
    /// <summary>Jobs follow each other closely, so a helper looks out for the next one for some microseconds before it sleeps.</summary>
    private const int LooksBeforeSleep = 200;

    /// <summary>Longs between two ranges: they lie on cache lines of their own.</summary>
    private const int Stride = 16;

    private readonly Thread[] _threads;
    private readonly SemaphoreSlim[] _wake;
    private readonly int[] _asleep;

    // Range t: the job's number in the upper half, the tasks left in the lower. Taking one by compare-and-swap proves at once that the
    // job is still running, since its caller waits for every task.
    private readonly long[] _ranges;
    private readonly int[] _ends;
    private void* _job;
    private delegate*<void*, int, void> _run;
    private volatile int _number;
    private volatile bool _stop;
    private int _left;
    private Exception? _failure;

    public Workers(int threads)
    {
        Threads = Math.Max(1, threads);
        _threads = new Thread[Threads - 1];
        _wake = new SemaphoreSlim[Threads - 1];
        _asleep = new int[Threads - 1];
        _ranges = new long[Threads * Stride];
        _ends = new int[Threads];
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
            _failure = null;
            Volatile.Write(ref _left, tasks);
            int number = unchecked(_number + 1);
            int first = 0;
            for (int t = 0; t < Threads; t++)
            {
                _ends[t] = (int)((long)tasks * (t + 1) / Threads);
                Volatile.Write(ref _ranges[t * Stride], ((long)number << 32) | (uint)(_ends[t] - first));
                first = _ends[t];
            }
            _number = number;
            Interlocked.MemoryBarrier();
            for (int i = 0; i < _threads.Length; i++)
            {
                if (Volatile.Read(ref _asleep[i]) == 1 && Interlocked.Exchange(ref _asleep[i], 0) == 1)
                    _wake[i].Release();
            }
            Work(0, number);

            var spin = new SpinWait();
            while (Volatile.Read(ref _left) > 0)
                spin.SpinOnce(sleep1Threshold: -1);
        }

        if (_failure is { } failure)
            throw new InvalidOperationException("a CPU kernel failed", failure);
    }

    public void Dispose()
    {
        _stop = true;
        foreach (var wake in _wake)
            wake.Release();
        foreach (var thread in _threads)
            thread.Join();
        foreach (var wake in _wake)
            wake.Dispose();
    }

    private static void Invoke<TJob>(void* job, int task)
        where TJob : unmanaged, IJob => ((TJob*)job)->Run(task);

    /// <summary>Does the tasks of a thread's own range, then what is left of the others'.</summary>
    private void Work(int thread, int number)
    {
        for (int i = 0; i < Threads; i++)
        {
            int t = (thread + i) % Threads;
            while (Take(t, number, out int task))
            {
                try
                {
                    _run(_job, task);
                }
                catch (Exception e)
                {
                    // Thrown by the caller once all threads are done: they still read the job on its stack.
                    Interlocked.CompareExchange(ref _failure, e, null);
                }
                Interlocked.Decrement(ref _left);
            }
        }
    }

    /// <summary>Takes the next task of range <paramref name="t"/>, if it still belongs to this job and has one.</summary>
    private bool Take(int t, int number, out int task)
    {
        ref long range = ref _ranges[t * Stride];
        while (true)
        {
            long seen = Volatile.Read(ref range);
            int left = (int)seen;
            if ((int)(seen >> 32) != number || left == 0)
            {
                task = -1;
                return false;
            }
            if (Interlocked.CompareExchange(ref range, seen - 1, seen) == seen)
            {
                task = _ends[t] - left;
                return true;
            }
        }
    }

    private void Loop(int index)
    {
        int seen = 0;
        while (true)
        {
            for (int looks = 0; _number == seen && !_stop; looks++)
            {
                if (looks < LooksBeforeSleep)
                {
                    Thread.SpinWait(20);
                    continue;
                }
                Volatile.Write(ref _asleep[index], 1);
                Interlocked.MemoryBarrier();
                // Either the caller sees the flag and releases, or this thread sees its job and takes the flag back.
                if ((_number != seen || _stop) && Interlocked.Exchange(ref _asleep[index], 0) == 1)
                    break;
                _wake[index].Wait();
                looks = 0;
            }
            if (_stop)
                return;
            seen = _number;
            Work(index + 1, seen);
        }
    }
}
