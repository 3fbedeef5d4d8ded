using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Ilgpu;
using BDense.Tests.Ilgpu;
using BDense.Tests.Ilgpu.Emulator;
using NUnit.Framework;

namespace BDense.Tests.Graphs;

/// <summary>
/// Weights as tensor cores copy them are kept from use to use, and are right whoever changes the weights: a plain run, a captured graph's
/// own launches, somebody between two replays.
/// </summary>
[NonParallelizable]
internal sealed class KeptWeightsTests
{
    private static readonly Conv2dShape Shape = Conv2dShape.Same(1, 4, 4, 16, 16, 3);

    private readonly float[] _x = TensorEmulation.Exact(1, Shape.Input.Length), _w = TensorEmulation.Exact(2, Shape.Weight.Length);
    private IlgpuBackend _backend = null!;

    [OneTimeSetUp]
    public void Open()
    {
        _backend = (IlgpuBackend)DeviceCatalog.Open("ilgpu-cpu");
        _backend.Emulate(new EmulatedDevice(_ => false), Precision.Bf16, 99 << 10);
    }

    [OneTimeTearDown]
    public void Close()
    {
        Assert.That(_backend.Pool.CurrentBytes, Is.Zero, "kept weights went with the weights");
        _backend.Dispose();
    }

    [Test]
    public void They_are_made_once_and_again_when_the_weights_change()
    {
        using Tensor x = _backend.FromArray(_x, Shape.Input), w = _backend.FromArray(_w, Shape.Weight), y = _backend.Empty(Shape.Output);
        // The written kernel is the emulator's and does not count: x is rounded, the weights are.
        Assert.That(Launches(() => _backend.Conv2d(Shape, x, w, null, y)), Is.EqualTo(2));
        Assert.That(Launches(() => _backend.Conv2d(Shape, x, w, null, y)), Is.EqualTo(1));
        Assert.That(Launches(() => _backend.Conv2dDgrad(Shape, x, w, y)), Is.EqualTo(2), "another form");
        Assert.That(Launches(() => _backend.Conv2dDgrad(Shape, x, w, y)), Is.EqualTo(1));
        w.Upload(_w);
        Assert.That(Launches(() => _backend.Conv2d(Shape, x, w, null, y)), Is.EqualTo(2));
    }

    /// <param name="before">Whether the graph's work changes the weights before it uses them, after, or both or neither.</param>
    /// <param name="after">See there.</param>
    /// <param name="between">Whether they are uploaded anew before each run.</param>
    [Test]
    public void A_graph_replays_what_a_plain_run_does([Values] bool before, [Values] bool after, [Values] bool between)
    {
        float[] plain = Run(graph: false), replayed = Run(graph: true);
        Assert.That(replayed, Is.EqualTo(plain));

        float[] Run(bool graph)
        {
            using Tensor x = _backend.FromArray(_x, Shape.Input), w = _backend.FromArray(_w, Shape.Weight),
                half = _backend.FromArray([.. _w.Select((_, i) => i % 3 == 0 ? -1f : 0.5f)], Shape.Weight),
                y = _backend.Empty(Shape.Output),
                dx = _backend.Empty(Shape.Input);
            // Current when the graph is captured, if nothing changes them before.
            _backend.Conv2d(Shape, x, w, null, y);
            void Work()
            {
                if (before)
                    _backend.Multiply(w, half, w);
                _backend.Conv2d(Shape, x, w, null, y);
                _backend.Conv2dDgrad(Shape, y, w, dx);
                if (after)
                    _backend.Multiply(w, half, w);
            }
            using var captured = new StepGraph(_backend, "step", Work);
            var results = new List<float>();
            for (int i = 0; i < 5; i++)
            {
                if (between)
                    w.Upload([.. _w.Select(v => v * (i % 2 == 0 ? 1f : -0.25f))]);
                if (graph)
                    captured.Run();
                else
                    Work();
                results.AddRange(y.ToArray());
                results.AddRange(dx.ToArray());
            }
            Assert.That(captured.IsCaptured, Is.EqualTo(graph));
            return [.. results];
        }
    }

    /// <summary>Frozen weights are made once, in no graph; trained ones in the graph, once a replay.</summary>
    [Test]
    public void A_graph_makes_what_it_changes_and_nothing_else([Values] bool isTrained)
    {
        using Tensor x = _backend.FromArray(_x, Shape.Input), w = _backend.FromArray(_w, Shape.Weight), y = _backend.Empty(Shape.Output);
        using var graph = new StepGraph(_backend, "step", () =>
        {
            _backend.Conv2d(Shape, x, w, null, y);
            if (isTrained)
                _backend.Multiply(w, w, w);
        });
        graph.Run();
        graph.Run();
        // x's rounding and the kernel; the weights' and their change.
        Assert.That(graph.Launches, Is.EqualTo(isTrained ? 4 : 2));
        Assert.That(Launches(graph.Run), Is.EqualTo(isTrained ? 3 : 1), "nothing beside the graph");
    }

    /// <summary>What a refused capture would have made is not there.</summary>
    [Test]
    public void A_refused_capture_leaves_no_stale_weights()
    {
        using Tensor x = _backend.FromArray(_x, Shape.Input), w = _backend.FromArray(_w, Shape.Weight), y = _backend.Empty(Shape.Output);
        using var graph = new StepGraph(_backend, "step", () =>
        {
            _backend.Conv2d(Shape, x, w, null, y);
            // No graph has a download.
            _ = y.ToArray();
        });
        graph.Run();
        float[] before = y.ToArray();
        w.Upload([.. _w.Select(v => 2 * v)]);
        graph.Run();
        Assert.That(graph.IsCaptured, Is.False);
        Assert.That(y.ToArray(), Is.EqualTo(before.Select(v => 2 * v)));
    }

    /// <summary>An error is the one that is seen, and nothing is left half made.</summary>
    [Test]
    public void Memory_that_is_not_there_is_said()
    {
        using Tensor x = _backend.FromArray(_x, Shape.Input), w = _backend.FromArray(_w, Shape.Weight), y = _backend.Empty(Shape.Output);
        _backend.Pool.Trim();
        long limit = _backend.Pool.LimitBytes;
        _backend.Pool.LimitBytes = _backend.Pool.ReservedBytes;
        try
        {
            Assert.That(() => _backend.Conv2d(Shape, x, w, null, y),
                Throws.InstanceOf<BDenseException>().With.Message.Contains("out of memory"));
        }
        finally
        {
            _backend.Pool.LimitBytes = limit;
        }
        _backend.Conv2d(Shape, x, w, null, y);
    }

    [Test]
    public void A_bias_anywhere_and_a_batch_of_nothing_are_computed()
    {
        using Tensor x = _backend.FromArray(_x, Shape.Input), w = _backend.FromArray(_w, Shape.Weight), y = _backend.Empty(Shape.Output),
            big = _backend.FromArray(new float[17], new Shape(17)), bias = big.View(1, new Shape(16)), none = _backend.Empty(new Shape(16));
        _backend.Fill(none, 0f);
        _backend.Conv2d(Shape, x, w, bias, y);
        float[] shifted = y.ToArray();
        _backend.Conv2d(Shape, x, w, none, y);
        float worst = y.ToArray().Zip(shifted, (a, b) => Math.Abs(a - b)).Max();
        Assert.That(worst, Is.LessThan(1e-4f));
        var empty = Shape with { N = 0 };
        using Tensor nothing = _backend.Empty(empty.Input), result = _backend.Empty(empty.Output);
        _backend.Conv2d(empty, nothing, w, none, result);
        _backend.Conv2dDgrad(empty, result, w, nothing);
    }

    private long Launches(Action work)
    {
        long before = _backend.KernelLaunches!.Value;
        work();
        return _backend.KernelLaunches.Value - before;
    }
}
