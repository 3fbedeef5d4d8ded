using BDense.Kernels;
using BDense.Training.Runs;
using BDense.Training.Schedules;

namespace BDense.Training.Distillation;

/// <summary>Options that methods have in common: each takes those that it understands into its list.</summary>
public static class SharedOptions
{
    /// <summary>The greatest number of updates.</summary>
    public const int MostUpdates = 1_000_000_000;

    /// <summary>The most images at once.</summary>
    public const int MostImages = 65_536;

    /// <summary>The most network evaluations of a student.</summary>
    public const int MostEvaluations = 1024;

    /// <summary>The most teacher steps in one student step.</summary>
    public const int MostJump = 64;

    /// <summary>The most steps of a teacher.</summary>
    public const int MostSteps = 65_536;

    /// <summary>The greatest learning rate; beyond it a float's square overflows before the loss could tell.</summary>
    public const double MostLearningRate = 1e30;

    private static readonly OptionValue.Real LearningRates = new(0, MostLearningRate, Above: true), Decays = new(0, 1, Below: true);

    /// <summary>What every method understands.</summary>
    public static IReadOnlyList<MethodOption> Every { get; } =
    [
        MethodOption.Whole<Distill>("--branches", "K: 1 for the plain method, 2 to 8 for B-DENSE. Default: 1.", 1, Backend.MaxBranches,
            (o, v) => o with { Branches = v }),
        MethodOption.Wholes<Distill>("--nfe", "The student's network evaluations a sample; for sfd-v all of them, as 2,3,4,5. Default: 2.",
            1, MostEvaluations, (o, v) => o.WithNfe(v)),
        MethodOption.Whole<Distill>("--updates", "Optimizer updates, all rounds together. Default: the preset's, or 400.", 1, MostUpdates,
            (o, v) => o with { Updates = v }),
        MethodOption.Whole<Distill>("--batch", "Images an update. Default: 64.", 1, MostImages, (o, v) => o with { Batch = v }),
        MethodOption.Real<Distill>("--lr", "Learning rate. Default: 0.0003.", LearningRates, (o, v) => o with { LearningRate = v }),
        MethodOption.Choice<Distill, Decay>("--decay",
            "How the learning rate falls. Default: half for sfd, linear (in every round) for pd, else constant; "
            + "only constant can be gone on with beyond --updates.",
            (o, v) => o with { Decay = v }),
        MethodOption.Real<Distill>("--ema", "Decay of the student's moving average; 0 for none. Default: 0.", Decays,
            (o, v) => o with { Ema = v }),
    ];

    /// <summary>What methods understand that follow a teacher over a grid of noise levels, with heads at the states between.</summary>
    public static IReadOnlyList<MethodOption> OnAGrid { get; } =
    [
        MethodOption.Choice<Distill, BranchLayout>("--layout", "How states follow from heads. Default: chained for sfd, parallel for pd.",
            (o, v) => o with { Layout = v }),
        MethodOption.Text<Distill>("--weights",
            $"Branch weights: {string.Join(", ", BranchWeights.Kinds)}. Default: quadrature for chained heads, exponential for "
                + "parallel ones.",
            "KIND", (o, v) => o with { Weights = v }),
        MethodOption.Whole<Distill>("--projection",
            "In every N-th iteration the other branches' gradient is projected off the endpoint's where they conflict; 0, as by default, "
            + "for never. "
            + "--weights projected:N is short for it.",
            0, MostUpdates, (o, v) => o with { Projection = v }),
        MethodOption.Whole<Distill>("--jump",
            "Teacher steps in one student step, a multiple of K. Default: 4 for sfd, 3 for its second stage, 2 for pd, at least K.",
            1, MostJump, (o, v) => o with { Jump = v }),
        MethodOption.Text<Distill>("--schedule",
            $"Noise levels: {string.Join(", ", ScheduleCatalog.Names)}, or a gits file of 'bdense fit'. Default: polynomial.", "NAME",
            (o, v) => o with { Schedule = LevelsOf(v) }),
    ];

    // The noise levels themselves: a run's configuration depends on no other file.
    private static string LevelsOf(string given) =>
        ScheduleFile.IsFile(given) ? ScheduleCatalog.Text(ScheduleFile.Read(given).Sigmas) : given;
}
