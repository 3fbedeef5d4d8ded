using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Model.FileSystem;
using BDense.Model.Networks;
using BDense.Training.Data;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.Sfd;
using BDense.Training.Metrics;
using BDense.Training.Runs;
using BDense.Training.Samplers;

namespace BDense.Experiments;

/// <summary>What the study is asked for.</summary>
public sealed record BranchStudyOptions
{
    public required string Folder { get; init; }

    public required IReadOnlyList<StudyVariant> Variants { get; init; }

    /// <summary>The teacher's <see cref="TrainedNetwork.Fingerprint"/>, so that a study does not go on with another one; or none.</summary>
    public string? TeacherFingerprint { get; init; }

    /// <summary>Training seeds 1, 2, ...: the same noises for every variant.</summary>
    public int Seeds { get; init; } = 4;

    /// <summary>What all students share.</summary>
    public SfdOptions Distill { get; init; } = new() { Updates = 360, Batch = 32 };

    public EvaluationOptions Evaluation { get; init; } = new() { Count = 512, Seed = 2026 };

    /// <summary>Noises that <see cref="FittedSteps"/> is fitted on; neither training nor evaluation sees them.</summary>
    public int FittingNoises { get; init; } = 256;

    /// <summary>Whether cells that are in the folder are kept.</summary>
    public bool Resume { get; init; }

    /// <summary>Trains nothing: what is there is tabulated.</summary>
    public bool TableOnly { get; init; }
}

/// <summary>
/// Which use of the branches helps the endpoint: every variant with every seed is a cell, a student trained from the same teacher with the
/// same noises in the same order and as many updates, held to its baseline's cells of the same seeds. Cells are files: an
/// interrupted study goes on with the next one, and variants and seeds can be added later.
/// </summary>
public sealed class BranchStudy
{
    public const string ConfigFile = "study.json", ResultsFile = "results.json", TableFile = "results.md", CellsFolder = "cells";

    /// <summary>Host memory for the teacher's trajectories that variants of one seed share.</summary>
    private const long CacheBytes = 2L << 30;

    private const int LeastResolution = 8;

    private readonly INetwork _teacher;
    private readonly Dataset? _data;
    private readonly BranchStudyOptions _options;
    private readonly IStages _stages;
    private readonly CancellationToken _cancellation;
    private readonly Evaluation _evaluation;
    private readonly StepFitting _fitting;

    private BranchStudy(INetwork teacher, Dataset? data, BranchStudyOptions options, IStages stages, CancellationToken cancellation)
    {
        (_teacher, _data, _options, _stages, _cancellation, _fitting) =
            (teacher, data, options, stages, cancellation, new StepFitting(teacher, cancellation));
        // Images too small for the features have no Frechet distance.
        _evaluation = new Evaluation(teacher, teacher.Config.Resolution >= LeastResolution ? data : null, options.Evaluation);
    }

    /// <summary>Trains the cells that are missing and tabulates all.</summary>
    /// <param name="teacher">One branch; stays the caller's.</param>
    /// <param name="teacherName">Remembered in the study's configuration.</param>
    /// <param name="data">For the Frechet distance and for PD, which needs it; or none.</param>
    /// <param name="options">What.</param>
    /// <param name="stages">Progress.</param>
    /// <param name="cancellation">Looked at between iterations; the cell under way is lost.</param>
    /// <exception cref="UsageException">A PD variant without data.</exception>
    /// <exception cref="BDenseException">The folder holds something else or a study of other options; or training diverged.</exception>
    public static BranchStudyResults Run(INetwork teacher, string teacherName, Dataset? data, BranchStudyOptions options, IStages stages,
        CancellationToken cancellation = default)
    {
        if (teacher.Config.LabelCount > 0)
            throw new UsageException("the study takes a teacher without classes");
        foreach (var variant in options.Variants)
        {
            if (variant.Of(options.Distill, 1).Method.NeedsData && data is null)
                throw new UsageException($"'{variant.Name}' noises data: give a dataset with --data");
        }
        Sampling.RequireOneArray(teacher, options.Evaluation.Count);
        using var alone = Prepare(teacher, teacherName, data, options);
        var study = new BranchStudy(teacher, data, options, stages, cancellation);
        using var evaluation = study._evaluation;
        stages.Whole(options.TableOnly ? [] : study.Planned());
        for (ulong seed = 1; seed <= (ulong)options.Seeds && !options.TableOnly; seed++)
        {
            var shared = new TrajectoryCache(CacheBytes);
            bool added = false;
            foreach (var variant in options.Variants.Where(v => !File.Exists(study.CellFile(v.Name, seed))))
            {
                study.Train(variant, seed, shared);
                added = true;
            }
            if (added)
                study.Write();
        }
        return study.Write();
    }

    private IEnumerable<PlannedStage> Planned()
    {
        for (ulong seed = 1; seed <= (ulong)_options.Seeds; seed++)
        {
            foreach (var variant in _options.Variants.Where(v => !File.Exists(CellFile(v.Name, seed))))
            {
                var o = variant.Of(_options.Distill, seed);
                // The teacher's trajectories are shared by all variants of a seed; measuring fits three times.
                yield return new PlannedStage(StageOf(variant, seed), 3.0 * StudyVariant.Passes(o) * o.Updates * o.Batch);
                yield return new PlannedStage(MeasureStageOf(variant, seed),
                    Work.Sampling(o.Nfe, 4 * _options.Evaluation.Count + 6 * _options.FittingNoises));
            }
        }
    }

    private static string StageOf(StudyVariant variant, ulong seed) => $"{variant.Name}, seed {seed}";

    private static string MeasureStageOf(StudyVariant variant, ulong seed) => $"{variant.Name}, seed {seed}: measured";

    private static WriterLock Prepare(INetwork teacher, string teacherName, Dataset? data, BranchStudyOptions options)
    {
        string file = Path.Combine(options.Folder, ConfigFile);
        var config = new JsonObject
        {
            ["kind"] = "study",
            ["distill"] = RunJson.ToNode(options.Distill),
            ["evaluation"] = RunJson.ToNode(options.Evaluation),
            ["fittingNoises"] = options.FittingNoises,
        }.WithData(data).WithDevice(teacher.Backend).WithNetwork(RunData.TeacherKey, teacherName, options.TeacherFingerprint);
        if (File.Exists(options.Folder))
            throw new BDenseException($"{options.Folder} is a file; a study needs a folder");
        if (File.Exists(file))
        {
            if (!options.Resume && !options.TableOnly)
                throw new BDenseException($"{options.Folder} holds a study already; go on with --resume, or give another folder");
            if (RunData.Difference(RunJson.Read(file), config) is { } difference)
                throw new BDenseException($"{options.Folder} holds a study with other options: {difference}");
            return WriterLock.OfFolder(options.Folder);
        }
        if (RunFolder.Contents(options.Folder).Length > 0)
            throw new BDenseException($"{options.Folder} holds something else than a study; give a new or an empty folder");
        if (options.TableOnly)
            throw new BDenseException($"there is no study in {options.Folder}");
        AtomicFile.Guard(options.Folder, () => Files.MakeFolder(options.Folder));
        return WriterLock.OfFolder(options.Folder).Beginning(() => AtomicFile.WriteText(file, RunJson.ToText(config) + "\n"));
    }

    private string CellFolder(string variant, ulong seed) =>
        Path.Combine(_options.Folder, CellsFolder, StudyCell.NameOf(variant, seed));

    private string CellFile(string variant, ulong seed) => Path.Combine(CellFolder(variant, seed), "cell.json");

    private void Train(StudyVariant variant, ulong seed, TrajectoryCache shared)
    {
        var o = variant.Of(_options.Distill, seed);
        using var network = DistillationMethods.NewStudent(_teacher, o);
        using var training = DistillationMethods.Create(network, _teacher, _data, o, shared);
        var run = _stages.Stage(StageOf(variant, seed), training, report => TrainingLoop.Run(training, null, new LoopOptions
        {
            Cancellation = _cancellation,
            OnProgress = p => report((int)p.Step, FormattableString.Invariant($"loss {p.Loss:0.0000}")),
        }));
        if (run.Interrupted)
            throw new OperationCanceledException("the study was interrupted; go on with --resume");
        var cell = _stages.Stage(MeasureStageOf(variant, seed), 1, _ => Measure(variant, o, network), "student");
        // The cell's file comes last: where it is, all is.
        Checkpoint.Save(CellFolder(variant.Name, seed), network);
        AtomicFile.WriteText(CellFile(variant.Name, seed), RunJson.ToText(RunJson.ToNode(cell)) + "\n");
    }

    private StudyCell Measure(StudyVariant variant, Distill o, INetwork network)
    {
        float[] endpoint = _evaluation.TeacherOf(o, cancellation: _cancellation);
        var student = Student.Of(network, o);
        var asTrained = _evaluation.Measure(_evaluation.Student(student, cancellation: _cancellation), endpoint);
        return new StudyCell(variant.Name, o, asTrained.Endpoint!.Rmse, asTrained.Fine.Rmse, Fitted(endpoint, false, false),
            Fitted(endpoint, true, false),
            Fitted(_evaluation.Fine(), true, true), asTrained.FrechetDistance);

        double[] Fitted(float[] target, bool history, bool fine)
        {
            var e = _options.Evaluation;
            var fit = _fitting.Fit(student, o, new FittingOptions
            {
                Noises = _options.FittingNoises,
                Batch = e.Batch,
                Seed = e.Seed,
                Fine = fine,
                FineSteps = e.FineSteps,
                History = history,
            });
            float[] images = Sampling.Generate(network, (x, labels, _) => fit.Steps.Sample(x, labels), ImageDraws.Of(e.Seed), e.Count,
                e.Batch, student.Grid.Student[0], cancellation: _cancellation);
            return EndpointError.Between(images, target, images.Length / e.Count).Rmse;
        }
    }

    /// <summary>Tabulates every cell in the folder, also of variants that this call did not ask for.</summary>
    private BranchStudyResults Write()
    {
        string folder = Path.Combine(_options.Folder, CellsFolder);
        var cells = new List<StudyCell>();
        foreach (string path in Directory.Exists(folder) ? Directory.GetDirectories(folder).Order(StringComparer.Ordinal)
            : Enumerable.Empty<string>())
        {
            string file = Path.Combine(path, "cell.json");
            if (File.Exists(file))
                cells.Add(StudyCell.Read(file, Path.GetFileName(path), _options.Evaluation.Count));
        }
        float[] teacher = _evaluation.TeacherOf(_options.Distill, cancellation: _cancellation);
        var results = new BranchStudyResults($"{_teacher.Backend.Name}: {_teacher.Backend.Description}", _options.Distill,
            _options.Evaluation.Count,
            _evaluation.Measure(teacher, null).Fine.Rmse.Average(), BranchStudyResults.Tabulate(StudyVariant.All, cells));
        AtomicFile.WriteText(Path.Combine(_options.Folder, ResultsFile), RunJson.ToText(RunJson.ToNode(results)) + "\n");
        AtomicFile.WriteText(Path.Combine(_options.Folder, TableFile), results.ToMarkdown());
        return results;
    }
}
