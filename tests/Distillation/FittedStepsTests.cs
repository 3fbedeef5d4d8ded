using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Tests.Training;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.Pd;
using BDense.Training.Distillation.Methods.Sfd;
using BDense.Training.Runs;
using BDense.Training.Samplers;
using BDense.Training.Schedules;
using BDense.Training.Solvers;
using NUnit.Framework;

namespace BDense.Tests.Distillation;

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

    [TestCase("sfd", 4)]
    [TestCase("sfd", 1)]
    [TestCase("pd", 2)]
    public void To_its_own_endpoints_nothing_is_corrected(string method, int branches)
    {
        var options = (DistillationMethods.Find(method).Defaults with { Branches = branches, Nfe = 2, Batch = 6 }).Resolve();
        using var teacher = _runs.TrainedTeacher(20);
        using var network = DistillationMethods.NewStudent(teacher, options);
        using var x = DistillationMethods.Latents(network, options, 0);
        var student = Student.Of(network, options);
        var fitted = FittedSteps.Fit(student, [x], [Ends(student, x)]);
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
        var options = new SfdOptions { Branches = 2, Nfe = 2, Batch = 8 }.Resolve();
        using var teacher = _runs.TrainedTeacher(20);
        using var network = DistillationMethods.NewStudent(teacher, options);
        using var x = DistillationMethods.Latents(network, options, 0);
        var student = Student.Of(network, options);
        float[][] targets = Ends(student, x);
        targets[^1] = [.. targets[^1].Select(v => 1.2f * v)];
        var fitted = FittedSteps.Fit(student, [x], [targets], history: false);
        using var got = fitted.Sample(x);
        double error = Rms(got.ToArray(), targets[^1]), before = Rms(Ends(student, x)[^1], targets[^1]);
        Assert.That(error, Is.LessThan(0.02 * before));
        Assert.That(fitted.Coefficients[^1], Has.Length.EqualTo(3));
    }

    [Test]
    public void On_the_noises_of_the_fit_the_error_never_rises([Values] bool history)
    {
        var options = new SfdOptions { Branches = 4, Nfe = 1, Batch = 6 }.Resolve();
        using var teacher = _runs.TrainedTeacher(60);
        using var network = DistillationMethods.NewStudent(teacher, options);
        using Tensor a = DistillationMethods.Latents(network, options, 0), b = DistillationMethods.Latents(network, options, 1);
        var student = Student.Of(network, options);
        var grid = NestedGrid.Of(options.FindSchedule(), options.Intervals + 1, 4);
        float[][][] targets = [.. new[] { a, b }.Select(x =>
        {
            var ends = new List<float[]>();
            using var end = SolverCatalog.Find("dpmpp3m")
                .Run((y, s) => new Denoiser(teacher).Denoise(y, s), x, [.. grid.Teacher], new SolverOptions
            {
                OnStep = s =>
                {
                    if (s.Index % 4 == 0)
                        ends.Add(s.State.ToArray());
                },
            });
            return ends.ToArray();
        })];
        var fitted = FittedSteps.Fit(student, [a, b], targets, history);
        double before = 0, after = 0;
        foreach (var (x, target) in new[] { (a, targets[0]), (b, targets[1]) })
        {
            using Tensor own = student.Sample(x), got = fitted.Sample(x);
            before += Rms(own.ToArray(), target[^1]);
            after += Rms(got.ToArray(), target[^1]);
        }
        Assert.That(after, Is.LessThan(before));
    }

    [Test]
    public void What_is_kept_samples_with_the_same_bits_whatever_the_network_is_told()
    {
        // Classes and the number of nodes; two NFE in one run.
        using var teacher = _runs.Teacher(seed: 4, TinyRuns.Config with { LabelCount = 3, Dropout = 0 });
        var o = new SfdOptions { NfeChoices = "1,2", Branches = 2, Updates = 3, Batch = 4 }.Resolve();
        var folder = RunFolder.Open(_runs.Folder["run"], new JsonObject
        {
            ["kind"] = "distill",
            ["distill"] = RunJson.ToNode(o),
        }, resume: false);
        using (var network = DistillationMethods.NewStudent(teacher, o))
        using (var training = DistillationMethods.Create(network, teacher, null, o))
            TrainingLoop.Run(training, folder);
        var fitting = new StepFitting(teacher);
        foreach (int nfe in o.Choices())
        {
            var student = Student.Load(_runs.Backend, folder.FullName, nfe);
            using var owned = student.Network;
            Assert.That(Assert.Throws<BDenseException>(() => StepFitting.Read(student, folder.FullName))!.Message,
                Does.Contain($"at NFE {nfe}; 'bdense fit"));
            var options = new FittingOptions { Noises = 10, Batch = 4, FineSteps = 6 };
            var fit = fitting.Fit(student, o with { Nfe = nfe }, options);
            Assert.That(fit.After, Is.LessThan(fit.Before));
            string file = StepFitting.Write(folder.FullName, student, fit, options);
            // Of another checkpoint: its weights are not these.
            string text = File.ReadAllText(file), model = TrainedNetwork.Fingerprint(folder.FullName, student.Network.Config);
            File.WriteAllText(file, text.Replace(model, new string('0', 64), StringComparison.Ordinal));
            Assert.That(Assert.Throws<BDenseException>(() => StepFitting.Read(student, folder.FullName))!.Message,
                Does.Contain("is fitted to another student"));
            File.WriteAllText(file, text);

            var kept = Student.Load(_runs.Backend, folder.FullName, nfe, fitted: true);
            using var keptOwner = kept.Network;
            using var x = DistillationMethods.Latents(student.Network, o, 5);
            using var labels = ImageDraws.Of(1).Labels(student.Network, 1, 4);
            var (seen, nodes) = (new List<float[]>(), new List<int>());
            using Tensor expected = fit.Steps.Sample(x, labels), plain = student.Sample(x, labels),
                got = kept.Sample(x, labels, (i, _, state) =>
            {
                nodes.Add(i);
                seen.Add(state.ToArray());
            });
            Assert.That(got.ToArray(), Is.EqualTo(expected.ToArray()));
            Assert.That(got.ToArray(), Is.Not.EqualTo(plain.ToArray()));
            Assert.That(nodes, Is.EqualTo(Enumerable.Range(1, 2 * (nfe + 1))));
            Assert.That(seen[^1], Is.EqualTo(got.ToArray()), "the endpoint is shown corrected");

            File.WriteAllText(file, text.Replace("chained", "parallel", StringComparison.Ordinal));
            Assert.That(Assert.Throws<BDenseException>(() => StepFitting.Read(student, folder.FullName))!.Message,
                Does.Contain("on another grid"));
            File.WriteAllText(file, text);
            var coefficients = fit.Steps.Coefficients.ToArray();
            coefficients[^1] = coefficients[^1]![1..];
            Assert.Throws<BDenseException>(() => FittedSteps.Of(student, coefficients));
        }
    }

    [TestCase(false)]
    [TestCase(true)]
    public void A_progressive_student_is_fitted_down_to_its_last_node(bool toZero)
    {
        var o = new PdOptions { Nfe = 2, Rounds = 2, Schedule = toZero ? "cosine" : "polynomial", ToZero = toZero, Batch = 6 }.Resolve();
        using var teacher = _runs.TrainedTeacher(60);
        using var network = DistillationMethods.NewStudent(teacher, o);
        var student = Student.Of(network, o);
        var fit = new StepFitting(teacher).Fit(student, o, new FittingOptions { Noises = 12, FineSteps = 12 });
        Assert.That(fit.After, Is.LessThan(0.9 * fit.Before), "two Euler steps are far from the fine trajectory");
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
