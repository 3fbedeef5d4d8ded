using System.Text.Json.Serialization;
using BDense.Training.Distillation;

namespace BDense.Training.Runs;

/// <summary>One iteration in the log.</summary>
/// <param name="Step">Iterations done, from 1.</param>
/// <param name="Loss">Weighted, mean over the iteration's updates.</param>
/// <param name="Branches">Each branch's mean distance, unweighted.</param>
/// <param name="LearningRate">Of its last update.</param>
/// <param name="GradientNorm">Of its last update, before clipping.</param>
/// <param name="Milliseconds">Wall-clock time.</param>
/// <param name="HostMilliseconds">The part of it in which the host did not wait for the device; on a CPU device all of it. 0 in older
/// logs.</param>
/// <param name="PeakBytes">Most device memory in use at once during the iteration. 0 in older logs.</param>
/// <param name="Weights">w_1 .. w_K of the branch losses, as <see cref="BranchWeights"/> has them: in SFD of the last interval, in PD the
/// batch's mean. None for one branch and in older logs.</param>
public sealed record LogLine(long Step, double Loss, double[] Branches, double LearningRate, double GradientNorm, double Milliseconds,
    double HostMilliseconds = 0, long PeakBytes = 0, double[]? Weights = null)
{
    /// <summary>When it ended: seconds since 1970 in UTC. 0 in older logs.</summary>
    public double Time { get; init; }

    /// <summary>Loss on images that are not learned from, after the iteration; none where it was not asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Validation { get; init; }

    /// <summary><see cref="Time"/> of this moment.</summary>
    internal static double Now => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0;
}
