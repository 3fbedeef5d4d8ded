using BDense.Kernels.Profiling;

namespace BDense.Experiments.Labs;

/// <summary>
/// What a fusion's two runs declare, and what a virtual GPU counts of them. Time in software says nothing of a GPU's, so none is taken.
/// </summary>
/// <param name="Name">The fusion's.</param>
/// <param name="Branches">K where the case depends on it, else 1.</param>
/// <param name="Shapes">For people.</param>
/// <param name="KernelsFused">Launches of the fused run.</param>
/// <param name="KernelsUnfused">Of the composition.</param>
/// <param name="DeclaredBytesFused">Read and written, by the operations' own declarations.</param>
/// <param name="DeclaredBytesUnfused">Of the composition.</param>
/// <param name="MemoryBytesFused">Counted between memory and the second-level cache, which each launch begins with empty.</param>
/// <param name="MemoryBytesUnfused">Of the composition.</param>
/// <param name="AskedBytesFused">Counted at the lanes, before any cache.</param>
/// <param name="AskedBytesUnfused">Of the composition.</param>
public sealed record CountedFusion(string Name, int Branches, string Shapes, int KernelsFused, int KernelsUnfused, long DeclaredBytesFused,
    long DeclaredBytesUnfused,
    long MemoryBytesFused, long MemoryBytesUnfused, long AskedBytesFused, long AskedBytesUnfused)
{
    /// <summary>Each variant once, from the same start.</summary>
    public static CountedFusion Of(Profiler profiler, FusionCase c)
    {
        var (fused, plain) = (Run(c.Fused), Run(c.Unfused));
        return new(c.Name, c.Branches, c.Shapes, fused.Launches.Count, plain.Launches.Count, fused.Declared.Bytes, plain.Declared.Bytes,
            fused.MemoryBytes, plain.MemoryBytes,
            fused.BytesAsked, plain.BytesAsked);

        ProfiledPass Run(Action variant)
        {
            c.Restore();
            return profiler.Run(c.Name, variant);
        }
    }
}
