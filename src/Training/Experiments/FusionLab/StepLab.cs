using System.Diagnostics;
using BDense.Kernels;
using BDense.Model;

namespace BDense.Training;

/// <summary>A whole training step under some execution.</summary>
/// <param name="Name">What is different: a fusion that is off, or how blocks run.</param>
/// <param name="Batch">Images.</param>
/// <param name="Milliseconds">Median.</param>
/// <param name="HostMilliseconds">Median of the part in which the host was not waiting for the device; on a CPU device all of it.</param>
/// <param name="PeakBytes">Most device memory in use at once, parameters and optimizer included.</param>
/// <param name="ImagesPerSecond">Batch over time.</param>
public sealed record StepRow(string Name, int Batch, double Milliseconds, double HostMilliseconds, long PeakBytes, double ImagesPerSecond);

/// <summary>
/// Whole training steps of a B-DENSE student: K heads, forward, dense-trajectory loss, backward, Adam with clipping and moving average.
/// Targets are noise: the time does not depend on them.
/// </summary>
public sealed class StepLab : IDisposable
{
    /// <summary>As the table names the captured step.</summary>
    public const string GraphName = "all, graph";

    private const int MaxRounds = 16;

    private readonly UNet _network;
    private readonly double[] _nodes;

    /// <param name="backend">The device.</param>
    /// <param name="config">The network; its branches are replaced.</param>
    /// <param name="branches">K.</param>
    /// <param name="seed">Of the weights; none for zeros, which take the same time.</param>
    public StepLab(Backend backend, UNetConfig config, int branches, ulong? seed = 1)
    {
        _network = new UNet(backend, config with { Branches = branches }, seed);
        _nodes = [.. Enumerable.Range(0, branches + 1).Select(i => 10 * Math.Pow(0.7, i))];
    }

    public UNet Network => _network;

    /// <summary>All fusions, each off by itself, none, and all with recomputed blocks, taken in turns; then captured, where the device can.</summary>
    public IReadOnlyList<StepRow> Ablate(int batch, TimeSpan budget, Action<int>? onRound = null)
    {
        (string, Execution)[] variants =
        [
            ("all", new Execution(Fusions.All)),
            // Folding concerns sampling.
            .. Fusions.Names.Where(name => name != Fusions.NameOf(Fusion.FoldedHeads)).Select(name => ($"-{name}", new Execution(Fusions.Parse($"-{name}")))),
            ("none", new Execution(Fusions.None)), ("all, recompute", new Execution(Fusions.All, Recompute: true)),
        ];
        var rows = Run(variants, batch, budget, onRound);
        if (_network.Backend.Graphs is not null)
            rows.AddRange(Run([(GraphName, Execution.Default with { Graph = true })], batch, budget / variants.Length, null));
        return rows;
    }

    /// <summary>Each batch size with blocks kept and recomputed.</summary>
    public IReadOnlyList<StepRow> Memory(IEnumerable<int> batches, TimeSpan budget) =>
        [.. batches.SelectMany(batch => Run([("kept", new Execution(Fusions.All)), ("recompute", new Execution(Fusions.All, Recompute: true))], batch, budget, null))];

    /// <summary>One way of running, <paramref name="rounds"/> times after a warm-up; 0 for the warm-up alone.</summary>
    public StepRow Measure(int batch, int rounds, Execution execution)
    {
        using var prepared = new Prepared(this, execution, batch);
        var steps = Enumerable.Range(0, 1 + rounds).Select(_ => prepared.Step()).ToArray()[(rounds > 0 ? 1 : 0)..];
        return Row(execution.Recompute ? "recompute" : "kept", batch, steps);
    }

    public void Dispose() => _network.Dispose();

    private List<StepRow> Run(IReadOnlyList<(string Name, Execution Execution)> variants, int batch, TimeSpan budget, Action<int>? onRound)
    {
        var samples = variants.Select(_ => new List<StepTime>()).ToArray();
        var captured = new Dictionary<int, Prepared>();
        try
        {
            // The first rounds warm up: kernels are compiled, the pool is filled, the second one captures.
            int warm = variants.Any(v => v.Execution.Graph) ? 2 : 1;
            var clock = Stopwatch.StartNew();
            for (int round = 0; round <= warm || (round < MaxRounds && clock.Elapsed < budget); round++)
            {
                foreach (int i in Rotation.Of(variants.Count, round))
                {
                    var time = variants[i].Execution.Graph ? Captured(i).Step() : Once(variants[i].Execution);
                    if (round >= warm)
                        samples[i].Add(time);
                }
                onRound?.Invoke(round);
            }
        }
        finally
        {
            foreach (var prepared in captured.Values)
                prepared.Dispose();
        }
        return [.. variants.Select((variant, i) => Row(variant.Name, batch, samples[i]))];

        // A graph lives as long as its tensors; all others leave nothing behind that the next variant's peak would count.
        Prepared Captured(int i) => captured.TryGetValue(i, out var known) ? known : captured[i] = new Prepared(this, variants[i].Execution, batch);

        StepTime Once(Execution execution)
        {
            using var prepared = new Prepared(this, execution, batch);
            return prepared.Step();
        }
    }

    private static StepRow Row(string name, int batch, IReadOnlyCollection<StepTime> steps)
    {
        double milliseconds = Median(steps.Select(s => s.Milliseconds));
        return new StepRow(name, batch, milliseconds, Median(steps.Select(s => s.HostMilliseconds)), steps.Max(s => s.PeakBytes), 1000 * batch / milliseconds);
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }

    private readonly record struct StepTime(double Milliseconds, double HostMilliseconds, long PeakBytes);

    /// <summary>Optimizer, objective and data of one way of running.</summary>
    private sealed class Prepared : IDisposable
    {
        private readonly StepLab _lab;
        private readonly Execution _execution;
        private readonly Optimizer _optimizer;
        private readonly TrajectoryObjective _objective;
        private readonly Tensor _x, _targets;
        private readonly double[] _weights;
        private int _steps;

        public Prepared(StepLab lab, Execution execution, int batch)
        {
            var (backend, c) = (lab._network.Backend, lab._network.Config);
            (_lab, _execution) = (lab, execution);
            lab._network.Execution = execution;
            _optimizer = new Optimizer(lab._network.Parameters, new OptimizerOptions { ClipNorm = 1, EmaDecay = 0.999 }.With(execution));
            _objective = new TrajectoryObjective(lab._network, BranchLayout.Chained, Distance.L1, 1);
            _x = backend.Empty(new Shape(batch, c.Resolution, c.Resolution, c.ImageChannels));
            _targets = backend.Empty(new Shape(c.Branches, _x.Length));
            _weights = [.. Enumerable.Repeat(1.0, c.Branches)];
            backend.RandomNormal(new RandomKey(1, 1), _x);
            backend.RandomNormal(new RandomKey(1, 2), _targets);
            lab._network.Parameters.ZeroGradients();
        }

        public StepTime Step()
        {
            var backend = _lab._network.Backend;
            _lab._network.Execution = _execution;
            backend.Synchronize();
            backend.Pool.ResetPeak();
            var waited = backend.Waited;
            long start = Stopwatch.GetTimestamp();
            var result = _objective.Accumulate(_x, _lab._nodes, _weights, _targets, new ForwardOptions(new RandomKey(1, 3, (ulong)_steps << 40)), endpoint: _x);
            _steps++;
            _optimizer.Update(0, 1, result.Loss, _steps);
            backend.Synchronize();
            double all = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            return new StepTime(all, all - (backend.Waited - waited).TotalMilliseconds, backend.Pool.PeakBytes);
        }

        public void Dispose()
        {
            _objective.Dispose();
            _optimizer.Dispose();
            _x.Dispose();
            _targets.Dispose();
        }
    }
}
