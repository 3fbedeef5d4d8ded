using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using BDense.Kernels;
using BDense.Training.Runs;
using BDense.Training.Schedules;

namespace BDense.Training.Distillation;

/// <summary>
/// What determines a distillation, and with a teacher and, where it is asked for, data, its bits: here what the methods share; each has
/// a record of its own with what it alone knows (<see cref="DistillationMethods.All"/>). With one branch it is the baseline; with several
/// it is B-DENSE. What is left out takes the method's own value (<see cref="Resolve"/>).
/// </summary>
public abstract record Distill
{
    /// <summary>Whose options these are.</summary>
    [JsonIgnore]
    public abstract IDistillationMethod Method { get; }

    /// <summary>As the tables name it.</summary>
    [JsonIgnore]
    public abstract string Title { get; }

    /// <summary>K: heads, 1 to 8. Divides <see cref="Jump"/>.</summary>
    public int Branches { get; init; } = 1;

    /// <summary>Teacher steps in one student step, 1 to 64; by default the method's, and K where K is larger.</summary>
    public int? Jump { get; init; }

    /// <summary>By default chained for SFD, parallel for PD.</summary>
    public BranchLayout? Layout { get; init; }

    /// <summary>
    /// As <see cref="BranchWeights.Parse"/> takes them; by default quadrature for chained heads, exponential for parallel ones.
    /// </summary>
    public string? Weights { get; init; }

    /// <summary>
    /// In every so many-th iteration the other branches' gradient is projected off the endpoint's where they conflict
    /// (<see cref="BranchGradients.Project"/>, twice the cost of a plain iteration); 0 for never. The weights <c>projected:n</c> ask for it
    /// too.
    /// </summary>
    public int Projection { get; init; }

    /// <summary>
    /// The student's network evaluations, 1 or more. Of several that it is distilled for (<see cref="Choices"/>) those that are sampled
    /// with unless others are asked for.
    /// </summary>
    public int Nfe { get; init; } = 2;

    /// <summary>Optimizer updates, all rounds together.</summary>
    public long Updates { get; init; } = 400;

    /// <summary>Images an update.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>Of Adam, at its largest; above 0.</summary>
    public double LearningRate { get; init; } = 3e-4;

    /// <summary>By default the method's.</summary>
    public Decay? Decay { get; init; }

    /// <summary>Updates until the learning rate is at its largest.</summary>
    public long Warmup { get; init; }

    /// <summary>Of AdamW, decoupled; 0 for none.</summary>
    public double WeightDecay { get; init; }

    /// <summary>Of the gradient's norm; 0 for none, by default the method's.</summary>
    public double? ClipNorm { get; init; }

    /// <summary>Decay of the student's moving average; 0 for none.</summary>
    public double Ema { get; init; }

    /// <summary>Of everything that is drawn.</summary>
    public ulong Seed { get; init; }

    /// <summary>Of the noise levels: a name of <see cref="ScheduleCatalog"/>, or numbers.</summary>
    public string Schedule { get; init; } = "polynomial";

    /// <summary>Lowest noise level, above 0.</summary>
    public double SigmaMin { get; init; } = 0.006;

    /// <summary>Highest noise level.</summary>
    public double SigmaMax { get; init; } = 80;

    /// <summary>Of the polynomial schedule.</summary>
    public double Rho { get; init; } = 7;

    /// <summary>By default the method's.</summary>
    public Distance? Distance { get; init; }

    /// <summary>Of the pseudo-Huber distance.</summary>
    public double Delta { get; init; } = 0.03;

    /// <summary>Whether the student trains with the network's dropout; by default the method's.</summary>
    public bool? Dropout { get; init; }

    /// <summary>The student's intervals: one an evaluation, and an analytical one where there is one.</summary>
    [JsonIgnore]
    public virtual int Intervals => Nfe;

    /// <summary>Optimizer updates that an iteration makes, on average.</summary>
    [JsonIgnore]
    public virtual double UpdatesPerStep => 1;

    /// <summary>Steps of the trained network, from which all began, in one interval of the student. Of resolved options.</summary>
    [JsonIgnore]
    public virtual int TeacherSteps => Jump!.Value;

    /// <summary>The distillation that began from the trained network: of a second stage the first.</summary>
    [JsonIgnore]
    public virtual Distill Origin => this;

    /// <summary>The numbers of evaluations that the student can be sampled with, rising.</summary>
    /// <exception cref="UsageException">They are no whole numbers.</exception>
    public virtual IReadOnlyList<int> Choices() => [Nfe];

    /// <summary>With the NFE as the command line has it: one number, or where the method takes them several with commas between.</summary>
    /// <exception cref="UsageException">Not a number, or several.</exception>
    public virtual Distill WithNfe(string text) => ParseNfe(text) is [var one] ? this with { Nfe = one }
        : throw new UsageException($"--nfe {text}: several at once are for --method sfd-v");

    /// <summary>The same without what takes files or memory of the host: as the device's memory is measured with.</summary>
    public virtual Distill ForDryRun() => this;

    /// <summary>Updates in so many of the method's published iterations; of a method in rounds, iterations a round.</summary>
    public virtual long UpdatesOf(long iterations) => iterations;

    /// <summary>Host bytes that the training keeps besides the device's, for images of this size.</summary>
    public virtual long KeptBytes(int imageLength) => 0;

    /// <summary>Teacher steps that the training takes for so many updates of <see cref="Batch"/> images, an estimate.</summary>
    public virtual double FollowedSteps => Jump!.Value * (double)Updates;

    /// <summary>Everything filled in and checked.</summary>
    /// <exception cref="UsageException">A value is out of range, or two do not fit together.</exception>
    public abstract Distill Resolve();

    /// <summary>
    /// What in the method itself changes over all the updates, so that a run cannot become longer; none if nothing does. Of resolved
    /// options.
    /// </summary>
    protected virtual string? KnowsItsEnd => null;

    /// <summary>How a run of these may become longer: nothing in its first updates must have known its end.</summary>
    public RunLength Length()
    {
        var o = Resolve();
        string? known = o.KnowsItsEnd
            ?? (o.Decay != Runs.Decay.Constant
                ? $"its learning rate falls over all of them (decay {o.Decay.ToString()!.ToLowerInvariant()})"
                : BranchWeights.Parse(o.Weights!).FollowsProgress ? $"its branch weights change over all of them ({o.Weights})" : null);
        return new RunLength(RunFolder.DistillKey, "updates",
            known is null ? null : $"{known}, so the first ones would have been others; begin a new run, from these weights with --init");
    }

    /// <summary>The student's schedule.</summary>
    public Schedule FindSchedule() => ScheduleCatalog.Find(Schedule, SigmaMin, SigmaMax, Rho);

    /// <summary>A student's grid of <paramref name="nodes"/> nodes over its teacher's.</summary>
    public virtual NestedGrid Grid(int nodes) => NestedGrid.Of(FindSchedule(), nodes, Jump!.Value);

    /// <summary>
    /// How the trained network goes for a student of <see cref="Nfe"/> evaluations, with which solver on which noise levels, the student's
    /// among them: the one grid that training follows, that evaluations compare with and that steps are fitted to. None for a method
    /// without one. Of resolved options.
    /// </summary>
    public virtual Samplers.SamplerOptions? TeacherSampler() => null;

    /// <summary>
    /// What a student is held to: the trained network on the student's grid; where there is none, as the method says. Of resolved options.
    /// </summary>
    public virtual Samplers.SamplerOptions Yardstick() => TeacherSampler()!;

    /// <summary>As a configuration has them; what follows from the fields may not be known yet.</summary>
    public sealed override string ToString() => RunJson.ToLine(this);

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

    /// <summary>Options from a run's configuration, whose names for solvers may be older.</summary>
    internal static Distill FromFile(JsonNode node, string file) => DistillJson.Read(node, file).OfFile();

    /// <summary>As this version names things that older files name otherwise.</summary>
    protected virtual Distill OfFile() => this;

    /// <summary>What methods leave open, by their defaults.</summary>
    protected Distill Filled(MethodDefaults of)
    {
        var layout = Layout ?? of.Layout;
        string usual = of.Weights ?? (layout == BranchLayout.Chained ? "quadrature" : "exponential");
        var weights = BranchWeights.Parse(Weights ?? usual);
        if (weights.Projection > 0 && Projection > 0)
            throw new UsageException($"the branch weights '{weights}' say already how often gradients are projected");
        return this with
        {
            Jump = Jump ?? Math.Max(of.Jump, Branches),
            Layout = layout,
            Weights = weights.Projection > 0 ? usual : weights.ToString(),
            Projection = weights.Projection > 0 ? weights.Projection : Projection,
            Decay = Decay ?? of.Decay,
            ClipNorm = ClipNorm ?? of.ClipNorm,
            Distance = Distance ?? of.Distance,
            Dropout = Dropout ?? of.Dropout,
        };
    }

    /// <summary>The ranges of what the methods share; of resolved options.</summary>
    protected void ValidateShared()
    {
        var weights = BranchWeights.Parse(Weights!);
        Require(Branches is >= 1 and <= Backend.MaxBranches, $"K is 1 to {Backend.MaxBranches}, not {Branches}");
        Require(Jump >= 1 && Jump <= 64, $"a student step takes the place of 1 to 64 teacher steps, not {Jump}");
        Require(Jump % Branches == 0, $"{Branches} branches do not divide a step of {Jump} teacher steps");
        Require(Projection >= 0, $"gradients are projected in every 1st iteration or more seldom, or with 0 never, not {Projection}");
        Require(Projection == 0 || Branches > 1, "gradients are projected between 2 branches or more");
        foreach (int nfe in Choices())
            Require(nfe is >= 1 and <= 1024, $"NFE is 1 to 1024, not {nfe}");
        Require(Updates >= 1, $"1 update or more, not {Updates}");
        Require(Batch >= 1, $"--batch is 1 or more, not {Batch}");
        Require(LearningRate > 0 && double.IsFinite(LearningRate),
            FormattableString.Invariant($"a learning rate is above 0, not {LearningRate}"));
        Require(Warmup >= 0, $"warm-up is 0 or more updates, not {Warmup}");
        Require(Ema is >= 0 and < 1, FormattableString.Invariant($"an EMA decay lies in [0, 1), not {Ema}"));
        Require(ClipNorm >= 0 && WeightDecay >= 0, "clipping norm and weight decay are 0 or more");
        Require(Delta > 0, FormattableString.Invariant($"the pseudo-Huber distance needs a delta above 0, not {Delta}"));
        Require(FindSchedule().SigmaMin > 0, "a student's noise levels end above 0; the schedule's end there");
        Require(weights.At([.. Enumerable.Range(0, Branches + 1).Select(i => Math.Pow(0.5, i))], 0).All(double.IsFinite),
            $"the branch weights '{Weights}' are too large for any number");
    }

    /// <exception cref="UsageException">The condition does not hold.</exception>
    protected static void Require(bool condition, string message)
    {
        if (!condition)
            throw new UsageException(message);
    }

    /// <summary>A method's own values for what its options leave open.</summary>
    /// <param name="Jump">Teacher steps in one student step.</param>
    /// <param name="Layout">How states follow from heads.</param>
    /// <param name="Decay">How the learning rate falls.</param>
    /// <param name="ClipNorm">Of the gradient; 0 for none.</param>
    /// <param name="Distance">Between a branch state and its target.</param>
    /// <param name="Dropout">Whether the student trains with dropout.</param>
    /// <param name="Weights">Branch weights; by default the layout's.</param>
    protected sealed record MethodDefaults(int Jump, BranchLayout Layout, Decay Decay, double ClipNorm, Distance Distance, bool Dropout,
        string? Weights = null);
}
