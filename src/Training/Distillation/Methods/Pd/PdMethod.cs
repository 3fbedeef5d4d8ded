using BDense.Model.Networks;
using BDense.Training.Data;
using BDense.Training.Runs;

namespace BDense.Training.Distillation.Methods.Pd;

/// <summary>Progressive distillation: from noised data, in rounds that each divide the number of steps.</summary>
public sealed class PdMethod : IDistillationMethod
{
    private static readonly PdOptions Published = new()
    {
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

    private PdMethod()
    {
    }

    /// <summary>The one there is.</summary>
    public static PdMethod Instance { get; } = new();

    /// <inheritdoc/>
    public string Name => "pd";

    /// <inheritdoc/>
    public string Summary => "progressive distillation, rounds that each take several of the teacher's steps in one";

    /// <inheritdoc/>
    public string Source => "Salimans and Ho 2022";

    /// <inheritdoc/>
    public Distill Defaults { get; } = new PdOptions();

    /// <inheritdoc/>
    public bool NeedsData => true;

    /// <inheritdoc/>
    public IReadOnlyList<MethodOption> Options { get; } =
    [
        .. SharedOptions.Every,
        .. SharedOptions.OnAGrid,
        .. RoundsDistill.RoundsOptions,
        MethodOption.Choice<PdOptions, LossWeighting>("--weighting", "Weight of an error by its noise level. Default: snrtruncated.",
            (o, v) => o with { Weighting = v }),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<DistillPreset> Presets { get; } =
    [
        new("pd", "progressive distillation on CIFAR-10, 8192 steps to 1: Salimans and Ho 2022, the authors' code", Published, 50_000),
        new("pd-imagenet64", "progressive distillation on ImageNet 64 x 64, 1024 steps to 1",
            Published with { Rounds = 10, LearningRate = 1e-4, Batch = 2048 }, 50_000),
    ];

    /// <summary>
    /// Both shrink the same teacher grid of 4 NFE steps: the plain one in two halvings, B-DENSE in one jump of four with a head for each
    /// step.
    /// </summary>
    public Distill ForDemo(int branches, int nfe) =>
        new PdOptions { Branches = branches, Nfe = nfe, Jump = branches == 1 ? 2 : branches, Rounds = branches == 1 ? 2 : 1 };

    /// <inheritdoc/>
    public ITraining CreateTraining(INetwork student, INetwork teacher, Dataset? data, Distill options, TrajectoryCache? shared) =>
        new PdTraining(student, teacher, data!, (PdOptions)options);
}
