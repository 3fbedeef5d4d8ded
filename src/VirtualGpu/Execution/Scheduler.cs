using BDense.VirtualGpu.Counts;

namespace BDense.VirtualGpu.Execution;

/// <summary>Runs a launch's blocks on the threads of the host.</summary>
internal sealed unsafe class Scheduler
{
    private readonly int _blocks;
    private readonly LaunchCounting? _counting;
    private int _next = -1, _lowest = int.MaxValue;
    private readonly Lock _lock = new();
    private Exception? _failure;

    internal Scheduler(Gpu gpu, Launch launch) =>
        (Gpu, Launch, _blocks, _counting) = (gpu, launch, (int)launch.Grid.Count, gpu.Counting(launch));

    public Gpu Gpu { get; }

    public Launch Launch { get; }

    public static LaunchCounts? Run(Gpu gpu, Launch launch)
    {
        LaunchLimits.Check(gpu.Model, launch);
        gpu.Memory.BeginLaunch();
        return new Scheduler(gpu, launch).Run();
    }

    /// <summary>
    /// Whether a block before that one did something wrong. Those before it run to their end: the one that is reported is the lowest by
    /// number, whatever the threads' timing.
    /// </summary>
    public bool IsCancelled(int block) => Volatile.Read(ref _lowest) < block;

    private LaunchCounts? Run()
    {
        int threads = Gpu.Options.Threads > 0 ? Gpu.Options.Threads : Environment.ProcessorCount;
        threads = Math.Min(threads, _blocks);
        byte[] arguments = new byte[Launch.Arguments.Length + 64];
        Launch.Arguments.CopyTo(arguments);
        fixed (byte* bytes = arguments)
        {
            // A pointer cannot be captured; the array stays where it is until all have ended.
            nint start = (nint)bytes;
            if (threads == 1)
                Work(start);
            else
                Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, _ => Work(start));
        }
        return _failure is null ? _counting?.Finish() : throw _failure;
    }

    private void Work(nint arguments)
    {
        var counter = _counting?.Counter();
        Block? block = null;
        try
        {
            for (int number = Interlocked.Increment(ref _next); number < _blocks
                && !IsCancelled(number); number = Interlocked.Increment(ref _next))
            {
                // Another thread counts an earlier block; this one's would only wait for it.
                while (_counting?.IsFull == true)
                    Thread.Sleep(1);
                block ??= new Block(this, counter, (byte*)arguments);
                counter?.Begin(number);
                Run(block, number);
                counter?.End();
            }
        }
        finally
        {
            block?.Dispose();
        }
    }

    private void Run(Block block, int number)
    {
        try
        {
            block.Run(number);
        }
        catch (OperationCanceledException)
        {
        }
        catch (Exception e)
        {
            lock (_lock)
            {
                if (number < _lowest)
                    (_failure, _lowest) = (e, number);
            }
        }
    }
}
