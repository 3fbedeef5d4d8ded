using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using BDense.Benchmarks.Context;
using BDense.Benchmarks.Workloads;
using BDense.Cases.Timing;
using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Model.Autodiff;

namespace BDense.Benchmarks.Comparison;

/// <summary>The verb <c>peers</c>: our CPU reference against everyone else, in one process with the same number of threads.</summary>
public static class PeersCommand
{
    /// <param name="args">After <c>peers</c>.</param>
    /// <param name="makeLibtorch">The peer that needs a project of its own; takes the number of threads.</param>
    /// <returns>Exit code: 0; 1 if there was not a single ratio; 2 for a wrong option.</returns>
    public static int Run(string[] args, Func<int, IPeer> makeLibtorch)
    {
        var json = new Option<bool>("--json") { Description = "One JSON object on standard output, progress on standard error." };
        var filter = new Option<string?>("--filter")
        {
            Description = "Only rows of this name, or else whose name contains this.",
            HelpName = "TEXT",
        };
        var peerName = new Option<string?>("--peer") { Description = "Only peers whose name contains this.", HelpName = "TEXT" };
        var threads = new Option<int>("--threads")
        {
            Description = "Threads of each side; one a core if not given.",
            HelpName = "N",
            DefaultValueFactory = _ => Environment.ProcessorCount,
            CustomParser = result => new NumberRule<int>(1, ReferenceBackend.MaxThreads).Read("--threads", result.Tokens, result.AddError),
        };
        var quick = new Option<bool>("--quick") { Description = "Fewer and shorter samples." };
        var seconds = new Option<double?>("--seconds")
        {
            Description = "About how long the samples of a row may take.",
            HelpName = "S",
            CustomParser = result => new NumberRule<double>(0, 1e6, AboveMin: true).Read("--seconds", result.Tokens, result.AddError),
        };
        var fuse = new Option<string>("--fuse")
        {
            Description = "Fusions of our whole networks (training step, sampling, their peak memory): usual, all, none, or names (see "
                + "bdense fusion).",
            HelpName = "SET",
            DefaultValueFactory = _ => "usual",
        };
        var list = new Option<bool>("--list") { Description = "Prints the names of all rows and measures nothing." };
        var memoryOf = new Option<string?>("--memory-of") { Hidden = true };
        var root = new RootCommand(
            "Compares the CPU reference with libtorch, ONNX Runtime, naive loops, MathNet.Numerics and the ILGPU kernels.")
        {
            json, filter, peerName, threads, quick, seconds, fuse, list, memoryOf,
        };
        root.SetAction(parse =>
        {
            int count = parse.GetValue(threads);
            Fusions fusions;
            try
            {
                fusions = Fusions.Parse(parse.GetValue(fuse)!);
            }
            catch (UsageException e)
            {
                Console.Error.WriteLine($"peers: --fuse: {e.Message}");
                return 2;
            }
            List<Workload> works = [.. Select(parse.GetValue(filter)).Select(work => work.With(fusions))];
            if (works.Count == 0)
            {
                Console.Error.WriteLine($"peers: no row's name contains '{parse.GetValue(filter)}'; --list names them all");
                return 2;
            }
            if (parse.GetValue(memoryOf) is { } side)
                return MemoryContest.Serve(works.OfType<PeakMemory>().First(), side, count, makeLibtorch);
            if (parse.GetValue(list))
            {
                foreach (var work in works)
                    Console.WriteLine(work.Name);
                return 0;
            }
            return Compare(works, parse.GetValue(peerName), count, parse.GetValue(quick), parse.GetValue(seconds), fusions,
                parse.GetValue(json), makeLibtorch);
        });
        return OpsCommand.Invoke("peers", root, args);
    }

    /// <summary>A name given in full means that row alone, although others may contain it.</summary>
    private static List<Workload> Select(string? filter)
    {
        var exact = Catalog.All.Where(w => w.Name.Equals(filter, StringComparison.OrdinalIgnoreCase)).ToList();
        return exact.Count > 0 ? exact
            : [.. Catalog.All.Where(w => filter is null || w.Name.Contains(filter, StringComparison.OrdinalIgnoreCase))];
    }

    private static int Compare(List<Workload> works, string? peerName, int threads, bool quick, double? seconds, Fusions fusions, bool json,
        Func<int, IPeer> makeLibtorch)
    {
        Func<IPeer>[] makers = [() => makeLibtorch(threads), () => new OnnxRuntimePeer(threads), BackendPeer.OneThread,
            () => new NaiveLoops(), () => new MathNetPeer(threads), BackendPeer.OpenCL];
        var peers = new List<IPeer>();
        using var ours = new ReferenceBackend(threads);
        try
        {
            foreach (var make in makers)
                peers.Add(make());
            peers.RemoveAll(p => peerName is not null && !p.Name.Contains(peerName, StringComparison.OrdinalIgnoreCase));
            var protocol = quick ? Protocol.Quick : Protocol.Full;
            string options = "";
            if (seconds is { } limit)
            {
                protocol = protocol.Within(limit);
                options = string.Create(CultureInfo.InvariantCulture, $" --seconds {limit}");
            }
            if (fusions != Fusions.Usual)
                options += $" --fuse {fusions}";
            var header = new Header(DateTime.UtcNow.ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture), Report.Processor(),
                Environment.ProcessorCount,
                RuntimeInformation.OSDescription, RuntimeInformation.FrameworkDescription, ours.Description, threads,
                [.. peers.Select(p => p.Unavailable is { } reason ? $"{p.Name}: not available: {reason}" : p.Name)],
                (quick ? "quick" : "full") + options);

            var log = json ? Console.Error : Console.Out;
            log.WriteLine($"{header.Processor}, {header.Cores} cores; {header.OperatingSystem}; {header.Runtime}; {header.Reference}");
            log.WriteLine(
                "ratio: our time / the peer's, median over alternating pairs; best: of the shortest samples; cpu: of processor time; "
                + "spread: (p90 - p10) / median of the ratios");
            foreach (string peer in header.Peers)
                log.WriteLine($"peer: {peer}");
            log.WriteLine(Report.Columns);

            var contest = new Contest(ours, protocol, $" --threads {threads}{(quick ? " --quick" : "")}{options}");
            var rows = new List<Row>();
            foreach (var peer in peers)
            {
                foreach (var work in works.Where(peer.Takes))
                {
                    // With one thread on both sides there is nothing to compare.
                    if (peer is BackendPeer { Name: "cpu, one thread" } && threads == 1)
                        continue;
                    rows.Add(contest.Run(work, peer));
                    log.WriteLine(Report.Line(rows[^1]));
                }
            }
            foreach (string mean in Report.Means(rows))
                log.WriteLine(mean);
            if (json)
                Console.Out.WriteLine(Report.ToJson(header, rows));
            return rows.Any(r => r.Milliseconds is not null) ? 0 : 1;
        }
        finally
        {
            foreach (var peer in peers)
                peer.Dispose();
        }
    }
}
