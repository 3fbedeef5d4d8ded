using BDense.Kernels;
using MathNet.Numerics.LinearAlgebra;

namespace BDense.Training;

/// <summary>Mean and covariance of feature vectors, summed in double precision as they come.</summary>
/// <param name="dimension">Length of a feature vector.</param>
public sealed class FeatureStatistics(int dimension)
{
    private readonly double[] _sum = new double[dimension];
    private readonly double[] _products = new double[dimension * dimension];
    private readonly double[] _shift = new double[dimension];

    public int Dimension { get; } = dimension;

    public long Count { get; private set; }

    /// <summary>Adds the vectors of <paramref name="features"/>, [n, Dimension] one after the other.</summary>
    /// <exception cref="BDenseException">A feature is not finite.</exception>
    public void Add(ReadOnlySpan<float> features)
    {
        if (features.Length % Dimension != 0)
            throw new ArgumentException($"{features.Length} values are no whole vectors of {Dimension}");
        Span<double> x = Dimension <= 1024 ? stackalloc double[Dimension] : new double[Dimension];
        for (; features.Length > 0; features = features[Dimension..])
        {
            for (int i = 0; i < Dimension; i++)
            {
                if (!float.IsFinite(features[i]))
                    throw new BDenseException($"Frechet distance: feature {i} of sample {Count} is not finite; so is the sample, most likely");
                // Sums about the first vector: the covariance does not drown in a large mean.
                if (Count == 0)
                    _shift[i] = features[i];
                x[i] = features[i] - _shift[i];
                _sum[i] += x[i];
            }
            for (int i = 0; i < Dimension; i++)
            {
                for (int j = 0; j <= i; j++)
                    _products[i * Dimension + j] += x[i] * x[j];
            }
            Count++;
        }
    }

    public Vector<double> Mean() => Vector<double>.Build.Dense(Dimension, i => _shift[i] + _sum[i] / Count);

    /// <summary>With Count - 1 in the denominator.</summary>
    public Matrix<double> Covariance() => Matrix<double>.Build.Dense(Dimension, Dimension, (i, j) =>
    {
        double product = i >= j ? _products[i * Dimension + j] : _products[j * Dimension + i];
        return (product - _sum[i] * _sum[j] / Count) / (Count - 1);
    });
}

/// <summary>
/// Squared Frechet distance between two Gaussians (Dowson and Landau 1982):
/// d^2 = |m1 - m2|^2 + tr(S1 + S2 - 2 (S1^(1/2) S2 S1^(1/2))^(1/2)).
/// </summary>
public static class FrechetDistance
{
    /// <summary>Between Gaussians of the means and covariances seen.</summary>
    /// <exception cref="BDenseException">
    /// Fewer samples than features, plus one: the covariance has no full rank and the distance would mean nothing.
    /// </exception>
    public static double Between(FeatureStatistics a, FeatureStatistics b)
    {
        if (a.Dimension != b.Dimension)
            throw new ArgumentException($"features of {a.Dimension} and {b.Dimension} dimensions");
        long fewest = Math.Min(a.Count, b.Count);
        if (fewest <= a.Dimension)
            throw new BDenseException($"Frechet distance: {fewest} samples are too few for {a.Dimension} features; at least {a.Dimension + 1} are needed");
        return Between(a.Mean(), a.Covariance(), b.Mean(), b.Covariance());
    }

    /// <summary>Between two Gaussians; covariances symmetric, positive semidefinite. Never negative.</summary>
    public static double Between(Vector<double> m1, Matrix<double> s1, Vector<double> m2, Matrix<double> s2)
    {
        var root = SquareRoot(s1);
        // Symmetric by construction, so that real eigenvalues are enough: the product S1 S2 itself is not.
        var inner = root * s2 * root;
        double cross = Symmetrised(inner).Evd(Symmetricity.Symmetric).EigenValues.Sum(value => Math.Sqrt(Math.Max(0, value.Real)));
        var difference = m1 - m2;
        return Math.Max(0, difference * difference + s1.Trace() + s2.Trace() - 2 * cross);
    }

    // V diag(sqrt(max(0, e))) V^T; rounding leaves eigenvalues a little below 0.
    private static Matrix<double> SquareRoot(Matrix<double> s)
    {
        var evd = Symmetrised(s).Evd(Symmetricity.Symmetric);
        var roots = evd.EigenValues.Map(value => Math.Sqrt(Math.Max(0, value.Real)));
        return evd.EigenVectors * Matrix<double>.Build.DiagonalOfDiagonalVector(roots) * evd.EigenVectors.Transpose();
    }

    private static Matrix<double> Symmetrised(Matrix<double> s) => (s + s.Transpose()) / 2;
}
