namespace BDense.Experiments.Labs;

/// <summary>A whole training or sampling step under some execution. What was not measured is none, and the note says why.</summary>
/// <param name="Step"><c>training</c> or <c>sampling</c>.</param>
/// <param name="Name">What is different: a fusion that is off, or how blocks run.</param>
/// <param name="Branches">K</param>
/// <param name="Batch">Images.</param>
/// <param name="Milliseconds">Median.</param>
/// <param name="HostMilliseconds">Median of the part in which the host was not waiting for the device; on a CPU device all of it.</param>
/// <param name="PeakBytes">Most device memory in use at once, parameters and optimizer included.</param>
/// <param name="ImagesPerSecond">Batch over time.</param>
/// <param name="PredictedPeakBytes">The same by a dry run; none where nobody asked.</param>
/// <param name="Note">For people.</param>
public sealed record StepRow(string Step, string Name, int Branches, int Batch, double? Milliseconds = null,
    double? HostMilliseconds = null,
    long? PeakBytes = null, double? ImagesPerSecond = null, long? PredictedPeakBytes = null, string? Note = null);

/// <summary>What one step took.</summary>
/// <param name="Milliseconds">From the first launch to the last result.</param>
/// <param name="HostMilliseconds">Without the waiting.</param>
/// <param name="PeakBytes">As the pool counts.</param>
internal readonly record struct StepTime(double Milliseconds, double HostMilliseconds, long PeakBytes);
