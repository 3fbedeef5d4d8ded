using System.Numerics;
using System.Runtime.InteropServices;
using BDense.Kernels;
using BDense.Training.Data;

namespace BDense.Training.Metrics;

/// <summary>A kernel distance: mean over subsets, and the deviation from subset to subset.</summary>
public readonly record struct KernelDistanceResult(double Mean, double? Deviation);

/// <summary>
/// The kernel distance of two sets of features, with Inception's features KID: the squared maximum mean discrepancy
/// MMD^2 = mean_{i != j} k(x_i, x_j) + mean_{i != j} k(y_i, y_j) - 2 mean_{i,j} k(x_i, y_j), k(x, y) = (x.y / d + 1)^3,
/// which has no bias and so may be below 0. Binkowski et al. 2018, section 3 and 4: the mean over random subsets.
/// </summary>
public static class KernelDistance
{
    /// <summary>Subsets unless asked otherwise: Binkowski et al. 2018.</summary>
    public const int DefaultSubsets = 100;

    /// <summary>Vectors of each set in a subset unless asked otherwise.</summary>
    public const int DefaultSubsetSize = 1000;

    /// <param name="a">Features of one set of images.</param>
    /// <param name="b">Of the other; the same dimension.</param>
    /// <param name="subsets">Subsets, each drawn without replacement.</param>
    /// <param name="size">Vectors of each side in a subset; at most as many as there are.</param>
    /// <param name="seed">Of the subsets.</param>
    /// <exception cref="BDenseException">Fewer than two vectors on a side.</exception>
    public static KernelDistanceResult Between(FeatureSample a, FeatureSample b, int subsets = DefaultSubsets, int size = DefaultSubsetSize,
        ulong seed = 0)
    {
        if (a.Dimension != b.Dimension)
            throw new ArgumentException($"features of {a.Dimension} and {b.Dimension} dimensions");
        int m = Math.Min(size, Math.Min(a.Count, b.Count));
        if (m < 2)
            throw new BDenseException($"kernel distance: {Math.Min(a.Count, b.Count)} samples are too few; at least 2 are needed");
        // All of both sides: there is one subset, and nothing to deviate.
        if (a.Count == m && b.Count == m)
            return new KernelDistanceResult(MaximumMeanDiscrepancy(Draw(a, m, seed, 0), Draw(b, m, seed, 1), a.Dimension), null);
        var distances = new double[subsets];
        for (int s = 0; s < subsets; s++)
            distances[s] = MaximumMeanDiscrepancy(Draw(a, m, seed, 2 * (ulong)s), Draw(b, m, seed, 2 * (ulong)s + 1), a.Dimension);
        double mean = distances.Average();
        return new KernelDistanceResult(mean, Math.Sqrt(distances.Average(x => (x - mean) * (x - mean))));
    }

    /// <summary>MMD^2 of [m, d] vectors each.</summary>
    internal static double MaximumMeanDiscrepancy(double[] x, double[] y, int d)
    {
        int m = x.Length / d;
        // A row's sums are one thread's, and the rows are added in order: the same bits for any number of threads.
        var rows = new double[m];
        Parallel.For(0, m, i =>
        {
            double same = 0, cross = 0;
            for (int j = 0; j < i; j++)
                same += Kernel(x, i, x, j, d) + Kernel(y, i, y, j, d);
            for (int j = 0; j < m; j++)
                cross += Kernel(x, i, y, j, d);
            rows[i] = 2 * same / ((double)m * (m - 1)) - 2 * cross / ((double)m * m);
        });
        return rows.Sum();
    }

    private static double Kernel(double[] a, int i, double[] b, int j, int d)
    {
        double z = Dot(a.AsSpan(i * d, d), b.AsSpan(j * d, d)) / d + 1;
        return z * z * z;
    }

    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        var x = MemoryMarshal.Cast<double, Vector<double>>(a);
        var y = MemoryMarshal.Cast<double, Vector<double>>(b);
        var (even, odd) = (Vector<double>.Zero, Vector<double>.Zero);
        int i = 0;
        for (; i + 1 < x.Length; i += 2)
        {
            even += x[i] * y[i];
            odd += x[i + 1] * y[i + 1];
        }
        if (i < x.Length)
            even += x[i] * y[i];
        double sum = Vector.Sum(even + odd);
        for (i = x.Length * Vector<double>.Count; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }

    private static double[] Draw(FeatureSample from, int m, ulong seed, ulong draw)
    {
        var vectors = new double[m * from.Dimension];
        for (int i = 0; i < m; i++)
        {
            var vector = from[Batches.Permute(i, from.Count, seed, draw)];
            for (int k = 0; k < vector.Length; k++)
                vectors[i * from.Dimension + k] = vector[k];
        }
        return vectors;
    }
}
