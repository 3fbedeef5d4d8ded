using BDense.Training.Data;
using NUnit.Framework;

namespace BDense.Tests.Cli;

/// <summary><c>--method ect</c> from a teacher to pictures.</summary>
public sealed class EctCommandTests
{
    private static readonly string[] Cpu = ["--device", "cpu", "--threads", "1"];

    private TemporaryFolder _folder = null!;

    [OneTimeSetUp]
    public async Task Make()
    {
        _folder = new TemporaryFolder();
        await File.WriteAllTextAsync(In("tiny.json"),
            """{ "resolution": 8, "modelChannels": 8, "channelMultipliers": [1, 2], "blocksPerLevel": 1, "attentionResolutions": [4] }""");
        await CliRun.Succeeds(["train", "--network", In("tiny.json"),
            "--resolution", "8", "--steps", "3", "--batch", "4", "--out", In("teacher"), .. Cpu]);
    }

    [OneTimeTearDown]
    public void Clean() => _folder.Dispose();

    private string In(string name) => _folder[name];

    private string[] Distill(string name, params string[] more) =>
        ["distill", "--teacher", In("teacher"), "--method", "ect",
            "--stages", "2", "--batch", "4", "--resolution", "8", "--out", In(name), .. Cpu, .. more];

    private async Task<float[]> Raw(string model, params string[] more)
    {
        string[] files = ["--raw", In("raw.npz"), "--out", In("raw.png")];
        await CliRun.Succeeds(["sample", "--model", In(model), "--count", "3", "--seed", "2", .. files, .. Cpu, .. more]);
        return (float[])Npz.Read(In("raw.npz"))["images"].Values;
    }

    [Test]
    public async Task From_training_to_pictures()
    {
        var run = await CliRun.Succeeds(Distill("ect", "--updates", "4", "--ema", "0.9"));
        Assert.That(run.Error, Does.Contain("ECT: 1 branch").And.Contain("NFE 1, 2"));
        float[] one = await Raw("ect", "--nfe", "1"), two = await Raw("ect", "--nfe", "2"), usual = await Raw("ect");
        Assert.That(one, Is.Not.EqualTo(two));
        Assert.That(usual, Is.EqualTo(two), "two evaluations, where nothing is asked for");
        Assert.That(await Raw("ect", "--batch", "2"), Is.EqualTo(two).Within(1e-5f), "fresh noise is an image's own");

        // An export says how it is sampled.
        await CliRun.Succeeds("export", "--model", In("ect"), "--nfe", "2", "--out", In("export"), "--device", "cpu");
        Assert.That(await Raw("export"), Is.EqualTo(two));
        await CliRun.Succeeds(["evaluate", "--model", In("ect"), "--resolution", "8", "--count", "70", "--fine-steps", "3", .. Cpu]);
    }

    [Test]
    public async Task A_stopped_run_goes_on()
    {
        await CliRun.Succeeds(Distill("whole", "--updates", "4", "--checkpoint-every", "2"));
        await CliRun.Succeeds(Distill("halves", "--updates", "4", "--checkpoint-every", "2"));
        Directory.Delete(In("halves/checkpoints/step-000004"), recursive: true);
        await CliRun.Succeeds(Distill("halves", "--updates", "4", "--checkpoint-every", "2", "--resume"));
        Assert.That(File.ReadAllBytes(In("halves/checkpoints/step-000004/model.safetensors")),
            Is.EqualTo(File.ReadAllBytes(In("whole/checkpoints/step-000004/model.safetensors"))));
    }

    [TestCase("trains one head (--branches 1), not 2", "--branches", "2")]
    [TestCase("--rounds is for --method pd, branch-distillation, not for ect", "--rounds", "2")]
    [TestCase("--solver is for --method sfd, not for ect", "--solver", "euler")]
    [TestCase("nothing is fitted to it", "--fit", "true")]
    [TestCase("several at once are for --method sfd-v", "--nfe", "1,2")]
    public async Task What_is_not_its_own_is_a_usage_error(string mentioned, string option, string value)
    {
        var run = await CliRun.Of(Distill("new", option, value));
        Assert.That((run.ExitCode, Directory.Exists(In("new"))), Is.EqualTo((2, false)), run.Error);
        Assert.That(run.Message, Does.Contain(mentioned));
    }

    [Test]
    public async Task Help_says_which_options_are_whose()
    {
        var all = await CliRun.Succeeds("distill", "--help");
        Assert.That(all.Output, Does.Contain("ect: Stages of equal length")
            .And.Contain("pd, branch-distillation: Rounds").And.Contain("Geng et al. 2024"));
        var own = await CliRun.Succeeds("distill", "--method", "ect", "--help");
        Assert.That(own.Output, Does.Contain("--stages").And.Contain("--branches").And.Not.Contain("--rounds").And.Not.Contain("--solver"));
    }
}
