namespace BDense.VirtualGpu.Execution;

/// <summary>A block that runs: its warps, its shared memory, the barriers that it has passed.</summary>
internal sealed unsafe class Block
{
    public required Gpu Gpu { get; init; }

    public required Launch Launch { get; init; }

    /// <summary>Counts of the host's thread that runs this block; null where nothing is counted.</summary>
    public Counts.LaunchCounter? Counter { get; init; }

    /// <summary>Shared memory, what its warps copy asynchronously, and the way to global memory; one for each thread of the host, for block after block.</summary>
    public required Memory.BlockMemory Memory { get; init; }

    /// <summary>The launch's packed arguments.</summary>
    public required byte* Arguments { get; init; }

    /// <summary>x fastest.</summary>
    public int Number { get; set; }

    /// <summary>Barriers passed: accesses of different epochs are ordered.</summary>
    public int Epoch { get; set; }
}
