using System.Diagnostics;
using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Model.Autodiff;
using BDense.Model.Networks;
using BDense.Training.Distillation;

namespace BDense.Experiments.Labs;

/// <summary>What a network with K branches costs. What needs the device is none where it was not measured.</summary>
/// <param name="Network">Its name.</param>
/// <param name="Branches">K.</param>
/// <param name="Parameters">Trained numbers.</param>
/// <param name="ForwardMacs">Multiply-adds of a pass with one image.</param>
/// <param name="StepMacs">Of a training step with one image, forward and backward.</param>
/// <param name="Batch">Images of the predicted step.</param>
/// <param name="PredictedBytes">Read and written in that step, by the operations' own declarations.</param>
/// <param name="PredictedPeakBytes">Most memory in use at once in that step, optimizer included, as the pool counts it.</param>
/// <param name="MeasuredBatch">Images of the measured step.</param>
/// <param name="Milliseconds">Of a training step, median.</param>
/// <param name="PeakBytes">Most memory in use at once in it.</param>
/// <param name="SampleMilliseconds">A sampling step through all heads: a pass and its states.</param>
/// <param name="FoldedMilliseconds">The same through the folded head.</param>
/// <param name="Note">Why something was not measured.</param>
public sealed record BranchRow(string Network, int Branches, long Parameters, long ForwardMacs, long StepMacs, int Batch,
    long PredictedBytes, long PredictedPeakBytes,
    int? MeasuredBatch = null, double? Milliseconds = null, long? PeakBytes = null, double? SampleMilliseconds = null,
    double? FoldedMilliseconds = null, string? Note = null);

/// <summary>
/// The price of K branches beside the paper's claim: 0.01% more FLOPs, no more training time or memory. Counts and memory are predicted by
/// a dry run of the whole step at any batch; time is measured at one that the device can take.
/// </summary>
public static class BranchLab
{
    public static IReadOnlyList<int> Branches { get; } = [1, 2, 4, 8];

    /// <summary>What needs no device.</summary>
    /// <param name="name">Of the network.</param>
    /// <param name="config">Its shape.</param>
    /// <param name="branches">K.</param>
    /// <param name="batch">Images of the step.</param>
    public static BranchRow Predict(string name, NetworkConfig config, int branches, int batch)
    {
        var info = NetworkInfo.Describe(config with { Branches = branches });
        var (macs, _, _) = DryStep(config, branches, 1);
        var (_, bytes, peak) = DryStep(config, branches, batch);
        return new BranchRow(name, branches, info.Parameters, info.Macs, macs, batch, bytes, peak);
    }

    /// <summary>Every K, measured up and then down again, so that a drift of the device cancels.</summary>
    /// <param name="backend">The device.</param>
    /// <param name="name">Of the network.</param>
    /// <param name="config">Its shape.</param>
    /// <param name="batch">Images of the predicted step.</param>
    /// <param name="measured">Images of the measured one.</param>
    /// <param name="rounds">Measured steps of each visit; every K is visited twice.</param>
    /// <param name="freeBytes">Memory that may be used; a step that would take more is not measured.</param>
    /// <param name="onVisit">Told after each visit how many are done, of twice the number of K.</param>
    /// <param name="cancellation">Looked at between steps.</param>
    public static IReadOnlyList<BranchRow> Measure(Backend backend, string name, NetworkConfig config, int batch, int measured, int rounds,
        long freeBytes, Action<int>? onVisit = null,
        CancellationToken cancellation = default)
    {
        var rows = Branches.Select(k =>
        {
            cancellation.ThrowIfCancellationRequested();
            return Predict(name, config, k, batch);
        }).ToArray();
        var visits = rows.Select(_ => new List<Visit>()).ToArray();
        int done = 0;
        foreach (int i in Enumerable.Range(0, rows.Length).Concat(Enumerable.Range(0, rows.Length).Reverse()))
        {
            long needed = DryStep(config, rows[i].Branches, measured).PeakBytes;
            // The pool's blocks of other sizes and the host's own are on top.
            if (needed * 1.15 > freeBytes)
                rows[i] = rows[i] with
                {
                    Note = FormattableString.Invariant(
                        $"not measured: a step of {measured} takes {needed / 1e9:0.0} GB, {freeBytes / 1e9:0.0} GB are free"),
                };
            else
                visits[i].Add(Visit.Of(backend, config, rows[i].Branches, measured, rounds, cancellation));
            backend.Pool.Trim();
            onVisit?.Invoke(++done);
        }
        return [.. rows.Select((row, i) => visits[i].Count == 0 ? row : row with
        {
            MeasuredBatch = measured,
            Milliseconds = visits[i].Average(v => v.Milliseconds),
            PeakBytes = visits[i].Max(v => v.PeakBytes),
            SampleMilliseconds = visits[i].Average(v => v.SampleMilliseconds),
            FoldedMilliseconds = visits[i].Average(v => v.FoldedMilliseconds),
        })];
    }

    private static (long Macs, long Bytes, long PeakBytes) DryStep(NetworkConfig config, int branches, int batch)
    {
        using var backend = new DryRunBackend();
        using var lab = new StepLab(backend, config, branches, seed: null);
        lab.Network.Parameters.EnableGradients();
        long bytes = 0;
        backend.OnOp = (_, cost) => bytes += cost.Bytes;
        var row = lab.Measure(batch, 0, Execution.Default);
        return (backend.Macs, bytes, row.PeakBytes!.Value);
    }

    private sealed record Visit(double Milliseconds, long PeakBytes, double SampleMilliseconds, double FoldedMilliseconds)
    {
        public static Visit Of(Backend backend, NetworkConfig config, int branches, int batch, int rounds, CancellationToken cancellation)
        {
            StepRow step;
            using (var lab = new StepLab(backend, config, branches, seed: null) { Cancellation = cancellation })
            {
                Randomize(lab.Network);
                step = lab.Measure(batch, rounds, Execution.Default);
            }
            // Without gradients and moments.
            using var network = new Network(backend, config with { Branches = branches }, seed: null);
            Randomize(network);
            double[] nodes = [.. Enumerable.Range(0, branches + 1).Select(i => 10 * Math.Pow(0.7, i))];
            var map = TrajectoryMap.Of(BranchLayout.Chained, config.Prediction, config.SigmaData, nodes, branches, 1);
            using var folded = BranchHead.Fold(network, map.FoldCoefficients());
            using var x = backend.Empty(new Shape(batch, config.Resolution, config.Resolution, config.ImageChannels));
            backend.RandomNormal(new RandomKey(1, 1), x);
            double[] ends = [nodes[0], nodes[^1]];
            Action heads = () => StateStep.States(new Denoiser(network), BranchLayout.Chained, x, nodes, default).Dispose(),
                plain = () => StateStep.States(new Denoiser(folded), BranchLayout.Chained, x, ends, default).Dispose();
            double[] best = [double.PositiveInfinity, double.PositiveInfinity];
            for (int round = 0; round <= rounds + 1; round++)
            {
                foreach (int i in Rotation.Of(2, round))
                {
                    cancellation.ThrowIfCancellationRequested();
                    double time = Timed(backend, i == 0 ? heads : plain);
                    if (round > 0)
                        best[i] = Math.Min(best[i], time);
                }
            }
            return new Visit(step.Milliseconds!.Value, step.PeakBytes!.Value, best[0], best[1]);
        }

        private static double Timed(Backend backend, Action run)
        {
            backend.Synchronize();
            long start = Stopwatch.GetTimestamp();
            run();
            backend.Synchronize();
            return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        /// <summary>
        /// Small normal weights, drawn on the device: the time does not depend on them as long as they are ordinary numbers.
        /// </summary>
        private static void Randomize(INetwork network)
        {
            network.Backend.RandomNormal(new RandomKey(1, 4), network.Parameters.Values);
            network.Backend.Scale(network.Parameters.Values, 0.02f, network.Parameters.Values);
        }
    }
}
