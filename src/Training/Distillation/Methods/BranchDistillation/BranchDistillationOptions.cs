using BDense.Training.Samplers;

namespace BDense.Training.Distillation.Methods.BranchDistillation;

/// <summary>Options of <see cref="BranchDistillationMethod"/>.</summary>
public sealed record BranchDistillationOptions : RoundsDistill
{
    /// <inheritdoc/>
    public override IDistillationMethod Method => BranchDistillationMethod.Instance;

    /// <inheritdoc/>
    public override string Title => "PD, authors' variant" + (Branches > 1 ? " + B-DENSE" : "");

    /// <summary>The teacher on the sampler's steps; its grid is rebuilt in every round, so that there is no one grid to follow.</summary>
    public override SamplerOptions Yardstick() =>
        new() { Solver = "euler", Steps = LinearBetaDdim.SampleSteps, Schedule = "discrete", SigmaMin = 0.006, SigmaMax = 80 };

    /// <inheritdoc/>
    public override BranchDistillationOptions Resolve()
    {
        var o = (BranchDistillationOptions)Filled(
            new MethodDefaults(2, BranchLayout.Parallel, Runs.Decay.Constant, 0, Kernels.Distance.L2, Dropout: true, Weights: "uniform"));
        o.ValidateShared();
        o.ValidateRounds();
        Require(o.Projection == 0, "gradients are projected between 2 branches or more, and not in the authors' variant of PD");
        Require(o.Layout == BranchLayout.Parallel && o.Weights == "uniform" && o.Distance == Kernels.Distance.L2,
            "the authors' variant of PD has parallel heads, uniform weights and squared errors");
        Require(o.Nfe >= 2, $"the authors' variant of PD ends at 2 steps or more, not {o.Nfe}");
        return o;
    }
}
