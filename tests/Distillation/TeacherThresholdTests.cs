using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Tests.Training;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.Sfd;
using BDense.Training.Runs;
using BDense.Training.Samplers;
using BDense.Training.Solvers;
using NUnit.Framework;

namespace BDense.Tests.Distillation;

/// <summary>SFD's teacher as its authors have it: DPM-Solver++ makes its steps of thresholded images.</summary>
public sealed class TeacherThresholdTests
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

    [TestCase(null)]
    [TestCase(0.995)]
    [TestCase(0.5)]
    public void The_teacher_goes_by_thresholded_images(double? quantile)
    {
        using var teacher = _runs.TrainedTeacher(20);
        var o = new SfdOptions { Nfe = 2, TeacherThreshold = quantile, Batch = 4 }.Resolve();
        double[] grid = [.. o.Grid(4).Teacher];
        using var x = DistillationMethods.Latents(teacher, o, 0);
        var sampler = SamplerBuilder.Build(teacher, o.TeacherSampler());
        Assert.That(sampler.Grid, Is.EqualTo(grid), "every digit comes back");
        using var got = sampler.Run(x, null, SolverCatalog.NoFreshNoise);

        // The authors' way, by hand: |D|'s quantile, at least 1, then clamp(D, -s, s) / s.
        var denoiser = new Denoiser(teacher);
        using var expected = SolverCatalog.Find("dpmpp3m").Run((state, sigma) =>
        {
            var d = denoiser.Denoise(state, sigma);
            return quantile is { } q ? Thresholded(d, q) : d;
        }, x, grid, SolverOptions.Default);
        Assert.That(got.ToArray(), Is.EqualTo(expected.ToArray()).Within(1e-5f));
        using var free = SolverCatalog.Find("dpmpp3m").Run(denoiser.AsDenoise(), x, grid, SolverOptions.Default);
        bool differs = got.ToArray().Zip(free.ToArray(), (a, b) => Math.Abs(a - b)).Max() > 1e-3;
        Assert.That(differs, Is.EqualTo(quantile is not null), "a network that is hardly trained leaves [-1, 1]");
    }

    [Test]
    public void Presets_of_SFD_threshold_and_nothing_else_does()
    {
        foreach (var preset in DistillPresets.All)
        {
            double? threshold = (preset.Options as SfdOptions)?.TeacherThreshold;
            Assert.That(threshold,
                Is.EqualTo(preset.Name.StartsWith("sfd", StringComparison.Ordinal) && preset.Name != "sfd-second" ? 0.995 : null),
                preset.Name);
        }
        Assert.That(new SfdOptions().Resolve().TeacherThreshold, Is.Null);
        Assert.That(() => new SfdOptions { TeacherThreshold = double.NaN }.Resolve(), Throws.TypeOf<UsageException>());
    }

    [Test]
    public void Configurations_without_the_field_are_those_without_a_threshold()
    {
        var written = RunJson.ToNode(new SfdOptions().Resolve()).AsObject();
        var old = (JsonObject)written.DeepClone();
        old.Remove("teacherThreshold");
        Assert.That(RunJson.Difference(old, written), Is.Null, "such a run resumes");
        Assert.That(Distill.FromFile(old, "config.json"), Is.EqualTo(Distill.FromFile(written, "config.json")));
        Assert.That(RunJson.Difference(old, RunJson.ToNode(new SfdOptions { TeacherThreshold = 0.995 }.Resolve())),
            Is.EqualTo("teacherThreshold is absent, not 0.995"));
    }

    private static Tensor Thresholded(Tensor d, double quantile)
    {
        int n = d.Shape[0], length = d.Length / n;
        float[] values = d.ToArray();
        for (int i = 0; i < n; i++)
        {
            var sample = values.AsSpan(i * length, length);
            double[] sorted = [.. sample.ToArray().Select(v => (double)Math.Abs(v)).Order()];
            double rank = quantile * (length - 1), below = sorted[(int)rank],
                s = Math.Max(1, below + (rank - (int)rank) * (sorted[Math.Min((int)rank + 1, length - 1)] - below));
            for (int e = 0; e < length; e++)
                sample[e] = (float)(Math.Clamp(sample[e], -s, s) / s);
        }
        d.Upload(values);
        return d;
    }
}
