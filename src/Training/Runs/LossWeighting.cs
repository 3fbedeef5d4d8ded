using BDense.Kernels;
using BDense.Model.Networks;

namespace BDense.Training.Runs;

/// <summary>lambda(sigma), the weight of a squared error in the denoised image. SNR = 1 / sigma^2 in sigma space.</summary>
public enum LossWeighting
{
    /// <summary>
    /// 1 / c_out(sigma)^2: the raw network's own error counts the same everywhere. EDM's weight for EDM's prediction, the plain error of
    /// eps or v for those.
    /// </summary>
    Unit,

    /// <summary>max(SNR, 1). Salimans and Ho 2022, section 4.</summary>
    SnrTruncated,

    /// <summary>SNR + 1. Salimans and Ho 2022, section 4.</summary>
    SnrPlusOne,
}

/// <summary>The numbers of <see cref="LossWeighting"/>.</summary>
public static class LossWeightings
{
    /// <summary>lambda(sigma)</summary>
    /// <param name="weighting">Which.</param>
    /// <param name="sigma">The noise level, above 0.</param>
    /// <param name="network">For the weight that depends on what the network predicts.</param>
    public static double At(this LossWeighting weighting, double sigma, NetworkConfig network) => weighting switch
    {
        LossWeighting.Unit => 1 / Math.Pow(Preconditioning.At(network.Prediction, sigma, network.SigmaData).Out, 2),
        LossWeighting.SnrTruncated => Math.Max(1 / (sigma * sigma), 1),
        LossWeighting.SnrPlusOne => 1 / (sigma * sigma) + 1,
        _ => throw new UsageException($"unknown loss weighting {weighting}"),
    };
}
