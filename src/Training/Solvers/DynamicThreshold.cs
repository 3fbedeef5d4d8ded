using BDense.Kernels;

namespace BDense.Training.Solvers;

public static partial class SolverCatalog
{
    /// <summary>
    /// Dynamic thresholding (Saharia et al. 2022, section 2.3): each sample's prediction becomes clamp(D, -s, s) / s, where s is the
    /// given quantile of its |D|, at least the floor. Any solver may run on it; it was meant for guided DPM-Solver++ in data prediction.
    /// </summary>
    /// <remarks>The quantile, linear between two ranks as PyTorch's, is found on the host: each evaluation waits for a copy of D.</remarks>
    /// <param name="denoise">The denoiser; what it returns is changed in place.</param>
    /// <param name="quantile">In (0, 1].</param>
    /// <param name="floor">Above 0.</param>
    /// <exception cref="UsageException">A quantile or a floor out of range.</exception>
    public static Denoise DynamicThreshold(Denoise denoise, double quantile = Thresholding.PublishedQuantile,
        double floor = Thresholding.PublishedFloor) => quantile > 0
        ? new Thresholding(quantile, floor).Of(denoise)
        : throw new UsageException(FormattableString.Invariant($"a dynamic threshold's quantile lies in (0, 1], not {quantile}"));

    /// <summary>Thresholding of a prediction in place.</summary>
    internal static void Threshold(Tensor d, Thresholding how)
    {
        if (how.Quantile > 0)
        {
            int n = d.Shape[0], length = d.Length / n;
            var values = d.ToArray();
            var scale = new float[n];
            for (int i = 0; i < n; i++)
                scale[i] = (float)(1 / Math.Max(how.Floor, Quantile(values.AsSpan(i * length, length), how.Quantile)));
            using var c = d.Backend.FromArray(scale, new Shape(n, 1));
            d.Backend.LinearCombinationPerSample(c, [d], d);
        }
        d.Backend.Clamp(d, -1f, 1f, d);
    }

    /// <summary>Of the absolute values, which are left sorted.</summary>
    private static double Quantile(Span<float> values, double quantile)
    {
        for (int i = 0; i < values.Length; i++)
            values[i] = Math.Abs(values[i]);
        values.Sort();
        double rank = quantile * (values.Length - 1);
        int below = (int)rank;
        double next = values[Math.Min(below + 1, values.Length - 1)];
        return values[below] + (rank - below) * (next - values[below]);
    }
}
