using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using BDense.Cli.Terminal;
using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Processes;

namespace BDense.Cli.Verbs;

/// <summary>
/// <c>bdense processes</c>: who takes part in a run of several processes, whether their sums are right, and how long one takes.
/// </summary>
internal static class ProcessesVerb
{
    public static Verb Verb(Ui ui)
    {
        var engine = CommonOptions.Choice("--engine", "What carries the sums.", Engine.Auto);
        var values = Numbers.Int("--values", "Float32 values of the sum that is timed.", 8_000_000, min: 1, max: 1_000_000_000);
        var json = CommonOptions.Json();
        var command = new Command("processes", "Says who takes part in a run of several processes, checks their sums and times one.")
        {
            engine, values, json,
        };
        command.SetAction(parse =>
        {
            ui.JsonOnly = parse.GetValue(json);
            int n = parse.GetValue(values);
            var world = World.OfEnvironment();
            using var all = Engines.Join(parse.GetValue(engine), world);
            Report(ui, world, all, n);
        });
        return new Verb(command, "bdense processes", "mpirun -np 4 bdense processes --values 1000000");
    }

    private static void Report(Ui ui, World world, Collectives all, int n)
    {
        string mine = $"{Environment.MachineName} {Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}";
        var who = all.GatherBytes(Encoding.UTF8.GetBytes(mine)).Select(Encoding.UTF8.GetString).ToArray();
        // One thread a process: the check is of the engine, and several processes may share a core.
        using var backend = new ReferenceBackend(1);
        using var x = backend.Empty(new Shape(n));
        double ordered = Seconds(all, x, all.SumInOrder, out double worst);
        double fast = Seconds(all, x, all.SumFast, out double worstFast);
        int root = all.Size - 1;
        ReferenceBackend.Values(x).Fill(all.Rank);
        all.Broadcast(x, root);
        bool isBroadcast = !ReferenceBackend.Values(x).ContainsAnyExcept(root);
        if (all.IsFirst)
        {
            ui.Json(new
            {
                engine = all.Description,
                launcher = world.Launcher,
                processes = who,
                values = n,
                orderedMilliseconds = 1e3 * ordered,
                fastMilliseconds = 1e3 * fast,
            });
            ui.Line($"{all.Description}; launcher: {world.Launcher ?? "none"}");
            ui.Table(["rank", "machine", "process"], who.Select((one, rank) => (string[])[$"{rank}", .. one.Split(' ')]));
            ui.Line(FormattableString.Invariant(
                $"sum of {n} values: in order {1e3 * ordered:0.0} ms, the engine's own {1e3 * fast:0.0} ms"));
        }
        all.Barrier();
        // Not a number is wrong as well.
        if (Math.Max(worst, worstFast) is not 0)
            throw new BDenseException(FormattableString.Invariant(
                $"rank {all.Rank}: a sum is wrong by {worst:g3} in order, {worstFast:g3} by the engine's own"));
        if (!isBroadcast)
            throw new BDenseException($"rank {all.Rank}: what rank {root} sent to all did not come");
    }

    /// <summary>The shortest of three, and how far the last sum is from what it should be: whole numbers, so exactly that.</summary>
    private static double Seconds(Collectives all, Tensor x, Action<Tensor> sum, out double worst)
    {
        const int Period = 1021;
        double least = double.MaxValue;
        for (int round = 0; round < 3; round++)
        {
            var values = ReferenceBackend.Values(x);
            for (int i = 0; i < values.Length; i++)
                values[i] = i % Period + all.Rank;
            all.Barrier();
            long start = Stopwatch.GetTimestamp();
            sum(x);
            least = Math.Min(least, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        var summed = ReferenceBackend.Values(x);
        worst = 0;
        for (int i = 0; i < summed.Length; i++)
            worst = Math.Max(worst, Math.Abs(summed[i] - ((double)all.Size * (i % Period) + all.Size * (all.Size - 1) / 2)));
        return least;
    }
}
