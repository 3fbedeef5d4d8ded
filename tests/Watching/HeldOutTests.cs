using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Tests.Cli;
using BDense.Tests.Training;
using BDense.Training.Data;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.BranchDistillation;
using BDense.Training.Distillation.Methods.Ect;
using BDense.Training.Distillation.Methods.Pd;
using BDense.Training.Distillation.Methods.Sfd;
using BDense.Training.Runs;
using BDense.Training.Watching;
using NUnit.Framework;

namespace BDense.Tests.Watching;

/// <summary>The loss on images that are not learned from, and which images are refused for it.</summary>
public sealed class HeldOutTests
{
    private TinyRuns _runs = null!;

    /// <summary>Images of the tiny runs' kind that are not theirs.</summary>
    public static Dataset Others { get; } = Noise("others", 13, 4, 77);

    [SetUp]
    public void Start() => _runs = new TinyRuns();

    [TearDown]
    public void End()
    {
        Assert.That(_runs.Backend.Pool.CurrentBytes, Is.Zero, "a tensor was kept");
        _runs.Dispose();
    }

    /// <summary>The loss by its formula, an image at a time, from the denoiser alone.</summary>
    [Test]
    public void A_teachers_loss_is_the_weighted_error_of_the_denoised_images()
    {
        using var network = _runs.TrainedTeacher(20);
        using var training = new TeacherTraining(network, TinyRuns.Data, new TeacherOptions { EmaDecay = 0, Seed = 4 });
        double loss = new HeldOut(Others, 1, 5).At(training, 1)!.Value, expected = 0;
        var denoiser = new Denoiser(network);
        for (int i = 0; i < Others.Count; i++)
        {
            var batch = new HeldOutBatch(Others, i, 1);
            double sigma = Math.Exp(-1.2 + 1.2 * batch.Normal(0));
            using var y = Others.Upload(_runs.Backend, [i]);
            using var x = batch.Noised(y, [1, (float)sigma]);
            using var d = denoiser.Denoise(x, sigma);
            double weight = 1 / Math.Pow(denoiser.At(sigma).Out, 2);
            expected += weight * d.ToArray().Zip(y.ToArray(), (a, b) => Math.Pow(a - b, 2)).Average() / Others.Count;
        }
        Assert.That(loss, Is.EqualTo(expected).Within(1e-4 * expected));
    }

    private static readonly TestCaseData[] Methods =
    [
        new TestCaseData(new PdOptions { Nfe = 2, Updates = 6, Batch = 4, Branches = 2 }).SetArgDisplayNames("PD + B-DENSE"),
        new TestCaseData(new PdOptions { Nfe = 1, Rounds = 2, Updates = 6, Batch = 4, Ema = 0.9 }).SetArgDisplayNames("PD in two rounds"),
        new TestCaseData(new EctOptions { Updates = 6, Stages = 2, Q = 8, Batch = 4 }).SetArgDisplayNames("ECT"),
        new TestCaseData(new BranchDistillationOptions { Branches = 2, Nfe = 3, Updates = 6, Batch = 4 }).SetArgDisplayNames("authors'"),
    ];

    [TestCaseSource(nameof(Methods))]
    public void A_loss_is_the_same_whatever_the_batch_and_the_seed_and_moves_with_the_weights(Distill options)
    {
        using var teacher = _runs.Teacher(seed: 2, TinyRuns.Config with
        {
            Prediction = options is BranchDistillationOptions ? Prediction.Eps : Prediction.Edm,
            NoiseInput = options is BranchDistillationOptions ? NoiseInput.Timestep : NoiseInput.LogSigma,
        });
        double[] losses = [.. new[] { 1, 4, 13 }.Select(batch => Loss(options, batch, 0)), Loss(options with { Seed = 5 }, 4, 0)];
        Assert.That(losses, Is.All.EqualTo(losses[0]).Within(1e-5 * losses[0]));
        Assert.That(Loss(options, 4, 0), Is.EqualTo(losses[1]), "the same bits");
        Assert.That(Loss(options, 4, 2), Is.Not.EqualTo(losses[1]));

        double Loss(Distill o, int batch, int steps)
        {
            using var student = DistillationMethods.NewStudent(teacher, o);
            using var training = DistillationMethods.Create(student, teacher, TinyRuns.Data, o);
            for (int i = 0; i < steps; i++)
                training.Step(i);
            return new HeldOut(Others, 1, batch).At(training, 1)!.Value;
        }
    }

    [Test]
    public void It_is_measured_every_so_often_and_at_the_end()
    {
        using var network = _runs.Teacher();
        using var training = new TeacherTraining(network, TinyRuns.Data, new TeacherOptions { Steps = 5, Batch = 2 });
        var result = TrainingLoop.Run(training, null, new LoopOptions { Validation = new HeldOut(Others, 2, 4) });
        Assert.That(result.Log.Where(line => line.Validation is not null).Select(line => line.Step), Is.EqualTo(new long[] { 2, 4, 5 }));
    }

    [Test]
    public void A_training_from_noise_has_none()
    {
        using var teacher = _runs.Teacher();
        var options = new SfdOptions();
        using var student = DistillationMethods.NewStudent(teacher, options);
        using var training = DistillationMethods.Create(student, teacher, null, options);
        Assert.That(training.HasHeldOutLoss, Is.False);
    }

    [Test]
    public void Images_that_are_learned_from_are_refused()
    {
        var config = TinyRuns.Config;
        Assert.That(() => HeldOut.Require(config, TinyRuns.Data, Others), Throws.Nothing);
        var same = new Dataset("copy", 4, 4, 3, TinyRuns.Data.ToArray(0, 64));
        Assert.That(() => HeldOut.Require(config, TinyRuns.Data, same), Throws.TypeOf<BDenseException>().With.Message.EqualTo(
            "--validation: copy holds the very images that are learned from; give others"));
        var some = new Dataset("some", 4, 4, 3, [.. Others.ToArray(0, 2), .. TinyRuns.Data.ToArray(7, 3)]);
        Assert.That(() => HeldOut.Require(config, TinyRuns.Data, some), Throws.TypeOf<BDenseException>().With.Message.EqualTo(
            "--validation: 3 of the 5 images of some are among those that are learned from (the first, number 2, is number 7 of tiny); "
                + "give others"));
    }

    [Test]
    public void Bytes_and_the_same_floats_are_the_same_images()
    {
        byte[] bytes = [.. Enumerable.Range(0, 2 * 48).Select(i => (byte)(i * 5))];
        var learned = new Dataset("bytes", 4, 4, 3, bytes);
        var floats = new Dataset("floats", 4, 4, 3, learned.ToArray(1, 1));
        Assert.That(ImageOverlap.Of(learned, floats), Is.EqualTo((1, 0, 1)));
    }

    [Test]
    public void Images_of_another_size_or_other_classes_are_refused()
    {
        Assert.That(() => HeldOut.Require(TinyRuns.Config, TinyRuns.Data, Noise("large", 2, 8, 1)),
            Throws.TypeOf<BDenseException>().With.Message.EqualTo(
                "--validation: images of 8 x 8 (large), the run has 4 x 4: give images of that size, or --resolution 4, which averages "
                    + "those of --data and of --validation down"));
        var config = TinyRuns.Config with { LabelCount = 2 };
        var learned = Labelled("learned", 3, [0, 1], ["cat", "dog"]);
        Assert.That(() => HeldOut.Require(config, learned, Others), Throws.TypeOf<BDenseException>().With.Message.EqualTo(
            "--validation: the network has 2 classes, others has 0"));
        Assert.That(() => HeldOut.Require(config, learned, Labelled("swapped", 4, [0, 1], ["dog", "cat"])),
            Throws.TypeOf<BDenseException>().With.Message.Contains("where learned has the class 'cat', swapped has 'dog'"));
        Assert.That(() => HeldOut.Require(config, learned, Labelled("right", 4, [1, 0], ["cat", "dog"])), Throws.Nothing);
    }

    [Test]
    public async Task Through_the_command_line()
    {
        string learned = Images("learned.npz", 1), held = Images("held.npz", 2), run = _runs.Folder["run"],
            config = _runs.Folder["tiny.json"];
        await File.WriteAllTextAsync(config, """
            { "resolution": 8, "modelChannels": 8, "channelMultipliers": [1], "blocksPerLevel": 1 }
            """);
        string large = Images("large.npz", 3, 16);
        string[] train = ["train", "--data", learned, "--network", config, "--steps", "5", "--batch", "4", "--out", run];
        await Refused("holds the very images that are learned from", "--validation", learned);
        await Refused("no such file", "--validation", _runs.Folder["nothing"]);
        await Refused("--validation: images of 16 x 16 (", "--validation", large);
        await CliRun.Succeeds([.. train, "--device", "cpu", "--validation", large, "--resolution", "8", "--dry-run"]);
        await Refused("--validation-every is for --validation", "--validation-every", "3");
        await Refused("--samples-count is for --samples-every", "--samples-count", "3");
        // Before the device is opened, which nobody has.
        await Refused("--validation-every is for --validation", "--validation-every", "3", "--device", "cuda:77");
        await Refused("--log csv,csv: csv is there twice", "--log", "csv,csv", "--device", "cuda:77");
        await Refused("--log: there is no 'xml'", "--log", "xml");
        Assert.That(Directory.Exists(run), Is.False);
        var said = (await CliRun.Succeeds([.. train, "--device", "cpu", "--validation", held, "--validation-every", "2", "--json"])).Json;
        var log = RunFolder.Existing(run).ReadLog();
        Assert.That(log.Select(line => line.Validation is not null), Is.EqualTo(new[] { false, true, false, true, true }));
        Assert.That(said["validationLoss"]!.GetValue<double>(), Is.EqualTo(log[^1].Validation));
        Assert.That(said["validationStep"]!.GetValue<long>(), Is.EqualTo(5));

        string Images(string name, int seed, int size = 8)
        {
            var pixels = new byte[12 * size * size * 3];
            new Random(seed).NextBytes(pixels);
            Npz.Write(_runs.Folder[name], ("images", new NpyArray([12, size, size, 3], pixels)));
            return _runs.Folder[name];
        }

        async Task Refused(string message, params string[] more)
        {
            var refused = await CliRun.Of([.. train, .. more, .. more.Contains("--device") ? (string[])[] : ["--device", "cpu"]]);
            Assert.That(refused.ExitCode, Is.Not.Zero);
            Assert.That(refused.Message, Does.StartWith("bdense: ").And.Contain(message));
        }
    }

    private static Dataset Labelled(string name, ulong seed, int[] labels, string[] classes) =>
        new(name, 4, 4, 3, Noise(name, labels.Length, 4, seed).ToArray(0, labels.Length), labels, classes);

    private static Dataset Noise(string name, int count, int size, ulong seed) => new(name, size, size, 3,
        [.. Enumerable.Range(0, count * size * size * 3).Select(i => (float)Philox.Uniform(new RandomKey(seed, 1), i) - 0.5f)]);
}
