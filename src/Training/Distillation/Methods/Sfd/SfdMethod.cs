using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Training.Data;
using BDense.Training.Runs;
using BDense.Training.Solvers;

namespace BDense.Training.Distillation.Methods.Sfd;

/// <summary>Simple and fast distillation: along the teacher's trajectories from pure noise.</summary>
public sealed class SfdMethod : IDistillationMethod
{
    private const string Variable = "sfd-v";

    private static readonly SfdOptions Published = new()
    {
        Batch = 128,
        LearningRate = 5e-5,
        SumElements = true,
        TeacherThreshold = Thresholding.PublishedQuantile,
    };

    private SfdMethod()
    {
    }

    /// <summary>The one there is.</summary>
    public static SfdMethod Instance { get; } = new();

    /// <inheritdoc/>
    public string Name => "sfd";

    /// <inheritdoc/>
    public IReadOnlyList<string> Names { get; } = ["sfd", Variable];

    /// <inheritdoc/>
    public string Summary => "simple and fast distillation, along the teacher's trajectories from noise; sfd-v for several NFE at once";

    /// <inheritdoc/>
    public string Source => "Zhou et al. 2024";

    /// <inheritdoc/>
    public Distill Defaults { get; } = new SfdOptions();

    /// <inheritdoc/>
    public bool NeedsData => false;

    /// <inheritdoc/>
    public IReadOnlyList<MethodOption> Options { get; } =
    [
        .. SharedOptions.Every,
        .. SharedOptions.OnAGrid,
        MethodOption.Text<SfdOptions>("--solver",
            $"The teacher's solver: {string.Join(", ", SolverCatalog.All.Select(s => s.Name))}. Default: dpmpp3m.", "NAME",
            (o, v) => o with { Solver = v }),
        MethodOption.Real<SfdOptions>("--teacher-threshold",
            "Dynamic thresholding of every image that the teacher's solver denoises: the quantile; 0 for none. "
            + "Presets of sfd with a dpmpp solver: 0.995, as published; otherwise none.",
            new OptionValue.Real(0, 1), (o, v) => o with { TeacherThreshold = v > 0 ? v : null }),
        MethodOption.Whole<SfdOptions>("--cache-trajectories",
            "Batches of teacher trajectories computed once and used again; 0, as published and by default, for fresh ones.", 0, 1_000_000,
            (o, v) => o with { CacheTrajectories = v }),
        MethodOption.Text<SfdOptions>("--perceptual",
            "An ONNX file with a perceptual distance for the last interval: student, teacher to loss, gradient (docs/systems.md).", "FILE",
            (o, v) => o with { Perceptual = v }),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<DistillPreset> Presets { get; } =
    [
        // 200 thousand images in batches of 128.
        new("sfd", "SFD: Zhou et al. 2024, the authors' code", Published, 1563),
        new("sfd-v", "SFD-v: the same at NFE 2 to 5 with the step condition", Published with { NfeChoices = "2,3,4,5" }, 6250),
        new("sfd-second", "SFD's second stage to NFE 1, without its perceptual loss",
            Published with { Nfe = 1, Jump = 3, LearningRate = 5e-4, TeacherThreshold = null }, 15625),
        new("sfd-bdense", "B-DENSE on SFD: the authors' weights for CIFAR-10, chained heads",
            Published with { Branches = 4, Weights = "exponential:1.23014,-4.08537" }, 1563),
        new("sfd-bdense-imagenet64", "B-DENSE on SFD: the authors' weights for ImageNet 64 x 64",
            Published with { Branches = 4, Weights = "fixed:0.013921,0.055710,0.222939,0.892163" }, 1563),
        new("sfd-v-bdense", "SFD-v with chained heads and quadrature weights; not reported by its authors",
            Published with { NfeChoices = "2,3,4,5", Branches = 4 }, 6250),
    ];

    /// <inheritdoc/>
    public Distill Named(Distill options, string name) =>
        (SfdOptions)options with { NfeChoices = name == Variable ? ((SfdOptions)options).NfeChoices ?? "2,3,4,5" : null };

    /// <inheritdoc/>
    public Distill SecondStage(Distill options, Distill first) => (SfdOptions)options with { FirstStage = first };

    /// <summary>
    /// The authors threshold where the solver makes its steps of the denoised image, and a second stage's teacher has no such solver.
    /// </summary>
    public Distill Settle(Distill options, Func<string, bool> isGiven)
    {
        var o = (SfdOptions)options;
        bool applies = o.FirstStage is null && SolverCatalog.Find(o.Solver).PredictsData;
        return isGiven("--teacher-threshold") || applies ? o : o with { TeacherThreshold = null };
    }

    /// <summary>The teacher's grid of four steps an interval, with and without heads between.</summary>
    public Distill ForDemo(int branches, int nfe) => new SfdOptions { Branches = branches, Nfe = nfe, Jump = 4 };

    /// <summary>
    /// The teacher's weights, its last convolution tiled K times, and fresh layers for the step condition where it wants one that the
    /// teacher has not. The second stage begins as the first one's student.
    /// </summary>
    /// <exception cref="BDenseException">The second stage asks for another number of heads than the first stage's K, which is above
    /// 1.</exception>
    public INetwork NewStudent(INetwork teacher, Distill options)
    {
        var o = (SfdOptions)options;
        if (o.FirstStage is null || teacher.Config.Branches == 1)
            return BranchHead.Widen(teacher, o.Branches, o.StepCondition!.Value ? o.Seed : null);
        return teacher.Config.Branches == o.Branches ? teacher.Clone()
            : throw new BDenseException(
                $"the first stage's student has {teacher.Config.Branches} branches; the second stage has as many, not {o.Branches}");
    }

    /// <inheritdoc/>
    public ITraining CreateTraining(INetwork student, INetwork teacher, Dataset? data, Distill options, TrajectoryCache? shared) =>
        new SfdTraining(student, teacher, (SfdOptions)options, shared);

    /// <inheritdoc/>
    public Student Sampler(INetwork network, Distill options, Thresholding? threshold)
    {
        var o = (SfdOptions)options;
        var grid = o.Grid(o.Intervals + 1).Coarsen(network.Config.Branches);
        return new Student(network, o.Layout!.Value, grid, o.AnalyticalFirstStep!.Value, o.StepCondition!.Value) { Threshold = threshold };
    }
}
