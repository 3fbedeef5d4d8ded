namespace BDense.Tests.Solvers;

/// <summary>
/// EDM's sampler, written from the paper (Karras et al. 2022, algorithms 1 and 2 with sigma(t) = t, s(t) = 1, the steps of equation 5 and a
/// last one to 0) in double precision, as an oracle: plain arrays, nothing shared with the solvers.
/// </summary>
internal static class EdmSampler
{
    /// <summary>t_0 .. t_{N-1} by equation 5, and t_N = 0.</summary>
    public static double[] Steps(int n, double rho, double sigmaMin, double sigmaMax)
    {
        var t = new double[n + 1];
        double a = Math.Pow(sigmaMax, 1 / rho), b = Math.Pow(sigmaMin, 1 / rho);
        for (int i = 0; i < n; i++)
            t[i] = Math.Pow(a + i / (n - 1.0) * (b - a), rho);
        return t;
    }

    /// <param name="denoise">D(x; sigma).</param>
    /// <param name="noise">Standard normal; x_0 is t_0 times it.</param>
    /// <param name="t">The steps.</param>
    /// <param name="churn">S_churn; 0 is algorithm 1.</param>
    /// <param name="low">S_min.</param>
    /// <param name="high">S_max.</param>
    /// <param name="scale">S_noise.</param>
    /// <param name="fresh">Standard normal noise of step i.</param>
    public static double[] Sample(Func<double[], double, double[]> denoise, double[] noise, double[] t, double churn, double low,
        double high, double scale, Func<int, double[]> fresh)
    {
        int steps = t.Length - 1;
        double[] x = [.. noise.Select(v => t[0] * v)];
        for (int i = 0; i < steps; i++)
        {
            double gamma = t[i] >= low && t[i] <= high ? Math.Min(churn / steps, Math.Sqrt(2) - 1) : 0, raised = t[i] + gamma * t[i];
            if (gamma > 0)
            {
                double[] e = fresh(i);
                double deviation = Math.Sqrt(raised * raised - t[i] * t[i]) * scale;
                x = [.. x.Select((v, k) => v + deviation * e[k])];
            }
            double[] d = Slope(x, denoise(x, raised), raised);
            double[] next = [.. x.Select((v, k) => v + (t[i + 1] - raised) * d[k])];
            if (t[i + 1] != 0)
            {
                double[] after = Slope(next, denoise(next, t[i + 1]), t[i + 1]);
                next = [.. x.Select((v, k) => v + (t[i + 1] - raised) * (0.5 * d[k] + 0.5 * after[k]))];
            }
            x = next;
        }
        return x;
    }

    private static double[] Slope(double[] x, double[] denoised, double t) => [.. x.Select((v, k) => (v - denoised[k]) / t)];
}
