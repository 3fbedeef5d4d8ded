using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Training.Data;
using BDense.Training.Runs;
using BDense.Training.Schedules;

namespace BDense.Training.Distillation;

/// <summary>What both methods share, and the way in.</summary>
public static class DistillationMethods
{
    /// <summary>
    /// The student before its first update: the teacher's weights, its last convolution tiled K times, and fresh layers for the step
    /// condition where it wants one that the teacher has not. The second stage begins as the first one's student. The caller disposes it.
    /// </summary>
    /// <exception cref="BDenseException">The second stage asks for another number of heads than the first stage's K, which is above 1.</exception>
    public static INetwork NewStudent(INetwork teacher, Distill options)
    {
        var o = options.Resolve();
        if (o.FirstStage is null || teacher.Config.Branches == 1)
            return BranchHead.Widen(teacher, o.Branches, o.StepCondition!.Value ? o.Seed : null);
        return teacher.Config.Branches == o.Branches ? teacher.Clone()
            : throw new BDenseException($"the first stage's student has {teacher.Config.Branches} branches; the second stage has as many, not {o.Branches}");
    }

    /// <summary>The student before its first update with the weights of another network: one of its own heads, or of one branch, whose head is tiled.</summary>
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
        var student = start.Config.Branches == config.Branches ? start.Clone() : BranchHead.Widen(start, config.Branches, o.StepCondition!.Value ? o.Seed : null);
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
    /// <param name="teacher">One branch; for the second stage the first one's student, with its heads.</param>
    /// <param name="data">PD needs it, SFD does not.</param>
    /// <param name="options">How.</param>
    public static ITraining Create(INetwork student, INetwork teacher, Dataset? data, Distill options)
    {
        if (teacher.Config.Branches != 1 && options.FirstStage is null)
            throw new BDenseException($"a teacher has one branch, this network {teacher.Config.Branches}; fold its heads first");
        return options.Method switch
        {
            DistillMethod.Sfd => new SfdTraining(student, teacher, options),
            DistillMethod.Pd => new PdTraining(student, teacher,
                data ?? throw new UsageException("progressive distillation noises data: give a dataset"), options),
            DistillMethod.BranchDistillation => new BranchDistillationTraining(student, teacher,
                data ?? throw new UsageException("progressive distillation noises data: give a dataset"), options),
            _ => throw new UsageException($"unknown method {options.Method}"),
        };
    }

    /// <summary>The name as the command line has it: <c>pd</c>, <c>sfd</c>.</summary>
    /// <exception cref="UsageException">There is no such method.</exception>
    public static DistillMethod FindMethod(string name) => name.ToLowerInvariant() switch
    {
        "pd" => DistillMethod.Pd,
        "sfd" => DistillMethod.Sfd,
        _ => throw new UsageException($"there is no method '{name}'; there are pd, sfd"),
    };

    internal static Optimizer NewOptimizer(INetwork student, Distill o) => new(student.Parameters, new OptimizerOptions
    {
        WeightDecay = o.WeightDecay,
        ClipNorm = o.ClipNorm!.Value,
        EmaDecay = o.Ema,
    }.With(student.Execution));

    internal static bool UsesDropout(INetwork student, Distill o) => o.Dropout!.Value && student.Config.Dropout > 0;

    /// <summary>[N] times the number of the student's nodes, where the network is told of it: SFD's step condition. The caller disposes it.</summary>
    internal static Tensor? StepCondition(INetwork student, Distill o, NestedGrid grid, int samples) =>
        o.StepCondition == true ? StepCondition(student.Backend, grid, samples) : null;

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
