using System.Text.Json.Nodes;
using BDense.Model.Checkpoints;
using NUnit.Framework;

namespace BDense.Tests.Cli;

/// <summary>Every verb on a tiny network, through the command line.</summary>
public sealed class EndToEndTests
{
    private TemporaryFolder _folder = null!;

    private static readonly string[] Tiny =
    [
        """{ "resolution": 8, "modelChannels": 8, "channelMultipliers": [1, 2], "blocksPerLevel": 1, "attentionResolutions": [4] }""",
    ];

    private string In(string name) => Path.Combine(_folder.Path, name);

    [OneTimeSetUp]
    public async Task TrainOnce()
    {
        _folder = new TemporaryFolder();
        await File.WriteAllTextAsync(In("tiny.json"), Tiny[0]);
        await CliRun.Succeeds("train", "--network", In("tiny.json"), "--resolution", "8", "--limit", "256", "--steps", "6", "--batch", "8",
            "--out", In("teacher"), "--device", "cpu");
    }

    [OneTimeTearDown]
    public void Clean() => _folder.Dispose();

    [Test]
    public async Task Train_says_what_it_did_as_json()
    {
        var run = await CliRun.Succeeds("train", "--network", In("tiny.json"), "--resolution", "8", "--limit", "64", "--steps", "3",
            "--batch", "4",
            "--out", In("json-teacher"), "--json", "--device", "cpu");
        Assert.That(run.Json["step"]!.GetValue<long>(), Is.EqualTo(3));
        Assert.That(double.IsFinite(run.Json["finalLoss"]!.GetValue<double>()));
        Assert.That(File.Exists(Path.Combine(run.Json["checkpoint"]!.GetValue<string>(), Checkpoint.ModelFile)));
    }

    [Test]
    public async Task Resuming_gives_the_same_bits()
    {
        string[] common = ["train", "--network", In("tiny.json"), "--resolution", "8", "--limit", "64", "--steps", "6", "--batch", "4",
            "--device", "cpu", "--seed", "5"];
        await CliRun.Succeeds([.. common, "--out", In("straight")]);
        await CliRun.Succeeds([.. common, "--out", In("broken"), "--checkpoint-every", "2"]);
        // As after a crash at step 5: the checkpoint of step 4 is the newest.
        string checkpoints = Path.Combine(In("broken"), "checkpoints");
        Directory.Delete(Path.Combine(checkpoints, "step-000006"), recursive: true);
        await File.WriteAllTextAsync(Path.Combine(checkpoints, "latest"), "step-000004\n");
        await CliRun.Succeeds([.. common, "--out", In("broken"), "--checkpoint-every", "2", "--resume"]);
        foreach (string file in new[] { "model.safetensors", "ema.safetensors", "optimizer.safetensors" })
        {
            Assert.That(File.ReadAllBytes(Path.Combine(checkpoints, "step-000006", file)),
                Is.EqualTo(File.ReadAllBytes(Path.Combine(In("straight"), "checkpoints", "step-000006", file))), file);
        }
    }

    [TestCase("sfd", 1)]
    [TestCase("sfd", 4)]
    [TestCase("pd", 1)]
    [TestCase("pd", 2)]
    public async Task Distil_sample_and_evaluate(string method, int branches)
    {
        string student = In($"{method}-{branches}"), png = In($"{method}-{branches}.png");
        var distilled = await CliRun.Succeeds("distill", "--teacher", In("teacher"), "--method", method, "--branches", $"{branches}",
            "--nfe", "2", "--updates", "4", "--batch", "4", "--resolution", "8", "--limit", "64", "--out", student, "--device", "cpu");
        if (method == "sfd")
            Assert.That(distilled.Output, Does.Contain(": 4 updates (2 iterations), loss "), "counted as they were asked for");
        var sampled = await CliRun.Succeeds("sample", "--model", student, "--count", "5", "--out", png, "--json", "--device", "cpu");
        Assert.That(sampled.Json["nfe"]!.GetValue<int>(), Is.EqualTo(2));
        double step = sampled.Json["stepMilliseconds"]!.GetValue<double>();
        Assert.That(step, Is.EqualTo(1000 * sampled.Json["seconds"]!.GetValue<double>() / 2).Within(1e-6), "two evaluations of one batch");
        Assert.That(sampled.Json["hostMilliseconds"]!.GetValue<double>(), Is.InRange(0, step));
        Assert.That(File.ReadAllBytes(png).AsSpan(1, 3).ToArray(), Is.EqualTo("PNG"u8.ToArray()));
        var evaluated = await CliRun.Succeeds("evaluate", "--model", student, "--model", student, "--count", "70", "--fine-steps", "6",
            "--limit", "128", "--json", "--device", "cpu");
        var models = evaluated.Json["models"]!.AsArray();
        Assert.That(models[0]!["endpointRmse"]!.GetValue<double>(),
            Is.GreaterThan(0).And.EqualTo(models[1]!["endpointRmse"]!.GetValue<double>()));
        Assert.That(models[0]!["branches"]!.GetValue<int>(), Is.EqualTo(branches));
        Assert.That(evaluated.Json["comparisons"]![0]!["endpointRmse"]!["verdict"]!.GetValue<string>(), Is.EqualTo("no difference"),
            "against itself");
    }

    [Test]
    public async Task Fitted_steps_are_kept_sampled_and_evaluated()
    {
        string student = In("fitted");
        string[] distill = ["distill", "--teacher", In("teacher"), "--branches", "4", "--weights", "projected:2", "--batch", "4", "--out",
            student, "--device", "cpu"];
        await CliRun.Succeeds([.. distill, "--updates", "4", "--fit"]);
        string config = await File.ReadAllTextAsync(Path.Combine(student, "config.json"));
        Assert.That(config, Does.Contain("\"projection\": 2").And.Contain("\"weights\": \"quadrature\""));
        string file = Directory.GetFiles(student, "fitted-nfe2.json", SearchOption.AllDirectories).Single();
        byte[] ofTraining = await File.ReadAllBytesAsync(file);
        var fit = await CliRun.Succeeds("fit", "--model", student, "--json", "--device", "cpu");
        Assert.That(await File.ReadAllBytesAsync(file), Is.EqualTo(ofTraining), "the same noises, the same bits");
        Assert.That(fit.Json["fits"]![0]!["after"]!.GetValue<double>(), Is.LessThan(fit.Json["fits"]![0]!["before"]!.GetValue<double>()));

        foreach (string how in new[] { "", "--fitted" })
            await CliRun.Succeeds(["sample", "--model", student, "--count", "3", "--out", In($"grid{how}.png"), "--device", "cpu",
                .. how.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        Assert.That(File.ReadAllBytes(In("grid--fitted.png")), Is.Not.EqualTo(File.ReadAllBytes(In("grid.png"))));
        double[] rmse = [await Rmse(), await Rmse("--fitted", "--pictures", In("pictures"))];
        Assert.That(rmse[1], Is.LessThan(rmse[0]), "on noises that the fit has not seen");
        Assert.That(File.Exists(Path.Combine(In("pictures"), "pictures.html")));

        // Coefficients belong to a checkpoint's weights: a later one has none.
        await CliRun.Succeeds("distill", "--teacher", In("teacher"), "--out", In("unfitted"), "--updates", "2", "--batch", "4",
            "--device", "cpu");
        foreach (string verb in new[] { "sample", "evaluate" })
        {
            var refused = await CliRun.Of(verb, "--model", In("unfitted"), "--fitted", "--device", "cpu");
            Assert.That((refused.ExitCode, refused.Message),
                Is.EqualTo(
                    (1, $"bdense: no coefficients are fitted to the newest checkpoint of {In("unfitted")} at NFE 2; 'bdense fit --model "
                        + $"{In("unfitted")}' does it")));
        }

        async Task<double> Rmse(params string[] more)
        {
            var run =
                await CliRun.Succeeds(["evaluate", "--model", student, "--count", "70", "--limit", "128", "--json", "--device",
                    "cpu", .. more]);
            return run.Json["models"]![0]!["endpointRmseFine"]!.GetValue<double>();
        }
    }

    [TestCase("gits", "--solver", "ipndm", 5)]
    [TestCase("amed-fixed", "--fine-steps", "12", 6)]
    public async Task A_schedule_is_fitted_to_a_teacher_and_sampled_with(string kind, string option, string value, int evaluations)
    {
        string file = In($"{kind}.json");
        int steps = kind == "gits" ? 5 : 3;
        var fit = await CliRun.Succeeds("fit", "--model", In("teacher"), "--kind", kind, "--steps", $"{steps}", "--noises", "12", option,
            value, "--out", file, "--json", "--device", "cpu");
        Assert.That(fit.Json["nfe"]!.GetValue<int>(), Is.EqualTo(evaluations));
        Assert.That(fit.Json["fitted"]!.GetValue<double>(), Is.GreaterThan(0));
        Assert.That(fit.Json["schedule"]!["sigmas"]!.AsArray(), Has.Count.EqualTo(steps + 1));
        var sampled = await CliRun.Succeeds("sample", "--model", In("teacher"), "--schedule", file, "--count", "3", "--out",
            In($"{kind}.png"), "--json", "--device", "cpu");
        Assert.That(sampled.Json["nfe"]!.GetValue<int>(), Is.EqualTo(evaluations), "the file brings its steps and its solver");
        var refused = await CliRun.Of("sample", "--model", In("teacher"), "--schedule", file, "--sigma-max", "40", "--out", In("new.png"),
            "--device", "cpu");
        Assert.That((refused.ExitCode, refused.Message), Is.EqualTo((2, $"bdense: --sigma-max: {file} has noise levels of its own")));
        if (kind == "gits")
        {
            // Students step on it too, and remember it without the file.
            await CliRun.Succeeds("distill", "--teacher", In("teacher"), "--schedule", file, "--nfe", "4", "--branches", "4", "--updates",
                "4", "--batch", "4", "--out", In("on-gits"), "--device", "cpu");
            File.Delete(file);
            await CliRun.Succeeds("sample", "--model", In("on-gits"), "--count", "2", "--out", In("on-gits.png"), "--device", "cpu");
            await CliRun.Succeeds("evaluate", "--model", In("on-gits"), "--count", "70", "--limit", "128", "--fine-steps", "6",
                "--device", "cpu");
            return;
        }
        refused = await CliRun.Of("sample", "--model", In("teacher"), "--schedule", file, "--steps", "4", "--out", In("new.png"),
            "--device", "cpu");
        Assert.That((refused.ExitCode, refused.Message), Is.EqualTo((2, "bdense: the numbers of amed-fixed are fitted to 3 steps, not 4")));
        refused = await CliRun.Of("sample", "--model", In("teacher"), "--schedule", file, "--solver", "euler", "--out", In("new.png"),
            "--device", "cpu");
        Assert.That(refused.Message, Does.Contain("for no other solver, nor for euler"));
    }

    [TestCase("euler")]
    [TestCase("heun")]
    [TestCase("dpm2")]
    [TestCase("dpmpp2m")]
    [TestCase("dpmpp3m")]
    [TestCase("ipndm")]
    public async Task A_teacher_is_sampled_with_any_solver(string solver)
    {
        await CliRun.Succeeds("sample", "--model", In("teacher"), "--solver", solver, "--steps", "4", "--count", "4", "--out",
            In($"{solver}.png"), "--device", "cpu");
        Assert.That(new FileInfo(In($"{solver}.png")).Length, Is.GreaterThan(100));
    }

    [Test]
    public async Task The_images_do_not_depend_on_the_batch()
    {
        foreach (string batch in new[] { "2", "5" })
            await CliRun.Succeeds("sample", "--model", In("teacher"), "--steps", "3", "--count", "5", "--batch", batch, "--out",
                In($"batch{batch}.png"), "--device", "cpu");
        Assert.That(File.ReadAllBytes(In("batch2.png")), Is.EqualTo(File.ReadAllBytes(In("batch5.png"))));
    }

    [Test]
    public async Task Info_counts_the_networks()
    {
        var run = await CliRun.Succeeds("info", "--network", "edm-cifar10", "--branches", "4", "--json");
        Assert.That(run.Json["parameters"]!.GetValue<long>(), Is.EqualTo(55_733_891 + 3 * 6915));
        Assert.That(run.Json["addedParameters"]!.GetValue<long>(), Is.EqualTo(3 * 6915));
        Assert.That(run.Json["keys"]!.AsArray(), Has.Count.EqualTo(425));
        Assert.That(run.Json["macs"]!.GetValue<long>(), Is.GreaterThan(0));
    }

    [Test]
    public async Task Devices_lists_the_cpu_and_says_why_others_are_missing()
    {
        var run = await CliRun.Succeeds("devices", "--json");
        var devices = run.Json["devices"]!.AsArray();
        Assert.That(devices.Select(d => d!["spec"]!.GetValue<string>()), Does.Contain("cpu"));
        foreach (JsonNode? device in devices)
            Assert.That(device!["isUsable"]!.GetValue<bool>(), Is.Not.EqualTo(device["refusal"] is not null), $"{device}");
        Assert.That(run.Json.ContainsKey("cudaDriver"), "null where no driver loads");
        if (run.Json["cudaDriver"] is { } driver)
            Assert.That(driver["initName"]!.GetValue<string>(), Is.Not.Empty);
    }

    [TestCase("")]
    [TestCase("demo")]
    [TestCase("train")]
    [TestCase("distill")]
    [TestCase("fit")]
    [TestCase("sample")]
    [TestCase("evaluate")]
    [TestCase("devices")]
    [TestCase("info")]
    [TestCase("statistics")]
    [TestCase("reproduce")]
    [TestCase("kernels")]
    public async Task Help_ends_with_an_example(string verb)
    {
        var run = await CliRun.Succeeds([.. verb.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]);
        Assert.That(run.Output, Does.Match($@"Examples?:\s+bdense {verb}"));
    }
}
