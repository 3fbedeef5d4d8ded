using BDense.Kernels;
using BDense.Training.Runs;
using BDense.Training.Solvers;

namespace BDense.Training.Distillation;

/// <summary>Published settings under a name; what is asked for besides goes before them.</summary>
/// <param name="Name">As given on the command line.</param>
/// <param name="What">Which system, and where it was read.</param>
/// <param name="Options">The settings; Updates is found by <see cref="UpdatesOf"/>.</param>
/// <param name="Iterations">Iterations of SFD, or of one round of PD.</param>
public sealed record DistillPreset(string Name, string What, Distill Options, long Iterations)
{
    /// <summary>Optimizer updates for the published number of iterations or rounds, at the options' NFE.</summary>
    public long UpdatesOf(Distill o) => o.Method == DistillMethod.Sfd ? (long)Math.Ceiling(Iterations * o.Choices().Average()) : Iterations * o.Rounds;
}

/// <summary>The presets.</summary>
public static class DistillPresets
{
    /// <summary>The preset of the authors' own progressive distillation.</summary>
    public const string BranchDistillation = "branch-distillation";

    private static readonly Distill Sfd = new()
    {
        Batch = 128,
        LearningRate = 5e-5,
        SumElements = true,
        TeacherThreshold = Thresholding.PublishedQuantile,
    };

    private static readonly Distill Pd = new()
    {
        Method = DistillMethod.Pd,
        Nfe = 1,
        Jump = 2,
        Schedule = "cosine",
        // log-SNR from 20 to -20.
        SigmaMin = Math.Exp(-10),
        SigmaMax = Math.Exp(10),
        ToZero = true,
        Weighting = LossWeighting.SnrTruncated,
        LearningRate = 5e-5,
        Batch = 128,
        Rounds = 13,
        Flip = true,
    };

    public static IReadOnlyList<DistillPreset> All { get; } =
    [
        // 200 thousand images in batches of 128.
        new("sfd", "SFD: Zhou et al. 2024, the authors' code", Sfd, 1563),
        new("sfd-v", "SFD-v: the same at NFE 2 to 5 with the step condition", Sfd with { NfeChoices = "2,3,4,5" }, 6250),
        new("sfd-second", "SFD's second stage to NFE 1, without its perceptual loss", Sfd with { Nfe = 1, Jump = 3, LearningRate = 5e-4, TeacherThreshold = null }, 15625),
        new("sfd-bdense", "B-DENSE on SFD: the authors' weights for CIFAR-10, chained heads", Sfd with { Branches = 4, Weights = "exponential:1.23014,-4.08537" }, 1563),
        new("sfd-bdense-imagenet64", "B-DENSE on SFD: the authors' weights for ImageNet 64 x 64",
            Sfd with { Branches = 4, Weights = "fixed:0.013921,0.055710,0.222939,0.892163" }, 1563),
        new("sfd-v-bdense", "SFD-v with chained heads and quadrature weights; not reported by its authors", Sfd with { NfeChoices = "2,3,4,5", Branches = 4 }, 6250),
        new("pd", "progressive distillation on CIFAR-10, 8192 steps to 1: Salimans and Ho 2022, the authors' code", Pd, 50_000),
        new("pd-imagenet64", "progressive distillation on ImageNet 64 x 64, 1024 steps to 1", Pd with { Rounds = 10, LearningRate = 1e-4, Batch = 2048 }, 50_000),
        new(BranchDistillation, "the authors' own variant of PD with two branches, 1000 steps to 125, with its rebuilt linear schedules", new Distill
        {
            Method = DistillMethod.BranchDistillation,
            Branches = 2,
            Jump = 2,
            Nfe = 125,
            Rounds = 3,
            LearningRate = 2e-4,
            // PyTorch's own for AdamW.
            WeightDecay = 0.01,
            Batch = 128,
            Ema = 0.9999,
            Flip = true,
        }, 50_000),
    ];

    /// <exception cref="UsageException">There is none of that name; the message lists those there are.</exception>
    public static DistillPreset Find(string name) => All.FirstOrDefault(p => p.Name == name)
        ?? throw new UsageException($"there is no preset '{name}'; there are {string.Join(", ", All.Select(p => p.Name))}");
}
