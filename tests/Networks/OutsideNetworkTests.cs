using System.Text;
using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Model.Layers;
using BDense.Model.Networks;
using BDense.Tests.Cli;
using BDense.Tests.Training;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.Pd;
using BDense.Training.Distillation.Methods.Sfd;
using BDense.Training.Runs;
using NUnit.Framework;

namespace BDense.Tests.Networks;

/// <summary>A network that is none of BDense's own goes everywhere that one of its own goes.</summary>
public sealed class OutsideNetworkTests
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

    [Test]
    public void It_learns()
    {
        using var network = _runs.Teacher(config: PlainConfig.Tiny);
        using var training = new TeacherTraining(network, TinyRuns.Data, new TeacherOptions
        {
            Steps = 60,
            Batch = 16,
            LearningRate = 3e-3,
            Warmup = 0,
        });
        var log = TrainingLoop.Run(training).Log;
        Assert.That(log.TakeLast(10).Average(l => l.Loss), Is.LessThan(0.8 * log.Take(10).Average(l => l.Loss)));
    }

    [TestCase("")]
    [TestCase("lone.safetensors")]
    public void Its_checkpoint_loads_as_it_was_saved(string name)
    {
        using var network = _runs.Teacher(config: PlainConfig.Tiny with { Branches = 3, Width = 16 });
        string path = _runs.Folder[name];
        Checkpoint.Save(path, network);
        using var loaded = Checkpoint.Load(_runs.Backend, path);
        Assert.That(loaded.Config, Is.EqualTo(network.Config));
        Assert.That(loaded.Parameters.Values.ToArray(), Is.EqualTo(network.Parameters.Values.ToArray()));
    }

    private static readonly TestCaseData[] Students =
    [
        new TestCaseData(new SfdOptions { Branches = 2, Nfe = 2, Updates = 24, Batch = 4 }).SetArgDisplayNames("SFD"),
        new TestCaseData(new PdOptions { Branches = 2, Nfe = 2, Updates = 12, Batch = 4 }).SetArgDisplayNames("PD"),
    ];

    [TestCaseSource(nameof(Students))]
    public void It_is_distilled_to_two_heads_which_fold_into_one(Distill options)
    {
        using var teacher = _runs.Teacher(config: PlainConfig.Tiny);
        using var student = DistillationMethods.NewStudent(teacher, options);
        float[] start = student.Parameters.Values.ToArray();
        using (var training = DistillationMethods.Create(student, teacher, TinyRuns.Data, options))
            TrainingLoop.Run(training);
        Assert.That(student.Config, Is.EqualTo(PlainConfig.Tiny with { Branches = 2 }));
        Assert.That(student.Parameters.Values.ToArray(), Is.Not.EqualTo(start));

        var sampler = Student.Of(student, options);
        using var x = TinyNetwork.Normal(_runs.Backend, TinyNetwork.Images(student.Config, 3), 5);
        using Tensor heads = sampler.Sample(x, onState: (_, _, _) => { }), folded = sampler.SampleFolded(x);
        Assert.That(folded.ToArray(), Is.EqualTo(heads.ToArray()).Within(1e-3));
    }

    [Test]
    public void The_copy_of_a_folded_network_is_a_plain_one_and_it_alone_can_be_saved()
    {
        using var student = _runs.Teacher(config: PlainConfig.Tiny with { Branches = 2 });
        using var folded = new FoldedNetwork(student, [0.25, 0.75]);
        using var copy = folded.Clone();
        using var x = TinyNetwork.Normal(_runs.Backend, TinyNetwork.Images(copy.Config, 2), 5);
        using Tensor a = new Denoiser(folded).Denoise(x, 0.7), b = new Denoiser(copy).Denoise(x, 0.7);
        Assert.That(b.ToArray(), Is.EqualTo(a.ToArray()));
        Assert.That(() => Checkpoint.Save(_runs.Folder["folded"], folded),
            Throws.TypeOf<BDenseException>().With.Message.Contains("Clone()"));
        Checkpoint.Save(_runs.Folder["copy"], copy);
        using var loaded = Checkpoint.Load(_runs.Backend, _runs.Folder["copy"]);
        Assert.That(loaded.Parameters.Values.ToArray(), Is.EqualTo(copy.Parameters.Values.ToArray()));
    }

    // The verbs hold whatever network the files name.
    [Test]
    public async Task The_command_line_trains_distils_and_samples_it()
    {
        string file = _runs.Folder.Write("plain.json", Encoding.UTF8.GetBytes(PlainConfig.Tiny.ToJson()));
        string teacher = _runs.Folder["teacher"], student = _runs.Folder["student"], picture = _runs.Folder["out.png"];
        await CliRun.Succeeds("train", "--network", file, "--resolution", "4", "--limit", "16", "--steps", "2", "--batch", "4", "--out",
            teacher, "--device", "cpu");
        await CliRun.Succeeds("train", "--network", file, "--resolution", "4", "--limit", "16", "--steps", "4", "--batch", "4", "--out",
            teacher, "--device", "cpu", "--resume");
        await CliRun.Succeeds("distill", "--teacher", teacher, "--branches", "2", "--updates", "2", "--batch", "4", "--out", student,
            "--device", "cpu");
        await CliRun.Succeeds("sample", "--model", student, "--count", "2", "--out", picture, "--device", "cpu");
        var info = await CliRun.Succeeds("info", "--model", student, "--json");
        Assert.That(File.Exists(picture));
        Assert.That(info.Json["branches"]!.GetValue<int>(), Is.EqualTo(2));
        Assert.That(info.Json["addedMacs"]!.GetValue<long>(), Is.EqualTo(4 * 4 * 9 * 8 * 3));
    }

    [Test]
    public void A_family_that_is_not_registered_is_refused_in_a_line_that_lists_the_known()
    {
        using (var network = _runs.Teacher(config: PlainConfig.Tiny))
            Checkpoint.Save(_runs.Folder.Path, network);
        string file = _runs.Folder[Checkpoint.ConfigFile];
        File.WriteAllText(file, File.ReadAllText(file).Replace("\"plain\"", "\"mixer\"", StringComparison.Ordinal));
        Assert.That(() => Checkpoint.Load(_runs.Backend, _runs.Folder.Path), Throws.TypeOf<BDenseException>().With.Message.StartsWith(
            $"{file}: field 'family': 'mixer' is not known; there are ddpmpp, adm, ddpm, pd, guided, "));
        // A configuration in code that says another family than it is.
        Assert.That(() => NetworkInfo.Describe(PlainConfig.Tiny with { Family = "ddpm" }),
            Throws.TypeOf<BDenseException>().With.Message.Contains("field 'family'"));
    }

    [Test]
    public void A_name_is_one_family_s()
    {
        _ = PlainConfig.Tiny;
        Assert.That(() => NetworkCatalog.Register<PlainConfig>(PlainConfig.Name), Throws.Nothing);
        Assert.That(() => NetworkCatalog.Register<UNetConfig>(PlainConfig.Name),
            Throws.TypeOf<BDenseException>().With.Message.Contains("another name"));
        Assert.That(() => NetworkCatalog.Register<PlainConfig>("ddpm"),
            Throws.TypeOf<BDenseException>().With.Message.Contains("another name"));
    }

    [TestCase("""{ "family": "plain", "resolution": 4, "width": 2 }""", "'width'")]
    [TestCase("""{ "family": "plain", "resolution": 4, "modelChannels": 8 }""", "'modelChannels': there is no such field")]
    [TestCase("""{ "family": "plain" }""", "missing: 'resolution'")]
    [TestCase("""{ "family": "plain", "resolution": 4, "labelCount": 10 }""", "the family 'plain' has no classes")]
    [TestCase("""{ "family": "plain", "resolution": 4, "augmentCount": 9 }""", "the family 'plain' has no augmentation label")]
    [TestCase("""{ "family": "plain", "resolution": 4, "stepCondition": true }""", "the family 'plain' has no step condition")]
    [TestCase("""{ "family": null, "resolution": 4 }""", "'family'")]
    [TestCase("""{ "family": 5, "resolution": 4 }""", "'family'")]
    public void A_bad_configuration_is_named_with_its_field(string json, string mentioned)
    {
        _ = PlainConfig.Tiny;
        var e = Assert.Throws<BDenseException>(() => NetworkConfig.FromJson(json, "mine.json"));
        Assert.That(e!.Message, Does.Contain("mine.json").And.Contain(mentioned).And.Not.Contain("\n").And.Not.Contain("System."));
    }

    [Test]
    public void A_student_with_a_step_condition_wants_a_family_that_has_one()
    {
        using var teacher = _runs.Teacher(config: PlainConfig.Tiny);
        Assert.That(() => BranchHead.Widen(teacher, 2, stepSeed: 1),
            Throws.TypeOf<BDenseException>().With.Message.Contains("no step condition"));
    }

    [TestCase(nameof(PlainFault.NoHead), "no end.weight")]
    [TestCase(nameof(PlainFault.TooFewRows), "3 rows in last.weight, its head; 6 are needed")]
    [TestCase(nameof(PlainFault.OneNameTwice), "declares last.weight twice")]
    public void What_a_network_declares_wrongly_is_said_when_it_is_made(string fault, string mentioned)
    {
        var config = PlainConfig.Tiny with { Fault = Enum.Parse<PlainFault>(fault), Branches = 2 };
        Assert.That(() => new Network(_runs.Backend, config, seed: 1), Throws.TypeOf<BDenseException>().With.Message.Contains(mentioned));
    }

    [Test]
    public void A_network_that_does_not_take_the_folded_head_is_told_so()
    {
        using var student = _runs.Teacher(config: PlainConfig.Tiny with { Fault = PlainFault.IgnoresFoldedHead, Branches = 2 });
        using var folded = new FoldedNetwork(student, [0.5, 0.5]);
        using var x = TinyNetwork.Normal(_runs.Backend, TinyNetwork.Images(folded.Config, 1), 5);
        Assert.That(() => new Denoiser(folded).Denoise(x, 1),
            Throws.TypeOf<BDenseException>().With.Message.Contains("made 1 x 4 x 4 x 6, expected 1 x 4 x 4 x 3").And.Message.Contains(
                "Head"));
    }

    [Test]
    public void What_layers_do_not_say_is_PyTorch_s()
    {
        var state = new StateDeclaration();
        _ = new Linear(state, "fc", 16, 4);
        var values = new float[64];
        state.Parameters[0].Initializer.Fill(values, seed: 1, "fc.weight");
        // Uniform in +-1 / sqrt(In).
        Assert.That(values.Max(Math.Abs), Is.LessThanOrEqualTo(0.25f).And.GreaterThan(0.2f));
    }
}
