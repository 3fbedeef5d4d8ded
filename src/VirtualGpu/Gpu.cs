using BDense.VirtualGpu.Counts;
using BDense.VirtualGpu.Execution;
using BDense.VirtualGpu.Memory;

namespace BDense.VirtualGpu;

/// <summary>How a GPU runs.</summary>
/// <param name="Threads">Of the host; 0 for one a core.</param>
/// <param name="Judge">Whether accesses are held to the rules of the PTX memory model. Without, only bounds and alignment are checked, and
/// it is faster.</param>
/// <param name="Count">Whether launches return what they did.</param>
/// <param name="KeepCache">Whether, for counting, the second-level cache goes from launch to launch; otherwise each begins with an empty
/// one and writes everything back.</param>
/// <param name="InstructionLimit">Instructions that one warp may execute in one launch: seconds of an empty loop, minutes of one with
/// atomics.</param>
public sealed record GpuOptions(int Threads = 0, bool Judge = true, bool Count = false, bool KeepCache = false,
    long InstructionLimit = 1_000_000_000);

/// <summary>A GPU: memory, and launches that run one after the other.</summary>
public sealed class Gpu(GpuModel model, GpuOptions? options = null) : IDisposable
{
    public GpuModel Model { get; } = model;

    public GpuOptions Options { get; } = options ?? new GpuOptions();

    public GlobalMemory Memory { get; } = new(model.MemoryBytes, (options ?? new GpuOptions()).Judge);

    /// <summary>Told what each launch did; launches are counted while it is set, whatever <see cref="GpuOptions.Count"/> says.</summary>
    public Action<LaunchCounts>? Counted { get; set; }

    /// <summary>Asked before each launch while it is set: one that is not wanted does nothing.</summary>
    public Predicate<Launch>? Wanted { get; set; }

    private SecondLevelCache? _secondLevel;

    /// <summary>Runs all blocks and returns when they have ended.</summary>
    /// <returns>What was counted; null if nothing asked for it, or if the launch is not wanted.</returns>
    /// <exception cref="FindingException">The kernel did something wrong; what it wrote until then is written.</exception>
    public LaunchCounts? Run(Launch launch)
    {
        if (Wanted?.Invoke(launch) == false)
            return null;
        var counts = Scheduler.Run(this, launch);
        if (counts is not null)
            Counted?.Invoke(counts);
        return counts;
    }

    /// <summary>For a launch that begins; null where it is not counted.</summary>
    internal LaunchCounting? Counting(Launch launch) => !Options.Count && Counted is null ? null
        : new LaunchCounting(Model, launch, _secondLevel ??= new SecondLevelCache(Model.L2Bytes), Options.KeepCache);

    public void Dispose() => Memory.Dispose();
}
