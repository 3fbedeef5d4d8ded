using BDense.Kernels;

namespace BDense.Tests.Solvers;

/// <summary>
/// A mixture of normal distributions of one width on the line, whose denoiser is known; and the ODE's solution in doubles.
/// </summary>
internal sealed class GaussianMixture(double width, params (double Weight, double Mean)[] parts)
{
    /// <summary>Number of calls of <see cref="Denoise"/>.</summary>
    public int Evaluations { get; private set; }

    public Tensor Denoise(Tensor x, double sigma)
    {
        Evaluations++;
        return x.Backend.FromArray([.. x.ToArray().Select(v => (float)Expected(v, sigma))], x.Shape);
    }

    /// <summary>E[clean | x]: each part's posterior mean, weighted by its likelihood.</summary>
    public double Expected(double x, double sigma)
    {
        double variance = width * width + sigma * sigma, sum = 0, total = 0;
        double best = parts.Min(p => Square(x - p.Mean));
        foreach (var (weight, mean) in parts)
        {
            double likelihood = weight * Math.Exp(-(Square(x - mean) - best) / (2 * variance));
            sum += likelihood * (mean + width * width / variance * (x - mean));
            total += likelihood;
        }
        return sum / total;
    }

    /// <summary>
    /// The ODE solved from <paramref name="from"/> to <paramref name="to"/>: classical Runge-Kutta in ln sigma, 20,000 steps, in doubles.
    /// </summary>
    public double Solve(double x, double from, double to)
    {
        const int Steps = 20_000;
        double h = Math.Log(to / from) / Steps;
        double Slope(double v, double lambda) => v - Expected(v, Math.Exp(lambda));
        for (int i = 0; i < Steps; i++)
        {
            double l = Math.Log(from) + i * h;
            double k1 = Slope(x, l), k2 = Slope(x + h / 2 * k1, l + h / 2), k3 = Slope(x + h / 2 * k2, l + h / 2),
                k4 = Slope(x + h * k3, l + h);
            x += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
        }
        return x;
    }

    /// <summary>For one part: x - mean scales with sqrt(width^2 + sigma^2).</summary>
    public double SolveExactly(double x, double from, double to)
    {
        double mean = parts.Single().Mean;
        return mean + (x - mean) * Math.Sqrt((width * width + to * to) / (width * width + from * from));
    }

    private static double Square(double x) => x * x;
}
