using BDense.Training.Runs;
using BDense.Training.Samplers;
using BDense.Training.Schedules;

namespace BDense.Training.Distillation.Methods.Pd;

/// <summary>Options of <see cref="PdMethod"/>.</summary>
public sealed record PdOptions : RoundsDistill
{
    /// <summary>As where nothing is asked for.</summary>
    public PdOptions()
    {
    }

    /// <summary>With what the methods share as it is for another.</summary>
    public PdOptions(Distill shared)
        : base(shared)
    {
    }

    /// <summary>The last node is 0, not SigmaMin, so that the last step arrives at the denoised image itself, as published.</summary>
    public bool ToZero { get; init; }

    /// <summary>Weight of an error in the denoised image by its noise level.</summary>
    public LossWeighting Weighting { get; init; } = LossWeighting.SnrTruncated;

    /// <inheritdoc/>
    public override IDistillationMethod Method => PdMethod.Instance;

    /// <inheritdoc/>
    public override string Title => "PD" + (Branches > 1 ? " + B-DENSE" : "");

    /// <inheritdoc/>
    public override NestedGrid Grid(int nodes) => NestedGrid.Of(FindSchedule(), nodes, Jump!.Value, ToZero);

    /// <summary>Each round's student grid over its teacher's: Nfe * Jump^r steps, the last round Nfe.</summary>
    public IReadOnlyList<NestedGrid> RoundGrids()
    {
        var grids = new NestedGrid[Rounds];
        for (int round = 0; round < Rounds; round++)
            grids[round] = Grid(StepsAfter(round) + 1);
        // A round's teacher is the student of the round before, so it steps on that one's very nodes.
        for (int round = 1; round < Rounds; round++)
            grids[round] = NestedGrid.Of([.. grids[round].Student], [.. grids[round - 1].Student], Jump!.Value, Schedule);
        return grids;
    }

    /// <summary>DDIM (Euler) over the first round's grid.</summary>
    public override SamplerOptions TeacherSampler() => new() { Solver = "euler", Schedule = ScheduleCatalog.Text(RoundGrids()[0].Teacher) };

    /// <inheritdoc/>
    public override PdOptions Resolve()
    {
        var o = (PdOptions)Filled(new MethodDefaults(2, BranchLayout.Parallel, Runs.Decay.Linear, 1, Kernels.Distance.L2, Dropout: false));
        o.ValidateShared();
        o.ValidateRounds();
        Require(!BranchWeights.Parse(o.Weights!).IsAligned, "aligned branch weights are for SFD with 2 branches or more");
        return o;
    }
}
