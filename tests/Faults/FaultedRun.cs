using System.Text.Json.Nodes;
using BDense.Model.Networks;
using BDense.Tests.Training;
using BDense.Tests.Watching;
using BDense.Training.Averaging;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.Pd;
using BDense.Training.Distillation.Methods.Sfd;
using BDense.Training.Logging;
using BDense.Training.Runs;
using BDense.Training.Watching;
using NUnit.Framework;

namespace BDense.Tests.Faults;

/// <summary>A short training of one kind with a checkpoint after every iteration, run as often as a test likes.</summary>
/// <param name="Name">Of the case.</param>
/// <param name="Config">What is asked for.</param>
/// <param name="Make">The training and its network.</param>
internal sealed record FaultedRun(string Name, JsonObject Config, Func<TinyRuns, (ITraining Training, IDisposable Network)> Make)
{
    /// <summary>What goes on beside the training; its averages are disposed after it.</summary>
    private Func<ITraining, LoopOptions> Loop { get; init; } = _ => new LoopOptions();

    /// <summary>A teacher with everything that a run can have besides: pictures, logs, a loss on held-out images, averages.</summary>
    public static FaultedRun Watched => Train() with
    {
        Name = "train, watched",
        Loop = training => new LoopOptions
        {
            Logs = [LogFormat.Csv, LogFormat.TensorBoard],
            Profiles = new EmaProfiles(training.Network, [0.1], 2),
            Samples = new SampleGrids(2, 1, 1, 1),
            Validation = new HeldOut(HeldOutTests.Others, 2, 13),
        },
    };

    public static FaultedRun Train(long steps = 3, ulong seed = 1)
    {
        var options = new TeacherOptions { Steps = steps, Batch = 2, Seed = seed };
        return new FaultedRun("train", new JsonObject
        {
            ["kind"] = "train",
            ["teacher"] = RunJson.ToNode(options),
        }.WithData(TinyRuns.Data), runs =>
        {
            var network = runs.Teacher(seed);
            return (new TeacherTraining(network, TinyRuns.Data, options), network);
        });
    }

    public static FaultedRun Distill { get; } = Of("distill", new SfdOptions
    {
        Branches = 2,
        Nfe = 1,
        Updates = 3,
        Batch = 2,
        Seed = 4,
        Ema = 0.9,
    });

    public static FaultedRun PdInThreeRounds { get; } = Of("pd", new PdOptions { Rounds = 3, Nfe = 1, Updates = 3, Batch = 2, Seed = 4 });

    /// <summary>To its end, or on to it from whatever is there.</summary>
    /// <returns>The last checkpoint.</returns>
    public string Run(TinyRuns runs, string folder, bool resume)
    {
        var (training, network) = Make(runs);
        using var owned = network;
        using (training)
        {
            var run = RunFolder.Open(folder, (JsonObject)Config.DeepClone(), resume);
            var loop = Loop(training);
            using var profiles = loop.Profiles;
            return TrainingLoop.Run(training, run, loop with { CheckpointEvery = 1 }).Checkpoint!;
        }
    }

    /// <summary>A resumed run must have left what an undisturbed one leaves, and nothing else.</summary>
    public static void AssertSame(string straight, string resumed, string what)
    {
        Assert.That(FileFaults.Unfinished(resumed), Is.Empty, what);
        var (expected, got) = (Contents(straight), Contents(resumed));
        Assert.That(got.Keys, Is.EquivalentTo(expected.Keys), what);
        foreach (var (name, bytes) in expected)
            Assert.That(got[name].AsSpan().SequenceEqual(bytes), $"{what}: {name}");
        var (log, other) = (RunFolder.Existing(straight).ReadLog(), RunFolder.Existing(resumed).ReadLog());
        Assert.That(other.Select(line => (line.Step, line.Loss, line.GradientNorm, line.Validation)),
            Is.EqualTo(log.Select(line => (line.Step, line.Loss, line.GradientNorm, line.Validation))), what);
        string csv = Path.Combine(resumed, CsvLog.FileName), events = Path.Combine(resumed, TensorBoardLog.FolderName);
        if (File.Exists(csv))
            Assert.That(File.ReadLines(csv).Skip(1).Select(row => row.Split(',')[0]), Is.EqualTo(log.Select(line => $"{line.Step}")), what);
        if (Directory.Exists(events))
            Assert.That(EventReader.Read(Directory.GetFiles(events).Single()).Skip(1).Select(e => e.Step),
                Is.EqualTo(log.Select(line => line.Step)), what);
    }

    // Times and memory differ from session to session.
    private static Dictionary<string, byte[]> Contents(string run) => Directory.EnumerateFiles(run, "*", SearchOption.AllDirectories)
        .Where(file => Path.GetFileName(file) is not (RunFolder.LogFile or RunFolder.PeakFile or CsvLog.FileName)
            && Path.GetFileName(Path.GetDirectoryName(file)) != TensorBoardLog.FolderName)
        .ToDictionary(file => Path.GetRelativePath(run, file), File.ReadAllBytes);

    private static FaultedRun Of(string name, Distill options) => new(name,
        new JsonObject { ["kind"] = "distill", [RunFolder.DistillKey] = RunJson.ToNode(options.Resolve()) }.WithData(TinyRuns.Data), runs =>
        {
            var teacher = runs.Teacher(seed: 2);
            var student = DistillationMethods.NewStudent(teacher, options);
            return (DistillationMethods.Create(student, teacher, TinyRuns.Data, options), new Both(student, teacher));
        });

    private sealed record Both(INetwork Student, INetwork Teacher) : IDisposable
    {
        public void Dispose()
        {
            Student.Dispose();
            Teacher.Dispose();
        }
    }
}
