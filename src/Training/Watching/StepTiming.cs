using System.Diagnostics;
using BDense.Training.Runs;

namespace BDense.Training.Watching;

/// <summary>What a few iterations took, that were really done and left nothing behind but the trained network.</summary>
/// <param name="Milliseconds">Median of an iteration.</param>
/// <param name="Steps">How many were measured.</param>
/// <param name="IsFirst">Whether the very first is among them, which also prepares kernels and memory: the others took too long to wait
/// for.</param>
/// <param name="Loss">Of the last.</param>
/// <param name="PeakBytes">The most device memory in use at once.</param>
public sealed record StepTiming(double Milliseconds, int Steps, bool IsFirst, double Loss, long PeakBytes)
{
    // After the first: the second may still tune what the first has shown to be used.
    private const int Warm = 1, Most = 5;

    /// <summary>Does iterations, one to prepare and up to five to measure, until <paramref name="patience"/> is over.</summary>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public static StepTiming Measure(ITraining training, TimeSpan patience, CancellationToken cancellation)
    {
        var pool = training.Backend.Pool;
        pool.ResetPeak();
        var whole = Stopwatch.StartNew();
        var times = new List<double>();
        double loss = 0;
        for (int i = 0; i < Warm + Most && (i == 0 || whole.Elapsed < patience); i++)
        {
            cancellation.ThrowIfCancellationRequested();
            var clock = Stopwatch.StartNew();
            // A short training has no later ones; the same again takes as long.
            loss = training.Step(i % training.Steps).Loss;
            training.Backend.Synchronize();
            times.Add(clock.Elapsed.TotalMilliseconds);
        }
        bool isFirst = times.Count <= Warm;
        List<double> counted = isFirst ? times : times[Warm..];
        counted.Sort();
        return new StepTiming(counted[counted.Count / 2], counted.Count, isFirst, loss, pool.PeakBytes);
    }
}
