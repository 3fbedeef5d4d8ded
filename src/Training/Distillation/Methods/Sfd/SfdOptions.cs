using System.Text.Json.Serialization;
using BDense.Kernels;
using BDense.Training.Samplers;
using BDense.Training.Schedules;
using BDense.Training.Solvers;

namespace BDense.Training.Distillation.Methods.Sfd;

/// <summary>Options of <see cref="SfdMethod"/>: plain, for several NFE at once (SFD-v), and its second stage.</summary>
public sealed record SfdOptions : Distill
{
    /// <summary>SFD-v: every iteration draws its NFE among these, all alike likely, as text: "2,3,4,5". None for a fixed NFE.</summary>
    public string? NfeChoices { get; init; }

    /// <summary>
    /// Whether the network is told the number of the student's nodes (NFE + 2 with an analytical first step); it gets layers for that
    /// where it has none. By default for SFD-v, and where the first stage was.
    /// </summary>
    public bool? StepCondition { get; init; }

    /// <summary>
    /// The second stage: how the teacher, itself a student, was distilled. Its Euler steps are the teacher's; schedule and range are taken
    /// from it.
    /// </summary>
    [JsonConverter(typeof(DistillJson))]
    public Distill? FirstStage { get; init; }

    /// <summary>The teacher's solver.</summary>
    public string Solver { get; init; } = "dpmpp3m";

    /// <summary>
    /// Dynamic thresholding of every image that the teacher's solver denoises: the quantile, 0.995 as published; none for none, which
    /// is what runs have in whose configuration it is missing. The floor is 1.
    /// </summary>
    public double? TeacherThreshold { get; init; }

    /// <summary>
    /// The loss is the sum over an image's elements, as published, not their mean: the same direction, another size against Adam's epsilon.
    /// </summary>
    public bool SumElements { get; init; }

    /// <summary>
    /// Number of batches of teacher trajectories that are computed once and used again; 0, as published, for fresh ones always.
    /// </summary>
    public int CacheTrajectories { get; init; }

    /// <summary>
    /// An ONNX file with a perceptual distance that is added on the last interval (<see cref="PerceptualLoss"/>); none by default.
    /// </summary>
    public string? Perceptual { get; init; }

    /// <summary>The student's first interval is analytical and costs no evaluation; by default it is.</summary>
    public bool? AnalyticalFirstStep { get; init; }

    /// <inheritdoc/>
    public override IDistillationMethod Method => SfdMethod.Instance;

    /// <inheritdoc/>
    public override string Title =>
        (NfeChoices is not null ? "SFD-v" : FirstStage is not null ? "SFD, second stage" : "SFD") + (Branches > 1 ? " + B-DENSE" : "");

    /// <inheritdoc/>
    public override int Intervals => Nfe + (AnalyticalFirstStep == true ? 1 : 0);

    /// <summary>One in each of the student's intervals.</summary>
    public override double UpdatesPerStep => Choices().Average();

    /// <inheritdoc/>
    public override Distill Origin => FirstStage ?? this;

    /// <summary>Rising: <see cref="NfeChoices"/>, or Nfe alone.</summary>
    public override IReadOnlyList<int> Choices() => NfeChoices is null ? [Nfe] : ParseNfe(NfeChoices);

    /// <summary>Several for SFD-v alone.</summary>
    public override Distill WithNfe(string text) =>
        NfeChoices is null ? base.WithNfe(text) : this with { NfeChoices = text, Nfe = ParseNfe(text)[^1] };

    /// <inheritdoc/>
    public override Distill ForDryRun() => this with { CacheTrajectories = 0, Perceptual = null };

    /// <summary>An iteration of so many intervals makes as many updates.</summary>
    public override long UpdatesOf(long iterations) => (long)Math.Ceiling(iterations * Choices().Average());

    /// <summary>Of the trajectories that are kept: batches, intervals, heads, images.</summary>
    public override long KeptBytes(int imageLength) =>
        sizeof(float) * (long)CacheTrajectories * Batch * imageLength * Branches
            * Choices().Sum(nfe => (long)(this with { Nfe = nfe }).Intervals);

    /// <summary>Kept trajectories are followed once.</summary>
    public override double FollowedSteps =>
        Jump!.Value * (CacheTrajectories > 0 ? Math.Min(Updates, (double)CacheTrajectories * Nfe) : Updates);

    /// <inheritdoc/>
    public override SamplerOptions TeacherSampler() =>
        new() { Solver = Solver, Schedule = ScheduleCatalog.Text(Grid(Intervals + 1).Teacher), Threshold = TeacherThreshold };

    /// <inheritdoc/>
    public override SfdOptions Resolve()
    {
        var choices = Choices();
        var first = FirstStage?.Resolve() as SfdOptions;
        if (FirstStage is not null && first is null)
            throw new UsageException($"the second stage needs a student of SFD's first stage, not one of {FirstStage.Title}");
        int jump = first is null ? 4 : 3;
        var filled = (SfdOptions)Filled(
            new MethodDefaults(jump, BranchLayout.Chained, Runs.Decay.Half, 0, Kernels.Distance.L1, Dropout: true));
        var resolved = filled with
        {
            Solver = SolverCatalog.ToFile(Solver),
            Nfe = choices.Contains(Nfe) ? Nfe : choices[^1],
            NfeChoices = NfeChoices is null ? null : string.Join(",", choices),
            StepCondition = StepCondition ?? (NfeChoices is not null || first?.StepCondition == true),
            FirstStage = first,
            Schedule = first?.Schedule ?? Schedule,
            SigmaMin = first?.SigmaMin ?? SigmaMin,
            SigmaMax = first?.SigmaMax ?? SigmaMax,
            Rho = first?.Rho ?? Rho,
            AnalyticalFirstStep = AnalyticalFirstStep ?? true,
        };
        resolved.Validate(first);
        return resolved;
    }

    /// <inheritdoc/>
    protected override Distill OfFile() => this with
    {
        Solver = SolverCatalog.OfFile(Solver),
        FirstStage = FirstStage is SfdOptions first ? first.OfFile() : FirstStage,
    };

    private void Validate(SfdOptions? first)
    {
        ValidateShared();
        bool isAligned = BranchWeights.Parse(Weights!).IsAligned;
        Require(Perceptual is null || (Projection == 0 && !isAligned),
            "a perceptual loss goes with neither projected gradients nor aligned weights");
        Require(!isAligned || Branches > 1, "aligned branch weights are for SFD with 2 branches or more");
        Require(first is null || NfeChoices is null, "the second stage has one NFE; give a single one");
        if (first is not null)
            RequireNested(first);
        Require((long)Nfe * Jump!.Value <= SharedOptions.MostSteps,
            $"{Nfe} intervals of {Jump} steps need more than {SharedOptions.MostSteps} teacher steps");
        Require(CacheTrajectories >= 0, $"trajectories of 0 batches or more are kept, not {CacheTrajectories}");
        SolverCatalog.Find(Solver);
        Require(TeacherThreshold is null || first is null, "the teacher is thresholded in SFD's first stage alone");
        Require(TeacherThreshold is null or (> 0 and <= 1),
            FormattableString.Invariant($"the teacher's threshold is a quantile in (0, 1], not {TeacherThreshold}"));
    }

    /// <summary>The second stage's teacher must step on the very nodes that the first stage was trained on.</summary>
    private void RequireNested(SfdOptions first)
    {
        int nodes = Intervals * Jump!.Value, extra = first.Intervals - first.Nfe;
        Require(first.FirstStage is null, $"the second stage needs a student of SFD's first stage, not one of {first.Title}");
        Require(first.Choices().Contains(nodes - extra),
            $"the second stage takes {Intervals} intervals of {Jump} steps each, so its teacher must know {nodes} intervals: "
            + $"NFE {nodes - extra}, not {string.Join(", ", first.Choices())}");
    }
}
