using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Model.Checkpoints;
using BDense.Model.Networks;
using BDense.Tests.Distillation;
using BDense.Training.Data;
using BDense.Training.Runs;
using BDense.Training.Schedules;
using BDense.Training.Solvers;
using NUnit.Framework;

namespace BDense.Tests.Cli;

/// <summary>The published systems through the command line, on 4-channel latents: any array of N x C x H x W trains as it is.</summary>
public sealed class SystemsTests
{
    private TemporaryFolder _folder = null!;

    private string In(string name) => Path.Combine(_folder.Path, name);

    [OneTimeSetUp]
    public async Task Prepare()
    {
        _folder = new TemporaryFolder();
        var latents = new float[80 * 4 * 8 * 8];
        for (int i = 0; i < latents.Length; i++)
            latents[i] = (float)Philox.Normal(new RandomKey(3, 1), i / 16);
        Npz.Write(In("latents.npz"), ("latents", new NpyArray([80, 4, 8, 8], latents)));
        string shape =
            """
             "resolution": 8, "imageChannels": 4, "modelChannels": 8,
             "channelMultipliers": [1, 2], "blocksPerLevel": 1, "attentionResolutions": [4]
            """;
        await File.WriteAllTextAsync(In("edm.json"), $$"""{ {{shape}} }""");
        await File.WriteAllTextAsync(In("both.json"),
            $$"""{ {{shape}}, "family": "pd", "skipScale": 1, "groups": 4, "prediction": "both", "noiseInput": "inverseCosine" }""");
        await File.WriteAllTextAsync(In("ddpm.json"),
            $$"""{ {{shape}}, "family": "ddpm", "skipScale": 1, "groups": 4, "prediction": "eps", "noiseInput": "timestep" }""");
        foreach (string name in new[] { "edm", "both", "ddpm" })
        {
            await CliRun.Succeeds("train", "--data", In("latents.npz"), "--network", In($"{name}.json"), "--steps", "4", "--batch", "4",
                "--noise-levels", name == "both" ? "cosine" : "lognormal", "--weighting", name == "both" ? "snrtruncated" : "unit", "--out",
                In(name), "--device", "cpu");
        }
        await Distil("sfd-v", "edm", "--method sfd-v --nfe 2,5 --branches 3 --jump 6");
    }

    [OneTimeTearDown]
    public void Clean() => _folder.Dispose();

    private async Task<CliRun> Distil(string name, string teacher, string options) =>
        await CliRun.Succeeds(["distill", "--teacher", In(teacher), "--out", In(name),
        "--updates", "4", "--batch", "4", "--data", In("latents.npz"), "--device", "cpu", "--json", .. options.Split(' ')]);

    private async Task<float[]> Raw(string model, params string[] options)
    {
        string file = In($"{Guid.NewGuid():N}.npz");
        await CliRun.Succeeds(["sample", "--model", In(model), "--out", In("grid.png"), "--raw", file, "--device", "cpu", .. options]);
        var images = Npz.Read(file)["images"];
        Assert.That(images.Shape[1..], Is.EqualTo(new[] { 4, 8, 8 }));
        Assert.That(images.Descr, Is.EqualTo("<f4"));
        return images.ToSingle();
    }

    [TestCase("edm", "--method sfd --branches 4 --nfe 2")]
    [TestCase("edm", "--preset sfd-bdense --nfe 3")]
    [TestCase("sfd-v", "--nfe 1 --branches 3")]
    [TestCase("both", "--preset pd --nfe 2 --teacher-steps 8")]
    [TestCase("both", "--method pd --nfe 2 --teacher-steps 32 --jump 4 --branches 4 --layout chained")]
    [TestCase("ddpm", "--compat branch-distillation --nfe 3 --rounds 2")]
    public async Task Latents_are_distilled_and_sampled(string teacher, string options)
    {
        string name = $"student-{options.GetHashCode(StringComparison.Ordinal):x}";
        await Distil(name, teacher, options);
        float[] images = await Raw(name, "--count", "3");
        Assert.That(images, Has.Length.EqualTo(3 * 4 * 64).And.All.InRange(-1e4f, 1e4f));
        await CliRun.Succeeds("evaluate", "--model", In(name), "--data", In("latents.npz"), "--count", "70", "--fine-steps", "3",
            "--device", "cpu");
    }

    [Test]
    public async Task A_student_of_several_NFE_samples_with_each()
    {
        foreach (int nfe in new[] { 2, 5 })
        {
            var run = await CliRun.Succeeds("sample", "--model", In("sfd-v"), "--nfe", $"{nfe}", "--count", "2", "--out", In("v.png"),
                "--json", "--device", "cpu");
            Assert.That(run.Json["nfe"]!.GetValue<int>(), Is.EqualTo(nfe));
            var evaluated = await CliRun.Succeeds("evaluate", "--model", In("sfd-v"), "--nfe", $"{nfe}", "--data", In("latents.npz"),
                "--count", "70", "--fine-steps", "3", "--json", "--device", "cpu");
            Assert.That(evaluated.Json["models"]![0]!["nfe"]!.GetValue<int>(), Is.EqualTo(nfe));
        }
        await CliRun.Succeeds("export", "--model", In("sfd-v"), "--nfe", "2", "--interval", "1", "--out", In("folded"), "--device", "cpu");
        string described = await File.ReadAllTextAsync(In("folded/student.json"));
        Assert.That(described, Does.Contain("\"stepCondition\": 4"));
        using var backend = new ReferenceBackend(1);
        using var folded = Checkpoint.Load(backend, In("folded"));
        Assert.That((folded.Config.Branches, folded.Config.StepCondition), Is.EqualTo((1, true)));
    }

    [Test]
    public async Task Given_noise_is_where_sampling_starts()
    {
        var noise = new float[3 * 4 * 64];
        for (int i = 0; i < noise.Length; i++)
            noise[i] = (float)Philox.Normal(new RandomKey(9, 2), i);
        Npz.Write(In("noise.npz"), ("noise", new NpyArray([3, 4, 8, 8], noise)), ("other", new NpyArray([1], new float[1])));
        float[] got = await Raw("edm", "--noise", In("noise.npz"), "--solver", "euler", "--steps", "3", "--batch", "2");

        using var backend = new ReferenceBackend(1);
        using var network = TrainedNetwork.Load(backend, In("edm"));
        var nhwc = new float[noise.Length];
        for (int i = 0; i < noise.Length; i++)
            nhwc[i / 256 * 256 + i % 64 * 4 + i / 64 % 4] = 80 * noise[i];
        using var x = backend.FromArray(nhwc, new Shape(3, 8, 8, 4));
        using var y = SolverCatalog.Euler(new Denoiser(network).AsDenoise(), x, ScheduleCatalog.Polynomial(0.006, 80).Grid(4),
            SolverOptions.Default);
        float[] expected = y.ToArray();
        for (int i = 0; i < got.Length; i++)
            Assert.That(got[i], Is.EqualTo(expected[i / 256 * 256 + i % 64 * 4 + i / 64 % 4]).Within(1e-5f));
    }

    [TestCase("edm", "")]
    [TestCase("sfd-v", "")]
    [TestCase("sfd-v", "--folded")]
    public async Task Clipping_and_thresholding_bound_the_last_image(string model, string how)
    {
        string[] more = how.Length == 0 ? [] : [how];
        float[] free = await Raw(model, [.. more, "--count", "2"]), clipped = await Raw(model, [.. more, "--count", "2", "--clip"]),
            dynamic = await Raw(model, [.. more, "--count", "2", "--threshold", "1"]);
        // The last step ends at sigma 0.006, not at the image itself.
        Assert.That(free.Max(Math.Abs), Is.GreaterThan(1.1f));
        Assert.That(clipped.Max(Math.Abs), Is.LessThan(1.1f));
        Assert.That(dynamic.Max(Math.Abs), Is.LessThan(1.1f));
        Assert.That(dynamic.SequenceEqual(clipped), Is.False);
    }

    [TestCase(2, "2, 5, not 3", "sample --model {}/sfd-v --nfe 3 --out {}/new.png")]
    [TestCase(2, "--nfe is for a student", "sample --model {}/edm --nfe 3 --out {}/new.png")]
    [TestCase(2, "two ways for one thing", "sample --model {}/edm --clip --threshold 0.9 --out {}/new.png")]
    [TestCase(2, "--threshold must be a number of at least 0 and at most 1, not '1.5'",
        "sample --model {}/edm --threshold 1.5 --out {}/new.png")]
    [TestCase(1, "the network takes N x 4 x 8 x 8", "sample --model {}/edm --noise {}/latent.npy --out {}/new.png")]
    [TestCase(2, "has noise for 80 images", "sample --model {}/edm --noise {}/latents.npz --count 3 --out {}/new.png")]
    [TestCase(2, "no preset 'best'", "distill --teacher {}/edm --preset best --out {}/new")]
    [TestCase(2, "no 'best'", "distill --teacher {}/edm --compat best --out {}/new")]
    [TestCase(2, "the preset pd is not for --method sfd", "distill --teacher {}/edm --preset pd --method sfd --out {}/new")]
    [TestCase(2, "--nfe must be a whole number from 1 to 1024, not 'x' (in '2,x')",
        "distill --teacher {}/edm --method sfd-v --nfe 2,x --out {}/new")]
    [TestCase(2, "several at once are for --method sfd-v", "distill --teacher {}/edm --nfe 2,3 --out {}/new")]
    [TestCase(2, "100 steps do not become 3", "distill --teacher {}/edm --method pd --nfe 3 --teacher-steps 100 --out {}/new")]
    [TestCase(2, "only SFD has a second stage", "distill --teacher {}/sfd-v --method pd --out {}/new")]
    [TestCase(2, "NFE 3, not 2, 5", "distill --teacher {}/sfd-v --nfe 1 --jump 2 --branches 2 --out {}/new")]
    [TestCase(1, "second stage has as many, not 1", "distill --teacher {}/sfd-v --nfe 1 --branches 1 --out {}/new")]
    [TestCase(1, "needs an unconditional network that predicts the noise",
        "distill --teacher {}/edm --compat branch-distillation --data {}/latents.npz --out {}/new")]
    public async Task What_does_not_fit_is_one_line(int exitCode, string mentioned, string call)
    {
        Npz.Write(In("latent.npy.npz"), ("noise", new NpyArray([2, 3, 8, 8], new float[384])));
        File.Move(In("latent.npy.npz"), In("latent.npy"), overwrite: true);
        var run = await CliRun.Of([.. call.Replace("{}", _folder.Path, StringComparison.Ordinal).Split(' '), "--device", "cpu"]);
        Assert.That(run.ExitCode, Is.EqualTo(exitCode), run.Error);
        Assert.That(run.Message, Does.StartWith("bdense: ").And.Contain(mentioned));
        Assert.That(Directory.Exists(In("new")) || File.Exists(In("new.png")), Is.False);
    }
}
