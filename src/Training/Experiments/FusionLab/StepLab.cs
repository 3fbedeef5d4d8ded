using System.Diagnostics;
using BDense.Kernels;
using BDense.Model;

namespace BDense.Training;

/// <summary>A whole training step under some execution.</summary>
/// <param name="Name">What is different: a fusion that is off, or how blocks run.</param>
/// <param name="Batch">Images.</param>
/// <param name="Milliseconds">Median.</param>
/// <param name="PeakBytes">Most device memory in use at once, parameters and optimizer included.</param>
/// <param name="ImagesPerSecond">Batch over time.</param>
public sealed record StepRow(string Name, int Batch, double Milliseconds, long PeakBytes, double ImagesPerSecond);

/// <summary>
/// Whole training steps of a B-DENSE student: K heads, forward, dense-trajectory loss, backward, Adam with clipping and moving average.
/// Targets are noise: the time does not depend on them.
/// </summary>
public sealed class StepLab : IDisposable
{
    private const int MaxRounds = 15;

    private readonly UNet _network;
    private readonly double[] _nodes;

    public StepLab(Backend backend, UNetConfig config, int branches)
    {
        _network = new UNet(backend, config with { Branches = branches }, seed: 1);
        _nodes = [.. Enumerable.Range(0, branches + 1).Select(i => 10 * Math.Pow(0.7, i))];
    }

    /// <summary>All fusions, each off by itself, none, and all with recomputed blocks, taken in turns.</summary>
    public IReadOnlyList<StepRow> Ablate(int batch, TimeSpan budget, Action<int>? onRound = null)
    {
        (string, Execution)[] variants =
        [
            ("all", new Execution(Fusions.All)),
            // Folding concerns sampling.
            .. Fusions.Names.Where(name => name != Fusions.NameOf(Fusion.FoldedHeads)).Select(name => ($"-{name}", new Execution(Fusions.Parse($"-{name}")))),
            ("none", new Execution(Fusions.None)), ("all, recompute", new Execution(Fusions.All, Recompute: true)),
        ];
        return Run(variants, batch, budget, onRound);
    }

    /// <summary>Each batch size with blocks kept and recomputed.</summary>
    public IReadOnlyList<StepRow> Memory(IEnumerable<int> batches, TimeSpan budget) =>
        [.. batches.SelectMany(batch => Run([("kept", new Execution(Fusions.All)), ("recompute", new Execution(Fusions.All, Recompute: true))], batch, budget, null))];

    public void Dispose() => _network.Dispose();

    private List<StepRow> Run(IReadOnlyList<(string Name, Execution Execution)> variants, int batch, TimeSpan budget, Action<int>? onRound)
    {
        var milliseconds = variants.Select(_ => new List<double>()).ToArray();
        var peaks = new long[variants.Count];
        var clock = Stopwatch.StartNew();
        // The first round warms up: kernels are compiled, the pool is filled.
        for (int round = 0; round < 2 || (round <= MaxRounds && clock.Elapsed < budget); round++)
        {
            for (int i = 0; i < variants.Count; i++)
            {
                var (ms, peak) = Step(variants[i].Execution, batch);
                if (round > 0)
                    milliseconds[i].Add(ms);
                peaks[i] = peak;
            }
            onRound?.Invoke(round);
        }
        return
        [
            .. variants.Select((variant, i) =>
            {
                double median = milliseconds[i].Order().ElementAt(milliseconds[i].Count / 2);
                return new StepRow(variant.Name, batch, median, peaks[i], 1000 * batch / median);
            }),
        ];
    }

    private (double Milliseconds, long PeakBytes) Step(Execution execution, int batch)
    {
        var (backend, c) = (_network.Backend, _network.Config);
        _network.Execution = execution;
        using var optimizer = new Optimizer(_network.Parameters, new OptimizerOptions { ClipNorm = 1, EmaDecay = 0.999, Fusions = execution.Fusions });
        using var x = backend.Empty(new Shape(batch, c.Resolution, c.Resolution, c.ImageChannels));
        using var targets = backend.Empty(new Shape(c.Branches, x.Length));
        backend.RandomNormal(new RandomKey(1, 1), x);
        backend.RandomNormal(new RandomKey(1, 2), targets);
        var objective = new TrajectoryObjective(_network, BranchLayout.Chained, Distance.L1, 1);
        double[] weights = [.. Enumerable.Repeat(1.0, c.Branches)];
        _network.Parameters.ZeroGradients();
        backend.Synchronize();
        backend.Pool.ResetPeak();
        long start = Stopwatch.GetTimestamp();
        var result = objective.Accumulate(x, _nodes, weights, targets, new ForwardOptions(new RandomKey(1, 3)), endpoint: x);
        optimizer.Update(0, 1, result.Loss, 1);
        backend.Synchronize();
        return (Stopwatch.GetElapsedTime(start).TotalMilliseconds, backend.Pool.PeakBytes);
    }
}
