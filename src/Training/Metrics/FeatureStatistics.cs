using System.Runtime.InteropServices;
using BDense.Kernels;
using BDense.Training.Data;
using MathNet.Numerics.LinearAlgebra;
using Lanes = System.Numerics.Vector<double>;

namespace BDense.Training.Metrics;

/// <summary>
/// Mean and covariance of feature vectors, summed in double precision as they come: sum of x and of x x^T, both about the first
/// vector. Memory is one [d,d] matrix, however many vectors there are.
/// </summary>
/// <param name="dimension">Length of a feature vector, d.</param>
public sealed class FeatureStatistics(int dimension)
{
    private readonly double[] _sum = new double[dimension];

    // The lower triangle alone.
    private readonly double[] _products = new double[dimension * dimension];
    private readonly double[] _shift = new double[dimension];

    /// <summary>Length of a feature vector.</summary>
    public int Dimension { get; } = dimension;

    /// <summary>Vectors seen.</summary>
    public long Count { get; private set; }

    /// <summary>
    /// Adds the vectors of <paramref name="features"/>, [n, Dimension] one after the other. The same bits however they are cut.
    /// </summary>
    /// <exception cref="BDenseException">A feature is not finite.</exception>
    public void Add(ReadOnlySpan<float> features)
    {
        int d = Dimension, n = features.Length / d;
        if (features.Length % d != 0)
            throw new ArgumentException($"{features.Length} values are no whole vectors of {d}");
        var x = new double[features.Length];
        for (int i = 0; i < x.Length; i++)
        {
            if (!float.IsFinite(features[i]))
                throw new BDenseException(
                    $"Frechet distance: feature {i % d} of sample {Count + i / d} is not finite; so is the sample, most likely");
            // Sums about the first vector: the covariance does not drown in a large mean.
            if (Count == 0 && i < d)
                _shift[i] = features[i];
            x[i] = features[i] - _shift[i % d];
        }
        // Row by row over all the vectors, so that a row stays in the cache; each row belongs to one thread.
        Parallel.For(0, d, row =>
        {
            var products = _products.AsSpan(row * d, row + 1);
            for (int sample = 0; sample < n; sample++)
            {
                var vector = x.AsSpan(sample * d, row + 1);
                double own = vector[row];
                _sum[row] += own;
                AddScaled(own, vector, products);
            }
        });
        Count += n;
    }

    /// <summary>[Dimension]: the mean of the vectors seen; at least one.</summary>
    public Vector<double> Mean() => Vector<double>.Build.Dense(Dimension, i => _shift[i] + _sum[i] / Count);

    /// <summary>With Count - 1 in the denominator.</summary>
    public Matrix<double> Covariance() => Matrix<double>.Build.Dense(Dimension, Dimension, (i, j) =>
    {
        double product = i >= j ? _products[i * Dimension + j] : _products[j * Dimension + i];
        return (product - _sum[i] * _sum[j] / Count) / (Count - 1);
    });

    /// <summary>All that <see cref="Restore"/> needs to go on from here.</summary>
    internal IEnumerable<(string Name, NpyArray Array)> State() =>
    [
        ("count", new NpyArray([], new[] { Count })),
        ("shift", new NpyArray([Dimension], _shift)),
        ("sum", new NpyArray([Dimension], _sum)),
        ("products", new NpyArray([Dimension, Dimension], _products)),
    ];

    /// <summary>Takes the place of what was summed so far.</summary>
    /// <exception cref="BDenseException">An array is missing or of another shape; names file and array.</exception>
    internal void Restore(IReadOnlyDictionary<string, NpyArray> state, string source)
    {
        long[] count = Find<long>("count", []);
        Find<double>("shift", [Dimension]).CopyTo(_shift, 0);
        Find<double>("sum", [Dimension]).CopyTo(_sum, 0);
        Find<double>("products", [Dimension, Dimension]).CopyTo(_products, 0);
        Count = count[0];

        T[] Find<T>(string name, int[] shape) =>
            state.TryGetValue(name, out var array) && array.Values is T[] values && array.Shape.SequenceEqual(shape)
            ? values
            : throw new BDenseException(
                $"{source}: holds no sums over {Dimension} features ('{name}' is missing or of another shape); remove it to start anew");
    }

    /// <summary>y += a x</summary>
    private static void AddScaled(double a, ReadOnlySpan<double> x, Span<double> y)
    {
        var xs = MemoryMarshal.Cast<double, Lanes>(x);
        var ys = MemoryMarshal.Cast<double, Lanes>(y);
        var factor = new Lanes(a);
        for (int i = 0; i < xs.Length; i++)
            ys[i] += factor * xs[i];
        for (int i = xs.Length * Lanes.Count; i < x.Length; i++)
            y[i] += a * x[i];
    }
}
