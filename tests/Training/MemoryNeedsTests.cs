using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Reference;
using BDense.Model.Networks;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.Pd;
using BDense.Training.Distillation.Methods.Sfd;
using BDense.Training.Runs;
using BDense.Training.Samplers;
using NUnit.Framework;

namespace BDense.Tests.Training;

/// <summary>What a dry run predicts is what the work takes.</summary>
public sealed class MemoryNeedsTests
{
    // Large enough that activations outweigh what a device prepares of the weights, which is not predicted.
    private const int Batch = 384;

    public sealed record Case(string Name, Func<INetwork, int, ITraining> Make)
    {
        public override string ToString() => Name;
    }

    public static IEnumerable<Case> Cases =>
    [
        new("teacher", (teacher, batch) => new TeacherTraining(teacher, TinyRuns.Data, new TeacherOptions { Batch = batch })),
        new("sfd, K = 4", (teacher, batch) => Student(teacher, new SfdOptions { Branches = 4, Batch = batch, Ema = 0.9 })),
        new("sfd, K = 1", (teacher, batch) => Student(teacher, new SfdOptions { Branches = 1, Jump = 2, Batch = batch })),
        new("pd", (teacher, batch) => Student(teacher, new PdOptions { Branches = 2, Batch = batch })),
    ];

    private static ITraining Student(INetwork teacher, Distill options) =>
        DistillationMethods.Create(DistillationMethods.NewStudent(teacher, options), teacher, TinyRuns.Data, options);

    [TestCaseSource(nameof(Cases))]
    public void A_training_takes_what_was_predicted(Case of)
    {
        using var backend = new ReferenceBackend(1);
        var teacher = new Network(backend, TinyRuns.Config, 1);
        using var training = of.Make(teacher, Batch);
        training.Step(0);
        long predicted = MemoryNeeds.OfTraining(Batch, (dry, images) => of.Make(new Network(dry, TinyRuns.Config, seed: null), images));
        Assert.That(predicted, Is.EqualTo(backend.Pool.ReservedBytes).Within(10).Percent);
        training.Step(1);
        Assert.That(backend.Pool.ReservedBytes, Is.LessThan(1.1 * predicted), "a second iteration takes no more");
    }

    [Test]
    public void A_large_batch_is_drawn_out_in_a_line()
    {
        var make = (Backend dry, int images) => Cases.First().Make(new Network(dry, TinyRuns.Config, seed: null), images);
        long[] at = [.. new[] { 512, 1024, 4096 }.Select(batch => MemoryNeeds.OfTraining(batch, make))];
        Assert.That((at[2] - at[1]) / (4096.0 - 1024), Is.EqualTo((at[1] - at[0]) / 512.0).Within(1e-6));
        // Sizes of blocks step by a quarter: so much may a whole run differ.
        using var dry = new DryRunBackend();
        using var training = make(dry, 4096);
        training.Step(0);
        Assert.That(at[2], Is.EqualTo(dry.Pool.ReservedBytes).Within(25).Percent);
    }

    [Test]
    public void Sampling_takes_no_more_than_predicted()
    {
        using var backend = new ReferenceBackend(1);
        using var network = new Network(backend, TinyRuns.Config, 1);
        long before = backend.Pool.CurrentBytes;
        backend.Pool.ResetPeak();
        var sampler = SamplerBuilder.Build(network, new SamplerOptions { Solver = "dpmpp3m", Steps = 8 });
        Sampling.Generate(network, sampler.Run, ImageDraws.Of(1), Batch, Batch, sampler.Sigma);
        long predicted = MemoryNeeds.OfSampling(TinyRuns.Config, Batch);
        Assert.That(backend.Pool.PeakBytes - before, Is.LessThanOrEqualTo(predicted));
        Assert.That(predicted, Is.LessThan(2 * (backend.Pool.PeakBytes - before)), "not out of all proportion");
    }

    [Test]
    public void What_does_not_fit_is_refused_with_both_numbers_and_a_remedy()
    {
        using var backend = new ReferenceBackend(1);
        Assert.That(() => MemoryNeeds.Require(backend, long.MaxValue / 4, "training 9 images at once", "a smaller --batch"),
            Throws.TypeOf<BDenseException>().With.Message.Match(
                @"^training 9 images at once takes about 2305843009\.2 GB, [\d.]+ GB are free \(cpu\): a smaller --batch takes less$"));
        Assert.That(() => MemoryNeeds.Require(backend, 1, "it", "less"), Throws.Nothing);
    }
}
