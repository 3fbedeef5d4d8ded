using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Model.Networks;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.Sfd;
using BDense.Training.Runs;
using BDense.Training.Schedules;

namespace BDense.Training.Samplers;

/// <summary>
/// A sampler from a path, for whoever shows its images and whoever measures them: a student as it was distilled, anything else as a teacher
/// with a solver.
/// </summary>
/// <param name="Path">Where it is from.</param>
/// <param name="Student">The student, or none.</param>
/// <param name="Network">Owned.</param>
/// <param name="Sampler">From noise at <paramref name="Sigma"/> to images.</param>
/// <param name="Evaluations">NFE.</param>
/// <param name="Sigma">The first noise level.</param>
/// <param name="Title">For tables: the method, or the solver.</param>
/// <param name="Options">All of them, filled in: what makes the same sampler of the same path again.</param>
/// <param name="Grid">The noise levels; of a student those of its branch states.</param>
public sealed record SavedSampler(string Path, Student? Student, INetwork Network, Sampler Sampler, int Evaluations, double Sigma,
    string Title, SamplerOptions Options, double[] Grid) : IDisposable
{
    /// <summary>Whether a path is that of a student: a distillation's run folder, or an export that says how to sample it.</summary>
    public static bool IsStudent(string path) => Training.Distillation.Student.IsStudent(path) || StudentFile.Find(path) is not null;

    /// <summary>Whether each option that is asked for is for one of several paths.</summary>
    /// <exception cref="UsageException">One is for none of them.</exception>
    public static void RequireUse(IReadOnlyList<string> paths, SamplerOptions options)
    {
        bool[] students = [.. paths.Select(IsStudent)];
        foreach (bool isStudent in new[] { true, false })
        {
            // A file of several heads is known for a student's only when it is read.
            if (students.All(s => s == isStudent) && (isStudent || options.Nfe is null) && options.ForOther(isStudent) is { } name)
                throw new UsageException($"{name} is for a {(isStudent ? "teacher" : "student")}, and none of the models is one");
        }
    }

    /// <param name="backend">Where to.</param>
    /// <param name="path">A run folder, a checkpoint folder, an export or a .safetensors file.</param>
    /// <param name="options">Of a teacher or of a student, whichever it is.</param>
    /// <param name="several">One of several paths under the same options: those that are not for it are left out. Else they are
    /// refused.</param>
    /// <param name="cancellation">Looked at between steps.</param>
    /// <exception cref="UsageException">The options do not fit the path or each other.</exception>
    /// <exception cref="BDenseException">Nothing there that can be sampled.</exception>
    public static SavedSampler Load(Backend backend, string path, SamplerOptions options, bool several = false,
        CancellationToken cancellation = default)
    {
        if (options.Thresholding() is not null && options.Fitted || options is { Fitted: true, Folded: true })
            throw new UsageException("--fitted steps are over all heads as they are; give it without --folded, --threshold and --clip");
        if (IsStudent(path))
            return OfStudent(backend, path, Own(options, ofStudent: true), cancellation);
        // What can be refused is, before the network is read; with an NFE it may turn out to have several heads.
        if (options.Nfe is null)
            Own(options, ofStudent: false).Resolve();
        var network = TrainedNetwork.Load(backend, path);
        try
        {
            if (network.Config.Branches > 1)
                return OfHeads(network, path, Own(options, ofStudent: true), cancellation);
            var sampler = SamplerBuilder.Build(network, Own(options, ofStudent: false), cancellation);
            string on = sampler.Options.Schedule!;
            return new SavedSampler(path, null, network, sampler.Run, sampler.Evaluations, sampler.Sigma,
                $"teacher, {sampler.Options.Solver}{(ScheduleFile.IsFile(on) ? $", {ScheduleFile.Read(on).Kind} schedule" : "")}",
                sampler.Options, sampler.Grid);
        }
        catch
        {
            network.Dispose();
            throw;
        }

        SamplerOptions Own(SamplerOptions given, bool ofStudent)
        {
            if (!several && given.ForOther(ofStudent) is { } name)
                throw new UsageException(ofStudent ? $"{name} is for a teacher; {path} is a student and samples as it was distilled"
                    : $"{name} is for a student; {path} is not one");
            return given.Without(ofTeacher: ofStudent);
        }
    }

    /// <summary>
    /// A digest of all that the images depend on besides what <see cref="Options"/> say: weights, and files that are named.
    /// </summary>
    public string Identity()
    {
        // The path says where a model is, not what it is: trained anew in place it is another one.
        string identity = $"model {TrainedNetwork.Fingerprint(Path, Network.Config)}";
        if (Training.Distillation.Student.IsStudent(Path))
            identity += $", run {RunFolder.Existing(Path).Identity}"
                + $"{(Options.Fitted ? $", fitted {StepFitting.Fingerprint(Student!, Path)}" : "")}";
        else if (StudentFile.Find(Path) is { } file)
            identity += $", student {FileDigests.Compute(file)}";
        else if (Student is null && ScheduleFile.IsFile(Options.Schedule!))
            identity += $", schedule {FileDigests.Compute(Options.Schedule!)}";
        return identity;
    }

    private static SavedSampler OfStudent(Backend backend, string path, SamplerOptions options, CancellationToken cancellation)
    {
        if (Training.Distillation.Student.IsStudent(path))
        {
            if (options.Layout is not null)
                throw new UsageException($"--layout is for a file that does not say it; {path} does");
            var distill = Training.Distillation.Student.OptionsOf(path);
            var student = Training.Distillation.Student.Load(backend, path, options.Nfe, options.Thresholding(), options.Fitted);
            return Of(path, student, options with { Nfe = options.Nfe ?? distill.Nfe }, distill.Title, cancellation);
        }
        string file = StudentFile.Find(path)!;
        var described = StudentFile.Read(file);
        if (options.Fitted)
            throw new UsageException($"--fitted steps are kept in a run's folder; {path} is none");
        var network = TrainedNetwork.Load(backend, path);
        try
        {
            var student = described.Student(network, file, options.Layout, options.Thresholding());
            if (options.Nfe is { } nfe && nfe != student.Evaluations)
                throw new UsageException($"--nfe {nfe}: {file} is of a student of NFE {student.Evaluations}");
            return Of(path, student, options with { Nfe = student.Evaluations },
                $"student, {network.Config.Branches} head{(network.Config.Branches == 1 ? "" : "s")}", cancellation);
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Several heads and no word about them: the B-DENSE authors' own networks come so. They are sampled on SFD's published grid.
    /// </summary>
    private static SavedSampler OfHeads(INetwork network, string path, SamplerOptions options, CancellationToken cancellation)
    {
        int k = network.Config.Branches;
        if (options.Nfe is not { } nfe)
            throw new UsageException(
                $"{path} has {k} heads and no {StudentFile.Name} that says on which noise levels; give its run folder, or --nfe N for "
                    + $"SFD's own levels (80 to 0.006, {k} steps an interval, the first analytical)");
        if (options.Fitted)
            throw new UsageException($"--fitted steps are kept in a run's folder; {path} is none");
        var layout = options.Layout ?? BranchLayout.Chained;
        var student = Training.Distillation.Student.Of(network, new SfdOptions
        {
            Branches = k,
            Jump = k,
            Nfe = nfe,
            Layout = layout,
            Weights = "uniform",
        }, threshold: options.Thresholding());
        return Of(path, student, options with { Layout = layout }, $"student, {k} heads", cancellation);
    }

    private static SavedSampler Of(string path, Student student, SamplerOptions options, string title, CancellationToken cancellation)
    {
        bool fold = options.Folded;
        var resolved = options with
        {
            Threshold = student.Threshold?.Quantile ?? 0,
            ThresholdFloor = student.Threshold is { Quantile: > 0 } how ? how.Floor : null,
        };
        return new SavedSampler(path, student, student.Network,
            (x, labels, fresh) => fold ? student.SampleFolded(x, labels, cancellation, fresh)
                : student.Sample(x, labels, cancellation: cancellation, fresh: fresh),
            student.Evaluations, student.StartSigma, title + (options.Fitted ? ", fitted" : ""), resolved, [.. student.Grid.Teacher]);
    }

    /// <summary>Frees the network.</summary>
    public void Dispose() => Network.Dispose();
}
