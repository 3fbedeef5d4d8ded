using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Training.Data;
using BDense.Training.Runs;
using BDense.Training.Schedules;
using BDense.Training.Solvers;

namespace BDense.Training.Distillation.Methods.BranchDistillation;

/// <summary>The B-DENSE authors' own variant of progressive distillation (<see cref="LinearBetaDdim"/>).</summary>
public sealed class BranchDistillationMethod : IDistillationMethod
{
    private BranchDistillationMethod()
    {
    }

    /// <summary>The one there is.</summary>
    public static BranchDistillationMethod Instance { get; } = new();

    /// <summary>Also the name of its preset.</summary>
    public string Name => "branch-distillation";

    /// <inheritdoc/>
    public string NameInFiles => "branchDistillation";

    /// <inheritdoc/>
    public string Summary => "the B-DENSE authors' own variant of progressive distillation, with schedules rebuilt in every round";

    /// <inheritdoc/>
    public string Source => "the B-DENSE paper's code, arXiv 2602.15971";

    /// <inheritdoc/>
    public Distill Defaults { get; } = new BranchDistillationOptions();

    /// <inheritdoc/>
    public bool NeedsData => true;

    /// <inheritdoc/>
    public IReadOnlyList<MethodOption> Options { get; } =
        [.. SharedOptions.Every, .. SharedOptions.OnAGrid, .. RoundsDistill.RoundsOptions];

    /// <inheritdoc/>
    public IReadOnlyList<DistillPreset> Presets { get; } =
    [
        new("branch-distillation", "the authors' own variant of PD with two branches, 1000 steps to 125, with its rebuilt linear schedules",
            new BranchDistillationOptions
            {
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

    /// <inheritdoc/>
    public ITraining CreateTraining(INetwork student, INetwork teacher, Dataset? data, Distill options, TrajectoryCache? shared) =>
        new BranchDistillationTraining(student, teacher, data!, (BranchDistillationOptions)options);

    /// <summary>It always clamps; a threshold is not heeded.</summary>
    public Student Sampler(INetwork network, Distill options, Thresholding? threshold) => OfSteps(network, options.Nfe);

    /// <inheritdoc/>
    public Student Sampler(INetwork network, StudentFile file, string path) =>
        OfSteps(network, file.OwnSteps ?? throw new BDenseException($"{path}: field 'ownSteps' is missing"));

    /// <summary>Of the schedule of so many steps.</summary>
    internal static Student OfSteps(INetwork network, int steps)
    {
        var (alpha, sigma) = LinearBetaDdim.Schedule(steps);
        double[] sigmas = [.. alpha.Zip(sigma, (a, s) => s / a).Reverse()];
        return new Student(network, BranchLayout.Parallel, NestedGrid.Of(sigmas, sigmas, 1), false) { Way = new LinearBetaWay(steps) };
    }

    /// <summary>Its sampler's steps over the schedule of a number of them, in variance-preserving coordinates.</summary>
    private sealed record LinearBetaWay(int Steps) : StudentWay
    {
        public override int Evaluations => Math.Min(Steps, LinearBetaDdim.SampleSteps);

        public override double StartSigma => 1;

        public override StudentFile Describe(StudentFile file) => file with { OwnSteps = Steps };

        public override Tensor Sample(INetwork network, Tensor x, in WayOptions options) =>
            LinearBetaDdim.Sample(network, Steps, x, options.Cancellation);
    }
}
