using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Training.Runs;
using BDense.Training.Solvers;

namespace BDense.Training.Schedules;

/// <summary>A schedule that was fitted to a teacher, as a JSON file: noise levels, and for AMED's steps two numbers each.</summary>
/// <param name="Kind"><c>gits</c> or <c>amed-fixed</c>.</param>
/// <param name="Solver">What it is meant for: a solver's name, or <c>amed-fixed</c>.</param>
/// <param name="Sigmas">Falling noise levels; the last may be 0.</param>
/// <param name="Ratios">r of each step; of <c>amed-fixed</c> alone.</param>
/// <param name="Scales">c of each step; of <c>amed-fixed</c> alone.</param>
/// <param name="Source">How it was fitted, for people.</param>
public sealed record ScheduleFile(string Kind, string Solver, double[] Sigmas, double[]? Ratios = null, double[]? Scales = null,
    string? Source = null)
{
    /// <summary>The kind of noise levels that were fitted alone (Chen et al. 2024).</summary>
    public const string Gits = "gits";

    /// <summary>The kind with a ratio and a scale a step (Zhou et al. 2024, AMED, without its network).</summary>
    public const string AmedFixed = "amed-fixed";

    /// <exception cref="BDenseException">No such file, or none that holds together.</exception>
    public static ScheduleFile Read(string path)
    {
        var file = RunJson.FromNode<ScheduleFile>(RunJson.Read(path), path);
        if (file.Kind is not (Gits or AmedFixed) || file.Sigmas is null || file.Solver is null)
            throw new BDenseException(
                $"{path} is no fitted schedule: its kind is '{file.Kind}', not {Gits} or {AmedFixed}, or it has no sigmas or no solver");
        try
        {
            ScheduleCatalog.Given(file.Sigmas);
            file = file with { Solver = SolverCatalog.OfFile(file.Solver) };
        }
        catch (BDenseException e)
        {
            throw new BDenseException($"{path}: {e.Message}", e);
        }
        int steps = file.Sigmas.Length - 1;
        if (file.Kind == AmedFixed
            && (file.Ratios?.Length != steps || file.Scales?.Length != steps || file.Ratios.Any(r => r is not (> 0 and < 1))
                || !file.Scales.All(double.IsFinite)))
            throw new BDenseException($"{path}: {AmedFixed} has a ratio between 0 and 1 and a scale for each of its {steps} steps");
        return file;
    }

    /// <summary>Whether a text given for a schedule names a file, not a formula.</summary>
    public static bool IsFile(string schedule) =>
        !ScheduleCatalog.Names.Contains(schedule)
            && (schedule.EndsWith(".json", StringComparison.OrdinalIgnoreCase) || File.Exists(schedule));

    /// <summary>Writes the file, whole or not at all.</summary>
    /// <exception cref="BDenseException">The path cannot be written.</exception>
    public void Write(string path) => AtomicFile.WriteText(path, RunJson.ToText(RunJson.ToNode(this)) + "\n");

    /// <summary>Solver and nodes to sample with.</summary>
    /// <param name="solver">One that was asked for, or none for the file's own.</param>
    /// <param name="steps">As many as were asked for, or none for the file's own; another number follows the curve through its
    /// nodes.</param>
    /// <exception cref="UsageException">AMED's numbers with another solver or number of steps.</exception>
    public (Solver Solver, double[] Grid) Sampler(string? solver, int? steps)
    {
        int own = Sigmas.Length - 1;
        if (Kind != AmedFixed)
            return (SolverCatalog.Find(solver ?? Solver),
                steps is null || steps == own ? Sigmas : ScheduleCatalog.Given(Sigmas).Grid(steps.Value + 1));
        if (solver is not (null or AmedFixed))
            throw new UsageException(
                $"the schedule was fitted together with the numbers of {AmedFixed}; it is for no other solver, nor for {solver}");
        if (steps is not null && steps != own)
            throw new UsageException($"the numbers of {AmedFixed} are fitted to {own} steps, not {steps}");
        return (new Solver(AmedFixed, 2, 2, "Zhou et al. 2024 (AMED), without its predictor: r and c fixed a step",
            SolverCatalog.AmedFixed(Ratios!, Scales!)), Sigmas);
    }
}
