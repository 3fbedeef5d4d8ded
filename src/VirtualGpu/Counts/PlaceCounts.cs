using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Counts;

/// <summary>What was counted at one place of a kernel's code, or in all of it. Every number is a sum over warps.</summary>
/// <param name="Executions">Instructions that warps executed.</param>
/// <param name="Lanes">Lanes that took part, at most 32 an execution.</param>
/// <param name="GlobalRequests">Instructions of a warp that asked global memory for something.</param>
/// <param name="Sectors">Aligned pieces of 32 bytes that the requests touched.</param>
/// <param name="IdealSectors">The fewest that hold as many different bytes as each request asked for.</param>
/// <param name="BytesAsked">Bytes of an access times its lanes: a byte that two lanes ask for counts twice.</param>
/// <param name="SectorsFromL2">Read sectors that the first-level cache did not have.</param>
/// <param name="SharedRequests">Instructions of a warp that went to shared memory.</param>
/// <param name="Wavefronts">Cycles that shared memory takes for them.</param>
/// <param name="IdealWavefronts">Cycles if no two words lay in one bank.</param>
/// <param name="Diverged">Conditional branches that a warp's lanes did not take together.</param>
/// <param name="Waits">Warps that came to a barrier.</param>
public readonly record struct PlaceCounts(long Executions, long Lanes, long GlobalRequests, long Sectors, long IdealSectors,
    long BytesAsked, long SectorsFromL2,
    long SharedRequests, long Wavefronts, long IdealWavefronts, long Diverged, long Waits)
{
    public static PlaceCounts operator +(PlaceCounts a, PlaceCounts b) =>
        new(a.Executions + b.Executions, a.Lanes + b.Lanes, a.GlobalRequests + b.GlobalRequests,
        a.Sectors + b.Sectors, a.IdealSectors + b.IdealSectors, a.BytesAsked + b.BytesAsked, a.SectorsFromL2 + b.SectorsFromL2,
        a.SharedRequests + b.SharedRequests,
        a.Wavefronts + b.Wavefronts, a.IdealWavefronts + b.IdealWavefronts, a.Diverged + b.Diverged, a.Waits + b.Waits);

    /// <summary>0 without requests.</summary>
    public double SectorsPerRequest => GlobalRequests == 0 ? 0 : (double)Sectors / GlobalRequests;

    /// <summary>Sectors over the fewest; 1 without requests.</summary>
    public double Scatter => IdealSectors == 0 ? 1 : (double)Sectors / IdealSectors;

    /// <summary>Wavefronts over the fewest; 1 without requests.</summary>
    public double Conflicts => IdealWavefronts == 0 ? 1 : (double)Wavefronts / IdealWavefronts;

    /// <summary>Bank conflicts: more wavefronts than need be.</summary>
    public bool HasConflicts => Wavefronts > IdealWavefronts;

    /// <summary>A third more sectors than the different bytes fill.</summary>
    public bool IsScattered => Sectors > 4.0 / 3 * IdealSectors;
}

/// <summary>One place and what was counted there.</summary>
public sealed record CountedPlace(PtxPlace Place, InstructionClass Class, PlaceCounts Counts);
