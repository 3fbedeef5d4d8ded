using System.Globalization;
using BDense.Kernels;

namespace BDense.Training.Averaging;

/// <summary>
/// An average of a training's weights over time whose weights follow a power of it (Karras et al. 2023, arXiv 2312.02696, section 3.1):
/// p(tau) = (gamma + 1) tau^gamma / t^(gamma + 1) on [0, t]. Its width grows with the training, and stays the same share of it.
/// </summary>
/// <remarks>
/// With weights theta(1), theta(2), .. that each stand for the time since the one before, the average is the running sum
/// a(t) = beta(t) a(t - 1) + (1 - beta(t)) theta(t), beta(t) = (1 - 1/t)^(gamma + 1), exactly.
/// </remarks>
/// <param name="Gamma">The power, above 0: larger is narrower.</param>
public readonly record struct PowerProfile(double Gamma)
{
    // All digits that a double has after the point.
    private static readonly string s_plain = $"0.{new string('#', 340)}";

    /// <summary>Widths that a profile can have: from none to nearly that of the plain mean, gamma = 0 and 1 / sqrt(12) = 0.28868.</summary>
    public static NumberRule<double> SigmaRels { get; } = new(0, 0.2886, AboveMin: true, BelowMax: true);

    /// <summary>
    /// The profile's standard deviation as a share of t: (gamma + 1)^(1/2) (gamma + 2)^-1 (gamma + 3)^(-1/2).
    /// </summary>
    public double SigmaRel => Math.Sqrt((Gamma + 1) / (Gamma + 3)) / (Gamma + 2);

    /// <summary>The profile of a width: the one root above 0 of (gamma + 2)^2 (gamma + 3) = (gamma + 1) / sigma_rel^2.</summary>
    /// <param name="sigmaRel">As <see cref="SigmaRels"/> has it.</param>
    /// <exception cref="UsageException">Out of range.</exception>
    public static PowerProfile OfSigmaRel(double sigmaRel)
    {
        if (!(sigmaRel > SigmaRels.Min && sigmaRel < SigmaRels.Max))
            throw new UsageException(FormattableString.Invariant($"sigma_rel must be {SigmaRels.Description}, not {Text(sigmaRel)}"));
        // sigma_rel falls with gamma, and is below 1 / gamma.
        double low = 0, high = 1 / sigmaRel;
        for (int i = 0; i < 200 && low < high; i++)
        {
            double middle = low + (high - low) / 2;
            if (middle == low || middle == high)
                break;
            (low, high) = new PowerProfile(middle).SigmaRel > sigmaRel ? (middle, high) : (low, middle);
        }
        return new PowerProfile(low + (high - low) / 2);
    }

    /// <summary>A width as one writes it, for messages and names of files: 0.0000001, not 1E-07.</summary>
    public static string Text(double sigmaRel)
    {
        string text = sigmaRel.ToString(CultureInfo.InvariantCulture);
        return text.Contains('E') ? sigmaRel.ToString(s_plain, CultureInfo.InvariantCulture) : text;
    }

    /// <summary>beta(t): what remains of the average so far at update <paramref name="t"/>, from 1.</summary>
    public double Beta(long t) => Math.Pow(1 - 1.0 / t, Gamma + 1);

    /// <summary>Integral of p_a p_b, of two profiles that end at two times (there appendix C, algorithm 3).</summary>
    public static double Product(PowerProfile a, double timeA, PowerProfile b, double timeB)
    {
        double power = timeA < timeB ? b.Gamma : -a.Gamma;
        return (a.Gamma + 1) * (b.Gamma + 1) * Math.Pow(timeA / timeB, power) / ((a.Gamma + b.Gamma + 1) * Math.Max(timeA, timeB));
    }
}
