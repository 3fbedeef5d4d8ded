using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Training.Data;
using BDense.Training.Runs;
using BDense.Training.Schedules;

namespace BDense.Training.Distillation;

/// <summary>The methods, the way in to each, and what several of them need.</summary>
public static class DistillationMethods
{
    /// <summary>Every method: a line each.</summary>
    public static IReadOnlyList<IDistillationMethod> All { get; } =
    [
        Methods.Sfd.SfdMethod.Instance,
        Methods.Pd.PdMethod.Instance,
        Methods.BranchDistillation.BranchDistillationMethod.Instance,
        Methods.Ect.EctMethod.Instance,
    ];

    /// <summary>The method of one of its names, as the command line has it: <c>sfd</c>, <c>sfd-v</c>, <c>pd</c>.</summary>
    /// <exception cref="UsageException">There is no such method; the message lists those there are.</exception>
    public static IDistillationMethod Find(string name) => All.FirstOrDefault(m => m.Names.Contains(name.ToLowerInvariant()))
        ?? throw new UsageException($"there is no method '{name}'{Suggestion.OrAll(name, All.SelectMany(m => m.Names))}");

    /// <summary>
    /// The student before its first update: the teacher's weights, its last convolution tiled K times, and what the method adds. The caller
    /// disposes it.
    /// </summary>
    /// <exception cref="BDenseException">The teacher is not one that the method takes.</exception>
    public static INetwork NewStudent(INetwork teacher, Distill options)
    {
        var o = options.Resolve();
        return o.Method.NewStudent(teacher, o);
    }

    /// <summary>
    /// The student before its first update with the weights of another network: one of its own heads, or of one branch, whose head is
    /// tiled.
    /// </summary>
    /// <param name="teacher">As above.</param>
    /// <param name="options">As above.</param>
    /// <param name="start">Whose weights it takes; stays the caller's.</param>
    /// <exception cref="BDenseException">It is built otherwise than the student.</exception>
    public static INetwork NewStudent(INetwork teacher, Distill options, INetwork start)
    {
        var o = options.Resolve();
        NetworkConfig config;
        using (var usual = NewStudent(teacher, o))
            config = usual.Config;
        var student = start.Config.Branches == config.Branches ? start.Clone()
            : BranchHead.Widen(start, config.Branches, config.StepCondition ? o.Seed : null);
        try
        {
            TrainedNetwork.RequireSame(student.Config, config);
            student.Execution = teacher.Execution;
            return student;
        }
        catch
        {
            student.Dispose();
            throw;
        }
    }

    /// <summary>The training of a student; the student, the teacher and the data stay the caller's.</summary>
    /// <param name="student">From <see cref="NewStudent(INetwork, Distill)"/>.</param>
    /// <param name="teacher">One branch; for a second stage the first one's student, with its heads.</param>
    /// <param name="data">For a method that needs it; or none.</param>
    /// <param name="options">How.</param>
    /// <param name="shared">The teacher's states that students of one seed, batch, solver and grid share; or none.</param>
    /// <exception cref="UsageException">The method needs data, and there are none.</exception>
    public static ITraining Create(INetwork student, INetwork teacher, Dataset? data, Distill options, TrajectoryCache? shared = null)
    {
        if (teacher.Config.Branches != 1 && ReferenceEquals(options.Origin, options))
            throw new BDenseException($"a teacher has one branch, this network {teacher.Config.Branches}; fold its heads first");
        if (options.Method.NeedsData && data is null)
            throw new UsageException($"{options.Title} noises data: give a dataset");
        return options.Method.CreateTraining(student, teacher, data, options, shared);
    }

    internal static Optimizer NewOptimizer(INetwork student, Distill o) => new(student.Parameters, new OptimizerOptions
    {
        WeightDecay = o.WeightDecay,
        ClipNorm = o.ClipNorm!.Value,
        EmaDecay = o.Ema,
    }.With(student.Execution));

    internal static bool UsesDropout(INetwork student, Distill o) => o.Dropout!.Value && student.Config.Dropout > 0;

    /// <summary>
    /// [N] times the number of the student's nodes, for a network that is told of it: SFD's step condition. The caller disposes it.
    /// </summary>
    internal static Tensor StepCondition(Backend backend, NestedGrid grid, int samples)
    {
        var step = backend.Empty(new Shape(samples));
        backend.Fill(step, grid.Student.Count);
        return step;
    }

    /// <summary>sigma_max times normal noise, [N,H,W,C]; the caller disposes it.</summary>
    internal static Tensor Latents(INetwork network, Distill o, long draw)
    {
        var c = network.Config;
        var x = network.Backend.Empty(new Shape(o.Batch, c.Resolution, c.Resolution, c.ImageChannels));
        network.Backend.RandomNormal(RandomStreams.ForLatents(o.Seed, draw), x);
        // The schedule's own end: a discrete one need not meet SigmaMax.
        network.Backend.Scale(x, (float)o.FindSchedule().SigmaMax, x);
        return x;
    }
}
