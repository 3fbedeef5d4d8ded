using BDense.Kernels;

namespace BDense.Training.Schedules;

/// <summary>
/// A noise schedule: the noise level sigma as a falling function of u in [0, 1], from <see cref="SigmaMax"/> at u = 0 to
/// <see cref="SigmaMin"/> at u = 1, in double precision.
/// </summary>
/// <remarks>
/// All of them live in sigma space: x = z / alpha, sigma = sigma_vp / alpha_vp (Karras et al. 2022, section 2), so that a
/// variance-preserving schedule is only another curve sigma(u), and DDIM is Euler's method. A grid of n nodes samples the curve
/// at u = i / (n - 1): grids of n and m (n - 1) + 1 nodes therefore share their coarse nodes.
/// </remarks>
/// <param name="Name">As given on the command line.</param>
/// <param name="SigmaMin">Sigma at u = 1, above 0; of noise levels that are given it may be 0.</param>
/// <param name="SigmaMax">Sigma at u = 0.</param>
/// <param name="Sigma">The curve.</param>
public sealed record Schedule(string Name, double SigmaMin, double SigmaMax, Func<double, double> Sigma)
{
    /// <summary>Nodes sigma_0 = SigmaMax > ... > sigma_{n-1} = SigmaMin; with <paramref name="toZero"/> one more, 0.</summary>
    /// <exception cref="UsageException">Fewer than two nodes, or more than the schedule can tell apart.</exception>
    public double[] Grid(int nodes, bool toZero = false)
    {
        if (nodes < 2)
            throw new UsageException($"a {Name} schedule needs at least 2 nodes, not {nodes}");
        var sigmas = new double[nodes + (toZero ? 1 : 0)];
        for (int i = 0; i < nodes; i++)
            sigmas[i] = Sigma((double)i / (nodes - 1));
        for (int i = 1; i < nodes; i++)
        {
            if (!(sigmas[i] < sigmas[i - 1]))
                throw new UsageException(
                    $"a {Name} schedule from {Text(SigmaMax)} to {Text(SigmaMin)} has no {nodes} distinct nodes: of so many, "
                        + $"{sigmas.Take(nodes).Distinct().Count()} differ; ask for fewer");
        }
        return sigmas;
    }

    private static string Text(double x) => x.ToString("0.######", System.Globalization.CultureInfo.InvariantCulture);
}
