namespace BDense.Benchmarks.Comparison;

/// <summary>One comparison. Times are medians over the samples.</summary>
/// <param name="Name">The workload.</param>
/// <param name="Peer">Whom it is compared with.</param>
/// <param name="Milliseconds">Ours.</param>
/// <param name="PeerMilliseconds">Theirs.</param>
/// <param name="Ratio">Our time / theirs: the median over the pairs of neighbouring samples. Under 1 we are faster.</param>
/// <param name="Gflops">Ours, from the operations' declared costs; 10^9 a second.</param>
/// <param name="Spread">(90th - 10th percentile) / median of the pairs' ratios: what the ratio is worth.</param>
/// <param name="BestRatio">Our shortest sample / theirs: less touched by neighbours on a shared machine.</param>
/// <param name="ProcessorRatio">Our processor time / theirs, of all threads, idle spinning included: what preemption by others leaves
/// alone. With one thread it is the ratio to trust on a busy machine.</param>
/// <param name="GigabytesPerSecond">Ours: the least traffic that the operations' formulas allow / time.</param>
/// <param name="Samples">Pairs.</param>
/// <param name="Variant">The peer's fastest way, where it had several.</param>
/// <param name="Difference">Largest relative difference ||ours - theirs|| / ||theirs|| of any result, checked before timing.</param>
/// <param name="Note">Why figures are missing.</param>
/// <param name="Rerun">Arguments that measure this row again.</param>
public sealed record Row(string Name, string Peer, double? Milliseconds, double? PeerMilliseconds, double? Ratio, double? Gflops,
    double? Spread,
    double? BestRatio, double? ProcessorRatio, double? GigabytesPerSecond, int Samples, string? Variant, double? Difference, string? Note,
    string Rerun)
{
    /// <summary>
    /// Peak resident memory of a process of ours that does only this, where the row is about memory; <see cref="Ratio"/> then is of memory.
    /// </summary>
    public double? Mebibytes { get; init; }

    /// <summary>The same of the peer's process.</summary>
    public double? PeerMebibytes { get; init; }

    /// <summary>Linear interpolation between order statistics.</summary>
    public static double Quantile(IEnumerable<double> values, double q)
    {
        double[] sorted = [.. values.Order()];
        double at = q * (sorted.Length - 1);
        int low = (int)at;
        return low + 1 < sorted.Length ? sorted[low] + (at - low) * (sorted[low + 1] - sorted[low]) : sorted[low];
    }
}
