using System.Diagnostics;
using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Model.FileSystem;
using BDense.Model.Networks;
using BDense.Training.Data;
using BDense.Training.Distillation;
using BDense.Training.Metrics;
using BDense.Training.Pictures;
using BDense.Training.Runs;
using BDense.Training.Samplers;

namespace BDense.Experiments.Paper;

/// <summary>What a reproduction is asked for.</summary>
/// <param name="Folder">Where everything goes; what is finished there is not done again.</param>
/// <param name="Plan">Which table at which scale.</param>
/// <param name="Data">The images' path, or none.</param>
/// <param name="TeacherPath">The user's teacher, or none to train one.</param>
/// <param name="Seed">Of everything.</param>
public sealed record ReproductionOptions(string Folder, ReproductionPlan Plan, string? Data, string? TeacherPath, ulong Seed)
{
    /// <summary>Features for FID, stays the caller's; or none.</summary>
    public IImageFeatures? Features { get; init; }

    /// <summary>Statistics to hold FID to; none to compute them from the data at the network's resolution.</summary>
    public string? Reference { get; init; }
}

/// <summary>What a reproduction leaves for its report.</summary>
/// <param name="Results">The figures.</param>
/// <param name="Pictures">Samples of the first seed from the same noises, with the row's name.</param>
/// <param name="Network">Of the images' size.</param>
public sealed record ReproductionOutcome(ReproductionResults Results, IReadOnlyList<GridRow> Pictures, NetworkConfig Network);

/// <summary>
/// A table of the paper from the images to the figures: teacher, students with and without branches over several seeds, distances,
/// FID. Every stage keeps what it made, so that the same command goes on where it was stopped.
/// </summary>
public sealed class Reproduction
{
    /// <summary>Names the plan that a folder belongs to.</summary>
    public const string MarkerFile = "reproduce.json";

    private const string ElapsedFile = "elapsed.json";
    private const int PicturesARow = 12;

    private readonly Backend _backend;
    private readonly ReproductionOptions _options;
    private readonly IStages _stages;
    private readonly CancellationToken _cancellation;
    private readonly Dataset? _data;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly double _earlierSeconds;
    private bool _hasWorked;
    private string? _teacherPrint;

    private Reproduction(Backend backend, ReproductionOptions options, Dataset? data, IStages stages, CancellationToken cancellation)
    {
        (_backend, _options, _data, _stages, _cancellation) = (backend, options, data, stages, cancellation);
        _earlierSeconds = File.Exists(In(ElapsedFile))
            ? RunJson.FromNode<double>(RunJson.Read(In(ElapsedFile))["seconds"], In(ElapsedFile), "seconds") : 0;
    }

    private ReproductionPlan Plan => _options.Plan;

    /// <exception cref="UsageException">The plan needs images or a teacher that are not given.</exception>
    /// <exception cref="BDenseException">They cannot be read, the folder holds something else, or training diverged.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the same command goes on.</exception>
    public static ReproductionOutcome Run(Backend backend, ReproductionOptions options, IStages stages,
        CancellationToken cancellation = default)
    {
        var plan = options.Plan;
        if (plan.Network is null && options.TeacherPath is null)
        {
            throw new UsageException(
                $"{plan.Table.Name} at the scale {plan.Scale} needs --teacher: {plan.Table.Network}'s weights as .safetensors ("
                    + $"{(plan.Table.IsPd ? "diffusers' own" : "tools/edm_to_safetensors.py makes them of EDM's")})");
        }
        if (plan.NeedsData && options.Data is null)
            throw new UsageException(
                $"{plan.Table.Name} at the scale {plan.Scale} needs the images: give --data PATH ("
                    + $"{(plan.Table.Network == "edm-imagenet64" ? "ImageNet" : "CIFAR-10")})");
        int resolution = options.TeacherPath is null ? plan.Network!.Resolution : 0;
        var data = options.Data is null ? null : Dataset.Open(options.Data, new DatasetOptions(resolution) { OnNotice = backend.OnNotice });
        using var alone = Claim(options, data, backend);
        var reproduction = new Reproduction(backend, options, data, stages, cancellation);
        try
        {
            return reproduction.Run();
        }
        finally
        {
            reproduction.KeepElapsed();
        }
    }

    private ReproductionOutcome Run()
    {
        // Before the teacher is there nothing can be held to it.
        var later = Planned((name, _) => File.Exists(In(name)));
        _stages.Whole(_options.TeacherPath is null ? [new PlannedStage(TeacherStage, Work.Of(Plan.Teacher!)), .. later] : later);
        var (teacher, figures) = Teacher();
        using var owner = teacher;
        _teacherPrint = TrainedNetwork.Fingerprint(TeacherPlace, teacher.Config);
        _stages.Whole(Planned((name, madeFrom) => Usable(name, madeFrom) is not null));
        using var evaluation = new Lazily<Evaluation>(() => new Evaluation(teacher, _data, new EvaluationOptions
        {
            Count = Plan.Noises,
            Batch = Plan.Batch,
            FineSteps = Plan.FineSteps,
            Seed = _options.Seed,
        }));
        var students = new Dictionary<string, MeasuredCell>();
        var teachers = new SortedDictionary<int, MeasuredCell>();
        foreach (var cell in Plan.Cells)
        {
            var kept = Kept($"results/{cell.Name}.json", () => MadeFrom(cell), () => MeasureStudent(teacher, evaluation.Value, cell),
                RequireNoises);
            if (RunJson.Difference(RunJson.ToNode(kept.Options), RunJson.ToNode(cell.Options)) is { } difference)
                throw new BDenseException(
                    $"{_options.Folder}: {cell.Name} was distilled otherwise: {difference}; give another folder with --out");
            students[cell.Name] = kept;
        }
        foreach (var cell in Plan.Cells.DistinctBy(c => c.Setting))
            teachers[cell.Setting] = Kept($"results/teacher-{cell.Setting}.json", () => MadeFrom(null),
                () => MeasureTeacher(evaluation.Value, evaluation.Value.TeacherOf(cell.Options, cancellation: _cancellation)),
                RequireNoises);
        var fine = _data is null ? null
            : Kept("results/teacher-fine.json", () => MadeFrom(null),
                () => MeasureTeacher(evaluation.Value, evaluation.Value.Fine(cancellation: _cancellation)), RequireNoises);
        var fids = Fids(teacher.Config);

        var results = new ReproductionResults(Plan.Table.Name, Plan.Table.Title, Plan.Scale, Plan.Table.SettingName,
            $"{_backend.Name}: {_backend.Description}", _data?.Name, _options.Seed,
            Plan.Cells.Select(c => c.Options.Seed).Distinct().Count(), Plan.Noises, fids.Count == 0 ? 0 : Plan.FidImages, Elapsed, figures,
            fine?.Frechet,
            ReproductionTable.Rows(Plan, students, teachers, fids), ReproductionTable.Comparisons(Plan, students, fids), Plan.Differences);
        return new ReproductionOutcome(results, Pictures(teacher), teacher.Config);
    }

    /// <summary>Every stage after the teacher's, in the order in which they run, but for those whose results are there.</summary>
    /// <param name="isThere">Whether a stage's file can be used.</param>
    private IEnumerable<PlannedStage> Planned(Func<string, Func<JsonObject>, bool> isThere)
    {
        foreach (var cell in Plan.Cells.Where(cell => !isThere($"results/{cell.Name}.json", () => MadeFrom(cell))))
        {
            yield return new PlannedStage(cell.Name, Work.Of(cell.Options));
            yield return new PlannedStage(MeasureStage(cell), Work.Sampling(cell.Options.Nfe, Plan.Noises));
        }
        if (_options.Features is null)
            yield break;
        // Features of files; the network has no part in it.
        yield return new PlannedStage(StatisticsStage, 0);
        // What they are made from is known only after that: they are cheap beside the training.
        foreach (var cell in Plan.Cells)
            yield return new PlannedStage(FidStage(cell),
                File.Exists(In($"results/{cell.Name}.fid.json")) ? 0 : Work.Sampling(cell.Options.Nfe, Plan.FidImages));
    }

    private const string TeacherStage = "teacher", StatisticsStage = "statistics of the data";

    private static string MeasureStage(ReproductionCell cell) => $"{cell.Name}: measured";

    private static string FidStage(ReproductionCell cell) => $"FID of {cell.Name}";

    private string TeacherPlace => _options.TeacherPath ?? In("teacher");

    /// <summary>
    /// What a figure depends on besides its plan: networks by their content, and the noises and images that it is measured over.
    /// </summary>
    private JsonObject MadeFrom(ReproductionCell? cell)
    {
        var from = new JsonObject
        {
            ["teacher"] = _teacherPrint,
            ["noises"] = Plan.Noises,
            ["fineSteps"] = Plan.FineSteps,
            ["seed"] = _options.Seed,
            ["data"] = _data?.Fingerprint,
        };
        // A student that was cleared away says nothing against its figures.
        if (cell is not null && Directory.Exists(Path.Combine(FolderOf(cell), RunFolder.CheckpointsFolder))
            && RunFolder.Existing(FolderOf(cell)).Latest is not null)
        {
            string place = TrainedNetwork.Find(FolderOf(cell));
            from["student"] = FileDigests.Compute(Directory.Exists(place) ? Path.Combine(place, Checkpoint.ModelFile) : place);
        }
        return from;
    }

    private string In(string name) => Path.Combine(_options.Folder, name);

    private (INetwork Network, ReproductionTeacher Figures) Teacher()
    {
        if (_options.TeacherPath is { } path)
        {
            var given = TrainedNetwork.Load(_backend, path);
            return (given, new ReproductionTeacher(path, given.Parameters.Count, 0, 0));
        }
        var (config, options) = (Plan.Network! with { ImageChannels = _data!.Channels }, Plan.Teacher!);
        var folder = RunFolder.Open(In("teacher"), new JsonObject
        {
            ["kind"] = "train",
            ["network"] = JsonNode.Parse(config.ToJson()),
            ["teacher"] = RunJson.ToNode(options),
        }.WithData(_data).WithDevice(_backend), resume: true);
        using var network = new Network(_backend, config, options.Seed);
        using var training = new TeacherTraining(network, _data, options);
        var run = Train(TeacherStage, training, folder, Math.Max(1, options.Steps / 4));
        return (TrainedNetwork.Load(_backend, folder),
            new ReproductionTeacher("trained here", network.Parameters.Count, (int)run.Step, run.FinalLoss));
    }

    private string FolderOf(ReproductionCell cell) => In(Path.Combine("students", cell.Name));

    private MeasuredCell MeasureStudent(INetwork teacher, Evaluation evaluation, ReproductionCell cell)
    {
        var folder = RunFolder.Open(FolderOf(cell), new JsonObject
        {
            ["kind"] = "distill",
            [RunFolder.DistillKey] = RunJson.ToNode(cell.Options),
        }.WithData(cell.Options.Method.NeedsData ? _data : null)
        .WithNetwork(RunData.TeacherKey, TrainedNetwork.Find(TeacherPlace), _teacherPrint).WithDevice(_backend), resume: true);
        RunResult run;
        using (var network = DistillationMethods.NewStudent(teacher, cell.Options))
        using (var training = DistillationMethods.Create(network, teacher, _data, cell.Options))
            run = Train(cell.Name, training, folder, Math.Max(1, training.Steps / 4));
        float[] endpoint = evaluation.TeacherOf(cell.Options, cancellation: _cancellation);
        var student = Student.Load(_backend, FolderOf(cell));
        using var owner = student.Network;
        float[] images = _stages.Stage(MeasureStage(cell), Plan.Noises,
            report => evaluation.Student(student, n => report(n, $"NFE {student.Evaluations}"), _cancellation));
        var measured = evaluation.Measure(images, endpoint);
        return new MeasuredCell(cell.Options, measured.Endpoint!.Rmse, measured.Fine.Rmse, measured.FrechetDistance,
            run.Log.Sum(l => l.Milliseconds) / 1000);
    }

    private static MeasuredCell MeasureTeacher(Evaluation evaluation, float[] images)
    {
        var measured = evaluation.Measure(images, null);
        return new MeasuredCell(null, [], measured.Fine.Rmse, measured.FrechetDistance, 0);
    }

    /// <summary>FID of every student; nothing without an Inception network.</summary>
    private Dictionary<string, double> Fids(NetworkConfig network)
    {
        var fids = new Dictionary<string, double>();
        if (_options.Features is not { } features)
            return fids;
        string path = _options.Reference ?? In("reference.npz");
        if (_options.Reference is null && !File.Exists(path))
        {
            if (_data is null)
                throw new UsageException("FID needs the dataset's statistics: give --reference FILE.npz or --data PATH");
            string identity = $"{_data.Name}, {RunData.Fingerprint(_data)}";
            var collection = Collect(StatisticsStage, features, _data.ToArray, network, _data.Count, identity, In("reference.state.npz"));
            ReferenceStatistics.Write(path, collection, features.Name, identity, (_data.Height, _data.Width, _data.Channels));
            AtomicFile.Delete(In("reference.state.npz"));
        }
        var reference = ReferenceStatistics.Read(path);
        reference.RequireFeatures(features, path);
        reference.RequireSize(network.Resolution, network.Resolution, network.ImageChannels, "the student", path);
        FrechetDistance.RequireEnough(Plan.FidImages, features.Dimension, "a model's images");
        string referencePrint = FileDigests.Compute(path);
        foreach (var cell in Plan.Cells)
        {
            fids[cell.Name] = Kept($"results/{cell.Name}.fid.json", () => FidFrom(cell), () =>
            {
                using var student = SavedSampler.Load(_backend, FolderOf(cell), new SamplerOptions(), cancellation: _cancellation);
                var source = Sampling.Source(student.Network, student.Sampler, ImageDraws.Of(_options.Seed), student.Sigma);
                string state = In($"results/{cell.Name}.state.npz");
                var collection = Collect(FidStage(cell), features, source, network, Plan.FidImages,
                    $"{cell.Name}, model {TrainedNetwork.Fingerprint(FolderOf(cell), student.Network.Config)}", state);
                AtomicFile.Delete(state);
                return new KeptFid(FrechetDistance.Between(collection.Statistics.Mean(), collection.Statistics.Covariance(), reference.Mean,
                    reference.Covariance), Plan.FidImages, features.Name);
            }).Fid;
        }
        return fids;

        JsonObject FidFrom(ReproductionCell cell)
        {
            var from = MadeFrom(cell);
            (from["reference"], from["features"], from["images"]) = (referencePrint, features.Name, Plan.FidImages);
            return from;
        }
    }

    private sealed record KeptFid(double Fid, int Images, string Features);

    private FeatureCollection Collect(string name, IImageFeatures features, ImageSource source, NetworkConfig c, int count, string subject,
        string state) =>
        _stages.Stage(name, count,
            report => FeatureCollection.Of(features, source, (c.Resolution, c.Resolution, c.ImageChannels), count, new CollectOptions
            {
                Subject = subject,
                Batch = Plan.Batch,
                StateFile = state,
                OnDone = done => report(done, features.DistanceName),
                Cancellation = _cancellation,
            }));

    /// <summary>The first seed's students and the teacher from the same few noises.</summary>
    private List<GridRow> Pictures(INetwork teacher)
    {
        var fine = SamplerBuilder.Build(teacher, new SamplerOptions { Solver = "dpmpp3m", Steps = Plan.FineSteps }, _cancellation);
        List<GridRow> rows = [new($"teacher, NFE {Plan.FineSteps}", Samples(teacher, fine.Run, fine.Sigma))];
        ulong first = Plan.Cells.Min(c => c.Options.Seed);
        foreach (var cell in Plan.Cells.Where(c => c.Options.Seed == first))
        {
            using var student = SavedSampler.Load(_backend, FolderOf(cell), new SamplerOptions(), cancellation: _cancellation);
            rows.Add(new GridRow($"{cell.Options.Title}, {Plan.Table.SettingName} {cell.Setting}",
                Samples(student.Network, student.Sampler, student.Sigma)));
        }
        return rows;

        float[] Samples(INetwork network, Sampler sampler, double sigma) =>
            Sampling.Generate(network, sampler, ImageDraws.Of(_options.Seed), PicturesARow, PicturesARow, sigma,
                cancellation: _cancellation);
    }

    private RunResult Train(string name, ITraining training, RunFolder folder, long checkpointEvery)
    {
        var run = _stages.Stage(name, training, report => TrainingLoop.Run(training, folder, new LoopOptions
        {
            CheckpointEvery = checkpointEvery,
            Cancellation = _cancellation,
            OnProgress = p => report((int)p.Step, FormattableString.Invariant($"loss {p.Loss:0.0000}  {p.ImagesPerSecond:0} images/s")),
        }));
        return run.Interrupted ? throw new OperationCanceledException("the same command will resume") : run;
    }

    private void RequireNoises(MeasuredCell cell, string file) => cell.Require(Plan.Noises, file);

    /// <summary>
    /// A stage's result from its file, if that was made from what is there now; else the stage is run and the file written.
    /// </summary>
    private T Kept<T>(string name, Func<JsonObject> madeFrom, Func<T> stage, Action<T, string>? require = null)
    {
        if (Usable(name, madeFrom, _backend.OnNotice) is { } kept)
        {
            var value = RunJson.FromNode<T>(kept, In(name));
            require?.Invoke(value, In(name));
            return value;
        }
        if (_cancellation.IsCancellationRequested)
            throw new OperationCanceledException("the same command will resume");
        _hasWorked = true;
        var result = stage();
        AtomicFile.WriteText(In(name), RunJson.ToText(new JsonObject
        {
            [MadeFromKey] = madeFrom(),
            [Result] = RunJson.ToNode(result),
        }) + "\n");
        return result;
    }

    private const string Result = "result", MadeFromKey = "madeFrom";

    /// <summary>What a stage's file holds, if it was made from what is there now; else none.</summary>
    private JsonNode? Usable(string name, Func<JsonObject> madeFrom, Action<string>? notice = null)
    {
        if (!File.Exists(In(name)))
            return null;
        var kept = RunJson.Read(In(name));
        if (kept[MadeFromKey] is not JsonObject was)
        {
            notice?.Invoke($"{In(name)} is of an older version, which did not keep what it was made from: it is taken as it is");
            return kept;
        }
        var now = madeFrom();
        foreach (string missing in was.Select(p => p.Key).Except(now.Select(p => p.Key)).ToList())
            was.Remove(missing);
        if (RunJson.Difference(was, now) is not { } difference)
            return kept[Result];
        notice?.Invoke($"{In(name)} was made from something else, so it is made anew: {difference}");
        return null;
    }

    /// <summary>Seconds of all sessions; one that found everything done adds nothing.</summary>
    private double Elapsed => _earlierSeconds + (_hasWorked ? _clock.Elapsed.TotalSeconds : 0);

    private void KeepElapsed()
    {
        // A folder that has gone meanwhile does not come back for this.
        if (File.Exists(In(MarkerFile)))
            AtomicFile.WriteText(In(ElapsedFile), RunJson.ToText(new JsonObject { ["seconds"] = Elapsed }) + "\n", makeFolders: false);
    }

    /// <summary>An empty folder, or one of the very same plan.</summary>
    private static WriterLock Claim(ReproductionOptions options, Dataset? data, Backend backend)
    {
        string marker = Path.Combine(options.Folder, MarkerFile);
        if (File.Exists(options.Folder))
            throw new BDenseException($"{options.Folder} is a file; a reproduction needs a folder");
        var plan = new JsonObject
        {
            ["table"] = options.Plan.Table.Name,
            ["scale"] = options.Plan.Scale,
            ["teacher"] = options.TeacherPath,
            ["seed"] = options.Seed,
        }.WithData(data).WithDevice(backend);
        if (File.Exists(marker))
        {
            if (RunData.Difference(RunJson.Read(marker), plan) is { } difference)
                throw new BDenseException($"{options.Folder} holds another reproduction: {difference}; give another folder with --out");
            return WriterLock.OfFolder(options.Folder);
        }
        if (RunFolder.Contents(options.Folder).Length > 0)
            throw new BDenseException(
                $"{options.Folder} holds something else than a reproduction; give a new or an empty folder with --out");
        AtomicFile.Guard(options.Folder, () => Files.MakeFolder(options.Folder));
        return WriterLock.OfFolder(options.Folder).Beginning(() => AtomicFile.WriteText(marker, RunJson.ToText(plan) + "\n"));
    }

    /// <summary>Made when it is first asked for.</summary>
    private sealed class Lazily<T>(Func<T> make) : IDisposable
        where T : class, IDisposable
    {
        private T? _value;

        public T Value => _value ??= make();

        public void Dispose() => _value?.Dispose();
    }
}
