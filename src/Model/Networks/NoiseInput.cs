namespace BDense.Model.Networks;

/// <summary>What number stands for the noise level where the network embeds it (c_noise).</summary>
public enum NoiseInput
{
    /// <summary>ln(sigma) / 4: EDM (Karras et al. 2022, table 1).</summary>
    LogSigma,

    /// <summary>
    /// DDPM's step t in [0, 999] of beta linear from 1e-4 to 0.02 (Ho et al. 2020, section 4): the t at which
    /// sigma_t = sqrt((1 - abar_t) / abar_t), between two steps linear in ln sigma, held at the ends.
    /// </summary>
    Timestep,

    /// <summary>
    /// 1000 atan(sigma) / (pi / 2): progressive distillation's "inv_cos" input atan(e^(-lambda/2)) / (pi/2) of the log-SNR
    /// lambda = -2 ln sigma, cut to [-20, 20], with its embedding's largest time of 1 scaled to 1000.
    /// </summary>
    InverseCosine,
}

/// <summary>The numbers of <see cref="NoiseInput"/>.</summary>
internal static class NoiseNumber
{
    private const int Steps = 1000;
    private const double BetaMin = 1e-4, BetaMax = 0.02;

    private static readonly double[] LogSigmas = Table();

    /// <summary>ln sigma of DDPM's steps, rising: what <see cref="NoiseInput.Timestep"/> interpolates in.</summary>
    public static double[] Levels => [.. LogSigmas];

    public static double Of(NoiseInput input, double sigma) => input switch
    {
        NoiseInput.LogSigma => Math.Log(sigma) / 4,
        NoiseInput.Timestep => Timestep(Math.Log(sigma)),
        NoiseInput.InverseCosine => 1000 * Math.Atan(Math.Clamp(sigma, Math.Exp(-10), Math.Exp(10))) / (Math.PI / 2),
        _ => throw new ArgumentOutOfRangeException(nameof(input)),
    };

    private static double Timestep(double logSigma)
    {
        int above = Array.BinarySearch(LogSigmas, logSigma);
        if (above >= 0)
            return above;
        above = ~above;
        if (above == 0 || above == Steps)
            return above == 0 ? 0 : Steps - 1;
        double low = LogSigmas[above - 1], high = LogSigmas[above];
        return above - 1 + (logSigma - low) / (high - low);
    }

    private static double[] Table()
    {
        var table = new double[Steps];
        double abar = 1;
        for (int t = 0; t < Steps; t++)
        {
            abar *= 1 - (BetaMin + (BetaMax - BetaMin) * t / (Steps - 1));
            table[t] = 0.5 * Math.Log((1 - abar) / abar);
        }
        return table;
    }
}
