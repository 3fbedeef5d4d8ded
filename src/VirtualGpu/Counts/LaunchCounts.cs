namespace BDense.VirtualGpu.Counts;

/// <summary>What a launch did, by place in the kernel's code.</summary>
public sealed class LaunchCounts
{
    // Helper D: instructions by class, lanes, sectors a request, bytes by level, shared wavefronts, divergent branches, barrier waits, occupancy.
}
