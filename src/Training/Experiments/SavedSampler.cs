using BDense.Kernels;

namespace BDense.Training;

/// <summary>A sampler from a path, as one evaluates it: a student as it was distilled, anything else as a teacher with a solver.</summary>
/// <param name="Student">The student, or none.</param>
/// <param name="Network">Owned.</param>
/// <param name="Sampler">From noise at <paramref name="Sigma"/> to images.</param>
/// <param name="Evaluations">NFE.</param>
/// <param name="Sigma">The first noise level.</param>
/// <param name="Title">For tables: the method, or the solver.</param>
public sealed record SavedSampler(Student? Student, Model.UNet Network, Sampler Sampler, int Evaluations, double Sigma, string Title) : IDisposable
{
    /// <summary>EDM's own sampler: Heun, 18 steps, NFE 35.</summary>
    public const string DefaultSolver = "heun";

    public const int DefaultSteps = 18;

    /// <param name="backend">Where to.</param>
    /// <param name="path">A run folder, a checkpoint folder or a .safetensors file.</param>
    /// <param name="solver">For a teacher. Heun's method goes from 80 to 0.002 and on to 0, as EDM samples (Karras et al. 2022, algorithm 1);
    /// every other solver from 80 to 0.006, as SFD's teacher does.</param>
    /// <param name="steps">For a teacher: steps of the solver.</param>
    /// <param name="nfe">For a student of SFD-v: one of its numbers of evaluations.</param>
    /// <param name="fitted">For a student: with its fitted steps.</param>
    /// <param name="schedule">For a teacher: a fitted schedule, with its own solver and steps where <paramref name="solver"/> and <paramref name="steps"/> are none.</param>
    /// <exception cref="BDenseException">Nothing there that can be sampled.</exception>
    public static SavedSampler Load(Backend backend, string path, string? solver = null, int? steps = null, int? nfe = null, bool fitted = false, ScheduleFile? schedule = null)
    {
        if (Student.IsStudent(path))
        {
            if (schedule is not null)
                throw new UsageException($"a schedule is for a teacher; {path} is a student and samples as it was distilled");
            var student = Student.Load(backend, path, nfe, fitted: fitted);
            return new SavedSampler(student, student.Network, (x, labels) => student.Sample(x, labels), student.Evaluations, student.StartSigma, Student.OptionsOf(path).Title + (fitted ? ", fitted" : ""));
        }
        var (method, grid) = schedule?.Sampler(solver, steps) ?? Usual(solver ?? DefaultSolver, steps ?? DefaultSteps);
        var network = TrainedNetwork.Load(backend, path);
        if (network.Config.Branches > 1)
        {
            int branches = network.Config.Branches;
            network.Dispose();
            throw new BDenseException($"{path} has {branches} branches; give its run folder, which knows their noise levels");
        }
        return new SavedSampler(null, network, Sampling.With(network, method.Run, grid), method.Evaluations(grid.Length - 1, grid[^1] == 0), grid[0], $"teacher, {method.Name}{(schedule is null ? "" : $", {schedule.Kind} schedule")}");
    }

    private static (Solver Solver, double[] Grid) Usual(string solver, int steps)
    {
        var method = Solvers.Find(solver);
        return (method, method.Name == DefaultSolver ? Schedules.Polynomial(0.002, 80).Grid(steps, toZero: true) : Schedules.Polynomial(0.006, 80).Grid(steps + 1));
    }

    public void Dispose() => Network.Dispose();
}
