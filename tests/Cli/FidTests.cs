using BDense.Tests.Metrics;
using NUnit.Framework;

namespace BDense.Tests.Cli;

/// <summary><c>statistics</c> and <c>evaluate --fid</c> through the command line.</summary>
public sealed class FidTests
{
    private TemporaryFolder _folder = null!;

    private string In(string name) => _folder[name];

    [OneTimeSetUp]
    public async Task Make()
    {
        _folder = new TemporaryFolder();
        await File.WriteAllTextAsync(In("tiny.json"),
            """{ "resolution": 8, "modelChannels": 8, "channelMultipliers": [1, 2], "blocksPerLevel": 1, "attentionResolutions": [4] }""");
        await CliRun.Succeeds("train", "--network", In("tiny.json"), "--resolution", "8", "--limit", "64", "--steps", "3", "--batch", "8",
            "--out", In("teacher"), "--device", "cpu");
        await CliRun.Succeeds("distill", "--teacher", In("teacher"), "--nfe", "1", "--updates", "2", "--batch", "4", "--out", In("student"),
            "--device", "cpu");
        _folder.Write("means.onnx", TinyOnnx.ChannelMeans());
        // 8 x 8 images, all with four grey levels a channel.
        BDense.Training.Data.Npz.Write(In("data.npz"), ("images", new BDense.Training.Data.NpyArray([100, 8, 8, 3],
            Enumerable.Range(0, 100 * 8 * 8 * 3)
                .Select(i => (byte)(BDense.Kernels.Philox.Uniform(new BDense.Kernels.RandomKey(1, 1), i / 64) * 255)).ToArray())));
    }

    [OneTimeTearDown]
    public void Clean() => _folder.Dispose();

    [TestCase(false)]
    [TestCase(true)]
    public async Task A_student_and_a_teacher_are_held_to_a_datasets_statistics(bool onnx)
    {
        string reference = In($"reference-{onnx}.npz");
        string[] network = onnx ? ["--inception", In("means.onnx")] : [];
        var written = await CliRun.Succeeds(["statistics", In("data.npz"), "--out", reference, "--json", "--device", "cpu", .. network]);
        Assert.That(written.Json["dimension"]!.GetValue<int>(), Is.EqualTo(onnx ? 3 : 64));
        string[] command = ["evaluate", "--fid", "--model", In("student"), "--model", In("teacher"), "--reference", reference, "--count",
            "70", "--batch", "32", "--solver", "euler", "--steps", "3",
            "--state", In($"state-{onnx}"), "--json", "--device", "cpu", .. network];
        var first = await CliRun.Succeeds(command);
        var models = first.Json["models"]!.AsArray();
        Assert.That(first.Json["distance"]!.GetValue<string>(), onnx ? Is.EqualTo("FID") : Does.Contain("random"));
        Assert.That((models[0]!["nfe"]!.GetValue<int>(), models[1]!["nfe"]!.GetValue<int>()), Is.EqualTo((1, 3)));
        foreach (var model in models)
        {
            Assert.That(model!["frechetDistance"]!.GetValue<double>(), Is.GreaterThan(0));
            Assert.That(model["kernelDistance"]!.GetValue<double>(), Is.Not.EqualTo(0));
        }
        Assert.That(Directory.GetFiles(In($"state-{onnx}"), "*.npz"), Has.Length.EqualTo(2));
        // Nothing is left to sample: the figures come from the state.
        Assert.That((await CliRun.Succeeds(command)).Output, Is.EqualTo(first.Output));
    }

    [Test]
    public async Task Pictures_are_drawn_of_teacher_and_student()
    {
        await CliRun.Succeeds("distill", "--teacher", In("teacher"), "--nfe", "1", "--branches", "4", "--updates", "2", "--batch", "4",
            "--out", In("dense"), "--device", "cpu");
        await CliRun.Succeeds("evaluate", "--model", In("student"), "--model", In("dense"), "--count", "70", "--fine-steps", "4", "--limit",
            "80", "--data", In("data.npz"), "--pictures", In("pictures"), "--device", "cpu");
        foreach (string file in new[] { "trajectories-1.png", "errors.png", "weights.png", "spectra.png", "pictures.html" })
            Assert.That(new FileInfo(In($"pictures/{file}")).Length, Is.GreaterThan(300), file);
        Assert.That(File.Exists(In("pictures/trajectories-2.png")), Is.False, "both stand under the one teacher's trajectory");
        // Three letters that a picture's own text may hold by chance.
        string said = System.Text.RegularExpressions.Regex.Replace(File.ReadAllText(In("pictures/pictures.html")), "base64,[^\"]*", "");
        Assert.That(said, Does.Contain("inherited").And.Not.Contain("NaN"));
    }

    [Test]
    public async Task Bad_input_ends_in_one_line()
    {
        await CliRun.Succeeds("statistics", In("data.npz"), "--out", In("r.npz"), "--device", "cpu");
        _folder.Write("junk.onnx", "junk"u8);
        string[] evaluate = ["evaluate", "--fid", "--model", In("student"), "--device", "cpu", "--reference", In("r.npz")];
        await Fails(1, "40 samples are too few for 64 features; at least 65 are needed", [.. evaluate, "--count", "40"]);
        await Fails(1, "holds statistics of 64 features, means.onnx", [.. evaluate, "--count", "80", "--inception", In("means.onnx")]);
        await Fails(1, "junk.onnx: not an ONNX network", [.. evaluate, "--count", "80", "--inception", In("junk.onnx")]);
        await Fails(2, "--fid needs --reference", "evaluate", "--fid", "--model", In("student"));
        await Fails(2, "--inception goes with --fid", "evaluate", "--model", In("student"), "--inception", In("means.onnx"));
        await Fails(1, "no such file", "statistics", In("nothing"), "--out", In("x.npz"), "--device", "cpu");

        static async Task Fails(int code, string message, params string[] args)
        {
            var run = await CliRun.Of(args);
            Assert.That((run.ExitCode, run.Message), Is.EqualTo((code, run.Message)), run.Error);
            Assert.That(run.Message, Does.StartWith("bdense: ").And.Contain(message));
        }
    }
}
