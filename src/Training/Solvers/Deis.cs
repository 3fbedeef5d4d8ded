using BDense.Kernels;
using MathNet.Numerics.Integration;

namespace BDense.Training.Solvers;

public static partial class SolverCatalog
{
    private const int QuadraturePoints = 64;

    /// <summary>
    /// DEIS, time-based Adams-Bashforth (tAB): the slope d = (x - D) / sigma is extrapolated by a polynomial in the time of the
    /// variance-preserving process, and integrated over sigma. Zhang and Chen 2023, eq. 15; tAB3, of order 4, unless
    /// <see cref="SolverOptions.Order"/> asks for fewer points. One evaluation a step.
    /// </summary>
    /// <remarks>
    /// The time t(sigma) solves sigma^2 + 1 = exp(beta_d t^2 / 2 + beta_min t), beta chosen so that sigma(1e-3) = 0.002 and
    /// sigma(1) = 80, as its reimplementation for EDM's networks has it (Zhou et al. 2024, AMED).
    /// </remarks>
    public static Tensor DeisTab(Denoise denoise, Tensor x, ReadOnlySpan<double> t, SolverOptions o) =>
        Exponential(VpTime, denoise, x, t, o);

    /// <summary>
    /// Adams-Bashforth on the steps as they are: the slope d = (x - D) / sigma is extrapolated by a polynomial in sigma. The rhoAB of
    /// DEIS (Zhang and Chen 2023, section 3.3), k-diffusion's <c>lms</c>, and what iPNDM_v is meant to be: order 2 is
    /// (1 + h / (2 h_-1), -h / (2 h_-1)). Of order 4; one evaluation a step.
    /// </summary>
    /// <remarks>What was published as iPNDM_v is <see cref="IpndmV"/>.</remarks>
    public static Tensor AdamsBashforthOfSteps(Denoise denoise, Tensor x, ReadOnlySpan<double> t, SolverOptions o) =>
        Exponential(sigma => sigma, denoise, x, t, o);

    /// <summary>
    /// C_j = integral over sigma from sigma_i to sigma_{i+1} of prod_{k != j} (u - u_k) / (u_j - u_k), u = time(sigma),
    /// over the last nodes, one more each step up to four.
    /// </summary>
    private static Tensor Exponential(Func<double, double> time, Denoise denoise, Tensor x0, ReadOnlySpan<double> t, SolverOptions o) =>
        LinearMultistep((t, i, slopes) => ExtrapolationWeights(time, t, i, slopes), denoise, x0, t, o);

    /// <summary>C_j of step <paramref name="i"/>, newest node first.</summary>
    internal static double[] ExtrapolationWeights(Func<double, double> time, ReadOnlySpan<double> t, int i, int points)
    {
        var u = new double[points];
        for (int j = 0; j < points; j++)
            u[j] = time(t[i - j]);
        // sigma = sinh(s): even where sigma spans decades the integrand is smooth in s.
        double from = Math.Asinh(t[i]), to = Math.Asinh(t[i + 1]);
        var weights = new double[points];
        for (int j = 0; j < points; j++)
            weights[j] = GaussLegendreRule.Integrate(s => Basis(time(Math.Sinh(s)), j) * Math.Cosh(s), from, to, QuadraturePoints);
        return weights;

        double Basis(double at, int j)
        {
            double product = 1;
            for (int k = 0; k < points; k++)
                product *= k == j ? 1 : (at - u[k]) / (u[j] - u[k]);
            return product;
        }
    }

    /// <summary>t(sigma) = (sqrt(beta_min^2 + 2 beta_d ln(sigma^2 + 1)) - beta_min) / beta_d.</summary>
    private static double VpTime(double sigma)
    {
        const double First = 1e-3, SigmaMin = 0.002, SigmaMax = 80;
        double low = Math.Log(SigmaMin * SigmaMin + 1), high = Math.Log(SigmaMax * SigmaMax + 1);
        double betaD = 2 * (low / First - high) / (First - 1), betaMin = high - betaD / 2;
        return (Math.Sqrt(betaMin * betaMin + 2 * betaD * Math.Log(sigma * sigma + 1)) - betaMin) / betaD;
    }
}
