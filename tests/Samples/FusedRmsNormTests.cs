using System.Runtime.CompilerServices;
using BDense.Cases;
using BDense.Cases.Checking;
using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Profiling;
using BDense.Model.Autodiff;
using BDense.Tests.Ops;
using FusedRmsNorm;
using NUnit.Framework;

namespace BDense.Tests.Samples;

/// <summary>An operation from outside is right on every kind of device, and seen by all that sees BDense's own.</summary>
[TestFixtureSource(typeof(DeviceFixtures), nameof(DeviceFixtures.All))]
internal sealed class FusedRmsNormDeviceTests(string device)
{
    private Backends.Lease? _lease;

    private Backend Backend => _lease!.Backend;

    [OneTimeSetUp]
    public void Open() => _lease = Backends.Borrow(device);

    [OneTimeTearDown]
    public void Close() => _lease?.Dispose();

    [Test]
    public void Passes_its_own_check() =>
        Assert.That(Checker.All(Backend, Program.Cases, device is "cpu" or "opencl" or "cuda" ? CaseSize.Small : CaseSize.Tiny), Is.Empty);

    /// <summary>Forward, backward and graph replay: everything that a training step does.</summary>
    [Test]
    public void A_captured_step_gives_the_bits_of_a_fresh_one([Values] bool fused)
    {
        var backend = Backend;
        using Tensor x = Normal(new(40, 24), 1), gamma = Normal(new(24), 2), dx = backend.Empty(new(40, 24)),
            dgamma = backend.Empty(new(24));
        var notices = new List<string>();
        backend.OnNotice = notices.Add;
        float[][] fresh = [], last = [];
        int captured = 0;
        using (var graph = new StepGraph(backend, "rmsnorm", Step))
        {
            for (int run = 0; run < 4; run++)
            {
                backend.Fill(dx, float.NaN);
                graph.Run();
                last = [dx.ToArray(), dgamma.ToArray()];
                fresh = run == 0 ? last : fresh;
            }
            captured = graph.Launches;
        }
        backend.OnNotice = null;
        Assert.That(notices, Is.Empty);
        Assert.That(captured, device == "cpu" ? Is.Zero : Is.GreaterThan(fused ? 6 : 8));
        Assert.That(last, Is.EqualTo(fresh));
        Assert.That(last[0], Has.None.NaN);

        void Step()
        {
            using var tape = new Tape(backend, recording: true)
            {
                Execution = new(fused ? Fusions.All.With(RmsNormTape.Fused) : Fusions.All),
            };
            Variable v = tape.Input(x, requiresGradient: true), g = tape.Input(gamma, requiresGradient: true);
            var y = tape.RmsNormSilu(v, g);
            tape.Replace(ref y, tape.RmsNormSilu(y, g));
            tape.Backward(y, x);
            backend.Copy(v.Gradient!, dx);
            backend.Copy(g.Gradient!, dgamma);
        }
    }

    private Tensor Normal(Shape shape, uint stream)
    {
        var x = Backend.Empty(shape);
        Backend.RandomNormal(new RandomKey(5, stream), x);
        return x;
    }
}

/// <summary>What needs no particular device.</summary>
internal sealed class FusedRmsNormTests
{
    [Test]
    public void It_is_four_files_and_at_most_250_lines()
    {
        var files = Directory.GetFiles(Folder(), "*.cs");
        Assert.That(files, Has.Length.EqualTo(4));
        Assert.That(files.Sum(file => File.ReadLines(file).Count()), Is.LessThanOrEqualTo(250));
    }

    [Test]
    public void The_fusion_saves_memory_bytes_and_an_operation_each_way()
    {
        using var backend = new DryRunBackend();
        var (fused, unfused) = (Run(backend, "all"), Run(backend, "all,-rmsnorm-silu"));
        Assert.Multiple(() =>
        {
            Assert.That(unfused.Operations - fused.Operations, Is.EqualTo(8), "SiLU, four times each way");
            Assert.That(unfused.Bytes, Is.GreaterThan(1.8 * fused.Bytes));
            Assert.That(unfused.Peak, Is.GreaterThan(1.5 * fused.Peak));
            Assert.That(backend.Pool.CurrentBytes, Is.Zero, "leaked");
        });
    }

    [Test]
    public void The_dry_run_counts_what_the_device_takes([Values("all", "all,-rmsnorm-silu")] string fuse)
    {
        using var counting = new DryRunBackend();
        using var real = DeviceCatalog.Open("cpu");
        Assert.That(Run(counting, fuse), Is.EqualTo(Run(real, fuse)));
    }

    [Test]
    public void Both_ways_give_the_same_gradients_and_a_block_run_again_the_same_bits()
    {
        using var backend = DeviceCatalog.Open("cpu");
        using Tensor x = backend.Empty(new(70, 33)), gamma = backend.Empty(new(33));
        backend.RandomNormal(new RandomKey(1, 1), x);
        backend.RandomNormal(new RandomKey(1, 2), gamma);
        float[][] fused = Gradients(Fusions.All.With(RmsNormTape.Fused), recompute: false),
            again = Gradients(Fusions.All.With(RmsNormTape.Fused), recompute: true);
        float[][] unfused = Gradients(Fusions.All, recompute: false);
        Assert.That(again, Is.EqualTo(fused));
        for (int k = 0; k < fused.Length; k++)
            Assert.That(unfused[k], Is.EqualTo(fused[k]).Within(1e-4f));
        Assert.That(fused[1].Max(Math.Abs), Is.GreaterThan(0.1f));

        float[][] Gradients(Fusions fusions, bool recompute)
        {
            using var tape = new Tape(backend, recording: true) { Execution = new(fusions) };
            Variable v = tape.Input(x, requiresGradient: true), g = tape.Input(gamma, requiresGradient: true);
            static Variable Block(Tape tape, ReadOnlySpan<Variable> inputs) => tape.RmsNormSilu(inputs[0], inputs[1]);
            var y = recompute ? tape.Recomputed([v, g], Block) : Block(tape, [v, g]);
            // gamma has two consumers.
            tape.Replace(ref y, tape.RmsNormSilu(y, g));
            tape.Backward(y, x);
            return [v.Gradient!.ToArray(), g.Gradient!.ToArray()];
        }
    }

    [Test]
    public void Wrong_arguments_are_refused_in_one_line()
    {
        using var backend = new DryRunBackend();
        using var other = new DryRunBackend();
        using Tensor x = backend.Empty(new(6, 4)), gamma = backend.Empty(new(4)), y = backend.Empty(new(6, 4)), r = backend.Empty(new(6)),
            wrong = backend.Empty(new(5)), dx = backend.Empty(new(6, 4)), far = other.Empty(new(6, 4));
        int ran = 0;
        backend.OnOp = (_, _) => ran++;
        Refused("RmsNormForward: epsilon is 0, expected above 0", () => backend.RmsNormForward(x, gamma, 0, false, y, r));
        Refused("RmsNormForward: x is 6 x 4, expected 6 x 5", () => backend.RmsNormForward(x, wrong, 1e-6f, false, y, r));
        Refused("RmsNormForward: y is 5, expected 6 x 4", () => backend.RmsNormForward(x, gamma, 1e-6f, false, wrong, r));
        Refused("RmsNormForward: y lives on dry-run, not on dry-run", () => backend.RmsNormForward(x, gamma, 1e-6f, false, far, r));
        Refused("RmsNormBackward: shares is 5, expected 1 x 1 x 4", () => backend.RmsNormBackward(y, x, gamma, r, false, dx, wrong));
        Refused("RmsNormBackward: dx shares memory with dy; it needs its own",
            () => backend.RmsNormBackward(y, x, gamma, r, false, y, gamma));
        // In place is allowed where the operation says so; half in place is not.
        Assert.That(() => backend.RmsNormForward(x, gamma, 1e-6f, false, x, r), Throws.Nothing);
        using var row = new OverlappingRows(backend);
        Refused("RmsNormForward: y shares memory with x; it needs its own",
            () => backend.RmsNormForward(row.First, gamma, 1e-6f, false, row.Second, r));
        Assert.That(ran, Is.EqualTo(1));
        y.Dispose();
        Assert.That(() => backend.RmsNormForward(x, gamma, 1e-6f, false, y, r),
            Throws.TypeOf<ObjectDisposedException>().With.Message.Contains("RmsNormForward: y"));

        static void Refused(string message, Action call) =>
            Assert.That(call, Throws.TypeOf<BDenseException>().With.Message.EqualTo(message));
    }

    [TestCase(new[] { "nothing" }, 2)]
    [TestCase(new[] { "step", "--device", "nowhere" }, 2)]
    [TestCase(new[] { "step", "--device", "cpu", "--fuse", "rmsnorm-silo" }, 2)]
    [TestCase(new[] { "check", "--device", "cuda:99" }, 1)]
    [TestCase(new[] { "ops", "NoSuchOp", "--device", "cpu" }, 2)]
    [TestCase(new[] { "step", "--device", "cpu", "--rows", "9" }, 0)]
    [TestCase(new[] { "ops", "--device", "cpu", "--size", "tiny", "--seconds", "0.01" }, 0)]
    public void The_program_ends_with_the_right_code(string[] args, int code) =>
        Assert.That(CaseProgram.Run(args, Program.Cases, [RmsNormTape.Fused], Program.Pass), Is.EqualTo(code));

    private static (int Operations, long Bytes, long Peak) Run(Backend backend, string fuse)
    {
        using Tensor x = backend.Zeros(new(64, 256)), gamma = backend.Zeros(new(256));
        long before = backend.Pool.CurrentBytes;
        backend.Pool.ResetPeak();
        var (cost, operations) = Declared.Of(backend, () =>
        {
            using var tape = new Tape(backend, recording: true) { Execution = new(Fusions.Parse(fuse, RmsNormTape.Fused)) };
            var y = Program.Pass(tape, shape => tape.Input(shape.Rank == 1 ? gamma : x, requiresGradient: true), 64);
            tape.Backward(y, x);
        });
        return (operations, cost.Bytes, backend.Pool.PeakBytes - before);
    }

    private static string Folder([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "samples", "FusedRmsNorm");

    /// <summary>Two tensors, the second a row behind the first in the same memory.</summary>
    private sealed class OverlappingRows(Backend backend) : IDisposable
    {
        private readonly Tensor _all = backend.Empty(new(7, 4));

        public Tensor First => field ??= _all.View(0, new(6, 4));

        public Tensor Second => field ??= _all.View(4, new(6, 4));

        public void Dispose()
        {
            First.Dispose();
            Second.Dispose();
            _all.Dispose();
        }
    }
}

/// <summary>What the virtual GPU sees of it.</summary>
[Category("CUDA")]
internal sealed class FusedRmsNormCountedTests
{
    [Test]
    public void Declared_bytes_are_the_counted_ones([Values] bool silu)
    {
        Assume.That(DeviceFixtures.IsVirtual(DeviceFixtures.CudaDevice), "only the virtual GPU counts");
        using var lease = Backends.Borrow(DeviceFixtures.CudaDevice);
        var profiler = Profiler.On(lease.Backend);
        using var operands = new OperandSource(lease.Backend);
        Tensor x = operands.Normal(new(512, 192)), gamma = operands.Normal(new(192)), dy = operands.Normal(x.Shape),
            y = operands.Empty(x.Shape),
            r = operands.Empty(new(512)), dx = operands.Empty(x.Shape), shares = operands.Empty(RmsNorm.Shares(512, 192));
        var forward = profiler.Run("forward", () => lease.Backend.RmsNormForward(x, gamma, 1e-6f, silu, y, r));
        var backward = profiler.Run("backward", () => lease.Backend.RmsNormBackward(dy, x, gamma, r, silu, dx, shares));
        Assert.Multiple(() =>
        {
            foreach (var pass in new[] { forward, backward })
            {
                Assert.That(pass.Launches, Has.Count.EqualTo(1), pass.Name);
                Assert.That((double)pass.MemoryBytesRead / pass.Declared.BytesRead, Is.EqualTo(1).Within(0.06), $"{pass.Name}, read");
                Assert.That((double)pass.MemoryBytesWritten / pass.Declared.BytesWritten, Is.EqualTo(1).Within(0.06),
                    $"{pass.Name}, written");
            }
        });
    }
}
