using BDense.Kernels;
using BDense.Model;
using BDense.Training;
using NUnit.Framework;

namespace BDense.Tests;

public sealed class FittedStepsTests
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

    [TestCase(DistillMethod.Sfd, 4)]
    [TestCase(DistillMethod.Sfd, 1)]
    [TestCase(DistillMethod.Pd, 2)]
    public void To_its_own_endpoints_nothing_is_corrected(DistillMethod method, int branches)
    {
        var options = new Distill { Method = method, Branches = branches, Nfe = 2, Batch = 6 }.Resolve();
        using var teacher = _runs.TrainedTeacher(20);
        using var network = Distillation.NewStudent(teacher, options);
        using var x = Distillation.Latents(network, options, 0);
        var student = Student.Of(network, options);
        var fitted = FittedSteps.Fit(student, options.Layout!.Value, [x], [Ends(student, x)]);
        using var own = student.Sample(x);
        using var got = fitted.Sample(x);
        Assert.That(got.ToArray(), Is.EqualTo(own.ToArray()).Within(2e-4f));
        Assert.That(fitted.Coefficients.Count(c => c is not null), Is.EqualTo(2));
        Assert.That(fitted.Coefficients[^1], Has.Length.EqualTo(1 + 2 * branches), "start, heads, heads of the interval before");
    }

    [Test]
    public void A_linear_correction_is_found()
    {
        // What lies in the span of start and heads: the endpoint scaled.
        var options = new Distill { Branches = 2, Nfe = 2, Batch = 8 }.Resolve();
        using var teacher = _runs.TrainedTeacher(20);
        using var network = Distillation.NewStudent(teacher, options);
        using var x = Distillation.Latents(network, options, 0);
        var student = Student.Of(network, options);
        float[][] targets = Ends(student, x);
        targets[^1] = [.. targets[^1].Select(v => 1.2f * v)];
        var fitted = FittedSteps.Fit(student, BranchLayout.Chained, [x], [targets], history: false);
        using var got = fitted.Sample(x);
        double error = Rms(got.ToArray(), targets[^1]), before = Rms(Ends(student, x)[^1], targets[^1]);
        Assert.That(error, Is.LessThan(0.02 * before));
        Assert.That(fitted.Coefficients[^1], Has.Length.EqualTo(3));
    }

    [Test]
    public void On_the_noises_of_the_fit_the_error_never_rises([Values] bool history)
    {
        var options = new Distill { Branches = 4, Nfe = 1, Batch = 6 }.Resolve();
        using var teacher = _runs.TrainedTeacher(60);
        using var network = Distillation.NewStudent(teacher, options);
        using Tensor a = Distillation.Latents(network, options, 0), b = Distillation.Latents(network, options, 1);
        var student = Student.Of(network, options);
        var grid = NestedGrid.Of(options.FindSchedule(), options.Intervals + 1, 4);
        float[][][] targets = [.. new[] { a, b }.Select(x =>
        {
            var ends = new List<float[]>();
            using var end = Solvers.Find("dpmpp3m").Run((y, s) => new Denoiser(teacher).Denoise(y, s), x, [.. grid.Teacher], new SolverOptions
            {
                OnStep = s =>
                {
                    if (s.Index % 4 == 0)
                        ends.Add(s.State.ToArray());
                },
            });
            return ends.ToArray();
        })];
        var fitted = FittedSteps.Fit(student, BranchLayout.Chained, [a, b], targets, history);
        double before = 0, after = 0;
        foreach (var (x, target) in new[] { (a, targets[0]), (b, targets[1]) })
        {
            using Tensor own = student.Sample(x), got = fitted.Sample(x);
            before += Rms(own.ToArray(), target[^1]);
            after += Rms(got.ToArray(), target[^1]);
        }
        Assert.That(after, Is.LessThan(before));
    }

    private static float[][] Ends(Student student, Tensor x)
    {
        var ends = new float[student.Grid.Intervals][];
        using var end = student.Sample(x, onState: (i, _, state) =>
        {
            if (i % student.Grid.Branches == 0)
                ends[i / student.Grid.Branches - 1] = state.ToArray();
        });
        return ends;
    }

    private static double Rms(float[] a, float[] b) => Math.Sqrt(a.Zip(b, (p, q) => Math.Pow(p - q, 2)).Average());
}
