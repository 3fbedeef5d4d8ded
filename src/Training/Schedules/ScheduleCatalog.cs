using System.Globalization;
using BDense.Kernels;

namespace BDense.Training.Schedules;

/// <summary>The schedules, each a formula; <see cref="Find"/> knows them by name.</summary>
public static class ScheduleCatalog
{
    /// <summary>What <see cref="Find"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } = ["polynomial", "logsnr", "cosine", "discrete", "time-uniform", "time-quadratic"];

    /// <summary>A schedule by its name, over [<paramref name="sigmaMin"/>, <paramref name="sigmaMax"/>].</summary>
    /// <param name="name">One of <see cref="Names"/>; or <see cref="Text"/> of noise levels, which have a range of their own.</param>
    /// <param name="sigmaMin">Above 0.</param>
    /// <param name="sigmaMax">Above sigmaMin.</param>
    /// <param name="rho">Of the polynomial schedule.</param>
    /// <exception cref="UsageException">An unknown name or an empty range.</exception>
    public static Schedule Find(string name, double sigmaMin = 0.006, double sigmaMax = 80, double rho = 7) => name switch
    {
        "polynomial" => Polynomial(sigmaMin, sigmaMax, rho),
        "logsnr" => LogSnr(sigmaMin, sigmaMax),
        "cosine" => Cosine(sigmaMin, sigmaMax),
        "discrete" => Discrete(sigmaMin, sigmaMax),
        "time-uniform" => TimeUniform(sigmaMin, sigmaMax, 1),
        "time-quadratic" => TimeUniform(sigmaMin, sigmaMax, 2),
        _ when IsGiven(name) => Given(Parse(name)),
        _ => throw new UsageException($"there is no schedule '{name}'{Suggestion.OrAll(name, Names)}"),
    };

    /// <summary>sigma = (sigma_max^(1/rho) + u (sigma_min^(1/rho) - sigma_max^(1/rho)))^rho. Karras et al. 2022, eq. 5; rho = 7.</summary>
    public static Schedule Polynomial(double sigmaMin, double sigmaMax, double rho = 7)
    {
        Check("polynomial", sigmaMin, sigmaMax);
        if (!(rho > 0))
            throw new UsageException($"a polynomial schedule's rho is above 0, not {FormattableString.Invariant($"{rho}")}");
        double high = Math.Pow(sigmaMax, 1 / rho), low = Math.Pow(sigmaMin, 1 / rho);
        return Over("polynomial", sigmaMin, sigmaMax, u => Math.Pow(high + u * (low - high), rho));
    }

    /// <summary>
    /// Uniform in log-SNR lambda = -2 ln sigma: sigma = sigma_max^(1-u) sigma_min^u. Lu et al. 2022 (DPM-Solver), section 3.4.
    /// </summary>
    public static Schedule LogSnr(double sigmaMin, double sigmaMax)
    {
        Check("logsnr", sigmaMin, sigmaMax);
        double high = Math.Log(sigmaMax), low = Math.Log(sigmaMin);
        return Over("logsnr", sigmaMin, sigmaMax, u => Math.Exp(high + u * (low - high)));
    }

    /// <summary>
    /// The cosine schedule of progressive distillation: lambda = -2 ln tan(a t + b), t = 1 - u, that is sigma = tan(a t + b), with
    /// b = atan(sigma_min), a = atan(sigma_max) - b. Salimans and Ho 2022, section 2, with its log-SNR ends at
    /// lambda = -2 ln sigma_max and -2 ln sigma_min.
    /// </summary>
    public static Schedule Cosine(double sigmaMin, double sigmaMax)
    {
        Check("cosine", sigmaMin, sigmaMax);
        double b = Math.Atan(sigmaMin), a = Math.Atan(sigmaMax) - b;
        return Over("cosine", sigmaMin, sigmaMax, u => Math.Tan(a * (1 - u) + b));
    }

    /// <summary>
    /// Even in the time of the variance-preserving process, or in its <paramref name="rho"/>-th root: t = (1 + u (e^(1/rho) - 1))^rho from
    /// 1 down to e = 1e-3, sigma = sqrt(exp(beta_d t^2 / 2 + beta_min t) - 1), beta chosen so that sigma meets the range's ends. Song et
    /// al. 2021 (SDE), appendix C, in sigma space by Karras et al. 2022, table 1; rho = 2 is what DEIS samples best with.
    /// </summary>
    public static Schedule TimeUniform(double sigmaMin, double sigmaMax, double rho)
    {
        const double End = 1e-3;
        string name = rho == 1 ? "time-uniform" : "time-quadratic";
        Check(name, sigmaMin, sigmaMax);
        double low = Math.Log(sigmaMin * sigmaMin + 1), high = Math.Log(sigmaMax * sigmaMax + 1);
        double betaD = 2 * (low / End - high) / (End - 1), betaMin = high - betaD / 2;
        return Over(name, sigmaMin, sigmaMax, u =>
        {
            double t = Math.Pow(1 + u * (Math.Pow(End, 1 / rho) - 1), rho);
            return Math.Sqrt(Math.Exp(betaD * t * t / 2 + betaMin * t) - 1);
        });
    }

    /// <summary>
    /// The discrete schedule of DDPM mapped to sigma: beta_t linear from <paramref name="betaMin"/> to <paramref name="betaMax"/>
    /// over T steps, abar_t = prod (1 - beta), sigma_t = sqrt((1 - abar_t) / abar_t). Ho et al. 2020, section 4; a node is the
    /// nearest step of an even division of those whose sigma lies within the range.
    /// </summary>
    /// <remarks>
    /// Grids of it nest only where the coarse nodes fall on the same steps; <see cref="NestedGrid"/> says so if they do not.
    /// </remarks>
    public static Schedule Discrete(double sigmaMin, double sigmaMax, int steps = 1000, double betaMin = 1e-4, double betaMax = 0.02)
    {
        Check("discrete", sigmaMin, sigmaMax);
        var table = new List<double>();
        double abar = 1;
        for (int t = 0; t < steps; t++)
        {
            abar *= 1 - (betaMin + (betaMax - betaMin) * t / (steps - 1));
            double sigma = Math.Sqrt((1 - abar) / abar);
            if (sigma >= sigmaMin && sigma <= sigmaMax)
                table.Add(sigma);
        }
        if (table.Count < 2)
            throw new UsageException(
                FormattableString.Invariant($"the discrete schedule has fewer than 2 steps between {sigmaMin} and {sigmaMax}"));
        int last = table.Count - 1;
        return new Schedule("discrete", table[0], table[last], u => table[(int)Math.Round((1 - u) * last, MidpointRounding.AwayFromZero)]);
    }

    /// <summary>Pins both ends to the given numbers, which the formula meets only up to rounding.</summary>
    private static Schedule Over(string name, double sigmaMin, double sigmaMax, Func<double, double> curve) =>
        new(name, sigmaMin, sigmaMax, u => u <= 0 ? sigmaMax : u >= 1 ? sigmaMin : curve(u));

    private const string GivenName = "given";

    /// <summary>
    /// Noise levels given outright, such as <see cref="Gits"/> finds them: node i of n is met at u = i / (n - 1), and between two nodes
    /// sigma^(1/7) is linear, so that a grid of m (n - 1) + 1 nodes nests, and other grids follow the same curve.
    /// </summary>
    /// <param name="sigmas">Falling, two or more; the last may be 0.</param>
    public static Schedule Given(IReadOnlyList<double> sigmas)
    {
        if (sigmas.Count < 2 || sigmas.Any(s => !double.IsFinite(s) || s < 0)
            || Enumerable.Range(1, sigmas.Count - 1).Any(i => sigmas[i] >= sigmas[i - 1]))
            throw new BDenseException(
                $"a given schedule has 2 or more falling noise levels, 0 at the lowest, not "
                    + $"{string.Join(", ", sigmas.Select(s => s.ToString("g4", CultureInfo.InvariantCulture)))}");
        double[] roots = [.. sigmas.Select(s => Math.Pow(s, 1.0 / 7))];
        int last = sigmas.Count - 1;
        return new Schedule(GivenName, sigmas[last], sigmas[0], u =>
        {
            // u = i / (n - 1) comes back as i but for rounding: a node is met as it is.
            double place = Math.Clamp(u, 0, 1) * last, nearest = Math.Round(place);
            if (Math.Abs(place - nearest) < 1e-9)
                return sigmas[(int)nearest];
            int i = Math.Min((int)place, last - 1);
            return Math.Pow(roots[i] + (place - i) * (roots[i + 1] - roots[i]), 7);
        });
    }

    /// <summary>
    /// The name under which <see cref="Find"/> makes <see cref="Given"/> of these noise levels: for a run's configuration.
    /// </summary>
    public static string Text(IReadOnlyList<double> sigmas) =>
        $"{GivenName}:{string.Join(",", sigmas.Select(s => s.ToString("R", CultureInfo.InvariantCulture)))}";

    /// <summary>Whether a schedule's name is a <see cref="Text"/> of noise levels.</summary>
    public static bool IsGiven(string name) => name.StartsWith(GivenName + ":", StringComparison.Ordinal);

    /// <summary>The noise levels of a <see cref="Text"/>; for another number of steps the curve through them.</summary>
    internal static double[] Levels(string text, int? steps)
    {
        double[] levels = Parse(text);
        var curve = Given(levels);
        return steps is null || steps == levels.Length - 1 ? levels : curve.Grid(steps.Value + 1);
    }

    private static double[] Parse(string text) => [.. text[(GivenName.Length + 1)..].Split(',').Select(part =>
        double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out double sigma) ? sigma
            : throw new UsageException($"schedule '{text}': '{part}' is no number"))];

    private static void Check(string name, double sigmaMin, double sigmaMax)
    {
        if (!(sigmaMin > 0 && sigmaMax > sigmaMin && double.IsFinite(sigmaMax)))
            throw new UsageException(
                FormattableString.Invariant($"a {name} schedule needs 0 < sigma_min < sigma_max, not {sigmaMin} and {sigmaMax}"));
    }
}
