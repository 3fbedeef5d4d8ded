using BDense.Kernels;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.Pd;
using BDense.Training.Distillation.Methods.Sfd;

namespace BDense.Experiments;

/// <summary>One way to use the branches, as <see cref="BranchStudy"/> compares them.</summary>
/// <param name="Name">In tables and folder names.</param>
/// <param name="What">For people.</param>
/// <param name="Baseline">Name of the variant it is held to; its own for a baseline.</param>
/// <param name="Change">What it changes in the study's options.</param>
public sealed record StudyVariant(string Name, string What, string Baseline, Func<SfdOptions, Distill> Change)
{
    private const int K = 4;

    /// <summary>The weights that the authors' search on CIFAR-10 found, for branches 1 to 4.</summary>
    public const string Searched = "fixed:0.016817,0.057543,0.196896,0.673724";

    public static IReadOnlyList<StudyVariant> All { get; } =
    [
        new("plain", "SFD without branches", "plain", o => o with { Branches = 1 }),
        Chained("endpoint", "four heads, the endpoint's loss alone", "endpoint"),
        Chained("uniform", "equal weights", "uniform"),
        Chained("searched", "the authors' searched weights", Searched),
        Chained("ramp", "equal to endpoint alone, over all of training", "ramp"),
        Chained("quadrature", "fold coefficients", "quadrature"),
        Chained("learned", "Laplace likelihood", "learned"),
        Chained("annealed", "quadrature to endpoint alone, over the first half", "annealed"),
        Chained("ramp-half", "equal to endpoint alone, over the first half", "ramp:0.5"),
        Chained("aligned", "learned from gradients, anchored at the endpoint", "aligned"),
        Chained("projected", "quadrature, gradients projected in every 4th iteration", "quadrature", 4),
        Chained("projected-always", "quadrature, gradients projected in every iteration", "quadrature", 1),
        Chained("projected-uniform", "equal weights, gradients projected in every iteration", "uniform", 1),
        new("parallel", "parallel heads, exponential weights", "plain", o => o with
        {
            Branches = K,
            Layout = BranchLayout.Parallel,
            Weights = "exponential",
        }),
        new("parallel-annealed", "parallel heads, quadrature to endpoint alone, over the first half", "plain",
            o => o with { Branches = K, Layout = BranchLayout.Parallel, Weights = "annealed" }),
        Pd("pd-jump", "PD, one jump of four steps, without branches", o => o with { Branches = 1, Jump = K }),
        Pd("pd-halvings", "PD, two halvings, without branches", o => o with { Branches = 1, Jump = 2, Rounds = 2 }),
        Pd("pd-uniform", "PD, parallel heads, equal weights", o => o with { Branches = K, Weights = "uniform" }),
        Pd("pd-parallel", "PD, parallel heads, exponential weights", o => o with { Branches = K, Weights = "exponential" }),
        Pd("pd-chained", "PD, chained heads, quadrature", o => o with
        {
            Branches = K,
            Layout = BranchLayout.Chained,
            Weights = "quadrature",
        }),
        Pd("pd-annealed", "PD, chained heads, quadrature to endpoint alone, over the first half", o => o with
        {
            Branches = K,
            Layout = BranchLayout.Chained,
            Weights = "annealed",
        }),
    ];

    public bool IsBaseline => Name == Baseline;

    /// <summary>The distillation, resolved.</summary>
    public Distill Of(SfdOptions options, ulong seed) => (Change(options) with { Seed = seed }).Resolve();

    /// <summary>
    /// Forward and backward passes an update, on average; the time of an update is nearly in proportion, the teacher's trajectories apart.
    /// A projected update takes two, one in which gradients are measured K.
    /// </summary>
    public static double Passes(Distill o) => 1 + (o.Projection > 0 ? 1.0 / o.Projection : 0)
        + (BranchWeights.Parse(o.Weights!).IsAligned ? (o.Branches - 1.0) / AlignedWeights.Every : 0);

    /// <summary>Variants by their names, <c>all</c>, <c>sfd</c> or <c>pd</c>, with the baselines that they need.</summary>
    /// <exception cref="UsageException">There is none of a name; the message lists those there are.</exception>
    public static IReadOnlyList<StudyVariant> Parse(string names)
    {
        var wanted = new HashSet<string>();
        foreach (string name in names.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var found = All.Where(v => name == "all" || v.Name == name || (name == "pd" && IsPd(v)) || (name == "sfd" && !IsPd(v)))
                .ToList();
            if (found.Count == 0)
                throw new UsageException(
                    $"there is no variant '{name}'{Suggestion.OrAll(name, ["all", "sfd", "pd", .. All.Select(v => v.Name)])}");
            wanted.UnionWith(found.SelectMany(v => new[] { v.Name, v.Baseline }));
        }
        return wanted.Count > 0 ? [.. All.Where(v => wanted.Contains(v.Name))] : throw new UsageException("--variants names none");

        static bool IsPd(StudyVariant v) => v.Baseline == "pd-jump";
    }

    private static StudyVariant Chained(string name, string what, string weights, int projection = 0) =>
        new(name, what, "plain", o => o with { Branches = K, Weights = weights, Projection = projection });

    private static StudyVariant Pd(string name, string what, Func<PdOptions, Distill> change) =>
        new(name, what, "pd-jump", o => change(new PdOptions(o) { Jump = K }));
}
