using BDense.VirtualGpu.Counts;
using BDense.VirtualGpu.Execution;
using BDense.VirtualGpu.Memory;

namespace BDense.VirtualGpu;

/// <summary>How a GPU runs.</summary>
/// <param name="Threads">Of the host; 0 for one a core.</param>
/// <param name="Judge">Whether accesses are held to the rules of the PTX memory model. Without, only bounds and alignment are checked, and it is faster.</param>
/// <param name="Count">Whether launches return what they did.</param>
/// <param name="InstructionLimit">Instructions that one warp may execute in one launch.</param>
public sealed record GpuOptions(int Threads = 0, bool Judge = true, bool Count = false, long InstructionLimit = 20_000_000_000);

/// <summary>A GPU: memory, and launches that run one after the other.</summary>
public sealed class Gpu(GpuModel model, GpuOptions? options = null) : IDisposable
{
    public GpuModel Model { get; } = model;

    public GpuOptions Options { get; } = options ?? new GpuOptions();

    public GlobalMemory Memory { get; } = new(model.MemoryBytes, (options ?? new GpuOptions()).Judge);

    /// <summary>Runs all blocks and returns when they have ended.</summary>
    /// <returns>What was counted; null if <see cref="GpuOptions.Count"/> is off.</returns>
    /// <exception cref="FindingException">The kernel did something wrong; what it wrote until then is written.</exception>
    public LaunchCounts? Run(Launch launch) => Scheduler.Run(this, launch);

    public void Dispose() => Memory.Dispose();
}
