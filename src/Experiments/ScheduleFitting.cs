using System.Globalization;
using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Training.Metrics;
using BDense.Training.Samplers;
using BDense.Training.Schedules;
using BDense.Training.Solvers;

namespace BDense.Experiments;

/// <summary>How a schedule is fitted.</summary>
public sealed record ScheduleFittingOptions
{
    /// <summary><see cref="ScheduleFile.Gits"/> or <see cref="ScheduleFile.AmedFixed"/>.</summary>
    public string Kind { get; init; } = ScheduleFile.Gits;

    /// <summary>Of the schedule.</summary>
    public int Steps { get; init; } = 6;

    /// <summary>What a GITS schedule is meant for and measured with.</summary>
    public string Solver { get; init; } = Gits.TeacherSolver;

    /// <summary>GITS: the teacher's solver.</summary>
    public string TeacherSolver { get; init; } = Gits.TeacherSolver;

    /// <summary>GITS: nodes of the teacher's grid.</summary>
    public int Nodes { get; init; } = Gits.Nodes;

    /// <summary>GITS: gamma.</summary>
    public double Memory { get; init; } = Gits.Memory;

    /// <summary>Of the teacher's grid, and of the schedule that the fitted one is held to.</summary>
    public string Schedule { get; init; } = "polynomial";

    public double SigmaMin { get; init; } = 0.006;

    public double SigmaMax { get; init; } = 80;

    /// <summary>Noises to fit over, and as many others to measure with.</summary>
    public int Noises { get; init; } = 256;

    public int Batch { get; init; } = 64;

    public ulong Seed { get; init; } = 1;

    /// <summary>Steps of DPM-Solver++(3M) that stand for the exact solution.</summary>
    public int FineSteps { get; init; } = 40;
}

/// <summary>
/// A fitted schedule, and what it is good for: root mean square distances to the fine trajectory over noises that the fit has not seen.
/// </summary>
/// <param name="File">The schedule.</param>
/// <param name="Evaluations">NFE with it.</param>
/// <param name="Plain">On the plain schedule: the same solver with as many steps; for AMED's steps DPM-Solver-2.</param>
/// <param name="Fitted">With the fitted one.</param>
public sealed record ScheduleFit(ScheduleFile File, int Evaluations, double Plain, double Fitted);

/// <summary>Fits a schedule to a teacher.</summary>
public static class ScheduleFitting
{
    private const ulong Stream = 0x617;

    /// <summary>GITS keeps the teacher's state at each, and a square table of costs.</summary>
    public const int MaxNodes = 4096;

    /// <exception cref="UsageException">An unknown kind, solver or schedule, or numbers out of range.</exception>
    public static ScheduleFit Fit(INetwork teacher, ScheduleFittingOptions o, CancellationToken cancellation = default,
        Action<int>? onPass = null)
    {
        if (o.Kind is not (ScheduleFile.Gits or ScheduleFile.AmedFixed))
            throw new UsageException(
                $"there is no '{o.Kind}' to fit{Suggestion.OrAll(o.Kind, [ScheduleFile.Gits, ScheduleFile.AmedFixed])}");
        if (teacher.Config.Branches > 1)
            throw new UsageException($"a schedule is fitted to a teacher, which has one branch, not {teacher.Config.Branches}");
        if (o.Nodes is < 2 or > MaxNodes)
            throw new UsageException($"a schedule is chosen among 2 to {MaxNodes} nodes, not {o.Nodes}");
        Sampling.RequireOneArray(teacher, o.Noises);
        var schedule = ScheduleCatalog.Find(o.Schedule, o.SigmaMin, o.SigmaMax);
        double[] plain = schedule.Grid(o.Steps + 1);
        var (noises, labels) = Sampling.Batches(teacher, o.Noises, o.Batch, o.Seed ^ Stream, plain[0]);
        ScheduleFile file;
        int passes = 0, total = Passes(o);
        try
        {
            var denoiser = new Denoiser(teacher);
            (Denoise, Tensor)[] batches = [.. noises.Select((x, n) => ((Denoise)((state, sigma) =>
            {
                onPass?.Invoke(Math.Min(++passes, total));
                return denoiser.Denoise(state, sigma, new ForwardOptions(Labels: labels[n]));
            }), x))];
            file = o.Kind == ScheduleFile.Gits ? FitNodes(o, schedule, batches, cancellation)
                : FitSteps(o, schedule, plain, batches, cancellation);
        }
        finally
        {
            foreach (var tensor in noises.Concat(labels.OfType<Tensor>()))
                tensor.Dispose();
        }
        var fitted = SamplerBuilder.Build(teacher, file, cancellation);
        float[] fine = Images(new SamplerOptions { Solver = "dpmpp3m", Steps = o.FineSteps, SigmaMin = plain[^1], SigmaMax = plain[0] });
        float[] onPlain = Images(new SamplerOptions
        {
            Solver = o.Kind == ScheduleFile.Gits ? file.Solver : "dpm2",
            Schedule = ScheduleCatalog.Text(plain),
        });
        return new ScheduleFit(file, fitted.Evaluations, Distance(onPlain), Distance(ImagesOf(fitted)));

        float[] Images(SamplerOptions options) => ImagesOf(SamplerBuilder.Build(teacher, options, cancellation));

        float[] ImagesOf(TeacherSampler sampler) =>
            Sampling.Generate(teacher, sampler.Run, ImageDraws.Of(o.Seed), o.Noises, o.Batch, sampler.Sigma,
            _ => onPass?.Invoke(passes = Math.Min(passes + sampler.Evaluations, total)), cancellation);

        double Distance(float[] images) => EndpointError.Between(images, fine, images.Length).Rmse[0];
    }

    /// <summary>
    /// Network passes of a batch that <see cref="Fit"/> takes: exactly for gits; amed-fixed's search takes that many or some fewer.
    /// </summary>
    public static int Passes(ScheduleFittingOptions o)
    {
        int batches = (o.Noises + o.Batch - 1) / o.Batch;
        bool gits = o.Kind == ScheduleFile.Gits;
        int fit = gits ? SolverCatalog.Find(o.TeacherSolver).Evaluations(o.Nodes - 1)
            : (1 + AmedFit.Trials) * o.Steps + FineStepsAStep(o) * o.Steps;
        int each = gits ? SolverCatalog.Find(o.Solver).Evaluations(o.Steps) : 2 * o.Steps;
        return batches * (fit + o.FineSteps + 2 * each);
    }

    private static int FineStepsAStep(ScheduleFittingOptions o) => Math.Max(1, (o.FineSteps + o.Steps - 1) / o.Steps);

    private static ScheduleFile FitNodes(ScheduleFittingOptions o, Schedule schedule, (Denoise, Tensor)[] batches,
        CancellationToken cancellation)
    {
        string solver = SolverCatalog.Find(o.Solver).Name, teacher = SolverCatalog.Find(o.TeacherSolver).Name;
        double[] sigmas = Gits.Fit(batches, SolverCatalog.Find(teacher), schedule.Grid(o.Nodes), o.Steps, o.Memory, cancellation);
        return new ScheduleFile(ScheduleFile.Gits, solver, sigmas,
            Source: string.Create(CultureInfo.InvariantCulture,
                $"{o.Noises} noises of seed {o.Seed}; teacher {teacher} on {o.Nodes} {schedule.Name} nodes; memory coefficient "
                    + $"{o.Memory}"));
    }

    /// <summary>The teacher's states at the nodes are those of the fine trajectory, with as many steps in each interval.</summary>
    private static ScheduleFile FitSteps(ScheduleFittingOptions o, Schedule schedule, double[] grid, (Denoise Denoise, Tensor X)[] batches,
        CancellationToken cancellation)
    {
        int each = FineStepsAStep(o);
        double[] fine = [.. NestedGrid.Of(schedule, grid.Length, each).Teacher];
        var targets = new List<float[][]>();
        foreach (var (denoise, x) in batches)
        {
            var states = new List<float[]>();
            using var end = SolverCatalog.Find("dpmpp3m").Run(denoise, x, fine, new SolverOptions
            {
                Cancellation = cancellation,
                OnStep = s =>
                {
                    if (s.Index % each == 0)
                        states.Add(s.State.ToArray());
                },
            });
            targets.Add([.. states]);
        }
        var (ratios, scales) = AmedFit.Fit(batches, grid, targets, cancellation);
        return new ScheduleFile(ScheduleFile.AmedFixed, ScheduleFile.AmedFixed, grid, ratios, scales,
            FormattableString.Invariant($"{o.Noises} noises of seed {o.Seed}; teacher dpmpp3m on {fine.Length} {schedule.Name} nodes"));
    }
}
