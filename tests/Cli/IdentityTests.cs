using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Training.Data;
using BDense.Training.Runs;
using NUnit.Framework;

namespace BDense.Tests.Cli;

/// <summary>
/// Through the command line: a run goes on with its own data, a state with its own model and data, a reference with images of its own size.
/// </summary>
public sealed class IdentityTests
{
    private TemporaryFolder _folder = null!;

    private string In(string name) => _folder[name];

    [SetUp]
    public async Task Make()
    {
        _folder = new TemporaryFolder();
        await File.WriteAllTextAsync(In("tiny.json"),
            """{ "resolution": 8, "modelChannels": 8, "channelMultipliers": [1], "blocksPerLevel": 1 }""");
        Images("data.npz", seed: 1);
    }

    [TearDown]
    public void Clean() => _folder.Dispose();

    [Test]
    public async Task A_run_is_not_resumed_with_other_data()
    {
        await CliRun.Succeeds(Train("run", 2, "--data", In("data.npz"), "--limit", "64"));
        foreach (string[] limit in new string[][] { ["--limit", "32"], [] })
            await Refused("has seen", [.. Train("run", 2, "--data", In("data.npz"), "--resume"), .. limit]);
        await Refused("64 images of 8 x 8 x 3, SHA-256 ", Train("run", 2, "--data", In("data.npz"), "--resume"));

        // The same images under another name are the same data.
        File.Copy(In("data.npz"), In("moved.npz"));
        await CliRun.Succeeds(Train("run", 2, "--data", In("moved.npz"), "--limit", "64", "--resume"));

        // Other images under the same name are not; but a person may mean it, and the run stays itself.
        Images("data.npz", seed: 2);
        string[] changed = Train("run", 2, "--data", In("data.npz"), "--limit", "64", "--resume");
        await Refused("--allow-changed-data", changed);
        Assert.That((await CliRun.Succeeds([.. changed, "--allow-changed-data"])).Error, Does.Contain("goes on with other data"));
        await CliRun.Succeeds(changed);
        await CliRun.Succeeds("sample", "--model", In("run"), "--count", "1", "--steps", "2", "--out", In("x.png"), "--device", "cpu");
        Assert.That(JsonNode.Parse(await File.ReadAllTextAsync(In("run/config.json")))!["formerData"]!.AsArray(), Has.Count.EqualTo(1));

        async Task Refused(string message, string[] args)
        {
            var run = await CliRun.Of(args);
            Assert.That(run.ExitCode, Is.EqualTo(1), run.Error);
            Assert.That(run.Message, Does.StartWith($"bdense: {In("run")} cannot be resumed with other data").And.Contain(message));
        }
    }

    [Test]
    public async Task An_older_run_resumes_with_a_notice()
    {
        await CliRun.Succeeds(Train("run", 2, "--data", In("data.npz")));
        var config = JsonNode.Parse(await File.ReadAllTextAsync(In("run/config.json")))!.AsObject();
        config.Remove("dataFingerprint");
        await File.WriteAllTextAsync(In("run/config.json"), config.ToJsonString());
        // As old as its checkpoint.
        string checkpoint = Directory.GetDirectories(In("run/checkpoints"))[0];
        File.Delete(Path.Combine(checkpoint, Manifest.FileName));
        await File.WriteAllTextAsync(Path.Combine(checkpoint, RunFolder.StateFile), """{ "step": 2 }""");
        var run = await CliRun.Succeeds(Train("run", 2, "--data", In("data.npz"), "--resume"));
        Assert.That(run.Error, Does.Contain("whether they are the same is not known").And.Contain("used unchecked"));
    }

    [Test]
    public async Task A_state_of_another_model_or_of_other_data_is_refused()
    {
        string[] statistics = ["statistics", In("data.npz"), "--out", In("r.npz"), "--state", In("state"), "--device", "cpu"];
        await CliRun.Succeeds(statistics);
        byte[] first = await File.ReadAllBytesAsync(In("r.npz"));
        await CliRun.Succeeds(statistics);
        Images("data.npz", seed: 2);
        await Refused(statistics, "data.npz");
        Assert.That(await File.ReadAllBytesAsync(In("r.npz")), Is.EqualTo(first));

        await CliRun.Succeeds(Train("model", 2));
        string[] evaluate = ["evaluate", "--fid", "--model", In("model"), "--reference", In("r.npz"), "--count", "70", "--solver", "euler",
            "--steps", "2", "--state", In("fid"), "--device", "cpu", "--json"];
        string figure = (await CliRun.Succeeds(evaluate)).Output;
        Assert.That((await CliRun.Succeeds(evaluate)).Output, Is.EqualTo(figure));
        string before = (await CliRun.Succeeds("info", "--model", In("model"), "--json")).Json["fingerprint"]!.GetValue<string>();
        Directory.Delete(In("model"), recursive: true);
        await CliRun.Succeeds([.. Train("model", 2), "--seed", "2"]);
        await Refused(evaluate, "model");
        string after = (await CliRun.Succeeds("info", "--model", In("model"), "--json")).Json["fingerprint"]!.GetValue<string>();
        Assert.That(after, Is.Not.EqualTo(before).And.Length.EqualTo(64));

        static async Task Refused(string[] args, string name)
        {
            var run = await CliRun.Of(args);
            Assert.That((run.ExitCode, run.Message), Is.EqualTo((1, run.Message)));
            Assert.That(run.Message, Does.Contain("belongs to another evaluation").And.Contain(name).And.Contain("remove it"));
        }
    }

    [Test]
    public async Task A_reference_of_other_images_is_refused()
    {
        await CliRun.Succeeds(Train("model", 1));
        Images("large.npz", seed: 1, side: 16);
        await CliRun.Succeeds("statistics", In("large.npz"), "--out", In("r.npz"), "--device", "cpu");
        var run = await CliRun.Of("evaluate", "--fid", "--model", In("model"), "--reference", In("r.npz"), "--count", "70",
            "--device", "cpu");
        Assert.That(run.ExitCode, Is.EqualTo(1));
        Assert.That(run.Message,
            Does.Contain("r.npz is of images of 16 x 16 x 3").And.Contain("makes 8 x 8 x 3").And.Contain("--resolution 8"));
    }

    [Test]
    public async Task A_flipped_bit_is_refused_by_every_verb()
    {
        await CliRun.Succeeds(Train("model", 1));
        string file = Directory.GetFiles(In("model"), Optimizer.EmaFile, SearchOption.AllDirectories)[0];
        byte[] bytes = await File.ReadAllBytesAsync(file);
        bytes[^5] ^= 1;
        await File.WriteAllBytesAsync(file, bytes);
        await CliRun.Succeeds("statistics", In("data.npz"), "--out", In("r.npz"), "--device", "cpu");
        foreach (string[] verb in new string[][]
        {
            ["sample", "--out", In("x.png"), "--count", "1"], ["evaluate", "--fid", "--reference", In("r.npz"), "--count", "70"],
            ["export", "--out", In("export")], ["info"], ["fit", "--out", In("s.json")],
        })
        {
            var run = await CliRun.Of([verb[0], "--model", In("model"), .. verb[1..]]);
            Assert.That((run.ExitCode, run.Message), Is.EqualTo((1, run.Message)), verb[0]);
            Assert.That(run.Message, Does.Contain("step-000001 cannot be used: its ema.safetensors is not the one that was written"),
                verb[0]);
        }
        Assert.That((await CliRun.Of("distill", "--teacher", In("model"), "--out", In("student"))).Message,
            Does.Contain(Optimizer.EmaFile));
    }

    private string[] Train(string name, int steps, params string[] more) =>
        ["train", "--network", In("tiny.json"), "--resolution", "8", "--steps", $"{steps}", "--batch", "4", "--out", In(name), "--device",
            "cpu", .. more];

    private void Images(string name, ulong seed, int side = 8) => Npz.Write(In(name), ("images", new NpyArray([100, side, side, 3],
        Enumerable.Range(0, 100 * side * side * 3).Select(i => (byte)(Philox.Uniform(new RandomKey(seed, 1), i) * 255)).ToArray())));
}
