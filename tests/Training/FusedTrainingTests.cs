using BDense.Kernels;
using BDense.Model.Autodiff;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.Pd;
using BDense.Training.Distillation.Methods.Sfd;
using BDense.Training.Runs;
using NUnit.Framework;

namespace BDense.Tests.Training;

/// <summary>Each fusion off by itself, over whole training steps: other launches, the same training up to rounding.</summary>
public sealed class FusedTrainingTests
{
    private static readonly string[] Sets = ["none", .. Fusions.Names.Select(name => $"-{name}")];

    private TinyRuns _runs = null!;

    [SetUp]
    public void Start() => _runs = new TinyRuns();

    [TearDown]
    public void End()
    {
        Assert.That(_runs.Backend.Pool.CurrentBytes, Is.Zero, "a tensor was kept");
        _runs.Dispose();
    }

    [TestCaseSource(nameof(Sets))]
    public void Distillations_agree(string fusions)
    {
        foreach (var options in new Distill[]
        {
            // PD's own distance: the sign of a difference near 0 would magnify rounding.
            new SfdOptions
            {
                Branches = 2,
                Nfe = 1,
                Updates = 3,
                Batch = 4,
                Seed = 9,
                Distance = Distance.PseudoHuber,
                Delta = 0.5,
                ClipNorm = 0.5,
                Ema = 0.9,
            },
            new PdOptions { Branches = 2, Nfe = 1, Rounds = 2, Updates = 4, Batch = 4, Seed = 9, Ema = 0.9 },
        })
        {
            var (loss, values, ops, bytes) = Run(options, Fusions.All);
            var (plainLoss, plainValues, plainOps, plainBytes) = Run(options, Fusions.Parse(fusions));
            Assert.That(plainLoss, Is.EqualTo(loss).Within(1e-4 * Math.Abs(loss) + 1e-6), options.Title);
            double error = 0, moved = 0;
            for (int i = 0; i < values.Length; i++)
            {
                error += Math.Pow(values[i] - plainValues[i], 2);
                moved += Math.Pow(values[i], 2);
            }
            Assert.That(Math.Sqrt(error / moved), Is.LessThan(2e-3), options.Title);
            // Folding concerns sampling alone, and PD without dropout has no mask.
            if (fusions == "-folded-heads" || (fusions == "-dropout" && options is PdOptions))
                continue;
            // A prologue takes the place of one launch by another, and the resampled weights are launches of their own.
            if (fusions == "-conv-moments")
                Assert.That((plainOps, plainBytes), Is.EqualTo((ops, bytes)), $"{options.Title}: tensor cores alone have it");
            else if (fusions is "-conv-prologue" or "-resample-conv")
                Assert.That((plainOps, plainBytes), Is.Not.EqualTo((ops, bytes)), $"{options.Title}: the composition ran");
            else
                Assert.That(plainOps, Is.GreaterThan(ops), $"{options.Title}: the composition ran");
        }
    }

    private (double Loss, float[] Values, long Operations, long Bytes) Run(Distill options, Fusions fusions)
    {
        using var teacher = _runs.Teacher(seed: 2);
        teacher.Execution = new Execution(fusions);
        using var student = DistillationMethods.NewStudent(teacher, options);
        Assert.That(student.Execution, Is.EqualTo(teacher.Execution), "handed on");
        long operations = 0, bytes = 0;
        _runs.Backend.OnOp = (_, cost) =>
        {
            operations++;
            bytes += cost.Bytes;
        };
        using var training = DistillationMethods.Create(student, teacher, TinyRuns.Data, options);
        double loss = 0;
        for (long step = 0; step < training.Steps; step++)
            loss = training.Step(step).Loss;
        _runs.Backend.OnOp = null;
        return (loss, student.Parameters.Values.ToArray(), operations, bytes);
    }

    [Test]
    public void Recomputation_trains_to_the_same_bits()
    {
        var values = new List<float[]>();
        foreach (bool recompute in new[] { false, true })
        {
            using var network = _runs.Teacher();
            network.Execution = Execution.Default with { Recompute = recompute };
            using var training = new TeacherTraining(network, TinyRuns.Data, new TeacherOptions { Steps = 3, Batch = 4, Seed = 3 });
            TrainingLoop.Run(training);
            values.Add(network.Parameters.Values.ToArray());
        }
        Assert.That(values[1], Is.EqualTo(values[0]));
    }
}
