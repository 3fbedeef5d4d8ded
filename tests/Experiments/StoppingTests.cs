using BDense.Experiments.Labs;
using BDense.Kernels;
using BDense.Kernels.Ilgpu.Tuning;
using BDense.Kernels.MachineCode;
using BDense.Kernels.Profiling;
using BDense.Tests.Training;
using BDense.Training.Runs;
using NUnit.Framework;

namespace BDense.Tests.Experiments;

/// <summary>Measurements stop before the next run, not after the last one.</summary>
public sealed class StoppingTests
{
    private static readonly CancellationToken Stopped = new(canceled: true);

    [Test]
    public void The_roofs_are_not_measured_on()
    {
        using var runs = new TinyRuns();
        int operations = 0;
        runs.Backend.OnOp = (_, _) => operations++;
        Assert.That(() => DeviceSpeed.Measure(runs.Backend, 64, TimeSpan.FromHours(1), Stopped),
            Throws.TypeOf<OperationCanceledException>());
        Assert.That(operations, Is.LessThanOrEqualTo(2), "the numbers to copy, and a copy that warms up");
    }

    [Test]
    public void A_fusion_is_not_measured_on()
    {
        using var runs = new TinyRuns();
        using var network = runs.Teacher();
        using var c = new FusionCases(network, 2, 64).All([Optimizer.FusedAdam]).First()();
        Assert.That(() => FusionLab.Measure(runs.Backend, new DeviceSpeed(1e9, 1e12, 0), c, TimeSpan.FromHours(1), Stopped),
            Throws.TypeOf<OperationCanceledException>());
    }

    [Test]
    public void No_step_follows()
    {
        using var runs = new TinyRuns();
        using var lab = new StepLab(runs.Backend, TinyRuns.Config, 2) { Cancellation = Stopped };
        int operations = 0;
        runs.Backend.OnOp = (_, _) => operations++;
        Assert.That(() => lab.Ablate(2, TimeSpan.FromHours(1)), Throws.TypeOf<OperationCanceledException>());
        Assert.That(() => lab.Memory([1, 2], TimeSpan.FromHours(1), long.MaxValue), Throws.TypeOf<OperationCanceledException>());
        Assert.That(operations, Is.LessThanOrEqualTo(2), "gradients that are made room for");
        Assert.That(() => BranchLab.Measure(runs.Backend, "tiny", TinyRuns.Config, 2, 2, 1, long.MaxValue, cancellation: Stopped),
            Throws.TypeOf<OperationCanceledException>());
    }

    [Test]
    public void No_tile_is_tried()
    {
        var tuner = new Autotuner(_ => throw new InvalidOperationException("a launch was timed")) { Cancellation = Stopped };
        var rule = new TileChoice("128x128w64x32s3", 1);
        var key = new TuningKey("wgrad", Precision.Bf16, 256, 256, 256);
        Assert.That(() => tuner.Fastest(key, [rule], rule, _ => { }), Throws.TypeOf<OperationCanceledException>());
    }

    [Test]
    public void A_folder_for_a_while_is_gone_after_it()
    {
        string path;
        using (var folder = new ScratchFolder("bdense-test-"))
        {
            path = folder.FullName;
            File.WriteAllText(Path.Combine(path, "x"), "x");
        }
        Assert.That(Directory.Exists(path), Is.False);
    }
}
