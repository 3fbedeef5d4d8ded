namespace BDense.Training.Distillation.Methods.Ect;

/// <summary>
/// Pairs of noise levels t > r >= 0 on one trajectory, whose denoised images are to agree (Geng et al. 2024, "Consistency models made
/// easy", arXiv 2406.14548, section 3 and the published code's <c>t_to_r_sigmoid</c>):
/// r / t = max(0, 1 - n(t) / q^(s+1)), n(t) = 1 + k sigmoid(-b t), in stage s = 0, 1, ... Where r is 0 the target is the clean image, so
/// that tuning begins near diffusion training and ends near the continuous consistency condition.
/// </summary>
/// <param name="Q">q, above 1.</param>
/// <param name="K">k, 0 or more.</param>
/// <param name="B">b.</param>
public readonly record struct ConsistencyPairs(double Q, double K, double B)
{
    /// <summary>r of t in stage <paramref name="stage"/>, from 0; 0 to below t.</summary>
    public double Earlier(double t, int stage)
    {
        double n = 1 + K / (1 + Math.Exp(B * t));
        return t * Math.Max(0, 1 - n / Math.Pow(Q, stage + 1));
    }

    /// <summary>
    /// w(t) = (t^2 + d^2) / (t d)^2 = 1 / c_out(t)^2, d = sigma_data: EDM's own weight, at the published power of the distance.
    /// </summary>
    public static double Weight(double t, double sigmaData) => (t * t + sigmaData * sigmaData) / Math.Pow(t * sigmaData, 2);
}

/// <summary>
/// The distance of whole images, rho(x) = sqrt(|x|^2 + c^2) - c, |x| the Euclidean norm over an image's elements; c = 0 is |x| itself.
/// d rho / d x = x / sqrt(|x|^2 + c^2), and 0 where both are 0.
/// </summary>
internal static class ImageDistance
{
    /// <summary>Each image's distance, and the factor that makes its gradient of the difference: d rho / d x = Factor x.</summary>
    /// <param name="a">[N,E]</param>
    /// <param name="b">[N,E]</param>
    /// <param name="c">0 or more.</param>
    /// <param name="images">N.</param>
    public static (double[] Distances, double[] Factors) Of(ReadOnlySpan<float> a, ReadOnlySpan<float> b, double c, int images)
    {
        var (distances, factors) = (new double[images], new double[images]);
        int elements = a.Length / images;
        for (int n = 0; n < images; n++)
        {
            double squares = 0;
            for (int e = n * elements; e < (n + 1) * elements; e++)
                squares += ((double)a[e] - b[e]) * ((double)a[e] - b[e]);
            double root = Math.Sqrt(squares + c * c);
            (distances[n], factors[n]) = (root - c, root > 0 ? 1 / root : 0);
        }
        return (distances, factors);
    }
}
