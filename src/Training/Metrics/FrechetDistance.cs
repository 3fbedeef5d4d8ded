using BDense.Kernels;
using MathNet.Numerics.LinearAlgebra;

namespace BDense.Training.Metrics;

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
        RequireEnough(a.Count, a.Dimension, "the first");
        RequireEnough(b.Count, b.Dimension, "the second");
        return Between(a.Mean(), a.Covariance(), b.Mean(), b.Covariance());
    }

    /// <summary>
    /// Refuses samples whose covariance has no full rank. EDM's fid.py and others compute a figure of them all the same, which says little.
    /// </summary>
    /// <param name="samples">How many.</param>
    /// <param name="features">Length of a vector.</param>
    /// <param name="whose">Which of the two sides it is, for the message.</param>
    /// <exception cref="BDenseException">So few samples that their covariance has no full rank.</exception>
    public static void RequireEnough(long samples, int features, string whose)
    {
        if (samples <= features)
            throw new BDenseException(
                $"Frechet distance: {whose}: {samples} samples are too few for {features} features; at least {features + 1} are needed");
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
