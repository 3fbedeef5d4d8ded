using BDense.Training.Samplers;
using BDense.Training.Schedules;

namespace BDense.Training.Distillation.Methods.Ect;

/// <summary>Options of <see cref="EctMethod"/>; the published ones are the defaults, but for size and length of the run.</summary>
public sealed record EctOptions : Distill
{
    /// <summary>ln t ~ N(PMean, PStd^2).</summary>
    public double PMean { get; init; } = -1.1;

    /// <summary>Above 0.</summary>
    public double PStd { get; init; } = 2;

    /// <summary>q: in each stage t and r are q times nearer to each other, as <see cref="ConsistencyPairs"/> has it; above 1.</summary>
    public double Q { get; init; } = 2;

    /// <summary>Stages of equal length, 1 or more.</summary>
    public int Stages { get; init; } = 8;

    /// <summary>k of n(t) = 1 + k sigmoid(-b t).</summary>
    public double K { get; init; } = 8;

    /// <summary>b of it.</summary>
    public double B { get; init; } = 1;

    /// <summary>
    /// c of the pseudo-Huber distance sqrt(|x|^2 + c^2) - c over a whole image; 0, the published code's, for the plain norm |x|.
    /// Song and Dhariwal 2023 take 0.00054 sqrt(E) for E elements an image.
    /// </summary>
    public double Huber { get; init; }

    /// <summary>Mirrors half of the images.</summary>
    public bool Flip { get; init; }

    /// <summary>The noise level between two evaluations at sampling.</summary>
    public double MidSigma { get; init; } = 0.821;

    /// <inheritdoc/>
    public override IDistillationMethod Method => EctMethod.Instance;

    /// <inheritdoc/>
    public override string Title => "ECT";

    /// <summary>One network samples with one evaluation or with two.</summary>
    public override IReadOnlyList<int> Choices() => [1, 2];

    /// <summary>No teacher is followed; the target is another pass of the student, forward alone.</summary>
    public override double FollowedSteps => Updates;

    /// <inheritdoc/>
    protected override string? KnowsItsEnd => Stages > 1 ? $"they are shared out among {Stages} stages" : null;

    /// <summary>sigma_max, the noise level between for two evaluations, 0.</summary>
    public override NestedGrid Grid(int nodes)
    {
        double[] levels = nodes == 2 ? [SigmaMax, 0] : [SigmaMax, MidSigma, 0];
        return NestedGrid.Of(levels, levels, 1);
    }

    /// <summary>The teacher as EDM samples: Heun's method in 18 steps. No grid is distilled from.</summary>
    public override SamplerOptions Yardstick() => SamplerPresets.Find("edm").Options;

    /// <inheritdoc/>
    public override EctOptions Resolve()
    {
        var own = new MethodDefaults(1, BranchLayout.Parallel, Runs.Decay.Constant, 0, Kernels.Distance.PseudoHuber, Dropout: true);
        var o = (EctOptions)Filled(own);
        Require(o.Branches == 1,
            $"easy consistency tuning trains one head (--branches 1), not {o.Branches}: it has no states between for others");
        Require(o.Nfe is 1 or 2, $"a student of easy consistency tuning makes 1 evaluation or 2, not {o.Nfe}");
        o.ValidateShared();
        Require(o.PStd > 0 && double.IsFinite(o.PStd) && double.IsFinite(o.PMean),
            FormattableString.Invariant($"ln t has a mean and a deviation above 0, not {o.PMean} and {o.PStd}"));
        Require(o.Q > 1 && double.IsFinite(o.Q), FormattableString.Invariant($"--q is above 1, not {o.Q}"));
        Require(o.Stages >= 1 && o.Stages <= o.Updates, $"{o.Updates} updates for {o.Stages} stages");
        Require(o.K >= 0 && double.IsFinite(o.K) && double.IsFinite(o.B),
            FormattableString.Invariant($"k is 0 or more and b a number, not {o.K} and {o.B}"));
        Require(o.Huber >= 0 && double.IsFinite(o.Huber), FormattableString.Invariant($"--huber is 0 or more, not {o.Huber}"));
        Require(o.MidSigma > 0 && o.MidSigma < o.SigmaMax,
            FormattableString.Invariant($"the noise level between two evaluations lies between 0 and {o.SigmaMax}, not at {o.MidSigma}"));
        return o;
    }
}
