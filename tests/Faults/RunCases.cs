using System.Text.Json.Nodes;
using BDense.Model.Checkpoints;
using BDense.Tests.Training;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.Pd;
using BDense.Training.Distillation.Methods.Sfd;
using BDense.Training.Runs;

namespace BDense.Tests.Faults;

/// <summary>What a run's folder holds.</summary>
internal static class RunCases
{
    private const string Run = "run";

    // A network is loaded each time, or the disk waited for.
    private const int Slow = 200;

    public static IReadOnlyList<ReaderCase> All { get; } =
    [
        new("run's configuration", SampleFormat.Json, folder =>
        {
            var config = Configuration(new SfdOptions { FirstStage = null });
            Begin(folder, config);
            string file = folder[$"{Run}/{RunFolder.ConfigFile}"];
            return new Sample(file,
                () => _ = RunFolder.Open(folder[Run], config, resume: true, new ResumeChanges { Data = true }).Identity);
        }),
        new("student's configuration", SampleFormat.Json, folder =>
        {
            Unseal(Train(folder, new SfdOptions { Nfe = 1, Updates = 1, Batch = 2 }));
            var runs = new TinyRuns();
            return new Sample(folder[$"{Run}/{RunFolder.ConfigFile}"], () =>
            {
                var student = Student.Load(runs.Backend, folder[Run]);
                using var network = student.Network;
                _ = student.Evaluations;
            })
            { Close = runs.Dispose };
        }) { Mutations = Slow },
        new("exported student's description", SampleFormat.Json, folder =>
        {
            using var runs = new TinyRuns();
            using var teacher = runs.Teacher(config: TinyRuns.Config with { Branches = 2 });
            string file = folder[StudentFile.Name];
            AtomicFile.WriteText(file,
                RunJson.ToText(RunJson.ToNode(StudentFile.Of(Student.Of(teacher, new SfdOptions { Branches = 2, Jump = 2, Nfe = 3 })))));
            return new Sample(file, () => _ = StudentFile.Read(file).Intervals.Sum(i => i.Sigmas.Length));
        }),
        new("second stage's configuration", SampleFormat.Json, folder =>
        {
            var second = new SfdOptions
            {
                Nfe = 1,
                Jump = 3,
                AnalyticalFirstStep = false,
                FirstStage = new SfdOptions { Nfe = 3, AnalyticalFirstStep = false },
            };
            Begin(folder, Configuration(second.Resolve()));
            return new Sample(folder[$"{Run}/{RunFolder.ConfigFile}"], () =>
            {
                var o = Student.OptionsOf(folder[Run]);
                _ = o.Grid(o.Intervals + 1).Coarsen(o.Branches).Nodes(0);
            });
        }),
        new("latest", SampleFormat.Binary, folder =>
        {
            Train(folder, new SfdOptions { Nfe = 1, Updates = 1, Batch = 2 });
            return new Sample(folder[$"{Run}/checkpoints/{RunFolder.LatestFile}"],
                () => _ = RunFolder.Existing(folder[Run]).CheckpointToResume(null));
        }) { Mutations = Slow },
        new("manifest", SampleFormat.Json, folder =>
        {
            string checkpoint = Train(folder, new SfdOptions { Nfe = 1, Updates = 1, Batch = 2 });
            return new Sample(Path.Combine(checkpoint, Manifest.FileName), () => CheckpointCheck.Require(checkpoint, null));
        }),
        new("log", SampleFormat.JsonLines, folder =>
        {
            Train(folder, new SfdOptions { Nfe = 1, Updates = 3, Batch = 2, Branches = 2 });
            return new Sample(folder[$"{Run}/{RunFolder.LogFile}"],
                () => _ = RunFolder.Existing(folder[Run]).ReadLog().Sum(line => line.Branches.Sum() + line.Loss));
        }),
        new("memory", SampleFormat.Json, folder =>
        {
            Train(folder, new SfdOptions { Nfe = 1, Updates = 1, Batch = 2 });
            return new Sample(folder[$"{Run}/{RunFolder.PeakFile}"], () => _ = RunFolder.Existing(folder[Run]).ReadPeak());
        }),
        // A resumed run as far as its first step; it writes its log anew and waits for the disk.
        Resumed("state of a resumed run", RunFolder.StateFile, SampleFormat.Json, new SfdOptions { Nfe = 1, Updates = 1, Batch = 2 }),
        Loaded("state of SFD with aligned weights", RunFolder.StateFile, SampleFormat.Json, new SfdOptions
        {
            Nfe = 2,
            Updates = 1,
            Batch = 2,
            Branches = 2,
            Weights = "aligned",
        }),
        Loaded("state of SFD with learned weights", RunFolder.StateFile, SampleFormat.Json, new SfdOptions
        {
            Nfe = 2,
            Updates = 1,
            Batch = 2,
            Branches = 2,
            Weights = "learned",
        }),
        Loaded("state of PD in its second round", RunFolder.StateFile, SampleFormat.Json, SecondRound),
        Loaded("teacher of PD's second round", "teacher.safetensors", SampleFormat.SafeTensors, SecondRound),
        Loaded("optimizer", Optimizer.OptimizerFile, SampleFormat.SafeTensors, new SfdOptions { Nfe = 1, Updates = 1, Batch = 2 }),
        Loaded("moving average", Optimizer.EmaFile, SampleFormat.SafeTensors, new SfdOptions
        {
            Nfe = 1,
            Updates = 1,
            Batch = 2,
            Ema = 0.9,
        }),
        new("fitted steps", SampleFormat.Json, folder =>
        {
            var options = new SfdOptions { Nfe = 2, Updates = 1, Batch = 2, Branches = 2 };
            Train(folder, options);
            var runs = new TinyRuns();
            var student = Student.Load(runs.Backend, folder[Run]);
            using var teacher = runs.Teacher();
            var fitting = new FittingOptions { Noises = 2, Batch = 2, FineSteps = 4 };
            var fit = new StepFitting(teacher).Fit(student, options, fitting);
            return new Sample(StepFitting.Write(folder[Run], student, fit, fitting), () => _ = StepFitting.Read(student, folder[Run]))
            {
                Close = () =>
                {
                    student.Network.Dispose();
                    runs.Dispose();
                },
            };
        }),
    ];

    private static Distill SecondRound => new PdOptions { Nfe = 1, Rounds = 2, Updates = 2, Batch = 2, Branches = 2, Weights = "learned" };

    private static JsonObject Configuration(Distill options) => new JsonObject
    {
        ["kind"] = "distill",
        ["teacher"] = "runs/teacher",
        [RunFolder.DistillKey] = RunJson.ToNode(options),
    }.WithData(TinyRuns.Data);

    private static RunFolder Begin(TemporaryFolder folder, JsonObject config)
    {
        var run = RunFolder.Open(folder[Run], config, resume: false);
        Directory.CreateDirectory(Path.Combine(run.FullName, RunFolder.CheckpointsFolder));
        return run;
    }

    /// <summary>A whole run; returns its checkpoint.</summary>
    private static string Train(TemporaryFolder folder, Distill options)
    {
        using var runs = new TinyRuns();
        using var teacher = runs.Teacher();
        using var student = DistillationMethods.NewStudent(teacher, options.Resolve());
        using var training = DistillationMethods.Create(student, teacher, TinyRuns.Data, options.Resolve());
        return TrainingLoop.Run(training, Begin(folder, Configuration(options.Resolve()))).Checkpoint!;
    }

    /// <summary>Without its manifest, which would stop all damage at the door: as older versions wrote it.</summary>
    private static void Unseal(string checkpoint)
    {
        File.Delete(Path.Combine(checkpoint, Manifest.FileName));
        var state = RunJson.Read(Path.Combine(checkpoint, RunFolder.StateFile));
        state.Remove(Manifest.StateKey);
        File.WriteAllText(Path.Combine(checkpoint, RunFolder.StateFile), RunJson.ToText(state));
    }

    private static ReaderCase Loaded(string name, string file, SampleFormat format, Distill options) =>
        OfTraining(name, file, format, options,
        (training, checkpoint, _) => training.Load(checkpoint, RunJson.Read(Path.Combine(checkpoint, RunFolder.StateFile))));

    private static ReaderCase Resumed(string name, string file, SampleFormat format, Distill options) =>
        OfTraining(name, file, format, options,
        (training, _, folder) =>
            TrainingLoop.Run(training, RunFolder.Existing(folder[Run]),
                new LoopOptions { Cancellation = new CancellationToken(canceled: true) }));

    private static ReaderCase OfTraining(string name, string file, SampleFormat format, Distill options,
        Action<ITraining, string, TemporaryFolder> read) => new(name, format, folder =>
    {
        string checkpoint = Train(folder, options);
        Unseal(checkpoint);
        var runs = new TinyRuns();
        var teacher = runs.Teacher();
        var student = DistillationMethods.NewStudent(teacher, options.Resolve());
        var training = DistillationMethods.Create(student, teacher, TinyRuns.Data, options.Resolve());
        return new Sample(Path.Combine(checkpoint, file), () => read(training, checkpoint, folder))
        {
            Close = () =>
            {
                foreach (var owned in new IDisposable[] { training, student, teacher, runs })
                    owned.Dispose();
            },
        };
    })
        { Mutations = Slow };
}
