using System.Text.Json.Serialization;
using BDense.Kernels;

namespace BDense.Training;

/// <summary>The family of distillation.</summary>
public enum DistillMethod
{
    /// <summary>Progressive distillation (Salimans and Ho 2022): from noised data, in rounds.</summary>
    Pd,

    /// <summary>Simple and fast distillation (Zhou et al. 2024): along the teacher's trajectories from pure noise.</summary>
    Sfd,
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

    /// <summary>Teacher steps in one student step. By default 4 for SFD (M = 3 nodes inserted) and 2 for PD, and K where K is larger.</summary>
    public int? Jump { get; init; }

    /// <summary>By default chained for SFD, parallel for PD.</summary>
    public BranchLayout? Layout { get; init; }

    /// <summary>As <see cref="BranchWeights.Parse"/> takes them; by default quadrature for chained heads, exponential for parallel ones.</summary>
    public string? Weights { get; init; }

    /// <summary>The student's network evaluations, 1 or more.</summary>
    public int Nfe { get; init; } = 2;

    /// <summary>PD: rounds, each with <see cref="Jump"/> times fewer steps; the teacher of the first takes Nfe * Jump^Rounds steps.</summary>
    public int Rounds { get; init; } = 1;

    /// <summary>SFD: the teacher's solver. PD's is DDIM.</summary>
    public string Solver { get; init; } = "dpmpp3m";

    /// <summary>Optimizer updates, all rounds together. An SFD iteration makes Nfe of them.</summary>
    public long Updates { get; init; } = 400;

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

    /// <summary>As the tables name it.</summary>
    [JsonIgnore]
    public string Title => (Method == DistillMethod.Sfd ? "SFD" : "PD") + (Branches > 1 ? " + B-DENSE" : "");

    /// <summary>Everything filled in and checked.</summary>
    /// <exception cref="UsageException">A value is out of range, or two do not fit together.</exception>
    public Distill Resolve()
    {
        bool sfd = Method == DistillMethod.Sfd;
        var layout = Layout ?? (sfd ? BranchLayout.Chained : BranchLayout.Parallel);
        var resolved = this with
        {
            Jump = Jump ?? Math.Max(sfd ? 4 : 2, Branches),
            Layout = layout,
            Weights = BranchWeights.Parse(Weights ?? (layout == BranchLayout.Chained ? "quadrature" : "exponential")).ToString(),
            Decay = Decay ?? (sfd ? Training.Decay.Half : Training.Decay.Linear),
            ClipNorm = ClipNorm ?? (sfd ? 0 : 1),
            AnalyticalFirstStep = AnalyticalFirstStep ?? sfd,
            Distance = Distance ?? (sfd ? Kernels.Distance.L1 : Kernels.Distance.L2),
            Dropout = Dropout ?? sfd,
        };
        resolved.Validate();
        return resolved;
    }

    /// <summary>The student's schedule.</summary>
    public Schedule FindSchedule() => Schedules.Find(Schedule, SigmaMin, SigmaMax, Rho);

    private void Validate()
    {
        Require(Branches is >= 1 and <= Backend.MaxBranches, $"K is 1 to {Backend.MaxBranches}, not {Branches}");
        Require(Jump >= 1 && Jump <= 64, $"a student step takes the place of 1 to 64 teacher steps, not {Jump}");
        Require(Jump % Branches == 0, $"{Branches} branches do not divide a step of {Jump} teacher steps");
        Require(Nfe is >= 1 and <= 1024, $"NFE is 1 to 1024, not {Nfe}");
        Require(Rounds >= 1 && (Method == DistillMethod.Pd || Rounds == 1), Method == DistillMethod.Pd ? $"PD has 1 round or more, not {Rounds}" : "SFD has one round");
        Require(Nfe * Math.Pow(Jump!.Value, Rounds) <= 65536, $"{Rounds} rounds of {Jump} to {Nfe} steps need more than 65536 teacher steps");
        Require(Updates >= Rounds, $"{Updates} updates for {Rounds} rounds");
        Require(Batch >= 1, $"--batch is 1 or more, not {Batch}");
        Require(LearningRate > 0 && double.IsFinite(LearningRate), FormattableString.Invariant($"a learning rate is above 0, not {LearningRate}"));
        Require(Warmup >= 0, $"warm-up is 0 or more updates, not {Warmup}");
        Require(Ema is >= 0 and < 1, FormattableString.Invariant($"an EMA decay lies in [0, 1), not {Ema}"));
        Require(CacheTrajectories >= 0, $"trajectories of 0 batches or more are kept, not {CacheTrajectories}");
        Require(ClipNorm >= 0 && WeightDecay >= 0, "clipping norm and weight decay are 0 or more");
        Require(Delta > 0, FormattableString.Invariant($"the pseudo-Huber distance needs a delta above 0, not {Delta}"));
        Require(!(Method == DistillMethod.Pd && AnalyticalFirstStep == true), "PD has no analytical first step");
        FindSchedule();
        Solvers.Find(Solver);
        _ = BranchWeights.Parse(Weights!).At([.. Enumerable.Range(0, Branches + 1).Select(i => Math.Pow(0.5, i))], 0);

        static void Require(bool condition, string message)
        {
            if (!condition)
                throw new UsageException(message);
        }
    }
}
