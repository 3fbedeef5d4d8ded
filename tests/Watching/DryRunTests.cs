using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Ilgpu;
using BDense.Model.FileSystem;
using BDense.Model.Networks;
using BDense.Tests.Cli;
using BDense.Tests.Ilgpu.Emulator;
using BDense.Tests.Training;
using BDense.Training.Data;
using BDense.Training.Runs;
using NUnit.Framework;

namespace BDense.Tests.Watching;

/// <summary><c>--dry-run</c>: what it says, and that it writes nothing.</summary>
public sealed class DryRunTests
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

    private string[] Train(params string[] more) => ["train", "--network", In("tiny.json"), "--resolution", "8", "--limit", "16", "--batch",
        "4", "--steps", "7", "--device", "cpu", "--threads", "1", "--out", In("run"), .. more];

    private string[] Distill(params string[] more) => ["distill", "--teacher", In("teacher"), "--method", "sfd", "--branches", "2", "--nfe",
        "2", "--updates", "6", "--batch", "4", "--device", "cpu", "--threads", "1", "--out", In("student"), .. more];

    [Test]
    public async Task A_training_is_described_and_nothing_is_written()
    {
        var run = await Dry(Train("--dry-run", "--json", "--samples-every", "2", "--log", "csv,tensorboard", "--ema-profiles", "0.05,0.1"));
        var said = run.Json;
        var info = NetworkInfo.Describe(NetworkCatalog.Find(In("tiny.json")));
        Assert.That(said["dryRun"]!.GetValue<bool>());
        Assert.That(said["images"]!.ToJsonString(), Is.EqualTo("[4,8,8,3]"));
        Assert.That(said["heads"]!.ToJsonString(), Is.EqualTo("[4,8,8,3]"));
        Assert.That(said["parameters"]!.GetValue<long>(), Is.EqualTo(info.Parameters));
        Assert.That(said["blocks"]!.AsArray().Sum(block => block!["parameters"]!.GetValue<long>()), Is.EqualTo(info.Parameters));
        var memory = said["memory"]!.AsObject();
        long weights = memory["weights"]!.GetValue<long>();
        Assert.That(weights, Is.GreaterThanOrEqualTo(4 * info.Parameters).And.LessThan(8 * info.Parameters));
        Assert.That(memory["averages"]!.GetValue<long>(), Is.EqualTo(3 * weights), "the usual one and two with profiles");
        Assert.That(memory["moments"]!.GetValue<long>(), Is.EqualTo(2 * weights));
        Assert.That(memory["total"]!.GetValue<long>(), Is.GreaterThanOrEqualTo(memory["measuredPeak"]!.GetValue<long>()));
        Assert.That(said["iterations"]!.GetValue<long>(), Is.EqualTo(7));
        Assert.That(said["measuredSteps"]!.GetValue<int>(), Is.GreaterThan(0));
        Assert.That(said["stepMilliseconds"]!.GetValue<double>(), Is.GreaterThan(0));
        Assert.That((await Dry(Train("--dry-run"))).Output, Does.Contain("parameters").And.Contain("measured: median of 5 after the first")
            .And.Contain("7 steps: about").And.Contain("nothing was written"));
    }

    [Test]
    public async Task A_distillation_is_described_and_nothing_is_written()
    {
        await CliRun.Succeeds([.. Train().Select(word => word == In("run") ? In("teacher") : word)]);
        var said = (await Dry(Distill("--dry-run", "--json"))).Json;
        Assert.That(said["heads"]!.ToJsonString(), Is.EqualTo("[4,8,8,6]"));
        Assert.That(said["memory"]!["teacher"]!.GetValue<long>(), Is.GreaterThan(0));
        Assert.That(said["iterations"]!.GetValue<long>(), Is.EqualTo(3), "of two updates each");
        var held = await CliRun.Of(Distill("--dry-run", "--validation", In("tiny.json")));
        Assert.That(held.Message, Is.EqualTo(
            "bdense: --validation: this method learns from no images, so that held-out ones say nothing about it"));
    }

    [Test]
    public async Task What_would_be_refused_is_refused()
    {
        await CliRun.Succeeds(Train());
        var there = await CliRun.Of(Train("--dry-run"));
        Assert.That((there.ExitCode, there.Message), Is.EqualTo(
            (1, $"bdense: {In("run")} holds a run already; continue it with --resume, or give another folder")));
        Assert.That((await CliRun.Of(Train("--dry-run", "--resume", "--lr", "0.1"))).Message, Does.Contain("teacher.learningRate is"));
        await Dry(Train("--dry-run", "--resume"));
    }

    /// <summary>Where the run would fail for want of a place, its description does.</summary>
    [Test]
    [Platform("Linux")]
    public async Task A_place_that_cannot_be_written_is_refused()
    {
        string file = In("tiny.json");
        foreach (var (place, message) in new[]
        {
            ("/proc/x/y", "bdense: cannot write /proc/x/y: /proc is the system's own, no folder can be made there"),
            ("/sys/x", "bdense: cannot write /sys/x: /sys is "),
            ($"{file}/deeper", $"bdense: cannot write {file}/deeper: {file} is a file"),
        })
        {
            var run = await Watched([.. Train("--dry-run").Select(word => word == In("run") ? place : word)]);
            Assert.That((run.ExitCode, run.Message.StartsWith(message, StringComparison.Ordinal)), Is.EqualTo((1, true)), run.Message);
        }
        string locked = In("locked");
        Directory.CreateDirectory(locked);
        if (Environment.IsPrivilegedProcess || OperatingSystem.IsWindows())
            return;
        File.SetUnixFileMode(locked, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Assert.That(() => WritablePlace.Require(Path.Combine(locked, "run")),
            Throws.TypeOf<BDenseException>().With.Message.Contains("permission denied"));
    }

    /// <summary>More than any machine has: said with all figures, and refused as the run itself would be.</summary>
    [Test]
    public async Task What_does_not_fit_is_described_and_refused()
    {
        string[] large = ["train", "--network", "edm-imagenet64", "--data", Images(), "--batch", "65536", "--device", "cpu", "--threads",
            "1", "--out", In("run"), "--dry-run"];
        var run = await Watched(large);
        Assert.That(run.ExitCode, Is.EqualTo(1));
        Assert.That(run.Output, Does.Contain("it does not fit").And.Contain("not measured"));
        Assert.That(run.Message, Does.StartWith("bdense: training 65536 images at once takes about ").And.EndWith("takes less"));
    }

    /// <summary>What tensor cores keep of the weights, held to what a convolution really takes.</summary>
    [TestCase(16, 24, 3, Precision.Bf16)]
    [TestCase(3, 16, 3, Precision.Bf16)]
    [TestCase(16, 3, 1, Precision.Tf32)]
    [TestCase(16, 16, 3, Precision.Tf32)]
    [NonParallelizable]
    public void Weights_that_tensor_cores_keep_are_counted(int c, int k, int taps, Precision precision)
    {
        using var backend = (IlgpuBackend)DeviceCatalog.Open("ilgpu-cpu");
        backend.Emulate(new EmulatedDevice(_ => false), precision, 99 << 10);
        var s = Conv2dShape.Same(1, 4, 4, c, k, taps);
        using Tensor x = backend.Zeros(s.Input), w = backend.Zeros(s.Weight), y = backend.Zeros(s.Output);
        long before = backend.Pool.CurrentBytes;
        backend.Conv2d(s, x, w, null, y);
        Assert.That(backend.Pool.CurrentBytes - before, Is.EqualTo(Rounded(backend.KeptWeightBytes(k, taps * taps, c, trained: false))));
        backend.Conv2dDgrad(s, y, w, x);
        long forward = backend.KeptWeightBytes(k, taps * taps, c, trained: false),
            both = backend.KeptWeightBytes(k, taps * taps, c, trained: true);
        Assert.That(backend.Pool.CurrentBytes - before, Is.EqualTo(Rounded(forward) + Rounded(both - forward)));

        // The pool lends blocks of some sizes.
        long Rounded(long bytes)
        {
            if (bytes == 0)
                return 0;
            long was = backend.Pool.CurrentBytes;
            using var block = backend.Empty(new Shape((int)(bytes / sizeof(float))));
            return backend.Pool.CurrentBytes - was;
        }
    }

    [Test]
    public void A_plan_counts_what_is_kept_of_all_weights()
    {
        using var plain = new DryRunBackend();
        using var keeping = new Keeping();
        ITraining Make(Backend dry, int images) => new TeacherTraining(new Network(dry, TinyRuns.Config, seed: null), TinyRuns.Data,
            new TeacherOptions { Batch = images });
        var (without, with) = (MemoryPlan.Of(plain, 4, Make), MemoryPlan.Of(keeping, 4, Make, isWatched: true));
        Assert.That(without.KeptForms, Is.Zero);
        using var network = new Network(plain, TinyRuns.Config, seed: null);
        long convolved = network.Parameters.All.Where(p => p.Shape.Rank == 4).Sum(p => (long)p.Shape.Length);
        Assert.That(with.KeptForms, Is.EqualTo(4 * convolved));
        Assert.That(with.Total - without.Total, Is.EqualTo(4 * convolved + with.Weights + 2 * convolved), "and a copy to look at");
        Assert.That(without.Total, Is.EqualTo(without.Parts().Sum(part => part.Bytes)));
    }

    [Test]
    public void Sampling_counts_what_is_kept_of_weights_for_passes_forward()
    {
        using var keeping = new Keeping();
        using var network = new Network(keeping, TinyRuns.Config, seed: null);
        long convolved = network.Parameters.All.Where(p => p.Shape.Rank == 4).Sum(p => (long)p.Shape.Length);
        Assert.That(MemoryNeeds.OfSampling(TinyRuns.Config, 4, keeping) - MemoryNeeds.OfSampling(TinyRuns.Config, 4),
            Is.EqualTo(2 * convolved));
    }

    /// <summary>Two bytes of each weight forward, two backward.</summary>
    private sealed class Keeping : DryRunBackend
    {
        public override long KeptWeightBytes(int k, int taps, int c, bool trained) => (trained ? 4L : 2L) * k * taps * c;
    }

    private string Images()
    {
        string path = In("images.npz");
        Npz.Write(path, ("images", new NpyArray([2, 64, 64, 3], new byte[2 * 64 * 64 * 3])),
            ("labels", new NpyArray([2], new long[] { 0, 999 })));
        return path;
    }

    private async Task<CliRun> Dry(string[] args)
    {
        var run = await Watched(args);
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        return run;
    }

    /// <summary>No call that changes the file system, and the same files as before.</summary>
    private async Task<CliRun> Watched(string[] args)
    {
        var before = Listing();
        var changes = new List<FileChange>();
        CliRun run;
        using (Files.Watch(changes.Add))
            run = await CliRun.Of(args);
        Assert.That(changes, Is.Empty);
        Assert.That(Listing(), Is.EqualTo(before));
        return run;
    }

    private string[] Listing() => [.. Directory.EnumerateFileSystemEntries(_folder.Path, "*", SearchOption.AllDirectories)
        .Select(entry => $"{entry} {File.GetLastWriteTimeUtc(entry):O}").Order(StringComparer.Ordinal)];
}
