using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Model.Autodiff;
using BDense.Model.Networks;
using BDense.Training.Data;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.BranchDistillation;
using BDense.Training.Distillation.Methods.Pd;
using BDense.Training.Distillation.Methods.Sfd;
using BDense.Training.Metrics;
using BDense.Training.Runs;
using BDense.Training.Schedules;
using BDense.Training.Solvers;
using NUnit.Framework;

namespace BDense.Tests.Training;

public sealed class TrainingTests
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
    public void A_teacher_learns([Values] Prediction prediction)
    {
        using var network = _runs.Teacher(config: TinyRuns.Config with { Prediction = prediction, Dropout = 0 });
        var options = new TeacherOptions
        {
            Steps = 150,
            Batch = 32,
            LearningRate = 3e-3,
            Warmup = 5,
            Weighting = prediction == Prediction.X ? LossWeighting.SnrTruncated : LossWeighting.Unit,
        };
        using var training = new TeacherTraining(network, TinyRuns.Data, options);
        var log = TrainingLoop.Run(training).Log;
        Assert.That(log.TakeLast(20).Average(l => l.Loss), Is.LessThan(0.7 * log.Take(20).Average(l => l.Loss)));
    }

    [Test]
    public void The_teachers_loss_is_that_of_denoising()
    {
        // One update at a learning rate of next to nothing; the same loss from the denoiser, by its definition.
        using var network = _runs.TrainedTeacher(5);
        var options = new TeacherOptions { Steps = 1, Batch = 4, LearningRate = 1e-30, Warmup = 0, Seed = 11, EmaDecay = 0 };
        double got;
        using (var training = new TeacherTraining(network, TinyRuns.Data, options))
            got = training.Step(0).Loss;

        using var y = TinyRuns.Data.Upload(_runs.Backend, new Batches(TinyRuns.Data.Count, 4, 11), 0);
        var clean = y.ToArray();
        int e = clean.Length / 4;
        double expected = 0;
        for (int n = 0; n < 4; n++)
        {
            double sigma = Math.Exp(-1.2 + 1.2 * Philox.Normal(RandomStreams.ForSigmas(11, 0), n));
            var noisy = Enumerable.Range(0, e)
                .Select(i => (float)(clean[n * e + i] + sigma * Philox.Normal(RandomStreams.ForNoise(11, 0), n * e + i))).ToArray();
            using var x = _runs.Backend.FromArray(noisy, new Shape(1, 4, 4, 3));
            using var d = new Denoiser(network).Denoise(x, sigma);
            double lambda = (sigma * sigma + 0.25) / Math.Pow(sigma * 0.5, 2);
            expected += lambda * d.ToArray().Select((v, i) => Math.Pow(v - clean[n * e + i], 2)).Average() / 4;
        }
        Assert.That(got, Is.EqualTo(expected).Within(1e-4 * expected));
    }

    [Test]
    public void The_gradient_of_several_passes_is_averaged_and_cleared()
    {
        using var network = _runs.Teacher();
        network.Parameters.EnableGradients();
        using var optimizer = new Optimizer(network.Parameters, new OptimizerOptions());
        _runs.Backend.Fill(network.Parameters.Gradients!, 6f);
        double norm = optimizer.Update(0, microBatches: 3, loss: 1, step: 1);
        Assert.That(norm, Is.EqualTo(2 * Math.Sqrt(network.Parameters.Values.Length)).Within(1e-3));
        Assert.That(network.Parameters.Gradients!.ToArray(), Is.All.Zero);
    }

    [Test]
    public void Divergence_names_the_step_and_changes_nothing([Values] bool inLoss)
    {
        using var network = _runs.Teacher();
        using var optimizer = new Optimizer(network.Parameters, new OptimizerOptions());
        var before = network.Parameters.Values.ToArray();
        if (!inLoss)
            _runs.Backend.Fill(network.Parameters.Gradients!, float.PositiveInfinity);
        var e = Assert.Throws<BDenseException>(() => optimizer.Update(1e-3, 1, inLoss ? double.NaN : 1, step: 47));
        Assert.That(e!.Message, Does.Contain("step 47"));
        Assert.That(network.Parameters.Values.ToArray(), Is.EqualTo(before));
    }

    [Test]
    public void A_run_that_diverges_stops_with_its_step()
    {
        using var network = _runs.Teacher();
        using var training = new TeacherTraining(network, TinyRuns.Data, new TeacherOptions
        {
            Steps = 50,
            Batch = 4,
            LearningRate = 1e12,
            ClipNorm = 0,
            Warmup = 0,
        });
        Assert.That(Assert.Throws<BDenseException>(() => TrainingLoop.Run(training))!.Message, Does.Match("step [0-9]+"));
    }

    [Test]
    public void The_second_step_asks_the_device_for_nothing()
    {
        using var teacher = _runs.Teacher();
        foreach (var options in new Distill[] { new SfdOptions { Branches = 4, Batch = 4 }, new PdOptions { Branches = 2, Batch = 4 } })
        {
            using var student = DistillationMethods.NewStudent(teacher, options);
            using var training = DistillationMethods.Create(student, teacher, TinyRuns.Data, options);
            training.Step(0);
            training.Step(1);
            (long allocations, long bytes) = (_runs.Backend.Pool.DeviceAllocations, _runs.Backend.Pool.CurrentBytes);
            training.Step(2);
            Assert.That(_runs.Backend.Pool.DeviceAllocations, Is.EqualTo(allocations), options.Title);
            Assert.That(_runs.Backend.Pool.CurrentBytes, Is.EqualTo(bytes), options.Title);
        }
    }

    [TestCase("sfd", 1)]
    [TestCase("sfd", 4)]
    [TestCase("pd", 1)]
    [TestCase("pd", 4)]
    public void Distillation_brings_the_student_nearer_to_its_teacher(string method, int branches)
    {
        // Over several seeds, and image by image: a trajectory that crosses over to the other kind of image outweighs all others in a sum
        // of squares.
        const int Seeds = 3;
        using var teacher = _runs.TrainedTeacher(200);
        var options = DistillationMethods.Find(method).Defaults with
        {
            Branches = branches,
            Jump = 4,
            Nfe = 2,
            Updates = 130,
            Batch = 16,
            LearningRate = 3e-4,
            ClipNorm = 1,
        };
        using var noise = DistillationMethods.Latents(teacher, options with { Seed = 99, Batch = 96 }, 0);
        float[] ends = TeachersEnds();
        double ratio = 0;
        for (ulong seed = 1; seed <= Seeds; seed++)
        {
            using var student = DistillationMethods.NewStudent(teacher, options);
            double before = Error(student);
            using (var training = DistillationMethods.Create(student, teacher, TinyRuns.Data, options with { Seed = seed }))
                TrainingLoop.Run(training);
            double after = Error(student);
            TestContext.Out.WriteLine($"{options.Title}, seed {seed}: {before:g4} -> {after:g4}");
            ratio += after / before / Seeds;
        }
        Assert.That(ratio, Is.LessThan(0.8));

        float[] TeachersEnds()
        {
            var o = options.Resolve();
            var grid = NestedGrid.Of(o.FindSchedule(), o.Intervals + 1, 4);
            var teachers = SolverCatalog.Find(method == "sfd" ? "dpmpp3m" : "euler");
            using var end = teachers.Run((x, s) => new Denoiser(teacher).Denoise(x, s), noise, [.. grid.Teacher], SolverOptions.Default);
            return end.ToArray();
        }

        double Error(INetwork student)
        {
            using var got = Student.Of(student, options).Sample(noise);
            return EndpointError.Between(got.ToArray(), ends, got.Length / got.Shape[0]).Rmse.Average();
        }
    }

    [Test]
    public void Equal_heads_begin_as_the_plain_student()
    {
        using var teacher = _runs.TrainedTeacher(20);
        var plain = new SfdOptions { Branches = 1, Batch = 3 };
        var dense = plain with { Branches = 4 };
        using var one = DistillationMethods.NewStudent(teacher, plain);
        using var four = DistillationMethods.NewStudent(teacher, dense);
        using var noise = DistillationMethods.Latents(teacher, plain, 0);
        // Without the analytical interval, in which four steps are not one.
        using var a = Student.Of(one, plain with { AnalyticalFirstStep = false }).Sample(noise);
        using var b = Student.Of(four, dense with { AnalyticalFirstStep = false }).Sample(noise);
        Assert.That(b.ToArray(), Is.EqualTo(a.ToArray()).Within(2e-3f));
    }

    [TestCase("sfd", Prediction.Edm)]
    [TestCase("sfd", Prediction.V)]
    [TestCase("pd", Prediction.Edm)]
    [TestCase("pd", Prediction.Eps)]
    public void Folded_heads_sample_as_K_heads(string method, Prediction prediction)
    {
        using var teacher = _runs.TrainedTeacher(20, prediction);
        var options = DistillationMethods.Find(method).Defaults with
        {
            Branches = 4,
            Updates = 20,
            Batch = 4,
            LearningRate = 1e-3,
            ClipNorm = 1,
        };
        using var network = DistillationMethods.NewStudent(teacher, options);
        using (var training = DistillationMethods.Create(network, teacher, TinyRuns.Data, options))
            TrainingLoop.Run(training);
        using var noise = DistillationMethods.Latents(teacher, options, 0);
        var student = Student.Of(network, options);
        network.Execution = new Execution(Fusions.Usual.Without(Student.FoldedHeads));
        using var heads = student.Sample(noise);
        using var folded = student.SampleFolded(noise);
        network.Execution = Execution.Default;
        using var usual = student.Sample(noise);
        Assert.That(usual.ToArray(), Is.EqualTo(folded.ToArray()), "folded unless asked not to be");
        float scale = heads.ToArray().Max(Math.Abs);
        Assert.That(folded.ToArray(), Is.EqualTo(heads.ToArray()).Within(1e-4f * Math.Max(1, scale)));
        Assert.That(student.Evaluations, Is.EqualTo(2));
    }

    [Test]
    public void A_student_shows_its_branch_states()
    {
        using var teacher = _runs.Teacher();
        var options = new SfdOptions { Branches = 2, Nfe = 2, Batch = 2 };
        using var network = DistillationMethods.NewStudent(teacher, options);
        using var noise = DistillationMethods.Latents(teacher, options, 0);
        var student = Student.Of(network, options);
        var seen = new List<(int, double)>();
        float last = 0;
        using var end = student.Sample(noise, onState: (i, sigma, x) => { seen.Add((i, sigma)); last = x.ToArray()[0]; });
        Assert.That(seen, Is.EqualTo(Enumerable.Range(1, 6).Select(i => (i, student.Grid.Teacher[i]))));
        Assert.That(last, Is.EqualTo(end.ToArray()[0]));
    }

    [TestCase("sfd", 4)]
    [TestCase("sfd", 1)]
    [TestCase("pd", 2)]
    public void A_student_makes_as_many_evaluations_as_it_says(string method, int branches)
    {
        using var teacher = _runs.Teacher();
        var options = DistillationMethods.Find(method).Defaults with { Branches = branches, Nfe = 3, Batch = 2 };
        using var network = DistillationMethods.NewStudent(teacher, options);
        using var noise = DistillationMethods.Latents(teacher, options, 0);
        var student = Student.Of(network, options);
        int passes = 0;
        // A pass embeds the noise level once.
        _runs.Backend.OnOp = (op, _) => passes += op == nameof(Backend.Embedding) ? 1 : 0;
        student.Sample(noise).Dispose();
        Assert.That(passes, Is.EqualTo(3).And.EqualTo(student.Evaluations));
        student.SampleFolded(noise).Dispose();
        Assert.That(passes, Is.EqualTo(6), "folded");
        _runs.Backend.OnOp = null;
    }

    [Test]
    public void Kept_trajectories_are_the_fresh_ones()
    {
        using var teacher = _runs.Teacher();
        Assert.That(Weights(cache: 2, steps: 2), Is.EqualTo(Weights(cache: 0, steps: 2)));
        Assert.That(Weights(cache: 2, steps: 3), Is.Not.EqualTo(Weights(cache: 0, steps: 3)),
            "the third iteration sees the first one's noise again");

        float[] Weights(int cache, int steps)
        {
            var options = new SfdOptions { Branches = 2, Batch = 3, Nfe = 1, Updates = steps, CacheTrajectories = cache };
            using var student = DistillationMethods.NewStudent(teacher, options);
            using var training = DistillationMethods.Create(student, teacher, null, options);
            for (int step = 0; step < steps; step++)
                training.Step(step);
            return student.Parameters.Values.ToArray();
        }
    }

    [Test]
    public void A_students_run_is_read_back()
    {
        using var teacher = _runs.Teacher();
        var options = new SfdOptions { Branches = 4, Batch = 3, Updates = 4, Ema = 0.5 };
        using var network = DistillationMethods.NewStudent(teacher, options);
        string run = _runs.Folder["student"];
        var folder = RunFolder.Open(run, new JsonObject
        {
            ["kind"] = "distill",
            ["distill"] = RunJson.ToNode(options.Resolve()),
        }, resume: false);
        float[] average;
        using (var training = new SfdTraining(network, teacher, options))
        {
            TrainingLoop.Run(training, folder);
            average = training.Ema!.ToArray();
        }
        Assert.That(Student.IsStudent(run));
        Assert.That(Student.OptionsOf(run), Is.EqualTo(options.Resolve()));
        var student = Student.Load(_runs.Backend, run);
        using var loaded = student.Network;
        Assert.That(loaded.Parameters.Values.ToArray(), Is.EqualTo(average));
        using var raw = TrainedNetwork.Load(_runs.Backend, folder, average: false);
        Assert.That(raw.Parameters.Values.ToArray(), Is.EqualTo(network.Parameters.Values.ToArray()).And.Not.EqualTo(average));
        Assert.That(Student.IsStudent(_runs.Folder.Path), Is.False);
        Assert.That(Assert.Throws<BDenseException>(() => Student.Load(_runs.Backend, _runs.Folder.Path))!.Message,
            Does.Contain("not a run"));
    }

    [Test]
    public void A_finished_run_that_is_resumed_says_what_it_said()
    {
        var options = new TeacherOptions { Steps = 3, Batch = 4 };
        double[] losses = new double[2];
        for (int i = 0; i < 2; i++)
        {
            using var network = _runs.Teacher();
            using var training = new TeacherTraining(network, TinyRuns.Data, options);
            losses[i] = TrainingLoop.Run(training,
                RunFolder.Open(_runs.Folder["finished"], new JsonObject { ["kind"] = "train" }, resume: i > 0)).FinalLoss;
        }
        Assert.That(losses[1], Is.EqualTo(losses[0]));
    }

    [Test]
    public void Images_of_another_size_are_refused()
    {
        using var network = _runs.Teacher(config: TinyRuns.Config with { Resolution = 8, AttentionResolutions = [] });
        Assert.That(Assert.Throws<BDenseException>(() => _ = new TeacherTraining(network, TinyRuns.Data, new TeacherOptions()))!.Message,
            Does.Contain("4 x 4").And.Contain("8 x 8"));
    }

    private static readonly Distill[] Bad =
    [
        new SfdOptions { Branches = 0 }, new SfdOptions { Branches = 9 }, new SfdOptions { Branches = 3, Jump = 4 },
        new SfdOptions { Nfe = 0 }, new SfdOptions { Nfe = 5000 },
        new SfdOptions { Weights = "best" }, new SfdOptions { Weights = "fixed:1,2", Branches = 4 }, new SfdOptions { Solver = "rk4" },
        new SfdOptions { Schedule = "none" },
        new SfdOptions { Updates = 0 }, new SfdOptions { Batch = 0 }, new SfdOptions { LearningRate = double.NaN },
        new SfdOptions { Ema = 1 }, new PdOptions { Rounds = 0 },
        new PdOptions { Rounds = 30 }, new SfdOptions { SigmaMin = 3, SigmaMax = 2 },
        new SfdOptions { Branches = 4, Projection = -1 }, new SfdOptions { Branches = 1, Projection = 2 },
        new SfdOptions { Branches = 1, Weights = "aligned" },
        new BranchDistillationOptions { Branches = 2, Nfe = 4, Projection = 2 }, new SfdOptions
        {
            Branches = 4,
            Weights = "projected:2",
            Projection = 2,
        },
        new PdOptions { Branches = 4, Weights = "aligned" },
    ];

    [TestCaseSource(nameof(Bad))]
    public void Options_out_of_range_are_refused(Distill options) => Assert.Throws<UsageException>(() => options.Resolve());

    [Test]
    public void Methods_are_found_by_name()
    {
        Assert.That(DistillationMethods.Find("PD"), Is.SameAs(PdMethod.Instance));
        Assert.That(Assert.Throws<UsageException>(() => DistillationMethods.Find("dmd"))!.Message,
            Does.Contain("there are sfd, sfd-v, pd"));
    }

    [Test]
    public void Options_survive_their_file()
    {
        var options = new SfdOptions { Branches = 4, Weights = "fixed:0.1,0.2,0.3,0.4", LearningRate = 1.0 / 3 }.Resolve();
        var text = RunJson.ToText(RunJson.ToNode(options));
        Assert.That(RunJson.FromNode<Distill>(JsonNode.Parse(text), "test"), Is.EqualTo(options));
    }
}
