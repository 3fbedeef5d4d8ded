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
        // Others, darker by a third.
        BDense.Training.Data.Npz.Write(In("other.npz"), ("images", new BDense.Training.Data.NpyArray([90, 8, 8, 3],
            Enumerable.Range(0, 90 * 8 * 8 * 3)
                .Select(i => (byte)(BDense.Kernels.Philox.Uniform(new BDense.Kernels.RandomKey(2, 1), i / 64) * 170)).ToArray())));
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

    [TestCase(false)]
    [TestCase(true)]
    public async Task Two_sets_of_images_are_compared_without_a_model(bool onnx)
    {
        string[] network = onnx ? ["--inception", In("means.onnx")] : [];
        await File.WriteAllBytesAsync(In("half.npz"), await File.ReadAllBytesAsync(In("data.npz")));
        string[] call = ["evaluate", "--fid", "--images", In("data.npz"), "--batch", "32", "--json", "--device", "cpu", .. network];
        var images = await CliRun.Succeeds([.. call, "--reference", In("other.npz"), "--state", In($"sums-{onnx}")]);
        Assert.That((images.Json["count"]!.GetValue<int>(), images.Json["referenceCount"]!.GetValue<int>()), Is.EqualTo((100, 90)));
        Assert.That(images.Json["distance"]!.GetValue<string>(), onnx ? Is.EqualTo("FID") : Does.Contain("random"));
        double frechet = images.Json["frechetDistance"]!.GetValue<double>(), kernel = images.Json["kernelDistance"]!.GetValue<double>();
        Assert.That(frechet, Is.GreaterThan(0));
        // Statistics of the same images say the same, and keep a sample of features for the kernel distance.
        string reference = In($"other-{onnx}.npz");
        await CliRun.Succeeds(["statistics", In("other.npz"), "--out", reference, "--device", "cpu", .. network]);
        var statistics = await CliRun.Succeeds([.. call, "--reference", reference]);
        Assert.That(statistics.Json["frechetDistance"]!.GetValue<double>(), Is.EqualTo(frechet).Within(1e-9 * frechet));
        Assert.That(statistics.Json["kernelDistance"]!.GetValue<double>(), Is.EqualTo(kernel).Within(1e-9 * Math.Abs(kernel) + 1e-12));
        // Turned round it is the same distance; from themselves they have none, which is said.
        var round = await CliRun.Succeeds(["evaluate", "--fid", "--images", In("other.npz"), "--reference", In("data.npz"), "--json",
            "--device", "cpu", .. network]);
        Assert.That(round.Json["frechetDistance"]!.GetValue<double>(), Is.EqualTo(frechet).Within(1e-6 * frechet));
        var same = await CliRun.Succeeds([.. call, "--reference", In("half.npz")]);
        Assert.That(same.Json["frechetDistance"]!.GetValue<double>(), Is.EqualTo(0).Within(1e-6));
        Assert.That(same.Error, Does.Contain("hold the same images"));
        // Nothing is left to compute: the figures come from the state.
        Assert.That((await CliRun.Succeeds([.. call, "--reference", In("other.npz"), "--state", In($"sums-{onnx}")])).Output,
            Is.EqualTo(images.Output));
    }

    [Test]
    public async Task Statistics_of_other_software_have_no_kernel_distance_which_is_said()
    {
        await CliRun.Succeeds("statistics", In("other.npz"), "--out", In("full.npz"), "--device", "cpu");
        var arrays = BDense.Training.Data.Npz.Read(In("full.npz"));
        BDense.Training.Data.Npz.Write(In("edm.npz"), ("mu", arrays["mu"]), ("sigma", arrays["sigma"]));
        var run = await CliRun.Succeeds("evaluate", "--fid", "--images", In("data.npz"), "--reference", In("edm.npz"), "--device", "cpu");
        Assert.That(run.Output, Does.Contain("edm.npz holds no sample of features, so there is no kernel distance"));
        Assert.That(run.Error, Does.Contain("edm.npz does not say of what size its images were"));
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
        await Fails(1, "--count: 40 samples are too few for 64 features; at least 65 are needed", [.. evaluate, "--count", "40"]);
        await Fails(1, "holds statistics of 64 features, means.onnx", [.. evaluate, "--count", "80", "--inception", In("means.onnx")]);
        await Fails(1, "junk.onnx: not an ONNX network", [.. evaluate, "--count", "80", "--inception", In("junk.onnx")]);
        await Fails(2, "--fid needs --reference FILE.npz", "evaluate", "--fid", "--model", In("student"));
        await Fails(2, "--fid --images needs --reference PATH: the images to hold them to (a folder, a zip or any dataset), or statistics",
            "evaluate", "--fid", "--images", In("data.npz"));
        string[] model = ["evaluate", "--fid", "--model", In("student"), "--device", "cpu", "--reference"];
        _folder.Write("flat/0.png", [1]);
        System.IO.Compression.ZipFile.CreateFromDirectory(In("flat"), In("flat.zip"));
        foreach (string path in new[] { In("flat"), In("flat.zip") })
            await Fails(1, $"{path}: no reference statistics, which are a .npz with mu and sigma; of images 'bdense statistics' makes them",
                [.. model, path]);
        await Fails(1, "it holds images, not mu and sigma; of images 'bdense statistics' makes them", [.. model, In("data.npz")]);
        await Fails(2, "--inception goes with --fid", "evaluate", "--model", In("student"), "--inception", In("means.onnx"));
        string[] images = ["evaluate", "--fid", "--images", In("data.npz"), "--device", "cpu"];
        BDense.Training.Data.Npz.Write(In("large.npz"),
            ("images", new BDense.Training.Data.NpyArray([80, 16, 16, 3], new byte[80 * 16 * 16 * 3])));
        await Fails(2, "evaluate needs --model PATH, a student's run; or --fid --images PATH", "evaluate");
        await Fails(2, "--images goes with --fid", "evaluate", "--images", In("data.npz"));
        await Fails(2, "--model is for models; --images are taken as they are", [.. images, "--reference", In("r.npz"), "--model", "x"]);
        await Fails(2, "--nfe is for models", [.. images, "--reference", In("r.npz"), "--nfe", "2"]);
        await Fails(2, "--seed is for models", [.. images, "--reference", In("r.npz"), "--seed", "2"]);
        await Fails(2, "--limit takes some images of the reference", [.. images, "--reference", In("r.npz"), "--limit", "70"]);
        await Fails(1, "data.npz holds 100 images, fewer than the 5000 of --count", [.. images, "--reference", In("r.npz"), "--count",
            "5000"]);
        BDense.Training.Data.Npz.Write(In("one.npz"),
            ("images", new BDense.Training.Data.NpyArray([1, 8, 8, 3], new byte[8 * 8 * 3])));
        await Fails(1, $"--reference {In("one.npz")}: 1 samples are too few for 64 features", [.. images, "--reference", In("one.npz")]);
        await Fails(1, $"--images {In("data.npz")}: 40 samples are too few for 64 features",
            [.. images, "--reference", In("r.npz"), "--count", "40"]);
        await Fails(1, "has images of 8 x 8 x 3, " + In("large.npz") + " of 16 x 16 x 3: a distance between sizes means nothing",
            [.. images, "--reference", In("large.npz")]);
        await Fails(1, "holds statistics of 64 features, means.onnx", [.. images, "--reference", In("r.npz"), "--inception",
            In("means.onnx")]);
        await Fails(1, "no such file", [.. images, "--reference", In("nothing")]);
        await CliRun.Succeeds([.. images, "--reference", In("large.npz"), "--resolution", "8"]);
        await Fails(1, "no such file", "statistics", In("nothing"), "--out", In("x.npz"), "--device", "cpu");

        static async Task Fails(int code, string message, params string[] args)
        {
            var run = await CliRun.Of(args);
            Assert.That((run.ExitCode, run.Message), Is.EqualTo((code, run.Message)), run.Error);
            Assert.That(run.Message, Does.StartWith("bdense: ").And.Contain(message));
        }
    }
}
