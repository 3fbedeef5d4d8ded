using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Training.Runs;
using NUnit.Framework;

namespace BDense.Tests.Training;

/// <summary>A checkpoint that is not, to the bit, what its run wrote is refused by name, and resuming falls back to one that is.</summary>
public sealed class CheckpointManifestTests
{
    private const int Steps = 3;

    private TinyRuns _runs = null!;
    private List<string> _notices = null!;

    [SetUp]
    public void Start()
    {
        (_runs, _notices) = (new TinyRuns(), []);
        _runs.Backend.OnNotice = _notices.Add;
    }

    [TearDown]
    public void End() => _runs.Dispose();

    private static readonly string[] Files =
        [Checkpoint.ModelFile, Checkpoint.ConfigFile, Optimizer.EmaFile, Optimizer.OptimizerFile, RunFolder.StateFile, Manifest.FileName];

    [Test]
    public void A_manifest_names_every_file_its_run_and_its_step()
    {
        var result = Train("run");
        var manifest = Manifest.Read(result.Checkpoint!);
        Assert.That(manifest.Files.Keys,
            Is.EquivalentTo(Directory.GetFiles(result.Checkpoint!).Select(Path.GetFileName).Except([Manifest.FileName])));
        foreach (var (name, digest) in manifest.Files)
            Assert.That(digest,
                Is.EqualTo(
                    Convert.ToHexStringLower(
                        System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(Path.Combine(result.Checkpoint!, name))))), name);
        Assert.That(manifest.Step, Is.EqualTo(Steps));
        Assert.That(CheckpointCheck.Fault(result.Checkpoint!), Is.Null);
        Assert.That(_notices, Is.Empty);
    }

    [TestCaseSource(nameof(Files))]
    public void No_flipped_bit_is_accepted(string name)
    {
        string checkpoint = Train("run").Checkpoint!, file = Path.Combine(checkpoint, name);
        byte[] bytes = File.ReadAllBytes(file);
        // Places spread over the whole file, each with another bit; the manifest's own, which nothing else vouches for, all of them.
        var places = name == Manifest.FileName ? Enumerable.Range(0, bytes.Length * 8)
            : Enumerable.Range(0, 40).Select(i => i * (bytes.Length - 1) / 39 * 8 + i * 5 % 8);
        foreach (int place in places)
        {
            bytes[place / 8] ^= (byte)(1 << place % 8);
            File.WriteAllBytes(file, bytes);
            Assert.That(CheckpointCheck.Fault(checkpoint), Is.Not.Null, $"bit {place % 8} of byte {place / 8}");
            bytes[place / 8] ^= (byte)(1 << place % 8);
        }
        File.WriteAllBytes(file, bytes);
        Assert.That(CheckpointCheck.Fault(checkpoint), Is.Null);
    }

    [TestCaseSource(nameof(Files))]
    public void A_lost_and_a_cut_file_are_named(string name)
    {
        string checkpoint = Train("run").Checkpoint!, file = Path.Combine(checkpoint, name);
        File.WriteAllBytes(file, File.ReadAllBytes(file)[..^7]);
        Assert.That(Refused("run"), Does.Contain(name));
        File.Delete(file);
        Assert.That(Assert.Throws<BDenseException>(() => TrainedNetwork.Load(_runs.Backend, checkpoint))!.Message, Does.Contain(name));
        Assert.That(Assert.Throws<BDenseException>(() => Train("run", resume: true))!.Message, Does.Contain("step-000003"));
    }

    [TestCase(Optimizer.EmaFile)]
    [TestCase(Optimizer.OptimizerFile)]
    [TestCase(Checkpoint.ModelFile)]
    [TestCase(RunFolder.StateFile)]
    [TestCase(Manifest.FileName)]
    public void A_file_of_another_run_is_refused(string name)
    {
        string mine = Train("mine").Checkpoint!, other = Train("other", seed: 2).Checkpoint!;
        if (name == RunFolder.StateFile)
            File.WriteAllText(Path.Combine(other, name),
                File.ReadAllText(Path.Combine(other, name)).Replace("3", "4", StringComparison.Ordinal));
        File.Copy(Path.Combine(other, name), Path.Combine(mine, name), overwrite: true);
        Assert.That(Refused("mine"), Does.Contain("step-000003 cannot be used").And.Contain(name));
    }

    [Test]
    public void Another_seeds_folder_and_another_steps_are_refused()
    {
        string mine = Train("mine", every: 1).Checkpoint!, other = Train("other", seed: 2).Checkpoint!;
        Replace(mine, other);
        Assert.That(Refused("mine"), Does.Contain("belongs to another run").And.Contain("config.json").And.Contain("step-000002 is whole"));
        Replace(mine, mine.Replace("000003", "000001", StringComparison.Ordinal));
        Assert.That(Refused("mine"), Does.Contain("it is of step 1"));
    }

    [Test]
    public void The_same_run_made_twice_is_one_run()
    {
        string mine = Train("mine").Checkpoint!, other = Train("other").Checkpoint!;
        Replace(mine, other);
        TrainedNetwork.Load(_runs.Backend, _runs.Folder["mine"]).Dispose();
    }

    [Test]
    public void A_copy_elsewhere_is_checked_too()
    {
        string checkpoint = Train("run").Checkpoint!, copy = _runs.Folder["copy"];
        Replace(copy, checkpoint);
        TrainedNetwork.Load(_runs.Backend, copy).Dispose();
        Flip(Path.Combine(copy, Optimizer.EmaFile));
        Assert.That(
            Assert.Throws<BDenseException>(() => TrainedNetwork.Load(_runs.Backend, Path.Combine(copy, Optimizer.EmaFile)))!.Message,
            Does.Contain(Optimizer.EmaFile));
    }

    [Test]
    public void Resuming_falls_back_to_the_newest_whole_checkpoint_and_says_so()
    {
        string straight = Train("straight", steps: 5).Checkpoint!;
        string broken = Train("broken", steps: 5, every: 1, stopAfter: 4).Checkpoint!;
        Flip(Path.Combine(broken, Optimizer.OptimizerFile));
        Flip(Path.Combine(broken.Replace("000004", "000003", StringComparison.Ordinal), Optimizer.EmaFile));
        _notices.Clear();
        var resumed = Train("broken", steps: 5, resume: true);
        Assert.That(_notices, Has.Count.EqualTo(1));
        Assert.That(_notices[0],
            Does.Contain("step-000004 cannot be used").And.Contain(Optimizer.OptimizerFile).And
                .EndsWith("going on from step-000002, the newest whole checkpoint").And.Not.Contain("\n"));
        Assert.That(resumed.Log.Select(l => l.Step), Is.EqualTo(new[] { 1, 2, 3, 4, 5 }));
        foreach (var (name, bytes) in TinyRuns.Files(straight))
            Assert.That(TinyRuns.Files(resumed.Checkpoint!)[name], Is.EqualTo(bytes), name);
    }

    [Test]
    public void A_lost_pointer_loses_nothing([Values] bool gone)
    {
        string checkpoint = Train("run", steps: 4, every: 1, stopAfter: 3).Checkpoint!,
            latest = Path.Combine(Path.GetDirectoryName(checkpoint)!, RunFolder.LatestFile);
        if (gone)
            File.Delete(latest);
        else
            File.WriteAllText(latest, "step-00000:\n");
        var resumed = Train("run", steps: 4, resume: true);
        Assert.That(_notices.Single(), Does.Contain("latest").And.Contain("going on from step-000003"));
        Assert.That(resumed.Log, Has.Count.EqualTo(4));
    }

    [Test]
    public void A_pointer_to_an_older_checkpoint_is_followed_and_said()
    {
        string straight = Train("straight", steps: 4).Checkpoint!;
        string checkpoint = Train("run", steps: 4, every: 1, stopAfter: 3).Checkpoint!;
        File.WriteAllText(Path.Combine(Path.GetDirectoryName(checkpoint)!, RunFolder.LatestFile), "step-000001\n");
        var resumed = Train("run", steps: 4, resume: true, every: 1);
        Assert.That(_notices.Single(),
            Does.Contain("latest names step-000001: going on from there; step-000003 is newer and will be written anew"));
        foreach (var (name, bytes) in TinyRuns.Files(straight))
            Assert.That(TinyRuns.Files(resumed.Checkpoint!)[name], Is.EqualTo(bytes), name);
    }

    [Test]
    public void Nothing_whole_is_not_begun_anew_in_silence([Values] bool named)
    {
        string checkpoint = Train("run").Checkpoint!;
        Flip(Path.Combine(checkpoint, Checkpoint.ModelFile));
        if (!named)
            File.Delete(Path.Combine(Path.GetDirectoryName(checkpoint)!, RunFolder.LatestFile));
        Assert.That(Assert.Throws<BDenseException>(() => Train("run", resume: true))!.Message,
            Does.Contain(Checkpoint.ModelFile).And.Contain("start the run anew"));
    }

    [Test]
    public void A_log_with_a_gap_is_said([Values] bool gone)
    {
        Train("run", steps: 4, stopAfter: 3);
        string log = _runs.Folder[$"run/{RunFolder.LogFile}"];
        if (gone)
            File.Delete(log);
        else
            File.WriteAllLines(log, File.ReadLines(log).Take(1).ToArray());
        Train("run", steps: 4, resume: true);
        Assert.That(_notices.Single(), Does.Contain($"log.jsonl holds {(gone ? 0 : 1)} of the 3 iterations"));
    }

    [TestCase("{ \"peakBytes\": ")]
    [TestCase("{ \"peakBytes\": \"much\" }")]
    [TestCase("{}")]
    public void A_broken_peak_is_said_before_the_training(string text)
    {
        Train("run", steps: 4, stopAfter: 3);
        File.WriteAllText(_runs.Folder[$"run/{RunFolder.PeakFile}"], text);
        Assert.That(Assert.Throws<BDenseException>(() => Train("run", steps: 4, resume: true))!.Message,
            Does.Contain("memory.json").And.Contain("remove it"));
        Assert.That(RunFolder.Existing(_runs.Folder["run"]).ReadLog(), Has.Count.EqualTo(3), "nothing was trained");
    }

    [Test]
    public void An_older_checkpoint_loads_with_a_notice()
    {
        string checkpoint = Train("run", steps: 4, stopAfter: 2).Checkpoint!, state = Path.Combine(checkpoint, RunFolder.StateFile);
        File.Delete(Path.Combine(checkpoint, Manifest.FileName));
        File.WriteAllText(state, """{ "step": 2 }""");
        TrainedNetwork.Load(_runs.Backend, _runs.Folder["run"]).Dispose();
        Assert.That(_notices.Single(), Does.Contain("has no manifest.json").And.Contain("unchecked"));
        Assert.That(Train("run", steps: 4, resume: true).Step, Is.EqualTo(4));
        Assert.That(_notices, Has.Count.EqualTo(2));
    }

    private string Refused(string run)
    {
        string message = Assert.Throws<BDenseException>(() => TrainedNetwork.Load(_runs.Backend, _runs.Folder[run]))!.Message;
        Assert.That(message, Does.Contain("step-000003").And.Not.Contain("\n"));
        return message;
    }

    private RunResult Train(string name, ulong seed = 1, int steps = Steps, bool resume = false, int every = 0, int stopAfter = 0)
    {
        using var cancel = new CancellationTokenSource();
        var options = new TeacherOptions { Steps = steps, Batch = 4, Seed = seed };
        using var network = _runs.Teacher(seed);
        using var training = new TeacherTraining(network, TinyRuns.Data, options);
        var folder = RunFolder.Open(_runs.Folder[name], new JsonObject
        {
            ["kind"] = "train",
            ["teacher"] = RunJson.ToNode(options),
        }, resume);
        return TrainingLoop.Run(training, folder, new LoopOptions
        {
            CheckpointEvery = every,
            Cancellation = cancel.Token,
            OnProgress = p =>
            {
                if (p.Step == stopAfter)
                    cancel.Cancel();
            },
        });
    }

    private static void Flip(string file)
    {
        byte[] bytes = File.ReadAllBytes(file);
        bytes[bytes.Length / 2] ^= 4;
        File.WriteAllBytes(file, bytes);
    }

    private static void Replace(string folder, string by)
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(folder);
        foreach (string file in Directory.GetFiles(by))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
    }
}
