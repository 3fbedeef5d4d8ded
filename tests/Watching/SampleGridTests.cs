using System.Text.Json.Nodes;
using BDense.Tests.Cli;
using BDense.Tests.Training;
using BDense.Training.Data;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.Ect;
using BDense.Training.Distillation.Methods.Pd;
using BDense.Training.Distillation.Methods.Sfd;
using BDense.Training.Logging;
using BDense.Training.Runs;
using BDense.Training.Watching;
using NUnit.Framework;

namespace BDense.Tests.Watching;

/// <summary>What is looked at while it is trained is trained as if nobody looked.</summary>
public sealed class SampleGridTests
{
    private TinyRuns _runs = null!;

    [SetUp]
    public void Start() => _runs = new TinyRuns();

    [TearDown]
    public void End()
    {
        Assert.That(_runs.Backend.Pool.CurrentBytes, Is.Zero, "a tensor was kept");
        _runs.Dispose();
    }

    private static readonly TestCaseData[] Students =
    [
        new TestCaseData(new SfdOptions { Nfe = 2, Updates = 12, Batch = 4, Seed = 9, Branches = 4, Ema = 0.9 }).SetArgDisplayNames("SFD"),
        new TestCaseData(new SfdOptions { NfeChoices = "1,3", Updates = 12, Batch = 4, Seed = 9 }).SetArgDisplayNames("SFD-v"),
        new TestCaseData(new PdOptions { Nfe = 1, Rounds = 2, Updates = 6, Batch = 4, Seed = 9, Ema = 0.9 })
            .SetArgDisplayNames("PD in two rounds"),
        new TestCaseData(new EctOptions { Updates = 6, Stages = 3, Q = 8, Batch = 4, Seed = 9, Ema = 0.9 }).SetArgDisplayNames("ECT"),
    ];

    [TestCaseSource(nameof(Students))]
    public void A_student_is_the_same_with_pictures_and_held_out_losses(Distill options)
    {
        using var teacher = _runs.Teacher(seed: 2);
        string plain = Run("plain", watched: false), watched = Run("watched", watched: true);
        Same(plain, watched);
        Assert.That(Pictures("watched"), Is.EqualTo(new[] { "000002.png", "000004.png", "000006.png" }));

        string Run(string name, bool watched)
        {
            using var student = DistillationMethods.NewStudent(teacher, options);
            using var training = DistillationMethods.Create(student, teacher, TinyRuns.Data, options);
            return Watched(name, training, watched, resume: false).Checkpoint!;
        }
    }

    [Test]
    public void A_teacher_is_the_same_and_a_resumed_run_makes_the_same_pictures()
    {
        string plain = Run("plain", watched: false), watched = Run("watched", watched: true);
        Same(plain, watched);
        string halves = Run("halves", watched: true, stopAfter: 3);
        Assert.That(Pictures("halves"), Is.EqualTo(new[] { "000002.png" }));
        halves = Run("halves", watched: true, resume: true);
        Same(plain, halves);
        Assert.That(Pictures("halves"), Is.EqualTo(new[] { "000002.png", "000004.png", "000006.png" }));
        foreach (string picture in Pictures("halves"))
            Assert.That(File.ReadAllBytes(In("halves", picture)), Is.EqualTo(File.ReadAllBytes(In("watched", picture))), picture);
        Assert.That(File.ReadAllBytes(In("watched", "000002.png")), Is.Not.EqualTo(File.ReadAllBytes(In("watched", "000006.png"))));
        double?[] losses = [.. RunFolder.Existing(_runs.Folder["watched"]).ReadLog().Select(line => line.Validation)];
        Assert.That(losses.Select(loss => loss is not null), Is.EqualTo(new[] { false, true, false, true, false, true }));
        Assert.That(RunFolder.Existing(_runs.Folder["halves"]).ReadLog().Select(line => line.Validation), Is.EqualTo(losses));

        string Run(string name, bool watched, bool resume = false, int? stopAfter = null)
        {
            using var network = _runs.Teacher();
            using var training = new TeacherTraining(network, TinyRuns.Data,
                new TeacherOptions { Steps = 6, Batch = 4, Seed = 3, Flip = true, Warmup = 2 });
            return Watched(name, training, watched, resume, stopAfter).Checkpoint!;
        }
    }

    /// <summary>Classes in turn, the averaged weights: the very bytes of <c>bdense sample</c>.</summary>
    [TestCase(0)]
    [TestCase(3)]
    public async Task A_picture_is_what_sample_makes_of_the_checkpoint(int classes)
    {
        string images = _runs.Folder["images.npz"], run = _runs.Folder["run"], config = _runs.Folder["tiny.json"];
        var pixels = new byte[12 * 8 * 8 * 3];
        new Random(1).NextBytes(pixels);
        (string, NpyArray)[] arrays = [("images", new NpyArray([12, 8, 8, 3], pixels))];
        if (classes > 0)
            arrays = [.. arrays, ("labels", new NpyArray([12], Enumerable.Range(0, 12).Select(i => (long)(i % classes)).ToArray()))];
        Npz.Write(images, arrays);
        await File.WriteAllTextAsync(config, $$"""
            { "resolution": 8, "modelChannels": 8, "channelMultipliers": [1], "blocksPerLevel": 1, "labelCount": {{classes}} }
            """);
        await CliRun.Succeeds("train", "--data", images, "--network", config, "--steps", "4", "--batch", "4", "--seed", "5",
            "--checkpoint-every", "2", "--samples-every", "2", "--samples-count", "7", "--out", run, "--device", "cpu");
        foreach (int step in new[] { 2, 4 })
        {
            string sampled = _runs.Folder[$"{step}.png"];
            await CliRun.Succeeds("sample", "--model", Path.Combine(run, $"checkpoints/step-{step:000000}/ema.safetensors"), "--count", "7",
                "--seed", "5", "--out", sampled, "--device", "cpu");
            Assert.That(File.ReadAllBytes(Path.Combine(run, $"samples/{step:000000}.png")), Is.EqualTo(File.ReadAllBytes(sampled)));
        }
    }

    private RunResult Watched(string name, ITraining training, bool watched, bool resume, int? stopAfter = null)
    {
        using var cancel = new CancellationTokenSource();
        var folder = RunFolder.Open(_runs.Folder[name], new JsonObject { ["kind"] = "test" }, resume);
        return TrainingLoop.Run(training, folder, new LoopOptions
        {
            Cancellation = cancel.Token,
            OnProgress = p =>
            {
                if (p.Step == stopAfter)
                    cancel.Cancel();
            },
            Logs = watched ? [LogFormat.Csv, LogFormat.TensorBoard] : [],
            Samples = watched ? new SampleGrids(2, 3, 7, 2) : null,
            Validation = watched && training.HasHeldOutLoss ? new HeldOut(HeldOutTests.Others, 2, 5) : null,
        });
    }

    private static void Same(string expected, string got)
    {
        var (a, b) = (TinyRuns.Files(expected), TinyRuns.Files(got));
        Assert.That(b.Keys, Is.EquivalentTo(a.Keys));
        foreach (var (name, bytes) in a)
            Assert.That(b[name], Is.EqualTo(bytes), name);
    }

    private string In(string run, string picture) => Path.Combine(_runs.Folder[run], SampleGrids.FolderName, picture);

    private string[] Pictures(string run) =>
        [.. Directory.GetFiles(Path.Combine(_runs.Folder[run], SampleGrids.FolderName)).Select(f => Path.GetFileName(f)!).Order()];
}
