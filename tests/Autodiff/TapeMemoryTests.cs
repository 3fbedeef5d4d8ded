using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Model.Autodiff;
using BDense.Model.Networks;
using BDense.Tests.Networks;
using NUnit.Framework;

namespace BDense.Tests.Autodiff;

/// <summary>Who frees what, and when. The device computes nothing: only the bytes matter.</summary>
public sealed class TapeMemoryTests
{
    private static readonly UNetConfig Config = NetworkCatalog.FindUNet("small-32") with { Dropout = 0.1f };

    [TestCase(true)]
    [TestCase(false)]
    public void A_step_leaks_nothing_and_the_second_allocates_nothing(bool fused)
    {
        using var backend = new DryRunBackend();
        using var network = new Network(backend, Config, seed: null);
        network.Parameters.EnableGradients();
        long before = backend.Pool.CurrentBytes;
        Step(backend, network, recording: true, fused);
        long allocations = backend.Pool.DeviceAllocations;
        Assert.That(backend.Pool.CurrentBytes, Is.EqualTo(before));
        Step(backend, network, recording: true, fused);
        Assert.Multiple(() =>
        {
            Assert.That(backend.Pool.CurrentBytes, Is.EqualTo(before));
            Assert.That(backend.Pool.DeviceAllocations, Is.EqualTo(allocations));
        });
    }

    [Test]
    public void Without_recording_activations_are_freed_on_the_way()
    {
        using var backend = new DryRunBackend();
        using var network = new Network(backend, Config, seed: null);
        network.Parameters.EnableGradients();
        long before = backend.Pool.CurrentBytes;
        long evaluation = Peak(recording: false), training = Peak(recording: true);
        Assert.Multiple(() =>
        {
            Assert.That(backend.Pool.CurrentBytes, Is.EqualTo(before));
            Assert.That(evaluation, Is.GreaterThan(0));
            Assert.That(evaluation, Is.LessThan(0.4 * training));
        });

        long Peak(bool recording)
        {
            backend.Pool.ResetPeak();
            Step(backend, network, recording, fused: true);
            return backend.Pool.PeakBytes - before;
        }
    }

    [Test]
    public void Frozen_parameters_record_nothing()
    {
        using var backend = new DryRunBackend();
        using var network = new Network(backend, Config, seed: null);
        using var x = backend.Empty(TinyNetwork.Images(Config, 2));
        using var noise = backend.Empty(new Shape(2));
        using var tape = new Tape(backend, recording: true);
        var y = network.Forward(tape, tape.Input(x), noise);
        Assert.That(y.RequiresGradient, Is.False);
        Assert.That(() => tape.Backward(y, y.Data), Throws.InvalidOperationException);
    }

    // The pool refuses at ever later points of the step: forward, backward, and every operation in between.
    [Test]
    public void A_step_that_fails_anywhere_leaks_nothing([Values] bool fused, [Values] bool recompute)
    {
        using var backend = new DryRunBackend();
        using var network = new Network(backend, TinyNetwork.Config, seed: null);
        network.Parameters.EnableGradients();
        long before = backend.Pool.CurrentBytes;
        int failures = 0;
        for (long room = 0; ; room += 4096)
        {
            backend.Pool.Trim();
            backend.Pool.LimitBytes = before + room;
            try
            {
                Step(backend, network, recording: true, fused, recompute);
                break;
            }
            catch (BDenseException e)
            {
                failures++;
                Assert.That(e.Message, Does.Contain("out of memory"));
                Assert.That(backend.Pool.CurrentBytes, Is.EqualTo(before), $"after a failure with {room} bytes to spare");
            }
        }
        Assert.That(failures, Is.GreaterThan(20));
    }

    [Test]
    public void A_dropped_value_stays_exactly_while_backward_needs_it()
    {
        using var backend = new DryRunBackend();
        using var x = backend.Empty(new Shape(1000));
        using var dy = backend.Empty(new Shape(1000));
        using var tape = new Tape(backend, recording: true);
        var input = tape.Input(x, requiresGradient: true);
        var sum = tape.Add(input, input);
        var saved = tape.Silu(sum);
        var y = tape.Add(saved, input);
        tape.Drop(sum);
        tape.Drop(saved);
        Assert.That((sum.IsAlive, saved.IsAlive, y.IsAlive), Is.EqualTo((true, false, true)), "SiLU saves its input, addition nothing");
        tape.Backward(y, dy);
        Assert.That((sum.IsAlive, y.IsAlive, input.IsAlive), Is.EqualTo((false, false, true)));
        Assert.That(input.Gradient, Is.Not.Null);
    }

    [Test]
    public void Recomputation_keeps_less()
    {
        using var backend = new DryRunBackend();
        // Deep enough that the blocks' inputs are less than what they keep.
        using var network = new Network(backend, TinyNetwork.Config with { BlocksPerLevel = 4 }, seed: null);
        network.Parameters.EnableGradients();
        long Peak(bool recompute)
        {
            backend.Pool.ResetPeak();
            long before = backend.Pool.CurrentBytes;
            Step(backend, network, recording: true, fused: true, recompute);
            Assert.That(backend.Pool.CurrentBytes, Is.EqualTo(before));
            return backend.Pool.PeakBytes - before;
        }
        Assert.That(Peak(true), Is.LessThan(0.6 * Peak(false)));
    }

    private static void Step(DryRunBackend backend, INetwork network, bool recording, bool fused, bool recompute = false)
    {
        var config = network.Config;
        using var x = backend.Empty(TinyNetwork.Images(config, 4));
        using var tape = new Tape(backend, recording) { Execution = new Execution(fused ? Fusions.All : Fusions.None, recompute) };
        using Tensor? labels = config.LabelCount > 0 ? backend.Empty(new Shape(4, config.LabelCount)) : null;
        var heads = new Denoiser(network).Heads(tape, x, [0.5, 1, 2, 4], new ForwardOptions(new RandomKey(1, 2), labels));
        if (!recording)
            return;
        using var gradient = backend.Empty(heads.Shape);
        tape.Backward(heads, gradient);
    }
}
