using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Tests.Training;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.Pd;
using BDense.Training.Distillation.Methods.Sfd;
using BDense.Training.Metrics;
using BDense.Training.Runs;
using BDense.Training.Schedules;
using BDense.Training.Solvers;
using NUnit.Framework;

namespace BDense.Tests.Distillation;

/// <summary>SFD-v, a student of several NFE told apart by the step condition, and SFD's second stage.</summary>
public sealed class SfdVariableTests
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

    [TestCase(1)]
    [TestCase(4)]
    public void Every_NFE_comes_nearer_to_its_teacher(int branches)
    {
        using var teacher = _runs.TrainedTeacher(200);
        var options = new SfdOptions
        {
            NfeChoices = "2,3",
            Branches = branches,
            Updates = 500,
            Batch = 16,
            LearningRate = 3e-4,
            ClipNorm = 1,
        }.Resolve();
        Assert.That(options.Title, Is.EqualTo(branches == 1 ? "SFD-v" : "SFD-v + B-DENSE"));
        using var network = DistillationMethods.NewStudent(teacher, options);
        using var noise = DistillationMethods.Latents(teacher, options with { Seed = 99, Batch = 96 }, 0);
        double[] before = [Error(2), Error(3)];
        using (var training = DistillationMethods.Create(network, teacher, null, options))
        {
            Assert.That(training.Steps, Is.EqualTo(200));
            TrainingLoop.Run(training);
        }
        TestContext.Out.WriteLine($"{before[0]:g4} -> {Error(2):g4}, {before[1]:g4} -> {Error(3):g4}");
        Assert.That(Error(2), Is.LessThan(0.8 * before[0]));
        Assert.That(Error(3), Is.LessThan(0.8 * before[1]));

        // Image by image: a trajectory that crosses over to the other kind of image outweighs all others in a sum of squares.
        double Error(int nfe)
        {
            var grid = (options with { Nfe = nfe }).Grid(nfe + 2);
            using var end = SolverCatalog.Find("dpmpp3m")
                .Run((x, s) => new Denoiser(teacher).Denoise(x, s), noise, [.. grid.Teacher], SolverOptions.Default);
            using var got = Student.Of(network, options, nfe).Sample(noise);
            return EndpointError.Between(got.ToArray(), end.ToArray(), got.Length / got.Shape[0]).Rmse.Average();
        }
    }

    [TestCase("ddpmpp")]
    [TestCase("adm")]
    public void Layers_for_the_step_are_new_and_all_others_the_teachers(string family)
    {
        var config = TinyRuns.Config with
        {
            Family = family,
            Embedding = family == "adm" ? NoiseEmbedding.Positional : NoiseEmbedding.Fourier,
        };
        using var teacher = _runs.Teacher(seed: 2, config);
        using var student = DistillationMethods.NewStudent(teacher, new SfdOptions { NfeChoices = "2,3", Seed = 4 });
        using var fresh = _runs.Teacher(seed: 4, config with { StepCondition = true });
        var old = teacher.Parameters.All.ToDictionary(p => p.Name);
        int added = 0;
        foreach (var p in student.Parameters.All)
        {
            bool isNew = !old.TryGetValue(p.Name, out var before);
            Assert.That(p.Value.ToArray(), Is.EqualTo((isNew ? fresh.Parameters[p.Name] : before!).Value.ToArray()), p.Name);
            Assert.That(isNew, Is.EqualTo(p.Name.Contains("step", StringComparison.Ordinal)), p.Name);
            added += isNew ? 1 : 0;
        }
        Assert.That(added, Is.GreaterThan(4));
        Assert.That(student.Config, Is.EqualTo(config with { StepCondition = true }));
    }

    [Test]
    public void The_network_is_told_the_number_of_nodes()
    {
        using var teacher = _runs.Teacher(seed: 2);
        var options = new SfdOptions { NfeChoices = "2,4", Batch = 2 }.Resolve();
        using var network = DistillationMethods.NewStudent(teacher, options);
        using var noise = DistillationMethods.Latents(teacher, options, 0);
        foreach (int nfe in new[] { 2, 4 })
        {
            // SFD's num_steps: the nodes of the student's grid, one more than its intervals, of which the first is analytical.
            using var step = _runs.Backend.FromArray([nfe + 2f, nfe + 2f], new Shape(2));
            var denoiser = new Denoiser(network);
            using var expected = SolverCatalog.Euler((x, sigma) => denoiser.Denoise(x, sigma, new ForwardOptions(Step: step)), noise,
                ScheduleCatalog.Polynomial(0.006, 80).Grid(nfe + 2), new SolverOptions { AnalyticalFirstStep = true });
            using var got = Student.Of(network, options, nfe).Sample(noise);
            Assert.That(got.ToArray(), Is.EqualTo(expected.ToArray()).Within(1e-4f), $"NFE {nfe}");
            using var folded = Student.Of(network, options, nfe).SampleFolded(noise);
            Assert.That(folded.ToArray(), Is.EqualTo(got.ToArray()).Within(1e-4f), $"NFE {nfe}, folded");
        }
    }

    [Test]
    public void Iterations_make_as_many_updates_as_the_NFE_they_drew()
    {
        using var teacher = _runs.Teacher();
        var options = new SfdOptions { NfeChoices = "1,3,4", Batch = 2, Updates = 40 };
        using var student = DistillationMethods.NewStudent(teacher, options);
        using var training = DistillationMethods.Create(student, teacher, null, options);
        var seen = new List<int>();
        for (int step = 0; step < 12; step++)
        {
            int updates = 0;
            _runs.Backend.OnOp = (op, _) => updates += op == nameof(Backend.Adam) ? 1 : 0;
            training.Step(step);
            seen.Add(updates);
        }
        _runs.Backend.OnOp = null;
        Assert.That(seen.Distinct(), Is.EquivalentTo(new[] { 1, 3, 4 }), string.Join(" ", seen));
    }

    [TestCase(1)]
    [TestCase(3)]
    public void The_second_stage_comes_nearer_to_the_first_stages_student(int branches)
    {
        using var teacher = _runs.TrainedTeacher(200);
        var first = new SfdOptions { NfeChoices = "2,5", Updates = 200, Batch = 16, LearningRate = 1e-3, ClipNorm = 1 };
        using var middle = DistillationMethods.NewStudent(teacher, first);
        using (var training = DistillationMethods.Create(middle, teacher, null, first))
            TrainingLoop.Run(training);

        var options = new SfdOptions
        {
            FirstStage = first,
            Nfe = 1,
            Branches = branches,
            Updates = 200,
            Batch = 16,
            LearningRate = 1e-3,
            ClipNorm = 1,
        }.Resolve();
        Assert.That((options.Jump, options.StepCondition), Is.EqualTo(((int?)3, (bool?)true)));
        using var network = DistillationMethods.NewStudent(middle, options);
        using var noise = DistillationMethods.Latents(teacher, options with { Seed = 99, Batch = 32 }, 0);
        using var end = Student.Of(middle, first, 5).Sample(noise);
        double before = Error();
        using (var training = DistillationMethods.Create(network, middle, null, options))
            TrainingLoop.Run(training);
        TestContext.Out.WriteLine($"{before:g4} -> {Error():g4}");
        Assert.That(Error(), Is.LessThan(0.8 * before));
        Assert.That(Student.Of(network, options).Evaluations, Is.EqualTo(1));

        double Error()
        {
            using var got = Student.Of(network, options).Sample(noise);
            return Rmse(end, got);
        }
    }

    [Test]
    public void The_sum_over_elements_is_the_mean_times_their_number()
    {
        using var teacher = _runs.Teacher();
        double[] losses = [.. new[] { false, true }.Select(sum =>
        {
            var options = new SfdOptions { Nfe = 1, Batch = 2, SumElements = sum };
            using var student = DistillationMethods.NewStudent(teacher, options);
            using var training = DistillationMethods.Create(student, teacher, null, options);
            return training.Step(0).Loss;
        })];
        Assert.That(losses[1], Is.EqualTo(48 * losses[0]).Within(1e-4 * losses[1]));
    }

    private static readonly object[][] Misfits =
    [
        ["NFE '2,x'", new SfdOptions { NfeChoices = "2,x" }],
        ["NFE is 1 to 1024", new SfdOptions { NfeChoices = "0,2" }],
        ["NFE 5, not 2, 3", new SfdOptions { FirstStage = new SfdOptions { NfeChoices = "2,3" }, Nfe = 1 }],
        ["the second stage has one NFE", new SfdOptions { FirstStage = new SfdOptions { NfeChoices = "5" }, NfeChoices = "1,2" }],
        ["first stage", new SfdOptions { FirstStage = new PdOptions(), Nfe = 1 }],
    ];

    private static IEnumerable<TestCaseData> MisfitCases => Misfits.Select(m => new TestCaseData(m).SetArgDisplayNames((string)m[0]));

    [TestCaseSource(nameof(MisfitCases))]
    public void What_does_not_fit_together_is_refused(string mentioned, Distill options) =>
        Assert.That(Assert.Throws<UsageException>(() => options.Resolve())!.Message, Does.Contain(mentioned));

    [Test]
    public void An_NFE_that_was_not_learned_is_refused()
    {
        using var network = _runs.Teacher(config: TinyRuns.Config with { StepCondition = true });
        Assert.That(Assert.Throws<UsageException>(() => Student.Of(network, new SfdOptions { NfeChoices = "2,3" }, 4))!.Message,
            Does.Contain("2, 3, not 4"));
    }

    private static double Rmse(Tensor a, Tensor b) => Math.Sqrt(a.ToArray().Zip(b.ToArray(), (u, v) => Math.Pow(u - v, 2)).Average());
}
