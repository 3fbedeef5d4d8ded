using System.Diagnostics;
using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Model.Autodiff;
using BDense.Model.Networks;
using BDense.Training.Distillation;

namespace BDense.Experiments.Labs;

/// <summary>
/// Whole steps of a B-DENSE student with K heads. Training: forward, dense-trajectory loss, backward, Adam with clipping and moving
/// average. Sampling: a pass without a gradient and its states. Targets are noise: the time does not depend on them.
/// </summary>
public sealed class StepLab : IDisposable
{
    public const string Training = "training", Sampling = "sampling";

    private const int MaxRounds = 16;

    private readonly INetwork _network;

    /// <param name="backend">The device.</param>
    /// <param name="config">The network; its branches are replaced.</param>
    /// <param name="branches">K.</param>
    /// <param name="seed">Of the weights; none for zeros, which take the same time.</param>
    public StepLab(Backend backend, NetworkConfig config, int branches, ulong? seed = 1) =>
        _network = new Network(backend, config with { Branches = branches }, seed);

    public INetwork Network => _network;

    /// <summary>Looked at between steps.</summary>
    public CancellationToken Cancellation { get; init; }

    private bool CanCapture => _network.Backend.Graphs is not null;

    /// <summary>
    /// Training with all fusions, with each off by itself, with none, with recomputed blocks, with the usual ones, and these captured where
    /// the device can; all in turns. A fusion whose absence changes no operation (the network has nothing to fuse, or the device composes
    /// it anyway) is noted and not timed.
    /// </summary>
    /// <param name="batch">Images.</param>
    /// <param name="budget">Time to spend; at least one round is taken after those that warm up.</param>
    /// <param name="only">Fusions to switch off; all without it.</param>
    /// <param name="onRound">Told after each round.</param>
    public IReadOnlyList<StepRow> Ablate(int batch, TimeSpan budget, IReadOnlyCollection<Fusion>? only = null,
        Action<int>? onRound = null) => Run(Training,
    [
        new("all", new Execution(Fusions.All)),
        // Folding concerns sampling.
        .. Off(only, f => f != Student.FoldedHeads), new("none", new Execution(Fusions.None)),
        new("all, recompute", new Execution(Fusions.All, Recompute: true)),
        .. Usual(Fusions.Usual, "usual"),
    ], batch, budget, onRound);

    /// <summary>Sampling likewise: folded, through all heads, these captured where the device can, and with no fusion.</summary>
    public IReadOnlyList<StepRow> Sample(int batch, TimeSpan budget, IReadOnlyCollection<Fusion>? only = null,
        Action<int>? onRound = null) => Run(Sampling,
    [
        new("all", new Execution(Fusions.All)), .. Off(only, f => f == Student.FoldedHeads || f == StateStep.PreconditionStep),
        new("none", new Execution(Fusions.None)),
        // Captured passes are those of a whole network; a folded one shares its student's.
        .. Usual(Fusions.Usual.Without(Student.FoldedHeads), "usual,-folded-heads"),
    ], batch, budget, onRound);

    /// <summary>
    /// Training at each batch size with blocks kept and recomputed, with the usual fusions and with all, in turns. Where a dry run says
    /// that a step does not fit, or the device says so, its row has a note and the others stand.
    /// </summary>
    /// <param name="batches">Images.</param>
    /// <param name="budget">Time to spend on each batch size.</param>
    /// <param name="freeBytes">Memory that may be used.</param>
    /// <param name="onBatch">Told after each batch size how many are done.</param>
    public IReadOnlyList<StepRow> Memory(IReadOnlyList<int> batches, TimeSpan budget, long freeBytes, Action<int>? onBatch = null)
    {
        Variant[] variants =
        [
            .. from fusions in new[] { Fusions.Usual, Fusions.All }
               from recompute in new[] { false, true }
               select new Variant(recompute ? $"{fusions}, recompute" : fusions.ToString(), new Execution(fusions, recompute)),
        ];
        var rows = new List<StepRow>();
        foreach (int batch in batches)
        {
            Cancellation.ThrowIfCancellationRequested();
            long[] predicted = [.. variants.Select(v => PredictPeak(batch, v.Execution))];
            // The pool's blocks of other sizes and the host's own are on top.
            bool[] fits = [.. predicted.Select(bytes => bytes * 1.15 <= freeBytes)];
            var measured = new Queue<StepRow>(Run(Training, [.. variants.Where((_, i) => fits[i])], batch, budget, null));
            for (int i = 0; i < variants.Length; i++)
            {
                var row = fits[i] ? measured.Dequeue() : Unmeasured(Training, variants[i].Name, batch,
                    FormattableString.Invariant(
                        $"not measured: it takes {predicted[i] / 1e9:0.00} GB, {freeBytes / 1e9:0.00} GB are free"));
                rows.Add(row with { PredictedPeakBytes = predicted[i] });
            }
            _network.Backend.Pool.Trim();
            onBatch?.Invoke(rows.Count / variants.Length);
        }
        return rows;
    }

    /// <summary>One way of running, <paramref name="rounds"/> times after a warm-up; 0 for the warm-up alone.</summary>
    public StepRow Measure(int batch, int rounds, Execution execution)
    {
        using var run = new TrainingRun(_network, execution, batch);
        var steps = Enumerable.Range(0, 1 + rounds).Select(_ =>
        {
            Cancellation.ThrowIfCancellationRequested();
            return run.Step();
        }).ToArray()[(rounds > 0 ? 1 : 0)..];
        return Row(Training, execution.Recompute ? "recompute" : "kept", batch, steps, null);
    }

    public void Dispose() => _network.Dispose();

    private static IEnumerable<Variant> Off(IReadOnlyCollection<Fusion>? only, Func<Fusion, bool> concerns) => FusionCatalog.All
        .Where(fusion => concerns(fusion) && only?.Contains(fusion) != false)
        .Select(fusion => new Variant($"-{fusion.Name}", new Execution(Fusions.All.Without(fusion)), IsOff: true));

    private IEnumerable<Variant> Usual(Fusions fusions, string name) =>
        CanCapture ? [new(name, new Execution(fusions)), new($"{name}, graph", new Execution(fusions, Graph: true))]
            : [new(name, new Execution(fusions))];

    private long PredictPeak(int batch, Execution execution)
    {
        using var backend = new DryRunBackend { ActivationType = _network.Backend.ActivationType };
        using var lab = new StepLab(backend, _network.Config, _network.Config.Branches, seed: null);
        lab.Network.Parameters.EnableGradients();
        return lab.Measure(batch, 0, execution).PeakBytes!.Value;
    }

    private List<StepRow> Run(string step, IReadOnlyList<Variant> variants, int batch, TimeSpan budget, Action<int>? onRound)
    {
        if (variants.Count == 0)
            return [];
        var backend = _network.Backend;
        // Not the first variant's: they stay.
        if (step == Training)
            _network.Parameters.EnableGradients();
        var samples = variants.Select(_ => new List<StepTime>()).ToArray();
        var notes = new string?[variants.Count];
        // A graph lives as long as its tensors, which no other variant's peak is to count; all others leave nothing behind.
        var held = new long[variants.Count];
        var captured = new Dictionary<int, StepRun>();
        List<(string, OpCost)> first = [];
        try
        {
            // The first rounds warm up: kernels are compiled, the pool is filled, the second one captures.
            int warm = variants.Any(v => v.Execution.Graph) ? 2 : 1;
            var clock = Stopwatch.StartNew();
            for (int round = 0; round <= warm || (round < MaxRounds && clock.Elapsed < budget); round++)
            {
                foreach (int i in Rotation.Of(variants.Count, round).Where(i => notes[i] is null))
                {
                    Cancellation.ThrowIfCancellationRequested();
                    Visit(i, round, measured: round >= warm);
                }
                onRound?.Invoke(round);
            }
            return [.. variants.Select((variant, i) => notes[i] is { } note ? Unmeasured(step, variant.Name, batch, note)
                : Row(step, variant.Name, batch, samples[i],
                    variant.Execution.Graph && !captured[i].IsCaptured ? "capture was refused: launched anew each time" : null))];
        }
        finally
        {
            foreach (var run in captured.Values)
                run.Dispose();
        }

        void Visit(int i, int round, bool measured)
        {
            long before = backend.Pool.CurrentBytes;
            try
            {
                StepTime time = default;
                // The first round begins with the first variant, and launches what a later one only replays.
                if (round == 0)
                {
                    var operations = FusionLab.Operations(backend, () => time = Once(i));
                    if (i == 0)
                        first = operations;
                    else if (variants[i].IsOff && operations.SequenceEqual(first))
                        notes[i] =
                            "not applicable: the operations are those of 'all'; the network has nothing to fuse here, or the device "
                            + "composes it anyway";
                }
                else
                {
                    time = Once(i);
                }
                if (variants[i].Execution.Graph)
                    held[i] += backend.Pool.CurrentBytes - before;
                if (measured)
                    samples[i].Add(time with { PeakBytes = time.PeakBytes - (held.Sum() - held[i]) });
            }
            catch (DeviceMemoryException e)
            {
                notes[i] = e.Message;
                if (captured.Remove(i, out var run))
                    run.Dispose();
                held[i] = 0;
                backend.Pool.Trim();
            }
        }

        StepTime Once(int i)
        {
            var execution = variants[i].Execution;
            if (execution.Graph)
                return (captured.TryGetValue(i, out var known) ? known : captured[i] = Make(execution)).Step();
            using var run = Make(execution);
            return run.Step();
        }

        StepRun Make(Execution execution) =>
            step == Training ? new TrainingRun(_network, execution, batch) : new SamplingRun(_network, execution, batch);
    }

    private StepRow Row(string step, string name, int batch, IReadOnlyCollection<StepTime> steps, string? note)
    {
        double milliseconds = Median(steps.Select(s => s.Milliseconds));
        return new StepRow(step, name, _network.Config.Branches, batch, milliseconds, Median(steps.Select(s => s.HostMilliseconds)),
            steps.Max(s => s.PeakBytes),
            1000 * batch / milliseconds, Note: note);
    }

    private StepRow Unmeasured(string step, string name, int batch, string note) =>
        new(step, name, _network.Config.Branches, batch, Note: note);

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }

    private sealed record Variant(string Name, Execution Execution, bool IsOff = false);
}
