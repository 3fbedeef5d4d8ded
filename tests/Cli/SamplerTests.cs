using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Training.Data;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.Sfd;
using NUnit.Framework;

namespace BDense.Tests.Cli;

/// <summary>
/// One sampler: what <c>sample</c> shows is what <c>evaluate --fid</c> measures, what is printed makes it again, images depend on their
/// seeds alone.
/// </summary>
public sealed class SamplerTests
{
    private TemporaryFolder _folder = null!;

    private string In(string name) => Path.Combine(_folder.Path, name);

    [OneTimeSetUp]
    public async Task Prepare()
    {
        _folder = new TemporaryFolder();
        string shape = """ "resolution": 8, "modelChannels": 8, "channelMultipliers": [1], "blocksPerLevel": 1 """;
        await File.WriteAllTextAsync(In("plain.json"), $$"""{ {{shape}} }""");
        await File.WriteAllTextAsync(In("classes.json"), $$"""{ {{shape}}, "labelCount": 10 }""");
        foreach (string name in new[] { "plain", "classes" })
            await CliRun.Succeeds("train", "--network", In($"{name}.json"), "--resolution", "8", "--limit", "96", "--steps", "2", "--batch",
                "4", "--out", In(name), "--device", "cpu", "--threads", "1");
        var pixels = new float[96 * 3 * 64];
        for (int i = 0; i < pixels.Length; i++)
            pixels[i] = (float)(0.5 * Philox.Normal(new RandomKey(2, 1), i));
        Npz.Write(In("data.npz"), ("x", new NpyArray([96, 3, 8, 8], pixels)));
        await CliRun.Succeeds("statistics", In("data.npz"), "--out", In("reference.npz"), "--device", "cpu");
        await CliRun.Succeeds("distill", "--teacher", In("plain"), "--branches", "4", "--nfe", "2", "--updates", "2", "--batch", "4",
            "--out", In("student"), "--device", "cpu", "--threads", "1");
        await File.WriteAllTextAsync(In("to-zero.json"), """{ "kind": "gits", "solver": "ipndm", "sigmas": [80, 9, 1, 0.1, 0] }""");
    }

    [OneTimeTearDown]
    public void Clean() => _folder.Dispose();

    private async Task<(float[] Images, JsonObject Json)> Sampled(string model, string options)
    {
        string raw = In($"{Guid.NewGuid():N}.npz");
        var run =
            await CliRun.Succeeds(["sample", "--model", In(model), "--out", In("grid.png"), "--raw", raw, "--json", "--device", "cpu",
                "--threads", "1", .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        return (Npz.Read(raw)["images"].ToSingle(), run.Json);
    }

    [TestCase("plain", "", 35)]
    [TestCase("plain", "--steps 3", 5)]
    [TestCase("plain", "--solver dpmpp3m --steps 4 --threshold 0.995 --order 2", 4)]
    [TestCase("plain", "--steps 4 --churn 3 --churn-min 0.1 --churn-max 60 --churn-noise 1.007", 7)]
    [TestCase("plain", "--schedule {}/to-zero.json", 4)]
    [TestCase("plain", "--solver unipc --steps 3 --sigma-min 0 --lower-order-final false --analytical-first-step", 2)]
    [TestCase("classes", "--solver ipndm-v --steps 2 --rho 5 --sigma-max 40 --class 3", 2)]
    [TestCase("student", "--threshold 0.9 --threshold-floor 2 --folded", 2)]
    public async Task What_is_shown_is_what_is_measured(string model, string options, int nfe)
    {
        options = options.Replace("{}", _folder.Path, StringComparison.Ordinal);
        var (images, shown) = await Sampled(model, $"{options} --count 3 --seed 8");
        var run =
            await CliRun.Succeeds(["evaluate", "--fid", "--model", In(model), "--reference", In("reference.npz"), "--count", "65", "--seed",
                "8", "--json", "--device", "cpu", "--threads", "1",
            .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        var measured = run.Json["models"]![0]!;
        Assert.That((shown["nfe"]!.GetValue<int>(), measured["nfe"]!.GetValue<int>()), Is.EqualTo((nfe, nfe)));
        Assert.That(JsonNode.DeepEquals(shown["sampler"], measured["sampler"]), $"{shown["sampler"]}\n{measured["sampler"]}");
        Assert.That(JsonNode.DeepEquals(shown["sigmas"], measured["sigmas"]));
        string arguments = shown["arguments"]!.GetValue<string>();
        Assert.That(measured["arguments"]!.GetValue<string>(),
            Is.EqualTo(arguments.Replace("--count 3", "--count 65", StringComparison.Ordinal)));

        var (again, copied) = await Sampled(model, arguments);
        Assert.That(again, Is.EqualTo(images), arguments);
        Assert.That(copied["arguments"]!.GetValue<string>(), Is.EqualTo(arguments));
    }

    [Test]
    public async Task A_result_names_every_option()
    {
        var (_, json) = await Sampled("plain", "--preset edm-imagenet64 --steps 3 --count 2");
        Assert.That(json["arguments"]!.GetValue<string>(),
            Is.EqualTo("--solver heun --steps 3 --schedule polynomial --rho 7 --sigma-min 0.002 --sigma-max 80 --to-zero true " +
            "--analytical-first-step false --churn 40 --churn-min 0.05 --churn-max 50 --churn-noise 1.003 --threshold 0 --seed "
            + "1 --count 2"));
        foreach (string name in new[] { "solver", "steps", "order", "schedule", "rho", "sigmaMin", "sigmaMax", "toZero",
            "analyticalFirstStep", "lowerOrderFinal", "churn", "churnMin", "churnMax", "churnNoise", "threshold",
            "thresholdFloor", "clip" })
            Assert.That(json["sampler"]!.AsObject().ContainsKey(name), name);
    }

    [Test]
    public async Task Images_of_seeds_depend_on_their_seed_alone()
    {
        const string How = "--steps 3 --churn 2";
        var (together, json) = await Sampled("classes", $"{How} --seeds 3,12-14 --batch 3");
        Assert.That((json["count"]!.GetValue<int>(), json["seeds"]!.GetValue<string>()), Is.EqualTo((4, "3,12-14")));
        var (apart, _) = await Sampled("classes", $"{How} --seeds 3,12-14 --batch 1");
        Assert.That(apart, Is.EqualTo(together), "whatever the batch");
        int size = together.Length / 4;
        var (last, _) = await Sampled("classes", $"{How} --seeds 14");
        Assert.That(last, Is.EqualTo(together[(3 * size)..]));
        var (alone, _) = await Sampled("classes", $"{How} --seed 14 --count 1 --class 4");
        Assert.That(alone, Is.EqualTo(last), "the class of a seed is seed mod classes");
        Assert.That(together[..size], Is.Not.EqualTo(together[size..(2 * size)]));
    }

    [Test]
    public async Task Classes_are_asked_for_or_come_with_the_noise()
    {
        var (turns, _) = await Sampled("classes", "--steps 2 --count 3");
        var (sevens, _) = await Sampled("classes", "--steps 2 --count 3 --class 7");
        Assert.That(sevens, Is.Not.EqualTo(turns));
        var noise = new float[3 * 3 * 64];
        for (int i = 0; i < noise.Length; i++)
            noise[i] = (float)Philox.Normal(new RandomKey(5, 1), i);
        NpyArray array = new([3, 3, 8, 8], noise);
        Npz.Write(In("bare.npz"), ("noise", array));
        Npz.Write(In("labelled.npz"), ("noise", array), ("labels", new NpyArray([3], new long[] { 7, 7, 7 })));
        string raw = In("labelled-raw.npz");
        var (labelled, _) = await Sampled("classes", $"--steps 2 --noise {In("labelled.npz")}");
        await CliRun.Succeeds("sample", "--model", In("classes"), "--steps", "2", "--noise", In("labelled.npz"), "--out", In("grid.png"),
            "--raw", raw, "--device", "cpu", "--threads", "1");
        Assert.That(Npz.Read(raw)["labels"].ToSingle(), Is.EqualTo(new float[] { 7, 7, 7 }));
        var (asked, _) = await Sampled("classes", $"--steps 2 --noise {In("bare.npz")} --class 7");
        Assert.That(labelled, Is.EqualTo(asked));

        Npz.Write(In("odd.npz"), ("noise", array), ("labels", new NpyArray([3], new long[] { 0, 1, 10 })));
        Npz.Write(In("short.npz"), ("noise", array), ("labels", new NpyArray([2], new long[] { 0, 1 })));
        await Refused(1, "odd.npz: a label is 10, not a class from 0 to 9", $"sample --model {In("classes")} --noise {In("odd.npz")}");
        await Refused(1, "short.npz: the labels are 2, not one for each of 3 noises",
            $"sample --model {In("classes")} --noise {In("short.npz")}");
        await Refused(1, "labelled.npz has labels, and the network has no classes",
            $"sample --model {In("plain")} --noise {In("labelled.npz")}");
        await Refused(2, "labelled.npz has labels of its own", $"sample --model {In("classes")} --noise {In("labelled.npz")} --class 1");
    }

    [Test]
    public async Task The_last_step_goes_to_0()
    {
        var (edm, _) = await Sampled("plain", "--steps 4 --count 2");
        var (zero, json) = await Sampled("plain", "--solver heun --steps 4 --sigma-min 0 --count 2");
        Assert.That(zero, Is.EqualTo(edm));
        Assert.That((json["sampler"]!["sigmaMin"]!.GetValue<double>(), json["sampler"]!["toZero"]!.GetValue<bool>()),
            Is.EqualTo((0.002, true)));
        var (other, above) = await Sampled("plain", "--solver heun --steps 4 --sigma-min 0.006 --count 2");
        Assert.That(other, Is.Not.EqualTo(edm));
        Assert.That(above["nfe"]!.GetValue<int>(), Is.EqualTo(8));
        var (_, file) = await Sampled("plain", $"--schedule {In("to-zero.json")} --count 2");
        Assert.That(file["sigmas"]!.AsArray().Select(s => s!.GetValue<double>()), Is.EqualTo(new[] { 80, 9, 1, 0.1, 0 }));
    }

    [TestCase(2, "--seeds must be whole numbers and rising ranges", "sample --model {}/plain --seeds 3-1")]
    [TestCase(2, "give it without --seed", "sample --model {}/plain --seeds 0-3 --seed 2")]
    [TestCase(2, "give it without --count", "sample --model {}/plain --seeds 0-3 --count 4")]
    [TestCase(2, "--class 3: ", "sample --model {}/plain --class 3")]
    [TestCase(2, "has the classes 0 to 9", "sample --model {}/classes --class 10")]
    [TestCase(2, "no preset 'best'; there are edm", "sample --model {}/plain --preset best")]
    [TestCase(2, "--preset is for a teacher", "sample --model {}/student --preset edm")]
    [TestCase(2, "--churn-min is for a teacher", "sample --model {}/student --churn-min 1")]
    [TestCase(2, "--order of dpmpp2m is 1 to 2", "sample --model {}/plain --solver dpmpp2m --order 3")]
    [TestCase(2, "--layout: there is no 'braided'", "sample --model {}/plain --layout braided")]
    [TestCase(2, "--layout is for a student", "sample --model {}/plain --layout chained")]
    [TestCase(2, "--churn goes with --fid", "evaluate --model {}/student --churn 1")]
    [TestCase(2, "--seeds goes with --fid", "evaluate --model {}/student --seeds 1")]
    [TestCase(2, "--solver is for a teacher, and none of the models is one",
        "evaluate --fid --reference {}/reference.npz --model {}/student --model {}/student --solver euler")]
    [TestCase(2, "a student's noise levels end above 0", "distill --teacher {}/plain --schedule {}/to-zero.json")]
    public async Task What_does_not_fit_is_one_line(int exitCode, string mentioned, string call) =>
        await Refused(exitCode, mentioned, call.Replace("{}", _folder.Path, StringComparison.Ordinal));

    [Test]
    public async Task A_preset_of_SFD_thresholds_its_teacher_unless_told_otherwise()
    {
        await Distilled("as-published", "--preset sfd", 0.995);
        await Distilled("without", "--preset sfd --teacher-threshold 0", null);
        await Distilled("another-solver", "--preset sfd --solver heun", null);
        await Distilled("asked-for", "--teacher-threshold 0.9 --solver heun", 0.9);
        await Refused(1, "cannot be resumed with other options: distill.teacherThreshold is 0.995, not absent",
            $"distill --teacher {In("plain")} --preset sfd --teacher-threshold 0 --resume --out {In("as-published")}", out_: false);

        async Task Distilled(string name, string options, double? threshold)
        {
            await CliRun.Succeeds(["distill", "--teacher", In("plain"), "--updates", "2", "--batch", "2", "--out", In(name), "--device",
                "cpu", "--threads", "1", .. options.Split(' ')]);
            Assert.That(((SfdOptions)Student.OptionsOf(In(name))).TeacherThreshold, Is.EqualTo(threshold), name);
        }
    }

    private async Task Refused(int exitCode, string mentioned, string call, bool out_ = true)
    {
        var run =
            await CliRun.Of([.. call.Split(' '), "--device", "cpu",
                .. call.StartsWith("evaluate", StringComparison.Ordinal) || !out_ ? Array.Empty<string>() : ["--out", In("new")]]);
        Assert.That(run.ExitCode, Is.EqualTo(exitCode), run.Error);
        Assert.That(run.Message, Does.StartWith("bdense: ").And.Contain(mentioned));
        Assert.That(Path.Exists(In("new")), Is.False);
    }
}
