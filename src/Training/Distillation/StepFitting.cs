using System.Globalization;
using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Model.Networks;
using BDense.Training.Runs;
using BDense.Training.Samplers;
using BDense.Training.Schedules;
using BDense.Training.Solvers;

namespace BDense.Training.Distillation;

/// <summary>How coefficients are fitted.</summary>
public sealed record FittingOptions
{
    /// <summary>Noises to fit over; neither training nor an evaluation of the same seed sees them.</summary>
    public int Noises { get; init; } = 256;

    /// <summary>Images of a pass.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>Of the noises.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Whether the last target is the end of the teacher's fine trajectory instead of its endpoint on its own grid.</summary>
    public bool Fine { get; init; } = true;

    /// <summary>Steps of DPM-Solver++(3M) of the fine trajectory.</summary>
    public int FineSteps { get; init; } = 40;

    /// <summary>Whether the heads of the interval before are used.</summary>
    public bool History { get; init; } = true;
}

/// <summary>What a fit gave.</summary>
/// <param name="Steps">The coefficients.</param>
/// <param name="Before">Root mean square distance of the student's endpoints to the last target over the noises of the fit, as
/// distilled.</param>
/// <param name="After">The same with the coefficients.</param>
public sealed record StepFit(FittedSteps Steps, double Before, double After);

/// <summary>
/// Fits <see cref="FittedSteps"/> to students of one teacher, and keeps them beside the checkpoint whose weights they belong to.
/// </summary>
public sealed class StepFitting
{
    private const ulong Stream = 0xF17;

    private readonly INetwork _teacher;
    private readonly CancellationToken _cancellation;
    private readonly Dictionary<string, IReadOnlyList<float[][]>> _targets = [];

    /// <param name="teacher">One branch; stays the caller's. Of the second stage the first one's teacher.</param>
    /// <param name="cancellation">Looked at between steps.</param>
    public StepFitting(INetwork teacher, CancellationToken cancellation = default) => (_teacher, _cancellation) = (teacher, cancellation);

    /// <summary>Coefficients of a student against the teacher's states at the ends of its intervals.</summary>
    /// <param name="student">Stays as it is.</param>
    /// <param name="distill">How it was distilled, with the NFE that the student has.</param>
    /// <param name="options">How.</param>
    /// <param name="onPass">Told how many of <see cref="Passes"/> are done.</param>
    /// <exception cref="UsageException">A student that samples in its own way (<see cref="RequireGrid"/>).</exception>
    public StepFit Fit(Student student, Distill distill, FittingOptions options, Action<int>? onPass = null)
    {
        var o = distill.Resolve();
        RequireGrid(o);
        if (options.Noises < 1 || options.Batch < 1 || options.FineSteps < 1)
            throw new UsageException(
                $"a fit takes 1 noise, batch and fine step or more, not {options.Noises}, {options.Batch} and {options.FineSteps}");
        var (noises, labels) = Sampling.Batches(_teacher, options.Noises, options.Batch, options.Seed ^ Stream, student.StartSigma);
        try
        {
            int passes = 0, total = Passes(student, o, options);
            var targets = Targets(o, student, noises, labels, options, () => onPass?.Invoke(Math.Min(++passes, total)));
            // Those that were kept took none.
            passes = TargetPasses(student, o, options) * noises.Count;
            var steps = FittedSteps.Fit(student, noises, targets, options.History, labels);
            onPass?.Invoke(passes += student.Evaluations * noises.Count);
            double before = 0, after = 0;
            for (int n = 0; n < noises.Count; n++)
            {
                using Tensor own = student.Sample(noises[n], labels[n], cancellation: _cancellation),
                    fitted = steps.Sample(noises[n], labels[n], cancellation: _cancellation);
                before += Squares(own.ToArray(), targets[n][^1]);
                after += Squares(fitted.ToArray(), targets[n][^1]);
                onPass?.Invoke(passes += 2 * student.Evaluations);
            }
            long values = noises.Sum(x => (long)x.Length);
            return new StepFit(steps, Math.Sqrt(before / values), Math.Sqrt(after / values));
        }
        finally
        {
            foreach (var x in noises.Concat(labels.OfType<Tensor>()))
                x.Dispose();
        }
    }

    /// <summary>
    /// Steps of a batch that <see cref="Fit"/> takes: the teacher's own, its fine ones, and the student's in the fit and with and without
    /// it.
    /// </summary>
    public static int Passes(Student student, Distill distill, FittingOptions options) =>
        (TargetPasses(student, distill.Resolve(),
            options) + 3 * student.Evaluations) * ((options.Noises + options.Batch - 1) / options.Batch);

    private static int TargetPasses(Student student, Distill o, FittingOptions options) =>
        student.Grid.Intervals * o.TeacherSteps + (options.Fine ? options.FineSteps : 0);

    /// <summary>Whether there is something to fit to: the teacher's states on the student's grid.</summary>
    /// <param name="distill">How the student was distilled.</param>
    /// <exception cref="UsageException">It samples in its own way.</exception>
    public static void RequireGrid(Distill distill)
    {
        if (distill.Resolve().TeacherSampler() is null)
            throw new UsageException($"{distill.Title} samples in its own way; nothing is fitted to it");
    }

    /// <summary>Keeps coefficients in the folder of the run's newest checkpoint, one file for each NFE.</summary>
    /// <returns>The file.</returns>
    public static string Write(string run, Student student, StepFit fit, FittingOptions options)
    {
        string file = FileOf(run, student);
        AtomicFile.WriteText(file,
            RunJson.ToText(
                RunJson.ToNode(new Saved([.. student.Grid.Teacher], student.Grid.Branches, student.Layout, options, fit.Before, fit.After,
                    fit.Steps.Coefficients, ModelOf(student, run)))) + "\n");
        return file;
    }

    /// <summary>What <see cref="Write"/> wrote for the checkpoint that the run has now.</summary>
    /// <exception cref="BDenseException">Nothing was, or for another grid.</exception>
    public static FittedSteps Read(Student student, string run)
    {
        string file = FileOf(run, student);
        if (!File.Exists(file))
            throw new BDenseException(
                $"no coefficients are fitted to the newest checkpoint of {run} at NFE {student.Evaluations}; 'bdense fit --model "
                    + $"{run}' does it");
        var saved = RunJson.FromNode<Saved>(RunJson.Read(file), file);
        if (saved.Branches != student.Grid.Branches || saved.Layout != student.Layout || !saved.Sigmas.SequenceEqual(student.Grid.Teacher))
            throw new BDenseException($"{file} is of a student on another grid");
        if (saved.Model is not null && saved.Model != ModelOf(student, run))
            throw new BDenseException($"{file} is fitted to another student than the one beside it; 'bdense fit --model {run}' fits anew");
        try
        {
            return FittedSteps.Of(student, saved.Coefficients);
        }
        catch (BDenseException e)
        {
            throw new BDenseException($"{file}: {e.Message}", e);
        }
    }

    /// <summary>SHA-256 of what <see cref="Read"/> reads.</summary>
    public static string Fingerprint(Student student, string run) => FileDigests.Compute(FileOf(run, student));

    private static string FileOf(string run, Student student) =>
        Path.Combine(RunFolder.Existing(run).Latest ?? throw new BDenseException($"{run} has no checkpoint yet"),
            string.Create(CultureInfo.InvariantCulture, $"fitted-nfe{student.Evaluations}.json"));

    /// <summary>
    /// The teacher's state at the end of each of the student's intervals, for each batch; the same for all students of a grid.
    /// </summary>
    private IReadOnlyList<float[][]> Targets(Distill o, Student student, List<Tensor> noises, List<Tensor?> labels, FittingOptions options,
        Action onStep)
    {
        var own = Ends(o.TeacherSampler()!, o.TeacherSteps, noises, labels, options, onStep);
        if (!options.Fine)
            return own;
        // A grid that ends at 0 is followed down to EDM's smallest noise level first.
        double last = student.Grid.Student[^1];
        bool toZero = last == 0;
        double[] fine = ScheduleCatalog.Polynomial(toZero ? 0.002 : last, student.StartSigma)
            .Grid(options.FineSteps + (toZero ? 0 : 1), toZero);
        var ends = Ends(new SamplerOptions
        {
            Solver = "dpmpp3m",
            Schedule = ScheduleCatalog.Text(fine),
        }, fine.Length - 1, noises, labels, options, onStep);
        return [.. own.Zip(ends, (coarse, end) => (float[][])[.. coarse[..^1], end[0]])];
    }

    /// <summary>The teacher's states after every <paramref name="stride"/> steps; computed once.</summary>
    private IReadOnlyList<float[][]> Ends(SamplerOptions teacher, int stride, List<Tensor> noises, List<Tensor?> labels,
        FittingOptions options, Action onStep)
    {
        string key = FormattableString.Invariant($"{RunJson.ToLine(teacher)}:{stride}:{options.Noises}:{options.Batch}:{options.Seed}");
        if (_targets.TryGetValue(key, out var kept))
            return kept;
        var targets = new List<float[][]>();
        for (int n = 0; n < noises.Count; n++)
        {
            var ends = new List<float[]>();
            using var end = SamplerBuilder.Build(_teacher, teacher, _cancellation, s =>
            {
                onStep();
                if (s.Index % stride == 0)
                    ends.Add(s.State.ToArray());
            }).Run(noises[n], labels[n], SolverCatalog.NoFreshNoise);
            targets.Add([.. ends]);
        }
        return _targets[key] = targets;
    }

    private static double Squares(float[] a, float[] b) => a.Zip(b, (x, y) => ((double)x - y) * (x - y)).Sum();

    // The coefficients lie beside a checkpoint whose manifest was written before them, so they say themselves whose they are.
    private static string ModelOf(Student student, string run) => TrainedNetwork.Fingerprint(run, student.Network.Config);

    /// <summary>The file; those of older versions do not name their model.</summary>
    private sealed record Saved(double[] Sigmas, int Branches, BranchLayout Layout, FittingOptions Options, double Before, double After,
        IReadOnlyList<double[]?> Coefficients, string? Model = null);
}
