namespace BDense.VirtualGpu.Counts;

/// <summary>
/// Counts a launch: a <see cref="LaunchCounter"/> for each of the host's threads, and the second-level cache, which gets what blocks asked
/// of it in the order of their numbers. So the sums are the same however blocks are spread over threads.
/// </summary>
internal sealed class LaunchCounting
{
    /// <summary>Words of logs that may wait for an earlier block: 128 MiB.</summary>
    private const long MostWaiting = 1 << 24;

    private readonly Launch _launch;
    private readonly GpuModel _model;
    private readonly SecondLevelCache _cache;
    private readonly bool _keep;
    private readonly int _firstLevelBytes;
    private readonly List<LaunchCounter> _counters = [];
    private readonly Dictionary<int, MissLog> _waiting = [];
    private readonly Stack<MissLog> _free = [];
    private readonly Lock _lock = new();
    private int _next;
    private long _wordsWaiting;

    /// <param name="model">What runs it.</param>
    /// <param name="launch">What runs.</param>
    /// <param name="cache">Left by the launch before; empty unless kept.</param>
    /// <param name="keep">Whether the cache's contents stay for the next launch. Otherwise all that was written goes to memory at the
    /// end.</param>
    public LaunchCounting(GpuModel model, Launch launch, SecondLevelCache cache, bool keep)
    {
        (_model, _launch, _cache, _keep) = (model, launch, cache, keep);
        int shared = launch.Kernel.StaticSharedBytes + launch.DynamicSharedBytes;
        Occupancy = Occupancy.Of(model, launch.Kernel.Registers, shared, (int)launch.Block.Count);
        _firstLevelBytes = Occupancy.FirstLevelBytes(model, shared);
        cache.ResetCounts();
    }

    public Occupancy Occupancy { get; }

    /// <summary>For one thread of the host.</summary>
    public LaunchCounter Counter()
    {
        var counter = new LaunchCounter(this, _launch.Kernel.Places.Count, _firstLevelBytes);
        lock (_lock)
            _counters.Add(counter);
        return counter;
    }

    /// <summary>Takes a block's log, and gives an empty one for the thread's next block.</summary>
    public MissLog Ended(int block, MissLog log)
    {
        lock (_lock)
        {
            if (block == _next)
                Replay(log);
            else
            {
                _waiting.Add(block, log);
                _wordsWaiting += log.Words.Length;
            }
            while (_waiting.Remove(_next, out var next))
            {
                _wordsWaiting -= next.Words.Length;
                Replay(next);
            }
            return _free.TryPop(out var free) ? free : new MissLog();
        }

        void Replay(MissLog of)
        {
            _cache.Replay(of.Words);
            _next++;
            of.Clear();
            _free.Push(of);
        }
    }

    /// <summary>Whether so much waits for earlier blocks that a thread should not begin a later one yet.</summary>
    public bool IsFull
    {
        get
        {
            lock (_lock)
                return _wordsWaiting > MostWaiting;
        }
    }

    /// <summary>When all blocks have ended.</summary>
    public LaunchCounts Finish()
    {
        if (!_keep)
            _cache.Flush();
        var places = new PlaceCounts[_launch.Kernel.Places.Count];
        foreach (var counter in _counters)
            for (int place = 0; place < places.Length; place++)
                places[place] += counter.Tallies[place].Counts;
        return new LaunchCounts(_model, _launch, places, Occupancy, Coalescer.SectorBytes * _cache.SectorsRead,
            Coalescer.SectorBytes * _cache.SectorsWritten);
    }
}
