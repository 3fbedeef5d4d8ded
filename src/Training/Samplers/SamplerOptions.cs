using BDense.Kernels;
using BDense.Training.Distillation;
using BDense.Training.Schedules;
using BDense.Training.Solvers;

namespace BDense.Training.Samplers;

/// <summary>
/// Everything that says how images are made of noise, whoever makes them. What is left out takes its own value in <see cref="Resolve"/>;
/// afterwards what is still none does not concern the solver or the schedule.
/// </summary>
public sealed record SamplerOptions
{
    /// <summary>The last noise level above 0 of EDM's sampler, and of k-diffusion where nothing else is asked for.</summary>
    public const double EdmSigmaMin = 0.002;

    private const string DefaultSolver = "heun", DefaultSchedule = "polynomial";

    private const int DefaultSteps = 18;

    /// <summary>Of a teacher: a solver's name. By default <c>heun</c>, or the one that a schedule's file was fitted for.</summary>
    public string? Solver { get; init; }

    /// <summary>Of a teacher: steps, the last one to 0 among them. By default 18, or as many as a schedule's file has.</summary>
    public int? Steps { get; init; }

    /// <summary>Of a multistep solver: its largest order, 1 to its own, which is the default.</summary>
    public int? Order { get; init; }

    /// <summary>
    /// Of a teacher: a schedule's name, a file of <see cref="ScheduleFile"/>, or noise levels as <see cref="ScheduleCatalog.Text"/> has
    /// them. By default polynomial.
    /// </summary>
    public string? Schedule { get; init; }

    /// <summary>Of the polynomial schedule, above 0; by default 7.</summary>
    public double? Rho { get; init; }

    /// <summary>
    /// The last noise level above 0; 0 is short for <see cref="ToZero"/> with <see cref="EdmSigmaMin"/>. By default 0.002 where the last
    /// step goes to 0, else 0.006, as SFD's teacher.
    /// </summary>
    public double? SigmaMin { get; init; }

    /// <summary>The first noise level; by default 80.</summary>
    public double? SigmaMax { get; init; }

    /// <summary>
    /// Whether the last step goes from <see cref="SigmaMin"/> to 0, as EDM and k-diffusion do. By default where <see cref="SigmaMin"/> is
    /// 0, and with
    /// <c>heun</c> where no <see cref="SigmaMin"/> is asked for.
    /// </summary>
    public bool? ToZero { get; init; }

    /// <summary><see cref="SolverOptions.AnalyticalFirstStep"/>; by default not.</summary>
    public bool? AnalyticalFirstStep { get; init; }

    /// <summary><see cref="SolverOptions.LowerOrderFinal"/>; by default so.</summary>
    public bool? LowerOrderFinal { get; init; }

    /// <summary>S_churn of <c>heun</c>, 0 or more: gamma = min(S_churn / steps, sqrt 2 - 1). By default 0.</summary>
    public double? Churn { get; init; }

    /// <summary>S_min; by default 0.</summary>
    public double? ChurnMin { get; init; }

    /// <summary>S_max; none, as by default, for no limit.</summary>
    public double? ChurnMax { get; init; }

    /// <summary>S_noise; by default 1.</summary>
    public double? ChurnNoise { get; init; }

    /// <summary>Dynamic thresholding of every denoised image: the quantile; 0, as by default, for none.</summary>
    public double? Threshold { get; init; }

    /// <summary>Its floor; by default 1.</summary>
    public double? ThresholdFloor { get; init; }

    /// <summary>Denoised images are clamped to [-1, 1].</summary>
    public bool Clip { get; init; }

    /// <summary>Of a student: its network evaluations.</summary>
    public int? Nfe { get; init; }

    /// <summary>Of a student: with its fitted steps.</summary>
    public bool Fitted { get; init; }

    /// <summary>Of a student: through its folded heads.</summary>
    public bool Folded { get; init; }

    /// <summary>Of a network of several heads from a file that does not say it.</summary>
    public BranchLayout? Layout { get; init; }

    /// <summary>The first option that is asked for and is not for a student (or for a teacher); none if there is none.</summary>
    internal string? ForOther(bool ofStudent)
    {
        (string Name, bool IsAsked)[] teachers =
        [
            ("--solver", Solver is not null), ("--steps", Steps is not null), ("--order", Order is not null),
            ("--schedule", Schedule is not null), ("--rho", Rho is not null),
            ("--sigma-min", SigmaMin is not null), ("--sigma-max", SigmaMax is not null), ("--to-zero", ToZero is not null),
            ("--analytical-first-step", AnalyticalFirstStep is not null), ("--lower-order-final", LowerOrderFinal is not null),
            ("--churn", Churn is not null),
            ("--churn-min", ChurnMin is not null), ("--churn-max", ChurnMax is not null), ("--churn-noise", ChurnNoise is not null),
        ];
        (string Name, bool IsAsked)[] students = [("--nfe", Nfe is not null), ("--fitted", Fitted), ("--folded", Folded),
            ("--layout", Layout is not null)];
        return (ofStudent ? teachers : students).FirstOrDefault(option => option.IsAsked).Name;
    }

    /// <summary>The options that are for a student alone, or for a teacher alone, left out; what is for both stays.</summary>
    internal SamplerOptions Without(bool ofTeacher)
    {
        var both = new SamplerOptions { Threshold = Threshold, ThresholdFloor = ThresholdFloor, Clip = Clip };
        return ofTeacher ? both with
        {
            Nfe = Nfe,
            Fitted = Fitted,
            Folded = Folded,
            Layout = Layout,
        } : this with { Nfe = null, Fitted = false, Folded = false, Layout = null };
    }

    /// <summary>What is done to denoised images; none for nothing.</summary>
    /// <exception cref="UsageException">Two ways at once, or one out of range.</exception>
    internal Thresholding? Thresholding()
    {
        if (Threshold > 0 && Clip)
            throw new UsageException("--threshold and --clip are two ways for one thing; give one");
        if (ThresholdFloor is not null && !(Threshold > 0))
            throw new UsageException("--threshold-floor goes with --threshold");
        var how = Clip ? Training.Solvers.Thresholding.Clip : Threshold is { } quantile and not 0
            ? new Thresholding(quantile, ThresholdFloor ?? Training.Solvers.Thresholding.PublishedFloor) : null;
        how?.Require();
        return how;
    }

    /// <summary>A teacher's options filled in and checked; of resolved ones the same again.</summary>
    /// <exception cref="UsageException">A value is out of range, or two do not fit together.</exception>
    /// <exception cref="BDenseException">The schedule's file cannot be read.</exception>
    public SamplerOptions Resolve() => OfTeacher().Options;

    /// <summary>A teacher's options filled in, its solver, and the noise levels that it steps on.</summary>
    internal (SamplerOptions Options, Solver Solver, double[] Grid) OfTeacher()
    {
        string on = Schedule ?? DefaultSchedule;
        bool given = ScheduleCatalog.IsGiven(on);
        return given || ScheduleFile.IsFile(on) ? OnLevels(on, given) : OnFormula(on);
    }

    /// <summary>Noise levels of their own: nothing but the number of steps can be asked for besides.</summary>
    private (SamplerOptions, Solver, double[]) OnLevels(string on, bool given)
    {
        foreach (var (name, isAsked) in new[] { ("--sigma-min", SigmaMin is not null), ("--sigma-max", SigmaMax is not null),
            ("--rho", Rho is not null), ("--to-zero", ToZero is not null) })
        {
            if (isAsked)
                throw new UsageException($"{name}: {on} has noise levels of its own");
        }
        var (solver, grid) = given ? (SolverCatalog.Find(Solver ?? DefaultSolver), ScheduleCatalog.Levels(on, Steps))
            : ScheduleFile.Read(on).Sampler(Solver, Steps);
        return (WithSolver(solver) with { Schedule = on, Steps = grid.Length - 1 }, solver, grid);
    }

    private (SamplerOptions, Solver, double[]) OnFormula(string on)
    {
        var solver = SolverCatalog.Find(Solver ?? DefaultSolver);
        int steps = Steps ?? DefaultSteps;
        if (SigmaMin == 0 && ToZero == false)
            throw new UsageException("--sigma-min 0 is a last step to 0, and --to-zero false is none; give one");
        bool toZero = ToZero ?? (SigmaMin == 0 || (SigmaMin is null && solver.Name == DefaultSolver));
        double min = SigmaMin is null or 0 ? (toZero ? EdmSigmaMin : 0.006) : SigmaMin.Value, max = SigmaMax ?? 80;
        if (Rho is not null && on != DefaultSchedule)
            throw new UsageException($"--rho is of the polynomial schedule, not of {on}");
        if (steps < 1)
            throw new UsageException($"a sampler takes 1 step or more, not {steps}");
        double rho = Rho ?? 7;
        var schedule = ScheduleCatalog.Find(on, min, max, rho);
        // One step to 0 starts at the first level and passes no other.
        double[] grid = toZero && steps == 1 ? [schedule.SigmaMax, 0] : schedule.Grid(toZero ? steps : steps + 1, toZero);
        return (WithSolver(solver) with
        {
            Schedule = on,
            Steps = steps,
            Rho = on == DefaultSchedule ? rho : null,
            SigmaMin = min,
            SigmaMax = max,
            ToZero = toZero,
        }, solver, grid);
    }

    /// <summary>What depends on the solver alone.</summary>
    internal SamplerOptions WithSolver(Solver solver)
    {
        if (Nfe is not null || Fitted || Folded || Layout is not null)
            throw new UsageException("--nfe, --fitted, --folded and --layout are for a student");
        if (Order is { } order && (solver.MaxOrder == 0 || order < 1 || order > solver.MaxOrder))
            throw new UsageException(solver.MaxOrder == 0 ? $"--order is for multistep solvers, not for {solver.Name}"
                : $"--order of {solver.Name} is 1 to {solver.MaxOrder}, not {order}");
        if (LowerOrderFinal is not null && !solver.LowersOrder)
            throw new UsageException(
                $"--lower-order-final is for {string.Join(", ", SolverCatalog.All.Where(s => s.LowersOrder).Select(s => s.Name))}, not "
                    + $"for {solver.Name}");
        bool churns = Churn > 0;
        if (churns && solver.Name != "heun")
            throw new UsageException($"--churn is for --solver heun, not {solver.Name}");
        if (!churns && (ChurnMin ?? ChurnMax ?? ChurnNoise) is not null)
            throw new UsageException("--churn-min, --churn-max and --churn-noise go with --churn above 0");
        foreach (var (name, value) in new[] { ("--churn", Churn), ("--churn-min", ChurnMin), ("--churn-max", ChurnMax),
            ("--churn-noise", ChurnNoise) })
        {
            if (value is { } number && !(number >= 0 && double.IsFinite(number)))
                throw new UsageException(FormattableString.Invariant($"{name} is 0 or more, not {number}"));
        }
        if (ChurnMax < (ChurnMin ?? 0))
            throw new UsageException(FormattableString.Invariant($"--churn-max {ChurnMax} lies below --churn-min {ChurnMin ?? 0}"));
        var thresholding = Thresholding();
        return this with
        {
            Solver = solver.Name,
            Order = solver.MaxOrder == 0 ? null : Order ?? solver.MaxOrder,
            AnalyticalFirstStep = AnalyticalFirstStep ?? false,
            LowerOrderFinal = solver.LowersOrder ? LowerOrderFinal ?? true : null,
            Churn = Churn ?? 0,
            ChurnMin = churns ? ChurnMin ?? 0 : null,
            ChurnNoise = churns ? ChurnNoise ?? 1 : null,
            Threshold = thresholding?.Quantile ?? 0,
            ThresholdFloor = thresholding is { Quantile: > 0 } ? thresholding.Floor : null,
        };
    }
}
