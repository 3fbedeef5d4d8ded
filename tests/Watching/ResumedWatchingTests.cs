using BDense.Tests.Cli;
using BDense.Tests.Training;
using BDense.Training.Data;
using BDense.Training.Runs;
using NUnit.Framework;

namespace BDense.Tests.Watching;

/// <summary>Pictures and held-out losses of a run that is resumed: they go on as they were, and what differs is said.</summary>
public sealed class ResumedWatchingTests
{
    private TemporaryFolder _folder = null!;
    private string _held = "";

    private string In(string name) => _folder[name];

    [SetUp]
    public async Task Make()
    {
        _folder = new TemporaryFolder();
        _held = Images("held.npz", 2);
        Images("learned.npz", 1);
        await File.WriteAllTextAsync(In("tiny.json"),
            """{ "resolution": 8, "modelChannels": 8, "channelMultipliers": [1], "blocksPerLevel": 1 }""");
    }

    [TearDown]
    public void Clean() => _folder.Dispose();

    private string[] Watched(string run, int steps) =>
        Train(run, steps, "--validation", _held, "--validation-every", "2", "--samples-every", "2", "--samples-count", "3");

    private string[] Train(string run, int steps, params string[] more) => ["train", "--data", In("learned.npz"), "--network",
        In("tiny.json"), "--steps", $"{steps}", "--batch", "4", "--device", "cpu", "--out", In(run), .. more];

    [Test]
    public async Task It_goes_on_unasked_as_if_it_had_never_stopped()
    {
        await CliRun.Succeeds(Watched("straight", 6));
        await CliRun.Succeeds(Watched("halves", 3));
        var resumed = await CliRun.Succeeds(Train("halves", 6, "--resume"));
        Assert.That(resumed.Error, Does.Contain(
            $"going on as the run was watched before: --samples-every 2 --samples-count 3 --validation {_held} --validation-every 2"));
        Assert.That(resumed.Error, Does.Not.Contain("other than before"));
        double?[] straight = Losses("straight"), halves = Losses("halves");
        Assert.That(straight.Select(loss => loss is not null), Is.EqualTo(new[] { false, true, false, true, false, true }));
        Assert.That(halves[2], Is.Not.Null, "the end, when it was one");
        halves[2] = null;
        Assert.That(halves, Is.EqualTo(straight));
        foreach (string folder in new[] { "samples", "checkpoints/step-000006" })
        {
            var (a, b) = (TinyRuns.Files(In($"straight/{folder}")), TinyRuns.Files(In($"halves/{folder}")));
            // Which run it is of, by what was asked for first.
            var same = b.Where(file => file.Key != "manifest.json").ToList();
            Assert.That(same, Is.Not.Empty);
            foreach (var (name, bytes) in same)
                Assert.That(bytes, Is.EqualTo(a[name]), name);
        }
        Assert.That(RunFolder.Existing(In("halves")).ReadConfig().ToJsonString(), Does.Not.Contain("held.npz"), "no part of the run");
    }

    [Test]
    public async Task What_differs_is_said_in_a_line()
    {
        await CliRun.Succeeds(Watched("run", 2));
        string others = Images("others.npz", 3);
        var resumed = await CliRun.Succeeds(Train("run", 4, "--resume", "--validation", others, "--validation-every", "1",
            "--samples-count", "5"));
        Assert.That(resumed.Error,
            Does.Contain($"other than before: --samples-count is 5, not 3; --validation is {others}, not {_held}, and "
            + "holds other images; --validation-every is 1, not 2: what is made from here on does not compare with what was"));
        var limited = await CliRun.Succeeds(Train("run", 5, "--resume", "--validation-limit", "4"));
        Assert.That(limited.Error, Does.Contain("other than before: --validation-limit is 4, not 1024:"));
        var none = await CliRun.Succeeds(Train("run", 6, "--resume", "--samples-every", "0"));
        Assert.That(none.Error, Does.Contain("other than before: --samples-every is 0, not 2:"));
        Assert.That(Directory.GetFiles(In("run/samples")), Has.Length.EqualTo(2));
        string moved = In("moved.npz");
        File.Move(others, moved);
        var same = await CliRun.Succeeds(Train("run", 7, "--resume", "--validation", moved));
        Assert.That(same.Error, Does.Not.Contain("other than before"), "the same images elsewhere");
        Assert.That(Losses("run")[^1], Is.Not.Null);
    }

    [Test]
    public async Task Images_that_have_gone_end_the_curve_which_is_said()
    {
        await CliRun.Succeeds(Watched("run", 2));
        byte[] bytes = await File.ReadAllBytesAsync(_held);
        Images("held.npz", 9);
        const string Stops = "its losses on them stop here, unless --validation gives images";
        var other = await CliRun.Succeeds(Train("run", 3, "--resume"));
        Assert.That(other.Error, Does.Contain($"the run's held-out images cannot be used any more: {_held} holds other images by now; "
            + Stops));
        Assert.That(other.Output, Does.Contain("after 2 steps, measured in a session before this one"));
        File.Delete(_held);
        var gone = await CliRun.Succeeds(Train("run", 4, "--resume", "--json"));
        Assert.That(gone.Error, Does.Contain("no such file").And.Contain(Stops));
        Assert.That(gone.Json["validationLoss"], Is.Null);
        Assert.That(Losses("run")[2..], Is.All.Null);
        // Back again, the curve goes on.
        await File.WriteAllBytesAsync(_held, bytes);
        await CliRun.Succeeds(Train("run", 6, "--resume"));
        Assert.That(Losses("run")[^1], Is.Not.Null);
    }

    [Test]
    public async Task A_finished_run_has_nothing_to_measure()
    {
        await CliRun.Succeeds(Train("run", 2));
        var resumed = await CliRun.Succeeds(Train("run", 2, "--resume", "--validation", _held));
        Assert.That(resumed.Error, Does.Contain(
            $"bdense: no step was left to do, so nothing was measured on --validation {_held}; give more --steps to go on"));
        Assert.That(resumed.Output, Does.Not.Contain("loss on held-out images"));
    }

    [Test]
    public async Task A_damaged_record_is_named()
    {
        await CliRun.Succeeds(Watched("run", 2));
        await File.WriteAllTextAsync(In("run/watching.json"), "{ \"samplesEvery\": ");
        var run = await CliRun.Of(Train("run", 4, "--resume"));
        Assert.That(run.ExitCode, Is.EqualTo(1));
        Assert.That(run.Message, Does.Contain("watching.json").And.EndWith("remove it to go on without what was watched before"));
    }

    private double?[] Losses(string run) => [.. RunFolder.Existing(In(run)).ReadLog().Select(line => line.Validation)];

    private string Images(string name, int seed)
    {
        var pixels = new byte[12 * 8 * 8 * 3];
        new Random(seed).NextBytes(pixels);
        Npz.Write(In(name), ("images", new NpyArray([12, 8, 8, 3], pixels)));
        return In(name);
    }
}
