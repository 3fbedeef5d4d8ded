using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Ilgpu;
using BDense.Model.Autodiff;
using BDense.Model.Networks;
using BDense.Tests.Ops;
using BDense.Tests.Training;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.Pd;
using BDense.Training.Distillation.Methods.Sfd;
using BDense.Training.Runs;
using BDense.Training.Samplers;
using NUnit.Framework;

namespace BDense.Tests.Graphs;

/// <summary>
/// Whole runs, launched anew each step and captured once: the same bits. A launch whose arguments hold a number of its step (a key of
/// random numbers, a learning rate, a noise level, Adam's step) would repeat the captured step's, and the runs would part.
/// </summary>
[TestFixtureSource(nameof(Fixtures))]
internal sealed class ReplayTests(string device, Precision precision)
{
    private static IEnumerable<TestFixtureData> Fixtures =>
    [
        DeviceFixtures.On("ilgpu-cpu", Precision.Fp32), DeviceFixtures.On("opencl", Precision.Fp32),
        .. Enum.GetValues<Precision>().Select(precision => DeviceFixtures.On(DeviceFixtures.CudaDevice, precision)),
    ];

    /// <summary>Tensor cores take no fewer than 12 channels.</summary>
    private readonly UNetConfig _config = TinyRuns.Config with { ModelChannels = precision == Precision.Fp32 ? 4 : 32, Dropout = 0.3f };

    private Backends.Lease? _lease;
    private Backend _backend = null!;
    private List<string> _notices = null!;

    [OneTimeSetUp]
    public void Open() => _lease = Backends.Borrow(device);

    [OneTimeTearDown]
    public void Close() => _lease?.Dispose();

    [SetUp]
    public void Start()
    {
        _backend = _lease!.Backend;
        if (_backend is IlgpuBackend ilgpu)
            ilgpu.Precision = precision;
        _notices = [];
        _backend.OnNotice = text => _notices.Add(text);
    }

    [TearDown]
    public void End() => Assert.That(_backend.Pool.CurrentBytes, Is.Zero, "a tensor was kept");

    private sealed record Outcome(List<double> Losses, List<double> Norms, float[] Values, float[] Average, List<int> Operations);

    private Outcome Run(ITraining training, INetwork network, Func<Tensor?> average)
    {
        var outcome = new Outcome([], [], [], [], []);
        int operations = 0;
        _backend.OnOp = (_, _) => operations++;
        using (training)
        {
            for (long step = 0; step < training.Steps; step++)
            {
                operations = 0;
                var report = training.Step(step);
                outcome.Losses.Add(report.Loss);
                outcome.Norms.Add(report.GradientNorm);
                outcome.Operations.Add(operations);
            }
            _backend.OnOp = null;
            return outcome with { Values = network.Parameters.Values.ToArray(), Average = average()?.ToArray() ?? [] };
        }
    }

    private void AssertSame(Func<bool, Outcome> run)
    {
        Outcome fresh = run(false), replayed = run(true);
        Assert.That(Notices.OtherThanPrecision(_notices), Is.Empty, "nothing was refused");
        Assert.That(replayed.Operations[^1], Is.LessThan(fresh.Operations[^1] / 4),
            "the last step was replayed: the host called few operations");
        Assert.That(replayed.Losses, Is.EqualTo(fresh.Losses));
        Assert.That(replayed.Norms, Is.EqualTo(fresh.Norms));
        Assert.That(replayed.Average, Is.EqualTo(fresh.Average));
        Assert.That(replayed.Values, Is.EqualTo(fresh.Values));
        Assert.That(fresh.Losses, Is.Unique, "steps differ, so that a step that is repeated shows");
    }

    [TestCase(false, "all")]
    [TestCase(true, "all")]
    [TestCase(false, "all,-groupnorm-silu,-attention,-qkv,-dropout,-trajectory-loss")]
    public void A_teacher_trains_to_the_same_bits(bool recompute, string fuse)
    {
        AssertSame(graph =>
        {
            using var network = new Network(_backend, _config,
                seed: 1)
            { Execution = new Execution(Fusions.Parse(fuse), recompute, graph) };
            var training = new TeacherTraining(network, TinyRuns.Data, new TeacherOptions
            {
                Steps = 4,
                Batch = 2,
                MicroBatches = 2,
                Warmup = 3,
                Decay = Decay.Linear,
                ClipNorm = 0.5,
                EmaDecay = 0.9,
                WeightDecay = 0.01,
                Seed = 3,
            });
            return Run(training, network, () => training.Ema);
        });
    }

    [TestCase("sfd", "quadrature")]
    [TestCase("sfd", "learned")]
    [TestCase("pd", "exponential")]
    public void A_student_is_distilled_to_the_same_bits(string method, string weights)
    {
        Distill start = method == "sfd" ? new SfdOptions { Solver = "euler", CacheTrajectories = 2 } : new PdOptions { Rounds = 2 };
        var options = start with
        {
            Branches = 2,
            Nfe = 2,
            Jump = 2,
            Updates = 6,
            Batch = 2,
            Weights = weights,
            Seed = 5,
            Ema = 0.8,
            ClipNorm = 0.5,
            Dropout = true,
        };
        AssertSame(graph =>
        {
            using var teacher = new Network(_backend, _config, seed: 1) { Execution = Execution.Default with { Graph = graph } };
            using var student = DistillationMethods.NewStudent(teacher, options);
            var training = DistillationMethods.Create(student, teacher, TinyRuns.Data, options);
            return Run(training, student, () => null);
        });
    }

    [Test]
    public void Samples_have_the_same_bits_at_every_noise_level_and_batch_size()
    {
        var results = new List<float[]>();
        foreach (bool graph in new[] { false, true })
        {
            using var network = new Network(_backend, _config, seed: 1) { Execution = Execution.Default with { Graph = graph } };
            var sampler = SamplerBuilder.Build(network, new SamplerOptions { Solver = "heun", Steps = 4, SigmaMin = 0.01, SigmaMax = 20 });
            // 5 images in batches of 2: the last is smaller, and runs as it is.
            results.Add(Sampling.Generate(network, sampler.Run, ImageDraws.Of(9), 5, 2, sampler.Sigma));
        }
        Assert.That(Notices.OtherThanPrecision(_notices), Is.Empty, "nothing was refused");
        Assert.That(results[1], Is.EqualTo(results[0]));
    }

    [Test]
    public void What_others_write_between_replays_does_not_reach_the_graph()
    {
        using Tensor x = _backend.FromArray([1, 2, 3], new Shape(3)), y = _backend.Empty(new Shape(3));
        using var graph = new StepGraph(_backend, "step", () =>
        {
            using Tensor twice = _backend.Empty(new Shape(3)), thrice = _backend.Empty(new Shape(3));
            _backend.Scale(x, 2f, twice);
            _backend.Scale(x, 3f, thrice);
            _backend.Add(twice, thrice, y);
        });
        for (int i = 0; i < 4; i++)
        {
            graph.Run();
            using Tensor a = _backend.Empty(new Shape(3)), b = _backend.Empty(new Shape(3)), c = _backend.Empty(new Shape(3));
            foreach (var other in new[] { a, b, c })
                other.Upload([7, 7, 7]);
            x.Upload([i, 10 * i, 100 * i]);
            graph.Run();
            Assert.That(y.ToArray(), Is.EqualTo(new float[] { 5 * i, 50 * i, 500 * i }));
            foreach (var other in new[] { a, b, c })
                Assert.That(other.ToArray(), Is.All.EqualTo(7f), "nor the other way round");
        }
        Assert.That(graph.IsCaptured);
        Assert.That(graph.Launches, Is.EqualTo(3));
    }

    [Test]
    public void A_replay_makes_stale_what_was_derived_from_what_it_writes()
    {
        using Tensor x = _backend.FromArray([1], new Shape(1)), y = _backend.Empty(new Shape(1));
        using var graph = new StepGraph(_backend, "step", () => _backend.Copy(x, y));
        for (int i = 0; i < 4; i++)
        {
            var (read, written) = (x.Storage.Version, y.Storage.Version);
            graph.Run();
            Assert.That(y.Storage.Version, Is.GreaterThan(written));
            Assert.That(x.Storage.Version, Is.EqualTo(read));
        }
        Assert.That(graph.IsCaptured);
    }

    [Test]
    public void A_number_of_the_hosts_is_frozen()
    {
        // What these tests rest upon: a captured launch does keep its arguments, so a step's own number would show.
        float factor = 1;
        using Tensor x = _backend.FromArray([1], new Shape(1)), y = _backend.Empty(new Shape(1));
        using var graph = new StepGraph(_backend, "step", () => _backend.Scale(x, factor, y));
        var seen = new List<float>();
        for (; factor <= 4; factor++)
        {
            graph.Run();
            seen.Add(y.ToArray()[0]);
        }
        Assert.That(seen, Is.EqualTo(new float[] { 1, 2, 2, 2 }));
    }
}
