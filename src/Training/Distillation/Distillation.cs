using BDense.Kernels;
using BDense.Model;

namespace BDense.Training;

/// <summary>What both methods share, and the way in.</summary>
public static class Distillation
{
    /// <summary>The student before its first update: the teacher's weights, its last convolution tiled K times. The caller disposes it.</summary>
    public static UNet NewStudent(UNet teacher, Distill options) => BranchHead.Widen(teacher, options.Branches);

    /// <summary>The training of a student; the student, the teacher and the data stay the caller's.</summary>
    /// <param name="student">From <see cref="NewStudent"/>.</param>
    /// <param name="teacher">One branch.</param>
    /// <param name="data">PD needs it, SFD does not.</param>
    /// <param name="options">How.</param>
    public static ITraining Create(UNet student, UNet teacher, Dataset? data, Distill options)
    {
        if (teacher.Config.Branches != 1)
            throw new BDenseException($"a teacher has one branch, this network {teacher.Config.Branches}; fold its heads first");
        return options.Method switch
        {
            DistillMethod.Sfd => new SfdTraining(student, teacher, options),
            DistillMethod.Pd => new PdTraining(student, teacher,
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

    internal static Optimizer NewOptimizer(UNet student, Distill o) => new(student.Parameters, new OptimizerOptions
    {
        WeightDecay = o.WeightDecay,
        ClipNorm = o.ClipNorm!.Value,
        EmaDecay = o.Ema,
    }.With(student.Execution));

    internal static bool UsesDropout(UNet student, Distill o) => o.Dropout!.Value && student.Config.Dropout > 0;

    /// <summary>sigma_max times normal noise, [N,H,W,C]; the caller disposes it.</summary>
    internal static Tensor Latents(UNet network, Distill o, long draw)
    {
        var c = network.Config;
        var x = network.Backend.Empty(new Shape(o.Batch, c.Resolution, c.Resolution, c.ImageChannels));
        network.Backend.RandomNormal(RandomStreams.ForLatents(o.Seed, draw), x);
        network.Backend.Scale(x, (float)o.SigmaMax, x);
        return x;
    }
}
