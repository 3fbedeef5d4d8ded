using System.Diagnostics;
using System.Text.Json.Nodes;
using BDense.Tests.Training;
using BDense.Training.Runs;
using NUnit.Framework;

namespace BDense.Tests.Cli;

/// <summary>
/// Through the command line: a run that is longer than it was begun, that begins with given weights, that has one writer, and whose folder
/// goes.
/// </summary>
public sealed class RunLifeTests
{
    private TemporaryFolder _folder = null!;

    private string In(string name) => _folder[name];

    [SetUp]
    public async Task Make()
    {
        _folder = new TemporaryFolder();
        await File.WriteAllTextAsync(In("tiny.json"),
            """{ "resolution": 8, "modelChannels": 8, "channelMultipliers": [1], "blocksPerLevel": 1 }""");
    }

    [TearDown]
    public void Clean() => _folder.Dispose();

    [Test]
    public async Task A_finished_run_goes_on_as_if_it_had_been_longer()
    {
        await CliRun.Succeeds(Train("long", 5));
        await CliRun.Succeeds(Train("run", 2));
        await CliRun.Succeeds(Train("run", 5, "--resume"));
        Same("long", "run", "step-000005");
        var less = await CliRun.Of(Train("run", 2, "--resume"));
        Assert.That((less.ExitCode, less.Message),
            Is.EqualTo((1, $"bdense: {In("run")} cannot be resumed with other options: teacher.steps is 5, not 2")));

        await CliRun.Succeeds(Train("cosine", 2, "--decay", "cosine"));
        var falls = await CliRun.Of(Train("cosine", 5, "--decay", "cosine", "--resume"));
        Assert.That(falls.ExitCode, Is.EqualTo(1));
        Assert.That(falls.Message,
            Does.StartWith(
                $"bdense: {In("cosine")} cannot go on to more steps: its learning rate falls over all of them (decay cosine)").And
                .Contain("--init"));

        await CliRun.Succeeds(Distill("student", 2, "--decay", "constant"));
        await CliRun.Succeeds(Distill("student", 5, "--decay", "constant", "--resume"));
        await CliRun.Succeeds(Distill("whole", 5, "--decay", "constant"));
        Same("whole", "student", "step-000005");
        await CliRun.Succeeds(Distill("halved", 2));
        Assert.That((await CliRun.Of(Distill("halved", 5, "--resume"))).Message,
            Does.Contain("cannot go on to more updates: its learning rate falls over all of them (decay half)"));
    }

    [Test]
    public async Task A_run_begins_with_given_weights_and_knows_them_by_content()
    {
        await CliRun.Succeeds(Train("first", 2, "--ema", "0"));
        string weights = Path.Combine(Directory.GetDirectories(In("first/checkpoints"))[0], "model.safetensors");
        File.Copy(weights, In("start.safetensors"));
        // Without --network the weights bring theirs.
        string[] begin = ["train", "--init", In("start.safetensors"), "--resolution", "8", "--limit", "16", "--batch", "4", "--steps", "2",
            "--device", "cpu", "--out", In("second")];
        await CliRun.Succeeds(begin);
        await CliRun.Succeeds(Train("same", 2, "--init", In("first")));
        Assert.That(Weights("same"), Is.EqualTo(Weights("second")).And.Not.EqualTo(Weights("first")));
        var config = JsonNode.Parse(await File.ReadAllTextAsync(In("second/config.json")))!;
        Assert.That(config["initFingerprint"]!.ToString(), Does.Match("^SHA-256 [0-9a-f]{64}$"));

        File.Move(In("start.safetensors"), In("moved.safetensors"));
        begin[2] = In("moved.safetensors");
        await CliRun.Succeeds([.. begin, "--resume"]);
        File.Copy(Path.Combine(Directory.GetDirectories(In("second/checkpoints"))[0], "model.safetensors"), In("moved.safetensors"),
            overwrite: true);
        var other = await CliRun.Of([.. begin, "--resume"]);
        Assert.That(other.ExitCode, Is.EqualTo(1));
        Assert.That(other.Message,
            Does.Contain("cannot be resumed with other starting weights: it began with").And.Contain("give the same --init"));

        await File.WriteAllTextAsync(In("tiny.json"),
            """{ "resolution": 8, "modelChannels": 16, "channelMultipliers": [1], "blocksPerLevel": 1 }""");
        Assert.That((await CliRun.Of(Train("wider", 2, "--init", In("moved.safetensors")))).Message,
            Does.Contain("the weights to begin with are of another network: modelChannels is 8, not 16"));
        Assert.That(Directory.Exists(In("wider")), Is.False);
    }

    [Test]
    public async Task A_student_is_resumed_with_its_own_teacher_and_begins_with_given_weights()
    {
        await CliRun.Succeeds(Train("teacher", 2));
        await CliRun.Succeeds(Distill("student", 2));
        Directory.Move(In("teacher"), In("moved"));
        await CliRun.Succeeds(Distill("student", 2, "--teacher", In("moved"), "--resume"));
        await CliRun.Succeeds([.. Train("teacher", 2), "--seed", "2"]);
        foreach (string[] verb in new[] { Distill("student", 2, "--resume"),
            ["fit", "--model", In("student"), "--noises", "4", "--device", "cpu"],
            ["evaluate", "--model", In("student"), "--count", "80", "--device", "cpu"] })
        {
            var run = await CliRun.Of(verb);
            Assert.That((run.ExitCode, run.Message), Is.EqualTo((1, run.Message)));
            Assert.That(run.Message, Does.Contain("another teacher"), verb[0]);
        }

        await CliRun.Succeeds(Distill("again", 2, "--branches", "2", "--init", In("student")));
        await CliRun.Succeeds(Distill("plain", 2, "--branches", "2"));
        Assert.That(Weights("again"), Is.Not.EqualTo(Weights("plain")));
        Assert.That((await CliRun.Of(Distill("four", 2, "--branches", "4", "--init", In("again")))).Message,
            Does.Contain("only a network of one branch can be widened; this one has 2"));
    }

    [Test]
    public async Task A_run_stays_on_its_device()
    {
        await CliRun.Succeeds(Train("run", 2));
        string file = In("run/config.json");
        var config = JsonNode.Parse(await File.ReadAllTextAsync(file))!.AsObject();
        string device = config["device"]!.ToString();
        config["device"] = "cuda, NVIDIA H200";
        await File.WriteAllTextAsync(file, config.ToJsonString());
        // The checkpoint is of the run as it is written now.
        Directory.Delete(In("run/checkpoints"), recursive: true);
        var refused = await CliRun.Of(Train("run", 2, "--resume"));
        Assert.That((refused.ExitCode, refused.Message),
            Is.EqualTo(
                (1, $"bdense: {In("run")} cannot be resumed on another device, whose bits are others: it was computed on cuda, NVIDIA "
                    + $"H200, not {device}; give the same --device, or --allow-changed-device to go on with this one")));
        Assert.That((await CliRun.Succeeds(Train("run", 2, "--resume", "--allow-changed-device"))).Error,
            Does.Contain("goes on on another device"));
        await CliRun.Succeeds(Train("run", 2, "--resume"));
        Assert.That(JsonNode.Parse(await File.ReadAllTextAsync(file))!["formerDevice"]!.AsArray(), Has.Count.EqualTo(1));
    }

    /// <summary>A process that writes a run, killed in the end: its lock goes with it.</summary>
    [Test]
    public async Task A_run_has_one_writer_and_a_dead_one_is_none()
    {
        using var writer =
            Process.Start(new ProcessStartInfo("dotnet",
                [Path.Combine(AppContext.BaseDirectory, "bdense.dll"), .. Train("run", 1_000_000, "--checkpoint-every", "5")])
            {
                RedirectStandardError = true,
                RedirectStandardOutput = true,
            })!;
        try
        {
            var clock = Stopwatch.StartNew();
            while (!File.Exists(In("run/checkpoints/latest")) && !writer.HasExited && clock.Elapsed < TimeSpan.FromMinutes(1))
                Thread.Sleep(20);
            foreach (string[] more in new string[][] { ["--resume"], [] })
            {
                var second = await CliRun.Of(Train("run", 1_000_000, more));
                Assert.That((second.ExitCode, second.Message),
                    Is.EqualTo(
                        (1, $"bdense: {In("run")} is being written by another process (pid {writer.Id}); wait for it to end, or stop it")));
            }
        }
        finally
        {
            writer.Kill();
            writer.WaitForExit();
        }
        long reached = RunFolder.StepOf(RunFolder.Existing(In("run")).Latest!)!.Value;
        await CliRun.Succeeds(Train("whole", (int)reached + 1));
        // Extended to fewer steps than it was asked for it is not; so its end is moved by hand.
        string config = (await File.ReadAllTextAsync(In("run/config.json"))).Replace("1000000", $"{reached + 1}", StringComparison.Ordinal);
        string identity = RunFolder.Existing(In("run")).Identity;
        var moved = JsonNode.Parse(config)!.AsObject();
        moved["identity"] = identity;
        await File.WriteAllTextAsync(In("run/config.json"), moved.ToJsonString());
        await CliRun.Succeeds(Train("run", (int)reached + 1, "--resume", "--checkpoint-every", "5"));
        Same("whole", "run", RunFolder.NameOf(reached + 1));
        Assert.That(Faults.FileFaults.Unfinished(In("run")), Is.Empty);
    }

    [Test]
    public void A_folder_that_goes_ends_the_run_and_does_not_come_back()
    {
        using var runs = new TinyRuns();
        var options = new TeacherOptions { Steps = 4, Batch = 2 };
        foreach (int every in new[] { 0, 1 })
        {
            using var network = runs.Teacher();
            using var training = new TeacherTraining(network, TinyRuns.Data, options);
            string path = runs.Folder["run"];
            var folder = RunFolder.Open(path, new JsonObject { ["kind"] = "train" }, resume: false);
            Assert.That(() => TrainingLoop.Run(training, folder, new LoopOptions
            {
                CheckpointEvery = every,
                OnProgress = p =>
                {
                    if (p.Step == 2)
                        Directory.Delete(path, recursive: true);
                },
            }), Throws.TypeOf<BDense.Kernels.BDenseException>().With.Message.Contains($"{path} has gone"));
            Assert.That(Directory.Exists(path), Is.False);
        }
    }

    private string[] Train(string name, int steps, params string[] more) =>
        ["train", "--network", In("tiny.json"), "--resolution", "8", "--limit", "16", "--threads", "1", "--steps", $"{steps}", "--batch",
            "4", "--out", In(name), "--device", "cpu", .. more];

    private string[] Distill(string name, int updates, params string[] more)
    {
        if (!Directory.Exists(In("teacher")) && !more.Contains("--teacher"))
            Assert.That(CliRun.Of(Train("teacher", 2)).Result.ExitCode, Is.Zero);
        string[] teacher = more.Contains("--teacher") ? [] : ["--teacher", In("teacher")];
        return ["distill", .. teacher, "--method", "sfd", "--nfe", "1", "--updates", $"{updates}", "--batch", "4", "--threads", "1",
            "--out", In(name), "--device", "cpu", .. more];
    }

    private byte[] Weights(string run) => File.ReadAllBytes(Path.Combine(RunFolder.Existing(In(run)).Latest!, "model.safetensors"));

    // All but the manifest, which names the run: by what it was asked for at its beginning.
    private void Same(string straight, string other, string step)
    {
        foreach (var (name, bytes) in TinyRuns.Files(In($"{straight}/checkpoints/{step}")).Where(file => file.Key != Manifest.FileName))
            Assert.That(File.ReadAllBytes(In($"{other}/checkpoints/{step}/{name}")), Is.EqualTo(bytes), name);
    }
}
