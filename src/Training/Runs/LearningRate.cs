using BDense.Kernels;

namespace BDense.Training.Runs;

/// <summary>How the learning rate falls.</summary>
public enum Decay
{
    /// <summary>Not at all.</summary>
    Constant,

    /// <summary>To a tenth in the second half (SFD).</summary>
    Half,

    /// <summary>Linearly to 0 (progressive distillation, in every round).</summary>
    Linear,

    /// <summary>Half a cosine to 0.</summary>
    Cosine,
}

/// <summary>A learning rate over a run: linear warm-up, then decay.</summary>
/// <param name="Peak">The full height.</param>
/// <param name="Warmup">Updates until it is reached.</param>
/// <param name="Decay">How it falls.</param>
public sealed record LearningRate(double Peak, long Warmup = 0, Decay Decay = Decay.Constant)
{
    /// <summary>At update <paramref name="step"/> (from 0) of <paramref name="total"/>.</summary>
    public double At(long step, long total)
    {
        double warmup = Warmup > 0 ? Math.Min(1, (step + 1.0) / Warmup) : 1;
        double progress = total > 0 ? Math.Min(1, (double)step / total) : 0;
        return Peak * warmup * Decay switch
        {
            Decay.Half => progress < 0.5 ? 1 : 0.1,
            Decay.Linear => 1 - progress,
            Decay.Cosine => 0.5 * (1 + Math.Cos(Math.PI * progress)),
            Decay.Constant => 1,
            _ => throw new UsageException($"unknown decay {Decay}"),
        };
    }
}
