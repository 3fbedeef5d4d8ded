using System.Diagnostics;
using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Model.FileSystem;
using BDense.Model.Networks;
using BDense.Training.Data;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.Pd;
using BDense.Training.Distillation.Methods.Sfd;
using BDense.Training.Metrics;
using BDense.Training.Runs;
using BDense.Training.Samplers;

namespace BDense.Experiments;

/// <summary>What the demo is asked for.</summary>
/// <param name="Folder">Where everything goes.</param>
/// <param name="Scale">How large.</param>
/// <param name="Seed">Of the teacher, and the first student seed.</param>
/// <param name="Resume">Continue what an interrupted demo left in the folder.</param>
public sealed record DemoOptions(string Folder, DemoScale Scale, ulong Seed, bool Resume)
{
    /// <summary>Methods besides PD and SFD whose students are rows too.</summary>
    public IReadOnlyList<IDistillationMethod> With { get; init; } = [];
}

/// <summary>What the demo leaves for its report.</summary>
/// <param name="Results">The figures.</param>
/// <param name="Rows">Samples of each sampler from the same noises, with the row's name.</param>
/// <param name="TeacherLog">The teacher's training.</param>
/// <param name="StudentLogs">Each student's training (first seed), by name.</param>
/// <param name="Trajectories">Of the first seed's students at the lowest NFE.</param>
public sealed record DemoOutcome(DemoResults Results, IReadOnlyList<(string Name, float[] Images)> Rows, IReadOnlyList<LogLine> TeacherLog,
    IReadOnlyList<(string Name, IReadOnlyList<LogLine> Log)> StudentLogs, IReadOnlyList<TrajectoryGroup> Trajectories);

/// <summary>
/// The paper at small scale: a teacher on the built-in dataset; PD, PD + B-DENSE, SFD and SFD + B-DENSE students of it, all from
/// the teacher's weights with the same seeds and the same number of updates; all sampled from the same noises and held to the
/// same yardsticks.
/// </summary>
public sealed class Demo
{
    /// <summary>Marks a folder as the demo's own, to be replaced by the next one.</summary>
    public const string MarkerFile = "demo.json";

    private const int Branches = 4;

    private readonly Backend _backend;
    private readonly DemoOptions _options;
    private readonly IStages _stages;
    private readonly CancellationToken _cancellation;
    private readonly Dataset _data;

    private Demo(Backend backend, DemoOptions options, IStages stages, CancellationToken cancellation)
    {
        (_backend, _options, _stages, _cancellation) = (backend, options, stages, cancellation);
        _data = Dataset.Open(null, new DatasetOptions(Scale.Network.Resolution, Seed: options.Seed));
    }

    private DemoScale Scale => _options.Scale;

    /// <exception cref="OperationCanceledException">Cancelled; checkpoints allow to go on.</exception>
    /// <exception cref="BDenseException">The folder holds something else or cannot be written; or training diverged.</exception>
    public static DemoOutcome Run(Backend backend, DemoOptions options, IStages stages, CancellationToken cancellation = default)
    {
        var clock = Stopwatch.StartNew();
        using var alone = PrepareFolder(options);
        var demo = new Demo(backend, options, stages, cancellation);
        demo._stages.Whole(demo.Planned());
        var (teacher, teacherRun) = demo.TrainTeacher();
        using var teacherOwner = teacher;
        using var evaluation = new Evaluation(teacher, demo._data, new EvaluationOptions
        {
            Count = demo.Scale.Noises,
            FineSteps = demo.Scale.FineSteps,
            Seed = options.Seed,
        });
        var sampling = demo.SampleTeacher(teacher, evaluation, out var rows);

        var students = new List<(Distill Options, RunResult Run, Measured Measured)>();
        var logs = new List<(string, IReadOnlyList<LogLine>)>();
        foreach (var student in demo.Students())
        {
            var run = demo.TrainStudent(teacher, student);
            var (images, measured) = demo.EvaluateStudent(evaluation, student);
            students.Add((student, run, measured));
            if (student.Seed != options.Seed)
                continue;
            string name = $"{student.Title}, NFE {student.Nfe}";
            logs.Add((name, run.Log));
            rows.Add((name, images));
        }

        int shown = demo.Scale.Students.Min(s => s.Nfe);
        var trajectories = TrajectoryGroup.Of(teacher,
            demo.Students().Where(s => s.Seed == options.Seed && s.Nfe == shown && s.TeacherSampler() is not null)
            .Select(s => new TrainedStudent(s.Title, demo.FolderOf(s), s)), options.Seed, cancellation);
        var last = teacherRun.Log.TakeLast(Math.Max(1, teacherRun.Log.Count / 10));
        var results = new DemoResults(options.Seed, $"{backend.Name}: {backend.Description}", demo._data.Name, clock.Elapsed.TotalSeconds,
            new TeacherResult(teacher.Parameters.Count, teacherRun.Log.Count, last.Average(l => l.Loss),
                ImagesPerSecond(teacherRun.Log, demo.Scale.Batch)),
            sampling, [.. students.Select(s => Result(s.Options, s.Run, s.Measured))], demo.Compare(students))
        {
            EvaluationNoises = demo.Scale.Noises,
        };
        return new DemoOutcome(results, rows, teacherRun.Log, logs, trajectories);
    }

    /// <summary>Every stage, in the order in which they run.</summary>
    private IEnumerable<PlannedStage> Planned() =>
    [
        new(TeacherStage, Work.Of(TeacherTraining())),
        new(FineStage, Work.Sampling(Scale.FineSteps, Scale.Noises)),
        new(CoarseStage, Work.Sampling(2 * Scale.TeacherNfes.Sum(), Scale.Noises)),
        .. Students()
            .SelectMany(
                o => new[] { new PlannedStage(TrainingStage(o), Work.Of(o)),
                    new PlannedStage(EvaluationStage(o), Work.Sampling(o.Nfe, Scale.Noises)) }),
    ];

    private const string TeacherStage = "teacher", FineStage = "teacher's fine trajectories", CoarseStage = "teacher's few steps";

    private static string TrainingStage(Distill o) => $"{o.Title}, NFE {o.Nfe}, seed {o.Seed}";

    private static string EvaluationStage(Distill o) => $"{TrainingStage(o)}: images";

    /// <summary>Every student, seed by seed within method and NFE.</summary>
    private IEnumerable<Distill> Students() =>
        from size in Scale.Students
        from method in Methods
        from branches in new[] { 1, Branches }
        let student = method.ForDemo(branches, size.Nfe)
        where student is not null
        from seed in Enumerable.Range(0, size.Seeds)
        select (student with { Updates = Scale.Updates, Batch = Scale.StudentBatch, Seed = _options.Seed + (ulong)seed }).Resolve();

    private IEnumerable<IDistillationMethod> Methods => [PdMethod.Instance, SfdMethod.Instance, .. _options.With];

    private TeacherOptions TeacherTraining() =>
        new()
        {
            Steps = Scale.TeacherSteps,
            Batch = Scale.Batch,
            Seed = _options.Seed,
            LearningRate = 2e-3,
            EmaDecay = 0.99,
            Decay = Decay.Cosine,
        };

    private (INetwork Teacher, RunResult Run) TrainTeacher()
    {
        var options = TeacherTraining();
        var folder = RunFolder.Open(Path.Combine(_options.Folder, "teacher"), new JsonObject
        {
            ["kind"] = "train",
            ["network"] = JsonNode.Parse(Scale.Network.ToJson()),
            ["teacher"] = RunJson.ToNode(options),
        }.WithData(_data).WithDevice(_backend), _options.Resume);
        using var network = new Network(_backend, Scale.Network, options.Seed);
        using var training = new TeacherTraining(network, _data, options);
        var run = Train(TeacherStage, training, folder);
        return (TrainedNetwork.Load(_backend, folder), run);
    }

    private string FolderOf(Distill o) => Path.Combine(_options.Folder, "students",
        FormattableString.Invariant($"{o.Method.Name}-k{o.Branches}-nfe{o.Nfe}-seed{o.Seed}"));

    private RunResult TrainStudent(INetwork teacher, Distill options)
    {
        string from = TrainedNetwork.Find(Path.Combine(_options.Folder, "teacher"));
        var folder = RunFolder.Open(FolderOf(options), new JsonObject
        {
            ["kind"] = "distill",
            [RunFolder.DistillKey] = RunJson.ToNode(options),
        }.WithData(options.Method.NeedsData ? _data : null)
        .WithNetwork(RunData.TeacherKey, from, TrainedNetwork.Fingerprint(from, teacher.Config)).WithDevice(_backend), _options.Resume);
        using var student = DistillationMethods.NewStudent(teacher, options);
        using var training = DistillationMethods.Create(student, teacher, _data, options);
        return Train(TrainingStage(options), training, folder);
    }

    private RunResult Train(string name, ITraining training, RunFolder folder)
    {
        var run = _stages.Stage(name, training, report => TrainingLoop.Run(training, folder, new LoopOptions
        {
            Cancellation = _cancellation,
            OnProgress = p => report((int)p.Step, FormattableString.Invariant($"loss {p.Loss:0.0000}  {p.ImagesPerSecond:0} images/s")),
        }));
        if (run.Interrupted)
            throw new OperationCanceledException("the demo was interrupted; resume it with --resume");
        return run;
    }

    private List<TeacherSampling> SampleTeacher(INetwork teacher, Evaluation evaluation, out List<(string, float[])> rows)
    {
        rows = [];
        var figures = new List<TeacherSampling>();
        float[] fine = _stages.Stage(FineStage, Scale.Noises,
            report => evaluation.Fine(n => report(n, $"NFE {Scale.FineSteps}"), _cancellation));
        rows.Add(($"teacher, NFE {Scale.FineSteps}", fine));
        figures.Add(new TeacherSampling("dpmpp3m", Scale.FineSteps, 0, evaluation.Measure(fine, null).FrechetDistance));
        var few = rows;
        return _stages.Stage(CoarseStage, 2 * Scale.TeacherNfes.Sum() * Scale.Noises, report =>
        {
            int done = 0;
            foreach (int nfe in Scale.TeacherNfes.OrderDescending())
            {
                foreach (string solver in new[] { "dpmpp3m", "euler" })
                {
                    float[] images = evaluation.Teacher(new SamplerOptions { Solver = solver, Steps = nfe },
                        n => report(done + nfe * n, $"NFE {nfe}"), _cancellation);
                    done += nfe * Scale.Noises;
                    var measured = evaluation.Measure(images, null);
                    figures.Add(new TeacherSampling(solver, nfe, measured.Fine.Rmse.Average(), measured.FrechetDistance));
                    if (nfe == Scale.TeacherNfes.Min())
                        few.Add(($"teacher, {solver}, NFE {nfe}", images));
                }
            }
            return figures;
        }, "evaluations");
    }

    private (float[] Images, Measured Measured) EvaluateStudent(Evaluation evaluation, Distill options)
    {
        float[] endpoint = evaluation.TeacherOf(options, cancellation: _cancellation);
        var student = Training.Distillation.Student.Load(_backend, FolderOf(options));
        using var network = student.Network;
        float[] images = _stages.Stage(EvaluationStage(options), Scale.Noises,
            report => evaluation.Student(student, n => report(n, $"NFE {options.Nfe}"), _cancellation));
        return (images, evaluation.Measure(images, endpoint));
    }

    private static StudentResult Result(Distill o, RunResult run, Measured m)
    {
        var interval = Bootstrap.Mean([m.Endpoint!.Rmse]);
        double[] milliseconds = [.. run.Log.Select(l => l.Milliseconds).Order()];
        return new StudentResult(o.Title, o.Branches, o.Weights!, o.Nfe, o.Seed, (int)o.Updates, interval.Mean, m.Fine.Rmse.Average(),
            [interval.Low, interval.High], m.FrechetDistance, milliseconds[milliseconds.Length / 2] / o.UpdatesPerStep, run.PeakBytes);
    }

    /// <summary>Each B-DENSE student against its plain one: same noises, same seeds.</summary>
    private List<PairedComparison> Compare(List<(Distill Options, RunResult Run, Measured Measured)> students)
    {
        var comparisons = new List<PairedComparison>();
        foreach (var group in students.GroupBy(s => (s.Options.Method.Name, s.Options.Nfe)).Where(g => g.Any(s => s.Options.Branches > 1)))
        {
            var (plain, dense) = (group.Where(s => s.Options.Branches == 1).ToList(), group.Where(s => s.Options.Branches > 1).ToList());
            foreach (var (metric, errors) in new (string, Func<Measured, double[]>)[] { ("endpoint RMSE", m => m.Endpoint!.Rmse),
                ("endpoint RMSE (fine)", m => m.Fine.Rmse) })
            {
                var c = Bootstrap.Compare([.. plain.Select(s => errors(s.Measured))], [.. dense.Select(s => errors(s.Measured))]);
                comparisons.Add(new PairedComparison(dense[0].Options.Title, plain[0].Options.Title, group.Key.Nfe, metric,
                    c.Difference.Mean, [c.Difference.Low, c.Difference.High], c.Verdict.Text()));
            }
        }
        return comparisons;
    }

    private static double ImagesPerSecond(IReadOnlyList<LogLine> log, int batch) =>
        1000.0 * batch * log.Count / log.Sum(l => l.Milliseconds);

    /// <summary>An empty folder, or an earlier demo's: that is resumed, or cleared and begun anew.</summary>
    private static WriterLock PrepareFolder(DemoOptions options)
    {
        string marker = Path.Combine(options.Folder, MarkerFile);
        if (File.Exists(options.Folder))
            throw new BDenseException($"{options.Folder} is a file; the demo needs a folder");
        if (!File.Exists(marker) && RunFolder.Contents(options.Folder).Length > 0)
            throw new BDenseException($"{options.Folder} holds something else than a demo; give a new or an empty folder with --out");
        AtomicFile.Guard(options.Folder, () => Files.MakeFolder(options.Folder));
        return WriterLock.OfFolder(options.Folder).Beginning(() => Begin(options, marker));
    }

    private static void Begin(DemoOptions options, string marker)
    {
        if (!options.Resume && File.Exists(marker))
        {
            foreach (string part in new[] { "teacher", "students" })
                AtomicFile.DeleteFolder(Path.Combine(options.Folder, part));
        }
        AtomicFile.WriteText(marker, RunJson.ToText(new JsonObject { ["kind"] = "demo", ["seed"] = options.Seed }) + "\n");
    }
}
