using BDense.Kernels;

namespace BDense.Experiments.Labs;

/// <summary>One fusion at one shape, ready to run both ways; inputs and outputs are kept until it is disposed.</summary>
/// <param name="Name">The fusion's.</param>
/// <param name="Branches">K where the case depends on it, else 1.</param>
/// <param name="Shapes">For people.</param>
/// <param name="Fused">Forward, and backward where there is one.</param>
/// <param name="Unfused">The same as a composition of plain operations.</param>
/// <param name="UnfusedSameGeometry">The composition with the fused kernel's parallelism, so that what fusing saves is told from what a
/// wider launch saves; the same delegate as <paramref name="Unfused"/> where the composition's launches are those already; none where the
/// fused kernel's partition cannot be imposed on the composition.</param>
/// <param name="Geometry">What that variant is, or why there is none.</param>
/// <param name="Results">Where the runs show what they computed.</param>
/// <param name="Restore">Puts back what runs change: moments, accumulated gradients.</param>
/// <param name="Owned">Disposed with the case.</param>
public sealed record FusionCase(string Name, int Branches, string Shapes, Action Fused, Action Unfused, Action? UnfusedSameGeometry,
    string Geometry,
    FusionResults Results, Action Restore, IReadOnlyList<IDisposable> Owned) : IDisposable
{
    /// <summary>Whether the third variant is work of its own.</summary>
    public bool HasOwnGeometry => UnfusedSameGeometry is not null && UnfusedSameGeometry != Unfused;

    /// <summary>What one of the variants computes, by name, from the same start each time.</summary>
    public IReadOnlyDictionary<string, float[]> ResultsOf(Action variant)
    {
        var results = new Dictionary<string, float[]>();
        Restore();
        Results.Shown = (name, tensor) => results.Add(name, tensor.ToArray());
        try
        {
            variant();
        }
        finally
        {
            Results.Shown = null;
        }
        return results;
    }

    public void Dispose()
    {
        foreach (var thing in Owned)
            thing.Dispose();
    }
}

/// <summary>Runs show here what they computed, while the tensors are there. Nobody looks while time is taken.</summary>
public sealed class FusionResults
{
    public Action<string, Tensor>? Shown { get; set; }

    internal void Show(string name, Tensor tensor) => Shown?.Invoke(name, tensor);
}

/// <summary>What a fusion was predicted to save and what it saved.</summary>
/// <param name="Name">The fusion's.</param>
/// <param name="Branches">K where the case depends on it, else 1.</param>
/// <param name="Shapes">For people.</param>
/// <param name="LaunchesFused">Operations of the fused run by their declarations, each at least one launch.</param>
/// <param name="LaunchesUnfused">Of the composition.</param>
/// <param name="BytesFused">Read and written, by the operations' own declarations (<see cref="OpCost"/>).</param>
/// <param name="BytesUnfused">Of the composition.</param>
/// <param name="BytesReadFused">Read alone.</param>
/// <param name="BytesWrittenFused">Written alone.</param>
/// <param name="BytesReadUnfused">Read by the composition.</param>
/// <param name="BytesWrittenUnfused">Written by it.</param>
/// <param name="FlopsFused">Declared.</param>
/// <param name="FlopsUnfused">Of the composition.</param>
/// <param name="MillisecondsFused">Median.</param>
/// <param name="MillisecondsUnfused">Median, taken in turns with the fused runs.</param>
/// <param name="MillisecondsUnfusedSameGeometry">Median of the third variant; none where it makes no sense.</param>
/// <param name="PredictedSpeedup">Ratio of the roofline times: a launch each, and the longer of bytes and arithmetic.</param>
/// <param name="MeasuredSpeedup">Unfused over fused.</param>
/// <param name="ParallelismSpeedup">The part of it that wider launches give: unfused over the third variant, 1 where they are one; none
/// without it.</param>
/// <param name="FusionSpeedup">The part that fusing gives: the third variant over fused.</param>
/// <param name="GigabytesPerSecond">Declared bytes of the fused run over its time.</param>
/// <param name="ShareOfCopyBandwidth">That over the device's measured copy bandwidth; above 1 where the data stay in a cache.</param>
/// <param name="Composed">Whether the device has no kernel for the fusion at this shape and ran the composition both times: the same
/// operations with the same costs. Its speed-up is noise.</param>
/// <param name="Geometry">What the third variant is, or why there is none.</param>
/// <param name="KernelsFused">Kernels that the device launched for the fused run, the parts of reductions counted one by one; none where
/// operations are no launches (the CPU reference).</param>
/// <param name="KernelsUnfused">Of the composition.</param>
public sealed record FusionRow(string Name, int Branches, string Shapes, int LaunchesFused, int LaunchesUnfused, long BytesFused,
    long BytesUnfused,
    long BytesReadFused, long BytesWrittenFused, long BytesReadUnfused, long BytesWrittenUnfused, long FlopsFused, long FlopsUnfused,
    double MillisecondsFused, double MillisecondsUnfused, double? MillisecondsUnfusedSameGeometry, double PredictedSpeedup,
    double MeasuredSpeedup,
    double? ParallelismSpeedup, double? FusionSpeedup, double GigabytesPerSecond, double ShareOfCopyBandwidth, bool Composed,
    string Geometry,
    int? KernelsFused, int? KernelsUnfused);

/// <summary>A run that was watched.</summary>
/// <param name="Cost">Declared, in all.</param>
/// <param name="Seconds">Its roofline time.</param>
/// <param name="Operations">Each with its cost, in order.</param>
public sealed record PredictedRun(OpCost Cost, double Seconds, IReadOnlyList<(string Name, OpCost Cost)> Operations);
