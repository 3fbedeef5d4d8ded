using BDense.Kernels;

namespace BDense.Training;

public static partial class Solvers
{
    /// <summary>
    /// Dynamic thresholding (Saharia et al. 2022, section 2.3): each sample's prediction becomes clamp(D, -s, s) / s, where s is the
    /// given quantile of its |D|, at least 1. Any solver may run on it; it was meant for guided DPM-Solver++ in data prediction.
    /// </summary>
    /// <remarks>The quantile, linear between two ranks as PyTorch's, is found on the host: each evaluation waits for a copy of D.</remarks>
    /// <param name="denoise">The denoiser; what it returns is changed in place.</param>
    /// <param name="quantile">In (0, 1].</param>
    /// <exception cref="UsageException">A quantile out of range.</exception>
    public static Denoise DynamicThreshold(Denoise denoise, double quantile = 0.995)
    {
        RequireQuantile(quantile);
        return (x, sigma) =>
        {
            var d = denoise(x, sigma);
            Threshold(d, quantile);
            return d;
        };
    }

    /// <summary>The same with s = 1 always: D becomes clamp(D, -1, 1), as progressive distillation and DDPM sample.</summary>
    public static Denoise Clip(Denoise denoise) => (x, sigma) =>
    {
        var d = denoise(x, sigma);
        d.Backend.Clamp(d, -1f, 1f, d);
        return d;
    };

    /// <summary>Dynamic thresholding of a prediction in place; with a quantile of 0 the clamp to [-1, 1] alone.</summary>
    internal static void Threshold(Tensor d, double quantile)
    {
        if (quantile > 0)
        {
            int n = d.Shape[0], length = d.Length / n;
            var values = d.ToArray();
            var scale = new float[n];
            for (int i = 0; i < n; i++)
                scale[i] = (float)(1 / Math.Max(1, Quantile(values.AsSpan(i * length, length), quantile)));
            using var c = d.Backend.FromArray(scale, new Shape(n, 1));
            d.Backend.LinearCombinationPerSample(c, [d], d);
        }
        d.Backend.Clamp(d, -1f, 1f, d);
    }

    /// <exception cref="UsageException">Not in (0, 1].</exception>
    public static void RequireQuantile(double quantile)
    {
        if (!(quantile is > 0 and <= 1))
            throw new UsageException(FormattableString.Invariant($"a dynamic threshold's quantile lies in (0, 1], not {quantile}"));
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
