namespace BDense.Benchmarks.Gpu;

/// <summary>What is told of a whole training step or an evaluation beside its time.</summary>
/// <param name="ImagesPerSecond">Of our fastest variant.</param>
/// <param name="PeerImagesPerSecond">Of each of the peer's, by name.</param>
/// <param name="PeakBytes">Most device memory at once of our fastest variant: parameters, optimizer and what the step holds.</param>
/// <param name="PeerPeakBytes">Of each of the peer's.</param>
/// <param name="HostMilliseconds">Of our host for a step, launch by launch.</param>
/// <param name="GraphHostMilliseconds">As a graph; null where there is none.</param>
/// <param name="PeerHostMilliseconds">Of each of the peer's.</param>
public sealed record StepFigures(double? ImagesPerSecond, IReadOnlyDictionary<string, double> PeerImagesPerSecond, long? PeakBytes,
    IReadOnlyDictionary<string, long> PeerPeakBytes, double? HostMilliseconds, double? GraphHostMilliseconds,
    IReadOnlyDictionary<string, double> PeerHostMilliseconds)
{
    /// <summary>Ours over the eager peer's; null where one is unknown.</summary>
    public double? MemoryRatio => PeerPeakBytes.TryGetValue("eager", out long peer) ? (double?)PeakBytes / peer : null;

    public static StepFigures Of(GpuRow row, GpuResult? fastest, IReadOnlyList<GpuResult> ours, IReadOnlyList<GpuResult> theirs)
    {
        double batch = 1000.0 * row["batch"];
        double? Host(string variant) => ours.FirstOrDefault(r => r.Variant == variant)?.HostMilliseconds;
        return new(batch / fastest?.Milliseconds,
            theirs.Where(r => r.Milliseconds is not null).ToDictionary(r => r.Variant, r => batch / r.Milliseconds!.Value),
            fastest?.PeakBytes, theirs.Where(r => r.PeakBytes is not null).ToDictionary(r => r.Variant, r => r.PeakBytes!.Value),
            Host("eager"), Host("graph"),
            theirs.Where(r => r.HostMilliseconds is not null).ToDictionary(r => r.Variant, r => r.HostMilliseconds!.Value));
    }
}
