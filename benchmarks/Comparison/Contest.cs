using System.Runtime.InteropServices;
using BDense.Benchmarks.Workloads;
using BDense.Kernels;
using BDense.Kernels.Reference;
using Microsoft.ML.OnnxRuntime;

namespace BDense.Benchmarks.Comparison;

/// <summary>Runs our CPU reference against one peer on one workload: checks that both get the same results, then times them.</summary>
public sealed class Contest(ReferenceBackend ours, Protocol protocol, string rerunOptions)
{
    /// <summary>Never throws for what one row cannot do: the row says why.</summary>
    public Row Run(Workload work, IPeer peer)
    {
        string rerun = $"peers --filter \"{work.Name}\" --peer \"{peer.Name}\"{rerunOptions}";
        if (work is PeakMemory memory)
            return MemoryContest.Run(memory, peer, ours.Workers.Threads, rerun);
        Row Failed(string note, double? milliseconds = null, double? difference = null) =>
            new(work.Name, peer.Name, milliseconds, null, null, null, null, null, null, null, 0, null, difference, note, rerun);

        var running = new List<Running>();
        try
        {
            var mine = work.Start(ours);
            running.Add(mine);
            var cost = Cost(mine);
            if (peer.Unavailable is { } reason)
                return Alone(mine, cost, Failed(reason));

            var variants = peer.Start(work).ToList();
            running.AddRange(variants);
            double difference = 0;
            var expected = mine.Results();
            foreach (var variant in variants)
            {
                variant.Run();
                var (worst, name) = Difference(expected, variant.Results());
                if (!(worst <= work.Tolerance))
                    return Failed($"results differ: {name} by {worst:0.0e0} of its norm", difference: worst);
                difference = Math.Max(difference, worst);
            }

            var theirs = protocol.Fastest(variants);
            var (a, b) = protocol.Measure(mine, theirs);
            var ratios = a.Zip(b, (x, y) => x.Wall / y.Wall).ToArray();
            double ratio = Row.Quantile(ratios, 0.5), milliseconds = Row.Quantile(a.Select(t => t.Wall), 0.5);
            return new(work.Name, peer.Name, milliseconds, Row.Quantile(b.Select(t => t.Wall), 0.5), ratio, cost.Flops / milliseconds / 1e6,
                (Row.Quantile(ratios, 0.9) - Row.Quantile(ratios, 0.1)) / ratio, a.Min(t => t.Wall) / b.Min(t => t.Wall),
                Row.Quantile(a.Select(t => t.Processor), 0.5) / Row.Quantile(b.Select(t => t.Processor), 0.5),
                cost.Bytes / milliseconds / 1e6,
                a.Length, theirs.Variant.Length > 0 ? theirs.Variant : null, difference, null, rerun);
        }
        catch (Exception e) when (e is BDenseException or NotSupportedException or OutOfMemoryException or ExternalException
            or OnnxRuntimeException)
        {
            // What libtorch throws comes with its native stack.
            string line = e.Message.Split('\n')[0].Trim();
            return Failed(e is NotSupportedException ? $"not supported: {line}" : line);
        }
        finally
        {
            foreach (var side in running)
                side.Dispose();
        }
    }

    /// <summary>The first run, with the declared costs of its operations added up.</summary>
    private OpCost Cost(Running mine)
    {
        OpCost sum = default;
        ours.OnOp = (_, cost) => sum += cost;
        try
        {
            mine.Run();
        }
        finally
        {
            ours.OnOp = null;
        }
        return sum;
    }

    /// <summary>Our time alone, where there is no one to compare with.</summary>
    private Row Alone(Running mine, OpCost cost, Row row)
    {
        var (a, _) = protocol.Measure(mine, mine);
        double milliseconds = Row.Quantile(a.Select(t => t.Wall), 0.5);
        return row with
        {
            Milliseconds = milliseconds,
            Gflops = cost.Flops / milliseconds / 1e6,
            GigabytesPerSecond = cost.Bytes / milliseconds / 1e6,
            Samples = a.Length,
        };
    }

    private static (double Worst, string Name) Difference(Dictionary<string, float[]> a, Dictionary<string, float[]> b)
    {
        (double Worst, string Name) worst = (0, "");
        foreach (var (name, theirs) in b)
        {
            var mine = a[name];
            if (mine.Length != theirs.Length)
                return (double.PositiveInfinity, name);
            double difference = 0, norm = 0;
            for (int i = 0; i < mine.Length; i++)
            {
                double d = (double)mine[i] - theirs[i];
                difference += d * d;
                norm += (double)theirs[i] * theirs[i];
            }
            double relative = Math.Sqrt(difference / Math.Max(norm, double.Epsilon));
            // Not a number compares as worse than anything.
            if (!(relative <= worst.Worst))
                worst = (relative, name);
        }
        return worst;
    }
}
