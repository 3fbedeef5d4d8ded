using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Training.Schedules;
using BDense.Training.Solvers;

namespace BDense.Training.Samplers;

/// <summary>A teacher's sampler, built.</summary>
/// <param name="Options">All of them, resolved: what makes the same sampler again.</param>
/// <param name="Run">From noise at <c>Grid[0]</c> to images.</param>
/// <param name="Grid">The noise levels.</param>
/// <param name="Evaluations">NFE.</param>
public sealed record TeacherSampler(SamplerOptions Options, Sampler Run, double[] Grid, int Evaluations)
{
    /// <summary>The first noise level.</summary>
    public double Sigma => Grid[0];
}

/// <summary>The one place where a solver, a schedule and a network become a sampler: for every verb, experiment and training.</summary>
public static class SamplerBuilder
{
    /// <param name="network">One branch; stays the caller's.</param>
    /// <param name="options">Of a teacher.</param>
    /// <param name="cancellation">Looked at between steps.</param>
    /// <param name="onStep">Shown every step.</param>
    /// <exception cref="UsageException">The options do not fit together.</exception>
    public static TeacherSampler Build(INetwork network, SamplerOptions options, CancellationToken cancellation = default,
        Action<SolverStep>? onStep = null)
    {
        var (resolved, solver, grid) = options.OfTeacher();
        return On(network, resolved, solver, grid, cancellation, onStep);
    }

    /// <summary>With a schedule that was fitted and is in no file yet.</summary>
    internal static TeacherSampler Build(INetwork network, ScheduleFile schedule, CancellationToken cancellation = default)
    {
        var (solver, grid) = schedule.Sampler(null, null);
        return On(network, new SamplerOptions().WithSolver(solver), solver, grid, cancellation, null);
    }

    private static TeacherSampler On(INetwork network, SamplerOptions resolved, Solver solver, double[] grid,
        CancellationToken cancellation, Action<SolverStep>? onStep)
    {
        var thresholding = resolved.Thresholding();
        var denoiser = new Denoiser(network);
        Tensor Run(Tensor x, Tensor? labels, FreshNoise fresh)
        {
            Denoise denoise = (state, sigma) => denoiser.Denoise(state, sigma, new ForwardOptions(Labels: labels));
            return solver.Run(thresholding?.Of(denoise) ?? denoise, x, grid, OptionsOf(resolved) with
            {
                Churn = resolved.Churn > 0
                    ? new Churn(resolved.Churn.Value, resolved.ChurnMin!.Value, resolved.ChurnMax ?? double.PositiveInfinity,
                        resolved.ChurnNoise!.Value)
                    { Fresh = fresh } : null,
                OnStep = onStep,
                Cancellation = cancellation,
            });
        }
        return new TeacherSampler(resolved, Run, grid,
            solver.Evaluations(grid.Length - 1, grid[^1] == 0, resolved.AnalyticalFirstStep!.Value));
    }

    private static SolverOptions OptionsOf(SamplerOptions resolved) => new()
    {
        AnalyticalFirstStep = resolved.AnalyticalFirstStep!.Value,
        LowerOrderFinal = resolved.LowerOrderFinal ?? true,
        Order = resolved.Order ?? 0,
    };
}
