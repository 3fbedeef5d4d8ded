using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Tests.Cli;
using BDense.Tests.Training;
using BDense.Training.Averaging;
using BDense.Training.Data;
using BDense.Training.Runs;
using NUnit.Framework;

namespace BDense.Tests.Watching;

/// <summary>
/// Averages with power-function profiles: their numbers as published, and averages made afterwards held to averages kept.
/// </summary>
public sealed class EmaProfileTests
{
    private TinyRuns _runs = null!;

    [SetUp]
    public void Start() => _runs = new TinyRuns();

    [TearDown]
    public void End()
    {
        Assert.That(_runs.Backend.Pool.CurrentBytes, Is.Zero, "a tensor was kept");
        _runs.Dispose();
    }

    /// <summary>Karras et al. 2023, section 3.1: sigma_rel 0.05 and 0.10 are gamma 16.97 and 6.94.</summary>
    [TestCase(0.05, 16.97)]
    [TestCase(0.10, 6.94)]
    public void Published_powers(double sigmaRel, double gamma) =>
        Assert.That(PowerProfile.OfSigmaRel(sigmaRel).Gamma, Is.EqualTo(gamma).Within(0.005));

    [TestCase(1e-4)]
    [TestCase(0.01)]
    [TestCase(0.075)]
    [TestCase(0.25)]
    [TestCase(0.288)]
    public void A_width_has_one_power(double sigmaRel)
    {
        var profile = PowerProfile.OfSigmaRel(sigmaRel);
        Assert.That(profile.SigmaRel, Is.EqualTo(sigmaRel).Within(1e-9 * sigmaRel));
        double g = profile.Gamma, published = Math.Pow(g + 1, 0.5) / (g + 2) * Math.Pow(g + 3, -0.5);
        Assert.That(profile.SigmaRel, Is.EqualTo(published).Within(1e-12));
    }

    [TestCase(0)]
    [TestCase(0.2886)]
    [TestCase(-0.1)]
    [TestCase(double.NaN)]
    public void No_width_is_refused(double sigmaRel) => Assert.That(() => PowerProfile.OfSigmaRel(sigmaRel),
        Throws.TypeOf<UsageException>().With.Message.Contains("a number above 0 and below 0.2886"));

    /// <summary>
    /// The running sum is the integral of the profile over weights that stand still between updates, and its standard deviation is
    /// sigma_rel of the whole.
    /// </summary>
    [Test]
    public void The_running_sum_is_the_profile()
    {
        const int T = 4000;
        var profile = PowerProfile.OfSigmaRel(0.07);
        double power = profile.Gamma + 1;
        var weights = new double[T];
        for (int t = 1; t <= T; t++)
        {
            double beta = profile.Beta(t);
            for (int i = 0; i < t - 1; i++)
                weights[i] *= beta;
            weights[t - 1] = 1 - beta;
        }
        for (int t = 1; t <= T; t += 37)
            Assert.That(weights[t - 1], Is.EqualTo(Math.Pow((double)t / T, power) - Math.Pow((t - 1.0) / T, power)).Within(1e-12));
        double mean = weights.Select((w, i) => w * (i + 0.5)).Sum();
        double deviation = Math.Sqrt(weights.Select((w, i) => w * Math.Pow(i + 0.5 - mean, 2)).Sum());
        Assert.That(deviation / T, Is.EqualTo(0.07).Within(1e-4));
    }

    [Test]
    public void Products_of_profiles_are_their_integrals()
    {
        var (a, b) = (PowerProfile.OfSigmaRel(0.05), PowerProfile.OfSigmaRel(0.1));
        foreach (var (timeA, timeB) in new[] { (300.0, 500.0), (500.0, 300.0), (400.0, 400.0) })
        {
            const int Steps = 200_000;
            double end = Math.Min(timeA, timeB), sum = 0;
            for (int i = 0; i < Steps; i++)
            {
                double t = (i + 0.5) * end / Steps;
                sum += At(a, timeA, t) * At(b, timeB, t) * end / Steps;
            }
            Assert.That(PowerProfile.Product(a, timeA, b, timeB), Is.EqualTo(sum).Within(1e-6 * sum));
        }

        static double At(PowerProfile p, double end, double t) => (p.Gamma + 1) * Math.Pow(t / end, p.Gamma) / end;
    }

    private static TeacherOptions Options(long steps) =>
        new() { Steps = steps, Batch = 4, Seed = 3, Warmup = 0, LearningRate = 2e-3, EmaDecay = 0 };

    /// <summary>
    /// A training keeps widths 0.05 and 0.10 and stores them; others are kept beside, directly. Made of the stored ones afterwards, they
    /// are those, at the end and at an earlier iteration; and the widths that were stored come out as they are.
    /// </summary>
    [Test]
    public void An_average_made_afterwards_is_the_one_that_would_have_been_kept()
    {
        const int Steps = 240, Every = 10, Earlier = 200;
        double[] widths = [0.06, 0.075, 0.09, 0.05, 0.1, 0.13];
        using var network = _runs.Teacher();
        using var training = new TeacherTraining(network, TinyRuns.Data, Options(Steps));
        using var kept = new EmaProfiles(network, [0.05, 0.1], Every);
        using var direct = new EmaProfiles(network, widths, 0);
        var run = RunFolder.Open(_runs.Folder["run"], new JsonObject { ["kind"] = "test" }, resume: false);
        float[][] early = [];
        TrainingLoop.Run(training, run, new LoopOptions
        {
            Profiles = kept,
            OnProgress = p =>
            {
                direct.Update(p.Step);
                if (p.Step == Earlier)
                    early = [.. widths.Select(width => direct.Average(width).ToArray())];
            },
        });
        var stored = PostHocEma.Of(run);
        Assert.That(stored, Has.Count.EqualTo(2 * Steps / Every));
        float[] last = network.Parameters.Values.ToArray();
        for (int i = 0; i < widths.Length; i++)
        {
            Check(widths[i], Steps, direct.Average(widths[i]).ToArray());
            Check(widths[i], Earlier, early[i]);
        }

        void Check(double width, long step, float[] expected)
        {
            var fit = PostHocEma.Fit(stored, width, step);
            using var made = PostHocEma.Make(_runs.Backend, fit);
            // Held to how far the weights have moved from the average, of which nothing would be left if the average were right.
            double error = Distance(made.Parameters.Values.ToArray(), expected), moved = Distance(last, expected);
            TestContext.Out.WriteLine(
                $"{width} at {step}: mismatch {fit.Mismatch:g3}, error {error / moved:g3} of what they moved, factors "
                + $"to {fit.Parts.Max(p => Math.Abs(p.Factor)):g3}, their sum {fit.Parts.Sum(p => p.Factor):g6}");
            bool isStored = width is 0.05 or 0.1;
            Assert.That(fit.Mismatch, Is.LessThan(isStored ? 1e-5 : 0.005));
            Assert.That(error, Is.LessThan((isStored ? 1e-5 : 0.005) * moved), $"{width} at {step}");
        }
    }

    private static double Distance(float[] a, float[] b) => Math.Sqrt(a.Zip(b, (x, y) => Math.Pow((double)x - y, 2)).Sum());

    [Test]
    public void A_resumed_run_has_the_same_averages_and_stored_ones_to_the_bit()
    {
        string straight = Run("straight"), halves = Run("halves", stopAfter: 5);
        // A session that went beyond its checkpoint left one that is another's by now.
        string beyond = _runs.Folder["halves/snapshots/step-000007-0.05.safetensors"];
        File.Copy(_runs.Folder["halves/snapshots/step-000004-0.05.safetensors"], beyond);
        halves = Run("halves", resume: true);
        Assert.That(File.Exists(beyond), Is.False);
        foreach (string folder in new[] { "snapshots", $"checkpoints/{Path.GetFileName(straight)}" })
        {
            var (a, b) = (TinyRuns.Files(_runs.Folder[$"straight/{folder}"]), TinyRuns.Files(_runs.Folder[$"halves/{folder}"]));
            Assert.That(b.Keys, Is.EquivalentTo(a.Keys));
            foreach (var (name, bytes) in a)
                Assert.That(b[name], Is.EqualTo(bytes), name);
        }
        Assert.That(Directory.GetFiles(halves, "profile-*").Select(Path.GetFileName),
            Is.EquivalentTo(new[] { "profile-0.05.safetensors", "profile-0.1.safetensors" }));
        Assert.That(Directory.GetFiles(_runs.Folder["straight/snapshots"]), Has.Length.EqualTo(8 + 1), "and SHA256SUMS");

        string Run(string name, bool resume = false, int? stopAfter = null)
        {
            using var cancel = new CancellationTokenSource();
            using var network = _runs.Teacher();
            using var training = new TeacherTraining(network, TinyRuns.Data, Options(8));
            using var profiles = new EmaProfiles(network, [0.05, 0.1], 2);
            var folder = RunFolder.Open(_runs.Folder[name], new JsonObject { ["kind"] = "test" }, resume);
            return TrainingLoop.Run(training, folder, new LoopOptions
            {
                Cancellation = cancel.Token,
                Profiles = profiles,
                OnProgress = p =>
                {
                    if (p.Step == stopAfter)
                        cancel.Cancel();
                },
            }).Checkpoint!;
        }
    }

    /// <summary>Through the command line: others take the folder that it makes.</summary>
    [Test]
    public async Task Ema_makes_a_checkpoint_that_verbs_take()
    {
        await File.WriteAllTextAsync(In("tiny.json"),
            """{ "resolution": 8, "modelChannels": 8, "channelMultipliers": [1], "blocksPerLevel": 1 }""");
        string[] train = ["train", "--network", In("tiny.json"), "--resolution", "8", "--limit", "16", "--steps", "12", "--batch", "4",
            "--device", "cpu", "--out"];
        await CliRun.Succeeds([.. train, In("teacher"), "--ema-profiles", "0.1,0.05", "--ema-snapshots-every", "5"]);
        Assert.That(RunFolder.Existing(In("teacher")).ReadConfig()[EmaProfiles.ConfigKey]!.ToJsonString(), Is.EqualTo("[0.05,0.1]"));
        var made = await CliRun.Succeeds("ema", In("teacher"), "--sigma-rel", "0.08", "--out", In("made"), "--device", "cpu", "--json");
        Assert.That(made.Json["averages"]!.AsArray(), Has.Count.EqualTo(6), "at 5, at 10, at the end");
        Assert.That(made.Json["step"]!.GetValue<long>(), Is.EqualTo(12));
        Assert.That(made.Json["mismatch"]!.GetValue<double>(), Is.LessThan(0.2));
        await CliRun.Succeeds("sample", "--model", In("made"), "--count", "4", "--out", In("made.png"), "--device", "cpu");
        await CliRun.Succeeds("info", "--model", In("made"));
        await CliRun.Succeeds("export", "--model", In("made"), "--out", In("exported"), "--device", "cpu");
        await CliRun.Succeeds("distill", "--teacher", In("made"), "--method", "sfd", "--nfe", "1", "--branches", "2", "--updates", "4",
            "--batch", "4", "--ema-profiles", "0.05,0.1", "--device", "cpu", "--out", In("student"));
        await CliRun.Succeeds("ema", In("student"), "--sigma-rel", "0.07", "--out", In("student-made"), "--device", "cpu");
        await CliRun.Succeeds("sample", "--model", In("student-made"), "--count", "4", "--out", In("student.png"), "--device", "cpu");
        var pixels = new byte[96 * 8 * 8 * 3];
        new Random(1).NextBytes(pixels);
        Npz.Write(In("images.npz"), ("images", new NpyArray([96, 8, 8, 3], pixels)));
        await CliRun.Succeeds("statistics", In("images.npz"), "--out", In("reference.npz"), "--device", "cpu");
        await CliRun.Succeeds("evaluate", "--fid", "--model", In("student-made"), "--model", In("made"), "--reference",
            In("reference.npz"), "--count", "96", "--device", "cpu");

        await Places_that_are_not_its_own_are_refused();
        await Refused("there is no run", "ema", In("nothing"), "--sigma-rel", "0.08");
        await Refused("--sigma-rel must be a number above 0 and below 0.2886, not '0.3'", "ema", In("teacher"), "--sigma-rel", "0.3");
        await Refused("--step is from 1 to 12, the last that is stored, not 13", "ema", In("teacher"), "--sigma-rel", "0.08",
            "--step", "13");
        await Refused("holds a run; give another folder", "ema", In("teacher"), "--sigma-rel", "0.08", "--out", In("student"));
        await Refused("emaProfiles is [0.05,0.1], not absent", [.. train, In("teacher"), "--resume"]);
        await Refused("--ema-profiles 0.1,0.1: a width is there twice", [.. train, In("other"), "--ema-profiles", "0.1,0.1"]);
        await Refused("--ema-profiles must be a number above 0 and below 0.2886, not '0'", [.. train, In("other"),
            "--ema-profiles", "0,1"]);
        await Refused("--ema-snapshots-every is for --ema-profiles", [.. train, In("other"), "--ema-snapshots-every", "2"]);
        await Refused("an average over several rounds", "distill", "--teacher", In("teacher"), "--method", "pd", "--rounds", "2", "--nfe",
            "1", "--updates", "4", "--batch", "4", "--ema-profiles", "0.1", "--resolution", "8", "--limit", "16", "--device", "cpu",
            "--out", In("other"));
        await CliRun.Succeeds([.. train, In("plain")]);
        await Refused("has kept no profiles", "ema", In("plain"), "--sigma-rel", "0.08");
        string profile = Path.Combine(RunFolder.Existing(In("teacher")).Latest!, "profile-0.05.safetensors");
        byte[] bytes = await File.ReadAllBytesAsync(profile);
        bytes[^3] ^= 1;
        await File.WriteAllBytesAsync(profile, bytes);
        await Refused("its profile-0.05.safetensors is not the one that was written", "ema", In("teacher"), "--sigma-rel", "0.08");
        Assert.That(Directory.Exists(In("other")), Is.False);
    }

    [Test]
    public void Stored_averages_are_held_to_their_digests()
    {
        using var network = _runs.Teacher();
        using var training = new TeacherTraining(network, TinyRuns.Data, Options(8));
        using var profiles = new EmaProfiles(network, [0.05, 0.1], 2);
        var run = RunFolder.Open(_runs.Folder["run"], new JsonObject { ["kind"] = "test" }, resume: false);
        TrainingLoop.Run(training, run, new LoopOptions { Profiles = profiles });
        var said = new List<string>();
        Assert.That(PostHocEma.Of(run, said.Add), Has.Count.EqualTo(8));
        Assert.That(said, Is.Empty);
        string snapshots = In("run/snapshots"), file = Path.Combine(snapshots, "step-000004-0.1.safetensors"),
            list = Path.Combine(snapshots, "SHA256SUMS");
        byte[] bytes = File.ReadAllBytes(file);
        // In the header, and among the weights.
        foreach (int place in new[] { 20, bytes.Length - 3 })
        {
            byte[] damaged = [.. bytes];
            damaged[place] ^= 1;
            File.WriteAllBytes(file, damaged);
            Assert.That(() => PostHocEma.Of(run), Throws.TypeOf<BDenseException>().With.Message.StartsWith(
                $"{file} is damaged: it is not the one that was written"));
        }
        File.Delete(file);
        Assert.That(PostHocEma.Of(run, said.Add), Has.Count.EqualTo(7));
        Assert.That(said, Is.EqualTo(new[]
        {
            $"{snapshots}: 1 of the 8 stored averages are gone, the average is made without them: step-000004-0.1.safetensors",
        }));
        string text = File.ReadAllText(list);
        File.WriteAllText(list, text[3..]);
        Assert.That(() => PostHocEma.Of(run), Throws.TypeOf<BDenseException>().With.Message.Contains("SHA256SUMS is damaged"));
        File.Delete(list);
        said.Clear();
        Assert.That(PostHocEma.Of(run, said.Add), Has.Count.EqualTo(7));
        Assert.That(said.Single(), Does.Contain("7 of 7 averages are not in SHA256SUMS, so they are used unchecked"));
    }

    private async Task Places_that_are_not_its_own_are_refused()
    {
        foreach (string name in new[] { "config.json", "notes.txt" })
        {
            Directory.CreateDirectory(In($"mine-{name}"));
            await File.WriteAllTextAsync(In($"mine-{name}/{name}"), "{}");
            await Into(In($"mine-{name}"), $"holds something else ({name}); give a new or an empty folder");
        }
        string checkpoint = RunFolder.Existing(In("teacher")).Latest!;
        await Into(checkpoint, $"lies in the run {In("teacher")}; give a folder outside of it");
        await Into(In("teacher/averages/one"), $"lies in the run {In("teacher")}; give a folder outside of it");
        await Into(In("teacher"), "holds a run; give another folder");
        await Into(In("tiny.json"), "is a file's name; ema writes a folder");
        await Into(In("one.safetensors"), "is a file's name; ema writes a folder");
        Directory.CreateDirectory(In("empty"));
        await CliRun.Succeeds("ema", In("student"), "--sigma-rel", "0.08", "--out", In("empty"), "--device", "cpu");
        Assert.That(File.Exists(In("empty/student.json")));
        var again = await CliRun.Succeeds("ema", In("teacher"), "--sigma-rel", "0.07", "--out", In("empty"), "--device", "cpu");
        Assert.That(again.Error, Does.Contain(
            $"{In("empty")} holds an average of {In("student")}, sigma_rel 0.08 at iteration 4, which is replaced"));
        Assert.That(Directory.GetFiles(In("empty")).Select(Path.GetFileName),
            Is.EquivalentTo(new[] { "config.json", "model.safetensors" }));
        await File.WriteAllTextAsync(In("empty/notes.txt"), "");
        await Into(In("empty"), "holds something else (notes.txt); give a new or an empty folder");

        async Task Into(string folder, string message)
        {
            // Before the averages are read: this run is none.
            foreach (string run in new[] { In("teacher"), In("nothing") })
                await Refused(message, "ema", run, "--sigma-rel", "0.08", "--out", folder, "--device", "cpu");
        }
    }

    private string In(string name) => _runs.Folder[name];

    private static async Task Refused(string message, params string[] args)
    {
        var run = await CliRun.Of(args);
        Assert.That(run.ExitCode, Is.Not.Zero, string.Join(' ', args));
        Assert.That(run.Message, Does.StartWith("bdense: ").And.Contain(message));
    }
}
