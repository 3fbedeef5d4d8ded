using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Training.Data;
using BDense.Training.Runs;
using BDense.Training.Solvers;

namespace BDense.Training.Distillation.Methods.Ect;

/// <summary>Easy consistency tuning: the teacher's weights, tuned on data until its denoised images agree along a trajectory.</summary>
public sealed class EctMethod : IDistillationMethod
{
    private EctMethod()
    {
    }

    /// <summary>The one there is.</summary>
    public static EctMethod Instance { get; } = new();

    /// <inheritdoc/>
    public string Name => "ect";

    /// <inheritdoc/>
    public string Summary => "easy consistency tuning, on data and without a solver; one network samples with one evaluation or two";

    /// <inheritdoc/>
    public string Source => "Geng et al. 2024";

    /// <inheritdoc/>
    public Distill Defaults { get; } = new EctOptions();

    /// <inheritdoc/>
    public bool NeedsData => true;

    /// <inheritdoc/>
    public IReadOnlyList<MethodOption> Options { get; } =
    [
        .. SharedOptions.Every,
        MethodOption.Real<EctOptions>("--q", "Each stage brings the two noise levels of a pair q times nearer to each other. Default: 2.",
            new OptionValue.Real(1, 65536, Above: true), (o, v) => o with { Q = v }),
        MethodOption.Whole<EctOptions>("--stages", "Stages of equal length. Default: 8.", 1, 64, (o, v) => o with { Stages = v }),
        MethodOption.Real<EctOptions>("--huber",
            "c of the pseudo-Huber distance of two images; 0, as published and by default, for the plain norm.",
            new OptionValue.Real(0, 1e6), (o, v) => o with { Huber = v }),
        MethodOption.Real<EctOptions>("--mid-sigma", "The noise level between two evaluations at sampling. Default: 0.821.",
            new OptionValue.Real(0, 1e6, Above: true), (o, v) => o with { MidSigma = v }),
        MethodOption.Flag<EctOptions>("--flip", "Mirror half of the images.", (o, v) => o with { Flip = v || o.Flip }),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<DistillPreset> Presets { get; } =
    [
        new("ect", "easy consistency tuning on CIFAR-10, eight stages over 25.6 million images: Geng et al. 2024, the authors' code",
            new EctOptions { Batch = 128, LearningRate = 1e-4, Ema = 0.9999 }, 200_000),
    ];

    /// <summary>With one head; two stages, which as few updates can tell apart.</summary>
    public Distill? ForDemo(int branches, int nfe) => branches == 1 && nfe <= 2 ? new EctOptions { Nfe = nfe, Stages = 2 } : null;

    /// <inheritdoc/>
    public ITraining CreateTraining(INetwork student, INetwork teacher, Dataset? data, Distill options, TrajectoryCache? shared) =>
        new EctTraining(student, data!, (EctOptions)options);

    /// <summary>A threshold is refused: every step arrives at a denoised image, and there is no solver for it.</summary>
    public Student Sampler(INetwork network, Distill options, Thresholding? threshold)
    {
        if (threshold is not null)
            throw new UsageException("--threshold and --clip are for steps of a solver; a consistency model takes none: leave them out");
        var grid = options.Grid(options.Intervals + 1);
        return new Student(network, BranchLayout.Parallel, grid, false) { Way = new ConsistencyWay([.. grid.Student]) };
    }

    /// <inheritdoc/>
    public Student Sampler(INetwork network, StudentFile file, string path)
    {
        double[] levels = [file.Intervals[0].Sigmas[0], .. file.Intervals.Select(i => i.Sigmas[^1])];
        if (levels[^1] != 0 || network.Config.Branches != 1)
            throw new BDenseException($"{path}: a student of {Name} has one head and ends at noise level 0");
        var grid = Schedules.NestedGrid.Of(levels, levels, 1, path);
        return new Student(network, BranchLayout.Parallel, grid, false) { Way = new ConsistencyWay(levels) };
    }

    /// <summary>
    /// Multistep consistency sampling (Song et al. 2023, algorithm 1; the published code's <c>generator_fn</c>): x = D(x; sigma_i), and
    /// where sigma_{i+1} is above 0, x + sigma_{i+1} n with fresh noise n.
    /// </summary>
    /// <param name="Levels">Falling, the last 0.</param>
    private sealed record ConsistencyWay(double[] Levels) : StudentWay
    {
        public override int Evaluations => Levels.Length - 1;

        public override double StartSigma => Levels[0];

        public override StudentFile Describe(StudentFile file) => file with { Method = Instance.Name };

        public override Tensor Sample(INetwork network, Tensor x, in WayOptions options)
        {
            var denoiser = new Denoiser(network);
            var state = x.Share();
            for (int i = 0; i < Evaluations; i++)
            {
                options.Cancellation.ThrowIfCancellationRequested();
                using var start = state;
                state = denoiser.Denoise(start, Levels[i], new ForwardOptions(Labels: options.Labels));
                if (Levels[i + 1] > 0)
                {
                    using var noise = x.Backend.Empty(x.Shape);
                    options.Fresh(i, noise);
                    x.Backend.LinearCombination([1f, (float)Levels[i + 1]], [state, noise], state);
                }
                options.OnState?.Invoke(i + 1, Levels[i + 1], state);
            }
            return state;
        }
    }
}
