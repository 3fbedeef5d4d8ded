using BDense.Kernels;
using MathNet.Numerics.Distributions;

namespace BDense.Training.Metrics;

/// <summary>A mean and its 95% interval.</summary>
public readonly record struct Interval(double Mean, double Low, double High);

/// <summary>What an interval of a paired difference allows to say.</summary>
public enum Verdict
{
    /// <summary>The interval of the difference holds 0.</summary>
    NoDifference,

    /// <summary>The error is lower, and so is the whole interval.</summary>
    Better,

    /// <summary>The error is higher, and so is the whole interval.</summary>
    Worse,
}

/// <summary>A candidate against a baseline on the same noises and training seeds: candidate - baseline.</summary>
/// <param name="Difference">Mean of the paired differences; negative is better, since these are errors.</param>
/// <param name="Relative">The mean difference over the baseline's mean.</param>
/// <param name="Verdict">What the interval allows to say.</param>
/// <param name="Seeds">Training runs on each side. With 1 the verdict is about these two runs, not about the methods.</param>
public sealed record Comparison(Interval Difference, double Relative, Verdict Verdict, int Seeds);

/// <summary>
/// Intervals for errors measured on the same samples for several training seeds: <c>values[s][n]</c> is sample n of seed s.
/// Two things vary: the samples, which are drawn anew (bootstrap, Efron 1979, the same draw for every seed since seeds share the
/// samples), and the training runs, of which there are too few to draw from: their mean is given a Student t deviate with S - 1
/// degrees of freedom, times its standard error s / sqrt(S).
/// </summary>
/// <remarks>
/// So with S = 1 the interval covers the samples alone; with S = 2 it is wide (t = 12.7) unless the two runs agree closely, and
/// should be: drawing two seeds with replacement would call a difference in four of ten cases where there is none.
/// </remarks>
public static class Bootstrap
{
    /// <summary>Bootstrap samples unless asked otherwise.</summary>
    public const int DefaultResamples = 2000;

    private const uint Stream = 0xB0075712;

    /// <summary>Mean over seeds and samples with its 95% interval.</summary>
    /// <param name="values">One array a training seed, all of one length, samples in the same order.</param>
    /// <param name="seed">Of the draws; the same seed gives the same interval.</param>
    /// <param name="resamples">Draws.</param>
    public static Interval Mean(IReadOnlyList<double[]> values, ulong seed = 0, int resamples = DefaultResamples)
    {
        int seeds = values.Count, count = values.Count == 0 ? 0 : values[0].Length;
        if (count == 0 || values.Any(v => v.Length != count))
            throw new ArgumentException("every seed needs the same samples, at least one");

        var draws = new double[resamples];
        var means = new double[seeds];
        for (int b = 0; b < resamples; b++)
        {
            Array.Clear(means);
            for (int n = 0; n < count; n++)
            {
                uint bits = Philox.Block(seed, Stream, ((ulong)b << 32) | (uint)(n / 4))[n & 3];
                int drawn = (int)((ulong)bits * (ulong)count >> 32);
                for (int s = 0; s < seeds; s++)
                    means[s] += values[s][drawn];
            }
            for (int s = 0; s < seeds; s++)
                means[s] /= count;
            draws[b] = means.Average();
            // The t deviates are stratified: quantile (b + 1/2) / B with draw b, which knows nothing of b.
            if (seeds > 1)
                draws[b] += StudentQuantile(seeds - 1, (b + 0.5) / resamples) * StandardError(means);
        }
        Array.Sort(draws);
        return new Interval(values.Average(v => v.Average()), Quantile(draws, 0.025), Quantile(draws, 0.975));
    }

    /// <summary>Compares two sets of errors, paired by seed and sample.</summary>
    /// <param name="baseline">As for <see cref="Mean"/>.</param>
    /// <param name="candidate">The same seeds and samples, in the same order.</param>
    /// <param name="seed">Of the draws.</param>
    /// <param name="resamples">Draws.</param>
    public static Comparison Compare(IReadOnlyList<double[]> baseline, IReadOnlyList<double[]> candidate, ulong seed = 0,
        int resamples = DefaultResamples)
    {
        if (baseline.Count != candidate.Count || baseline.Zip(candidate).Any(pair => pair.First.Length != pair.Second.Length))
            throw new ArgumentException("baseline and candidate need the same seeds and samples");
        double[][] differences = [.. baseline.Zip(candidate, (a, b) => a.Zip(b, (x, y) => y - x).ToArray())];
        var interval = Mean(differences, seed, resamples);
        var verdict = interval.High < 0 ? Verdict.Better : interval.Low > 0 ? Verdict.Worse : Verdict.NoDifference;
        return new Comparison(interval, interval.Mean / baseline.Average(v => v.Average()), verdict, baseline.Count);
    }

    /// <summary>For tables: better, worse, no difference.</summary>
    public static string Text(this Verdict verdict) =>
        verdict switch { Verdict.Better => "better", Verdict.Worse => "worse", _ => "no difference" };

    // In closed form where the tails are so heavy that the search for a root fails.
    private static double StudentQuantile(int freedom, double u) => freedom switch
    {
        1 => Math.Tan(Math.PI * (u - 0.5)),
        2 => (2 * u - 1) / Math.Sqrt(2 * u * (1 - u)),
        _ => StudentT.InvCDF(0, 1, freedom, u),
    };

    private static double StandardError(double[] x)
    {
        double mean = x.Average();
        return Math.Sqrt(x.Sum(v => (v - mean) * (v - mean)) / (x.Length - 1) / x.Length);
    }

    // Linear between order statistics.
    private static double Quantile(double[] sorted, double q)
    {
        double position = q * (sorted.Length - 1);
        int low = (int)position;
        return sorted[low] + (position - low) * (sorted[Math.Min(low + 1, sorted.Length - 1)] - sorted[low]);
    }
}
