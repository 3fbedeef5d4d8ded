using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Tests.Networks;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.BranchDistillation;
using BDense.Training.Distillation.Methods.Ect;
using BDense.Training.Distillation.Methods.Pd;
using BDense.Training.Distillation.Methods.Sfd;
using BDense.Training.Runs;
using NUnit.Framework;

namespace BDense.Tests.Training;

/// <summary>N iterations in one go leave the same bits behind as some, an end, and the rest.</summary>
public sealed class ResumeTests
{
    private const int Half = 3;

    private static readonly SfdOptions Sfd = new() { Nfe = 2, Updates = 12, Batch = 4, Seed = 9 };
    private static readonly PdOptions Pd = new() { Nfe = 2, Updates = 6, Batch = 4, Seed = 9 };

    private static readonly Distill Compat = new BranchDistillationOptions
    {
        Branches = 2,
        Nfe = 3,
        Rounds = 2,
        Updates = 6,
        Batch = 4,
        Seed = 9,
        Flip = true,
        Ema = 0.9,
    };

    private static readonly TestCaseData[] Cases =
    [
        new TestCaseData(Sfd).SetArgDisplayNames("SFD"),
        new TestCaseData(Sfd with { Branches = 4 }).SetArgDisplayNames("SFD + B-DENSE"),
        new TestCaseData(Sfd with
        {
            Branches = 2,
            Weights = "learned",
            Ema = 0.9,
            CacheTrajectories = 2,
        }).SetArgDisplayNames("SFD, learned weights, average, cache"),
        new TestCaseData(Sfd with
        {
            Branches = 4,
            Weights = "ramp",
            AnalyticalFirstStep = false,
            Solver = "heun",
        }).SetArgDisplayNames("SFD, ramp"),
        new TestCaseData(Sfd with { NfeChoices = "1,3" }).SetArgDisplayNames("SFD-v"),
        new TestCaseData(Sfd with
        {
            NfeChoices = "1,3",
            Branches = 4,
            Weights = "learned",
            CacheTrajectories = 2,
        }).SetArgDisplayNames("SFD-v + B-DENSE"),
        new TestCaseData(Sfd with
        {
            FirstStage = new SfdOptions { NfeChoices = "2,5" },
            Nfe = 1,
            Branches = 3,
            Updates = 6,
        }).SetArgDisplayNames("SFD, second stage"),
        new TestCaseData(Compat).SetArgDisplayNames("PD, authors' variant"),
        new TestCaseData(Pd with { ToZero = true, Schedule = "cosine", Flip = true }).SetArgDisplayNames("PD, published"),
        new TestCaseData(Sfd with
        {
            Branches = 4,
            Weights = "aligned",
            Projection = 2,
        }).SetArgDisplayNames("SFD, aligned weights, projected gradients"),
        new TestCaseData(Sfd with { Branches = 4, Weights = "projected:2", Ema = 0.9 }).SetArgDisplayNames("SFD, projected gradients"),
        new TestCaseData(Pd with
        {
            Branches = 2,
            Rounds = 2,
            Nfe = 1,
            Projection = 2,
        }).SetArgDisplayNames("PD in two rounds, projected gradients"),
        new TestCaseData(new EctOptions
        {
            Updates = 6,
            Stages = 3,
            Q = 8,
            Batch = 4,
            Seed = 9,
            Ema = 0.9,
            Flip = true,
        }).SetArgDisplayNames("ECT, a cut within a stage"),
        new TestCaseData(Pd).SetArgDisplayNames("PD"),
        new TestCaseData(Pd with { Branches = 4, Dropout = true }).SetArgDisplayNames("PD + B-DENSE"),
        new TestCaseData(Pd with
        {
            Branches = 2,
            Rounds = 2,
            Nfe = 1,
            Ema = 0.9,
        }).SetArgDisplayNames("PD + B-DENSE in two rounds, a cut between them"),
        new TestCaseData(Pd with { Rounds = 3, Nfe = 1 }).SetArgDisplayNames("PD in three rounds, a cut within one"),
        new TestCaseData(Pd with
        {
            Branches = 2,
            Rounds = 2,
            Layout = BranchLayout.Chained,
            Weights = "learned",
        }).SetArgDisplayNames("PD, chained, learned"),
    ];

    private TinyRuns _runs = null!;

    [SetUp]
    public void Start() => _runs = new TinyRuns();

    [TearDown]
    public void End()
    {
        Assert.That(_runs.Backend.Pool.CurrentBytes, Is.Zero, "a tensor was kept");
        _runs.Dispose();
    }

    [TestCase(1, false)]
    [TestCase(2, false)]
    [TestCase(1, true)]
    public void Teacher(int microBatches, bool outside)
    {
        var options = new TeacherOptions
        {
            Steps = 2 * Half,
            Batch = 4,
            MicroBatches = microBatches,
            Seed = 3,
            Decay = Decay.Cosine,
            Flip = true,
            Warmup = 2,
        };
        Check(() =>
        {
            var network = outside ? _runs.Teacher(config: PlainConfig.Tiny with { Dropout = 0.1f }) : _runs.Teacher();
            return new Owned(new TeacherTraining(network, TinyRuns.Data, options), network);
        });
    }

    [TestCaseSource(nameof(Cases))]
    public void Student(Distill options)
    {
        using var teacher = _runs.Teacher(seed: 2, TinyRuns.Config with
        {
            StepCondition = options is SfdOptions { FirstStage: not null },
            Prediction = options is BranchDistillationOptions ? Prediction.Eps : Prediction.Edm,
            NoiseInput = options is BranchDistillationOptions ? NoiseInput.Timestep : NoiseInput.LogSigma,
        });
        Check(() =>
        {
            var student = DistillationMethods.NewStudent(teacher, options);
            return new Owned(DistillationMethods.Create(student, teacher, TinyRuns.Data, options), student);
        });
    }

    private static readonly TestCaseData[] OutsideCases =
    [
        new TestCaseData(Sfd with { Branches = 2, Ema = 0.9 }).SetArgDisplayNames("SFD + B-DENSE, average"),
        new TestCaseData(Pd with { Branches = 2, Dropout = true }).SetArgDisplayNames("PD + B-DENSE, dropout"),
    ];

    [TestCaseSource(nameof(OutsideCases))]
    public void Student_of_another_family(Distill options)
    {
        using var teacher = _runs.Teacher(seed: 2, PlainConfig.Tiny with { Dropout = 0.1f });
        Check(() =>
        {
            var student = DistillationMethods.NewStudent(teacher, options);
            return new Owned(DistillationMethods.Create(student, teacher, TinyRuns.Data, options), student);
        });
    }

    /// <summary>Activations are made anew in each step; what is kept between them is float32.</summary>
    [Test]
    public void With_activations_in_BF16()
    {
        _runs.Backend.ActivationType = ElementType.BFloat16;
        Teacher(microBatches: 2, outside: false);
        End();
        Start();
        _runs.Backend.ActivationType = ElementType.BFloat16;
        Student(Sfd with { Branches = 4 });
    }

    private void Check(Func<Owned> create)
    {
        string straight = Run(create, "straight", resume: false, stopAfter: null).Checkpoint!;
        var first = Run(create, "halves", resume: false, stopAfter: Half);
        Assert.That(first.Interrupted);
        Assert.That(first.Step, Is.EqualTo(Half));
        var second = Run(create, "halves", resume: true, stopAfter: null);
        Assert.That(second.Step, Is.EqualTo(2 * Half));
        Assert.That(second.Log.Select(l => l.Step), Is.EqualTo(Enumerable.Range(1, 2 * Half)));

        var (expected, got) = (TinyRuns.Files(straight), TinyRuns.Files(second.Checkpoint!));
        Assert.That(got.Keys, Is.EquivalentTo(expected.Keys));
        foreach (var (name, bytes) in expected)
            Assert.That(got[name], Is.EqualTo(bytes), name);
        var unlike = TinyRuns.Files(first.Checkpoint!);
        Assert.That(unlike["model.safetensors"], Is.Not.EqualTo(expected["model.safetensors"]), "the second half changed nothing");
    }

    private RunResult Run(Func<Owned> create, string name, bool resume, int? stopAfter)
    {
        using var cancel = new CancellationTokenSource();
        using var owned = create();
        var folder = RunFolder.Open(_runs.Folder[name], new JsonObject { ["kind"] = "test" }, resume);
        return TrainingLoop.Run(owned.Training, folder, new LoopOptions
        {
            Cancellation = cancel.Token,
            OnProgress = p =>
            {
                if (p.Step == stopAfter)
                    cancel.Cancel();
            },
        });
    }

    private sealed record Owned(ITraining Training, IDisposable Network) : IDisposable
    {
        public void Dispose()
        {
            Training.Dispose();
            Network.Dispose();
        }
    }
}
