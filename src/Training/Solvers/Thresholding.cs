using BDense.Kernels;

namespace BDense.Training.Solvers;

/// <summary>What is done to a denoised image before a step is made of it.</summary>
/// <param name="Quantile">p of dynamic thresholding, in (0, 1]; 0 clamps to [-1, 1] alone.</param>
/// <param name="Floor">The least that the quantile of |D| counts for, above 0; 1 as published.</param>
public sealed record Thresholding(double Quantile, double Floor = Thresholding.PublishedFloor)
{
    /// <summary>Saharia et al. 2022, and the code of DPM-Solver++ and SFD.</summary>
    public const double PublishedQuantile = 0.995, PublishedFloor = 1;

    /// <summary>D becomes clamp(D, -1, 1), as progressive distillation and DDPM sample.</summary>
    public static Thresholding Clip { get; } = new(0);

    /// <exception cref="UsageException">A quantile or a floor out of range.</exception>
    public void Require()
    {
        if (!(Quantile is >= 0 and <= 1))
            throw new UsageException(FormattableString.Invariant($"a dynamic threshold's quantile lies in (0, 1], not {Quantile}"));
        if (!(Floor > 0 && double.IsFinite(Floor)))
            throw new UsageException(FormattableString.Invariant($"a dynamic threshold's floor is above 0, not {Floor}"));
    }

    /// <summary>The denoiser with this done to what it returns, in place.</summary>
    public Denoise Of(Denoise denoise)
    {
        Require();
        return (x, sigma) =>
        {
            var d = denoise(x, sigma);
            SolverCatalog.Threshold(d, this);
            return d;
        };
    }
}
