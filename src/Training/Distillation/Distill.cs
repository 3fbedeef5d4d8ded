using System.Globalization;
using System.Text.Json.Serialization;
using BDense.Kernels;
using BDense.Training.Runs;
using BDense.Training.Samplers;
using BDense.Training.Schedules;
using BDense.Training.Solvers;

namespace BDense.Training.Distillation;

/// <summary>The family of distillation.</summary>
public enum DistillMethod
{
    /// <summary>Progressive distillation (Salimans and Ho 2022): from noised data, in rounds.</summary>
    Pd,

    /// <summary>Simple and fast distillation (Zhou et al. 2024): along the teacher's trajectories from pure noise.</summary>
    Sfd,

    /// <summary>The authors' own variant of progressive distillation (<see cref="Training.Distillation.BranchDistillation"/>).</summary>
    BranchDistillation,
}

/// <summary>
/// Everything that determines a distillation, and with a teacher and, for PD, data, its bits. With one branch it is the
/// baseline; with several it is B-DENSE. What is left out takes the method's own value (<see cref="Resolve"/>).
/// </summary>
public sealed record Distill
{
    public DistillMethod Method { get; init; } = DistillMethod.Sfd;

    /// <summary>K: heads, 1 to 8. Divides <see cref="Jump"/>.</summary>
    public int Branches { get; init; } = 1;

    /// <summary>
    /// Teacher steps in one student step. By default 4 for SFD (M = 3 nodes inserted), 3 for its second stage (M = 2) and 2 for PD, and K
    /// where K is larger.
    /// </summary>
    public int? Jump { get; init; }

    /// <summary>By default chained for SFD, parallel for PD.</summary>
    public BranchLayout? Layout { get; init; }

    /// <summary>As <see cref="BranchWeights.Parse"/> takes them; by default quadrature for chained heads, exponential for parallel ones.</summary>
    public string? Weights { get; init; }

    /// <summary>
    /// In every so many-th iteration the other branches' gradient is projected off the endpoint's where they conflict
    /// (<see cref="BranchGradients.Project"/>, twice the cost of a plain iteration); 0 for never. The weights <c>projected:n</c> ask for it too.
    /// </summary>
    public int Projection { get; init; }

    /// <summary>The student's network evaluations, 1 or more. Of SFD-v those that are sampled with unless others are asked for; the largest of the choices where it is none of them.</summary>
    public int Nfe { get; init; } = 2;

    /// <summary>SFD-v: every iteration draws its NFE among these, all alike likely, as text: "2,3,4,5". None for a fixed NFE.</summary>
    public string? NfeChoices { get; init; }

    /// <summary>
    /// SFD: whether the network is told the number of the student's nodes (NFE + 2 with an analytical first step); it gets layers for that
    /// where it has none. By default for SFD-v, and where the first stage was.
    /// </summary>
    public bool? StepCondition { get; init; }

    /// <summary>SFD's second stage: how the teacher, itself a student, was distilled. Its Euler steps are the teacher's; schedule and range are taken from it.</summary>
    public Distill? FirstStage { get; init; }

    /// <summary>PD: rounds, each with <see cref="Jump"/> times fewer steps; the teacher of the first takes Nfe * Jump^Rounds steps.</summary>
    public int Rounds { get; init; } = 1;

    /// <summary>SFD: the teacher's solver. PD's is DDIM.</summary>
    public string Solver { get; init; } = "dpmpp3m";

    /// <summary>
    /// SFD: dynamic thresholding of every image that the teacher's solver denoises: the quantile, 0.995 as published; none for none, which
    /// is what runs have in whose configuration it is missing. The floor is 1.
    /// </summary>
    public double? TeacherThreshold { get; init; }

    /// <summary>Optimizer updates, all rounds together. An SFD iteration makes Nfe of them.</summary>
    public long Updates { get; init; } = 400;

    /// <summary>PD: mirrors half of the images.</summary>
    public bool Flip { get; init; }

    /// <summary>SFD: the loss is the sum over an image's elements, as published, not their mean: the same direction, another size against Adam's epsilon.</summary>
    public bool SumElements { get; init; }

    public int Batch { get; init; } = 64;

    public double LearningRate { get; init; } = 3e-4;

    /// <summary>By default a tenth in the second half for SFD, linearly to 0 in every round for PD.</summary>
    public Decay? Decay { get; init; }

    public long Warmup { get; init; }

    public double WeightDecay { get; init; }

    /// <summary>0 for none; by default 1 for PD and none for SFD.</summary>
    public double? ClipNorm { get; init; }

    /// <summary>Decay of the student's moving average; 0, as published, for none.</summary>
    public double Ema { get; init; }

    public ulong Seed { get; init; }

    /// <summary>SFD: number of batches of teacher trajectories that are computed once and used again; 0, as published, for fresh ones always.</summary>
    public int CacheTrajectories { get; init; }

    public string Schedule { get; init; } = "polynomial";

    public double SigmaMin { get; init; } = 0.006;

    public double SigmaMax { get; init; } = 80;

    public double Rho { get; init; } = 7;

    /// <summary>SFD: an ONNX file with a perceptual distance that is added on the last interval (<see cref="PerceptualLoss"/>); none by default.</summary>
    public string? Perceptual { get; init; }

    /// <summary>PD: the last node is 0, not SigmaMin, so that the last step arrives at the denoised image itself, as published.</summary>
    public bool ToZero { get; init; }

    /// <summary>The student's first interval is analytical and costs no evaluation; by default for SFD.</summary>
    public bool? AnalyticalFirstStep { get; init; }

    /// <summary>By default L1 for SFD, L2 for PD.</summary>
    public Distance? Distance { get; init; }

    /// <summary>Of the pseudo-Huber distance.</summary>
    public double Delta { get; init; } = 0.03;

    /// <summary>PD: weight of an error in the denoised image by its noise level.</summary>
    public LossWeighting Weighting { get; init; } = LossWeighting.SnrTruncated;

    /// <summary>Whether the student trains with the network's dropout; by default for SFD.</summary>
    public bool? Dropout { get; init; }

    /// <summary>The student's intervals: evaluations, and the analytical one.</summary>
    [JsonIgnore]
    public int Intervals => Nfe + (AnalyticalFirstStep == true ? 1 : 0);

    /// <summary>The numbers of evaluations that training meets, rising: <see cref="NfeChoices"/>, or Nfe alone.</summary>
    /// <exception cref="UsageException">The choices are no whole numbers.</exception>
    public IReadOnlyList<int> Choices() => NfeChoices is null ? [Nfe] : ParseNfe(NfeChoices);

    /// <summary>As the tables name it.</summary>
    [JsonIgnore]
    public string Title => (Method == DistillMethod.Pd ? "PD" : Method == DistillMethod.BranchDistillation ? "PD, authors' variant" : NfeChoices is not null ? "SFD-v" : FirstStage is not null ? "SFD, second stage" : "SFD")
        + (Branches > 1 ? " + B-DENSE" : "");

    /// <summary>Everything filled in and checked.</summary>
    /// <exception cref="UsageException">A value is out of range, or two do not fit together.</exception>
    public Distill Resolve()
    {
        bool sfd = Method == DistillMethod.Sfd, compat = Method == DistillMethod.BranchDistillation;
        var choices = Choices();
        var first = FirstStage?.Resolve();
        var layout = Layout ?? (sfd ? BranchLayout.Chained : BranchLayout.Parallel);
        string usual = compat ? "uniform" : layout == BranchLayout.Chained ? "quadrature" : "exponential";
        var weights = BranchWeights.Parse(Weights ?? usual);
        if (weights.Projection > 0 && Projection > 0)
            throw new UsageException($"the branch weights '{weights}' say already how often gradients are projected");
        var resolved = this with
        {
            Solver = SolverCatalog.ToFile(Solver),
            Jump = Jump ?? Math.Max(first is not null ? 3 : sfd ? 4 : 2, Branches),
            Nfe = choices.Contains(Nfe) ? Nfe : choices[^1],
            NfeChoices = NfeChoices is null ? null : string.Join(",", choices),
            StepCondition = StepCondition ?? (NfeChoices is not null || first?.StepCondition == true),
            FirstStage = first,
            Schedule = first?.Schedule ?? Schedule,
            SigmaMin = first?.SigmaMin ?? SigmaMin,
            SigmaMax = first?.SigmaMax ?? SigmaMax,
            Rho = first?.Rho ?? Rho,
            Layout = layout,
            Weights = weights.Projection > 0 ? usual : weights.ToString(),
            Projection = weights.Projection > 0 ? weights.Projection : Projection,
            Decay = Decay ?? (sfd ? Training.Runs.Decay.Half : compat ? Training.Runs.Decay.Constant : Training.Runs.Decay.Linear),
            ClipNorm = ClipNorm ?? (sfd || compat ? 0 : 1),
            AnalyticalFirstStep = AnalyticalFirstStep ?? sfd,
            Distance = Distance ?? (sfd ? Kernels.Distance.L1 : Kernels.Distance.L2),
            Dropout = Dropout ?? (sfd || compat),
        };
        resolved.Validate();
        return resolved;
    }

    /// <summary>How a run of these may become longer: nothing in its first updates must have known its end.</summary>
    public RunLength Length()
    {
        var o = Resolve();
        string? known = o.Rounds > 1 ? $"they are shared out among {o.Rounds} rounds"
            : o.Decay != Training.Runs.Decay.Constant ? $"its learning rate falls over all of them (decay {o.Decay.ToString()!.ToLowerInvariant()})"
            : BranchWeights.Parse(o.Weights!).FollowsProgress ? $"its branch weights change over all of them ({o.Weights})" : null;
        return new RunLength(RunFolder.DistillKey, "updates", known is null ? null : $"{known}, so the first ones would have been others; begin a new run, from these weights with --init");
    }

    /// <summary>The student's schedule.</summary>
    public Schedule FindSchedule() => ScheduleCatalog.Find(Schedule, SigmaMin, SigmaMax, Rho);

    /// <summary>PD: steps of the student of round <paramref name="round"/>, from 0; its teacher takes Jump times as many.</summary>
    internal int StepsAfter(int round) => Nfe * (int)Math.Pow(Jump!.Value, Rounds - 1 - round);

    /// <summary>PD: the round that an update belongs to, its place there, and the round's length; the last takes what is left over.</summary>
    internal (int Round, long Within, long Length) PlaceOf(long update)
    {
        long each = Updates / Rounds;
        int round = (int)Math.Min(update / each, Rounds - 1);
        return (round, update - round * each, round == Rounds - 1 ? Updates - round * each : each);
    }

    /// <summary>
    /// PD: rounds from a teacher of <paramref name="steps"/> steps down to <paramref name="nfe"/>, each <paramref name="jump"/> times fewer.
    /// </summary>
    /// <exception cref="UsageException">The numbers do not nest.</exception>
    public static int RoundsFrom(int steps, int nfe, int jump)
    {
        if (steps < 1 || nfe < 1 || jump < 2)
            throw new UsageException($"rounds lead from 2 steps or more to 1 or more, each by 2 or more in one: not from {steps} to {nfe} by {jump}");
        // The last product may be beyond 32 bits.
        long n = nfe;
        int rounds = 0;
        for (; n < steps; n *= jump)
            rounds++;
        return n == steps && rounds > 0 ? rounds
            : throw new UsageException($"{steps} steps do not become {nfe} by rounds that each take {jump} steps in one; {Math.Max(n, (long)nfe * jump)} would");
    }

    /// <summary>A student's grid of <paramref name="nodes"/> nodes over its teacher's.</summary>
    public NestedGrid Grid(int nodes) => NestedGrid.Of(FindSchedule(), nodes, Jump!.Value, ToZero);

    /// <summary>
    /// How the teacher goes, with which solver on which noise levels: for SFD over its own grid for a student of <see cref="Nfe"/>, for PD over the
    /// first round's. Of resolved options of a first stage.
    /// </summary>
    internal SamplerOptions TeacherSampler() => Method == DistillMethod.Sfd
        ? new SamplerOptions { Solver = Solver, Schedule = ScheduleCatalog.Text(Grid(Intervals + 1).Teacher), Threshold = TeacherThreshold }
        : new SamplerOptions { Solver = "euler", Schedule = ScheduleCatalog.Text(PdTraining.Rounds(this)[0].Teacher) };

    /// <summary>Options from a run's configuration, whose names for solvers may be older.</summary>
    internal static Distill FromFile(System.Text.Json.Nodes.JsonNode node, string file)
    {
        var options = RunJson.FromNode<Distill>(node, file, RunFolder.DistillKey);
        return options with { Solver = SolverCatalog.OfFile(options.Solver), FirstStage = options.FirstStage is { } first ? first with { Solver = SolverCatalog.OfFile(first.Solver) } : null };
    }

    /// <summary>Whole numbers with commas between, rising, each once.</summary>
    /// <exception cref="UsageException">They are not.</exception>
    public static IReadOnlyList<int> ParseNfe(string text)
    {
        var numbers = new SortedSet<int>();
        foreach (string part in text.Split(','))
        {
            if (!int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int nfe))
                throw new UsageException($"NFE '{text}': give a whole number, or for sfd-v several with commas between, as 2,3,4,5");
            numbers.Add(nfe);
        }
        return [.. numbers];
    }

    /// <summary>The second stage's teacher must step on the very nodes that the first stage was trained on.</summary>
    private void RequireNested(Distill first)
    {
        int nodes = Intervals * Jump!.Value, extra = first.Intervals - first.Nfe;
        if (first.Method != DistillMethod.Sfd || first.FirstStage is not null)
            throw new UsageException($"the second stage needs a student of SFD's first stage, not one of {first.Title}");
        if (!first.Choices().Contains(nodes - extra))
        {
            throw new UsageException($"the second stage takes {Intervals} intervals of {Jump} steps each, so its teacher must know {nodes} intervals: NFE {nodes - extra}, not {string.Join(", ", first.Choices())}");
        }
    }

    private void Validate()
    {
        Require(Branches is >= 1 and <= Backend.MaxBranches, $"K is 1 to {Backend.MaxBranches}, not {Branches}");
        Require(Jump >= 1 && Jump <= 64, $"a student step takes the place of 1 to 64 teacher steps, not {Jump}");
        Require(Jump % Branches == 0, $"{Branches} branches do not divide a step of {Jump} teacher steps");
        Require(Projection >= 0, $"gradients are projected in every 1st iteration or more seldom, or with 0 never, not {Projection}");
        Require(Perceptual is null || (Projection == 0 && !BranchWeights.Parse(Weights!).IsAligned), "a perceptual loss goes with neither projected gradients nor aligned weights");
        Require(Projection == 0 || (Method != DistillMethod.BranchDistillation && Branches > 1), "gradients are projected between 2 branches or more, and not in the authors' variant of PD");
        Require(!BranchWeights.Parse(Weights!).IsAligned || (Method == DistillMethod.Sfd && Branches > 1), "aligned branch weights are for SFD with 2 branches or more");
        foreach (int nfe in Choices())
            Require(nfe is >= 1 and <= 1024, $"NFE is 1 to 1024, not {nfe}");
        Require(Method == DistillMethod.Sfd || (NfeChoices is null && FirstStage is null && StepCondition != true && !SumElements && Perceptual is null),
            "a choice of NFE, a step condition, a second stage, a perceptual loss and a loss summed over elements belong to SFD, not to PD");
        Require(Method == DistillMethod.Pd || !ToZero, "only PD steps to the noise level 0");
        Require(FirstStage is null || NfeChoices is null, "the second stage has one NFE; give a single one");
        if (FirstStage is { } first)
            RequireNested(first);
        Require(Rounds >= 1 && (Method != DistillMethod.Sfd || Rounds == 1), Method != DistillMethod.Sfd ? $"PD has 1 round or more, not {Rounds}" : "SFD has one round");
        Require(Nfe * Math.Pow(Jump!.Value, Rounds) <= 65536, $"{Rounds} rounds of {Jump} to {Nfe} steps need more than 65536 teacher steps");
        Require(Updates >= Rounds, $"{Updates} updates for {Rounds} rounds");
        Require(Batch >= 1, $"--batch is 1 or more, not {Batch}");
        Require(LearningRate > 0 && double.IsFinite(LearningRate), FormattableString.Invariant($"a learning rate is above 0, not {LearningRate}"));
        Require(Warmup >= 0, $"warm-up is 0 or more updates, not {Warmup}");
        Require(Ema is >= 0 and < 1, FormattableString.Invariant($"an EMA decay lies in [0, 1), not {Ema}"));
        Require(CacheTrajectories >= 0, $"trajectories of 0 batches or more are kept, not {CacheTrajectories}");
        Require(ClipNorm >= 0 && WeightDecay >= 0, "clipping norm and weight decay are 0 or more");
        Require(Delta > 0, FormattableString.Invariant($"the pseudo-Huber distance needs a delta above 0, not {Delta}"));
        Require(Method == DistillMethod.Sfd || AnalyticalFirstStep != true, "PD has no analytical first step");
        if (Method == DistillMethod.BranchDistillation)
        {
            Require(Layout == BranchLayout.Parallel && Weights == "uniform" && Distance == Kernels.Distance.L2,
                "the authors' variant of PD has parallel heads, uniform weights and squared errors");
            Require(Nfe >= 2, $"the authors' variant of PD ends at 2 steps or more, not {Nfe}");
        }
        Require(FindSchedule().SigmaMin > 0, "a student's noise levels end above 0; the schedule's end there");
        SolverCatalog.Find(Solver);
        Require(TeacherThreshold is null || (Method == DistillMethod.Sfd && FirstStage is null), "the teacher is thresholded in SFD's first stage alone");
        Require(TeacherThreshold is null or (> 0 and <= 1), FormattableString.Invariant($"the teacher's threshold is a quantile in (0, 1], not {TeacherThreshold}"));
        var weights = BranchWeights.Parse(Weights!).At([.. Enumerable.Range(0, Branches + 1).Select(i => Math.Pow(0.5, i))], 0);
        Require(weights.All(double.IsFinite), $"the branch weights '{Weights}' are too large for any number");

        static void Require(bool condition, string message)
        {
            if (!condition)
                throw new UsageException(message);
        }
    }
}
