using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using BDense.Kernels;
using BDense.Kernels.Json;
using BDense.Model.Checkpoints;

namespace BDense.Benchmarks.Gpu;

/// <summary>The verb <c>join</c>: one table of ratios from what <c>gpu</c> and <c>torch_peer.py</c> left in a folder.</summary>
public static class JoinCommand
{
    /// <param name="args">After <c>join</c>.</param>
    /// <returns>Exit code: 0; 1 if a file is missing or a result differs from the peer's; 2 for a wrong option.</returns>
    public static int Run(string[] args)
    {
        var folder = new Argument<string>("folder")
        {
            Description = "With rows.json, ours.json and, of the peer, torch.json; results.json and results.md are written beside them.",
        };
        var root = new RootCommand("Joins our figures and PyTorch's into one table of ratios, as JSON and Markdown.") { folder };
        root.SetAction(parse =>
        {
            try
            {
                return Join(parse.GetValue(folder)!);
            }
            catch (Exception e) when (e is BDenseException or IOException or UnauthorizedAccessException)
            {
                Console.Error.WriteLine($"join: {e.Message}");
                return 1;
            }
        });
        return root.Parse(args).Invoke();
    }

    private static int Join(string folder)
    {
        var rows = Read(folder, "rows.json", "the benchmark verb gpu", GpuRun.Read).Rows;
        var ours = Read(folder, "ours.json", "the benchmark verb gpu", GpuReport.Read);
        // Without a peer the table tells of us alone.
        var peer = File.Exists(Path.Combine(folder, "torch.json"))
            ? Read(folder, "torch.json", "benchmarks/Gpu/torch_peer.py", GpuReport.Read)
            : new GpuReport(new Dictionary<string, string>
            {
                ["note"] = "there is no torch.json; benchmarks/Gpu/torch_peer.py writes it",
            }, []);
        var joined = Rows(rows, ours, peer);
        var goals = Goals.Summary(rows, joined);
        var machine = ours.Machine.Select(m => ($"ours: {m.Key}", m.Value)).Concat(peer.Machine.Select(m => ($"peer: {m.Key}", m.Value)))
            .ToDictionary(m => m.Item1, m => m.Item2);
        AtomicFile.WriteText(Path.Combine(folder, "results.json"), JsonSerializer.Serialize(new { machine, rows = joined, goals },
            StrictJson.Options));
        string table = Markdown(machine, rows, joined, goals);
        AtomicFile.WriteText(Path.Combine(folder, "results.md"), table);
        Console.Write(table);
        return joined.Any(r => r.Verdict == "results differ") ? 1 : 0;
    }

    /// <summary>One joined row for each row that either side measured.</summary>
    public static IReadOnlyList<JoinedRow> Rows(IReadOnlyList<GpuRow> rows, GpuReport ours, GpuReport peer)
    {
        var roofs = Roofs.Of(rows, [.. ours.Rows, .. peer.Rows]);
        string rerun = ours.Machine.GetValueOrDefault("rerun", "");
        return [.. rows.Select(
            row => JoinedRow.Of(row, [.. ours.Rows.Where(r => r.Name == row.Name)], [.. peer.Rows.Where(r => r.Name == row.Name)],
                roofs, rerun))];
    }

    private static string Markdown(Dictionary<string, string> machine, IReadOnlyList<GpuRow> rows, IReadOnlyList<JoinedRow> joined,
        IReadOnlyList<Goal> goals)
    {
        var text = new StringBuilder("# Against PyTorch\n\n");
        foreach (var (name, value) in machine)
            text.AppendLine(CultureInfo.InvariantCulture, $"- {name}: {value}");
        text.AppendLine("""

            Ratio: our time / the peer's fastest variant, medians of device times; in brackets our p10 / its p90 and our p90 / its p10.
            Roof: the least time that the measured copy bandwidth and matrix product allow / our time.
            Difference: of the results after the timed runs, ||ours - peer's|| / ||peer's||, the worst of all variants.
            MHz: least/median/most SM clock while our fastest variant ran; the peer's.

            """.ReplaceLineEndings("\n").TrimStart('\n').Insert(0, "\n"));
        string[] columns = ["row", "ours ms", "peer ms", "ratio", "verdict", "goal", "eager", "graph", "compile", "TFLOP/s", "GB/s", "roof",
            "limiter", "spread", "MHz", "difference", "note"];
        text.AppendLine(CultureInfo.InvariantCulture, $"| {string.Join(" | ", columns)} |");
        text.AppendLine(CultureInfo.InvariantCulture, $"| {string.Join(" | ", columns.Select(_ => "---"))} |");
        foreach (var r in joined)
        {
            string Variant(string name) =>
                r.RatioOfVariant.TryGetValue(name, out double ratio) ? ratio.ToString("0.00", CultureInfo.InvariantCulture) : "";
            string goal = r.Goal is { } g ? string.Create(CultureInfo.InvariantCulture, $"{g.Limit:0.00} {(g.IsMet ? "met" : "missed")}")
                : "";
            string ratio = r.Ratio is null ? ""
                : string.Create(CultureInfo.InvariantCulture, $"{r.Ratio:0.00} ({r.RatioLow:0.00}..{r.RatioHigh:0.00})");
            text.AppendLine(CultureInfo.InvariantCulture,
                $"| {r.Name} | {r.Milliseconds:0.0000} {r.Variant} | {r.PeerMilliseconds:0.0000} {r.PeerVariant} | {ratio} | {r.Verdict} "
                    + $"| {goal} | {Variant("eager")} | {Variant("graph")} | {Variant("compile")} | {r.Teraflops:0.0} | "
                    + $"{r.GigabytesPerSecond:0} | {r.ShareOfRoof:0%} | {r.Limiter} | {r.Spread:0%}, {r.PeerSpread:0%} | {r.Clock} | "
                    + $"{r.Difference:0.0e0} | {r.Note} |");
        }
        Steps(text, rows, joined);
        text.Append("\n## Goals\n\n");
        foreach (var goal in goals)
            text.AppendLine(CultureInfo.InvariantCulture, $"- {goal}{(goal.Of > 1 ? $" ({goal.Of} shapes)" : "")}");
        text.AppendLine(CultureInfo.InvariantCulture,
            $"{(goals.Count == 0 ? "" : "\n")}{goals.Count(g => g.IsMet)} of {goals.Count} that could be judged are met; "
                + $"{joined.Count(r => r.Verdict == "results differ")} rows' results differ; "
                + $"{joined.Count(r => r.Note?.StartsWith("suspect", StringComparison.Ordinal) == true)} are suspect.");
        text.Append("\n## Again\n\n");
        foreach (var r in joined)
            text.AppendLine(CultureInfo.InvariantCulture, $"- {r.Name}: `{r.Rerun}`");
        return text.ToString().ReplaceLineEndings("\n");
    }

    /// <summary>Images a second, memory and the host's time of whole steps; the peer's as eager, graph, compile.</summary>
    private static void Steps(StringBuilder text, IReadOnlyList<GpuRow> rows, IReadOnlyList<JoinedRow> joined)
    {
        var steps = rows.Zip(joined).Where(r => r.Second is { Step: not null, Milliseconds: not null }).Select(r => r.Second).ToList();
        if (steps.Count == 0)
            return;
        text.Append("""

            ## Whole steps

            | row | images/s | peer: eager, graph, compile | peak MB | peer's | of eager | host ms | as a graph | peer's |
            | --- | --- | --- | --- | --- | --- | --- | --- | --- |

            """.ReplaceLineEndings("\n"));
        foreach (var r in steps)
        {
            var s = r.Step!;
            static string Each<T>(IReadOnlyDictionary<string, T> values, Func<T, double> value, string format) =>
                values.Count == 0 ? "" : string.Join(", ",
                new[] { "eager", "graph",
                    "compile" }.Select(v => values.TryGetValue(v, out var x) ? value(x).ToString(format, CultureInfo.InvariantCulture)
                        : "none"));
            text.AppendLine(CultureInfo.InvariantCulture,
                $"| {r.Name} | {s.ImagesPerSecond:0.0} | {Each(s.PeerImagesPerSecond, v => v, "0.0")} | {s.PeakBytes / 1e6:0} | "
                    + $"{Each(s.PeerPeakBytes, v => v / 1e6, "0")} | {s.MemoryRatio:0.00} | {s.HostMilliseconds:0.00} | "
                    + $"{s.GraphHostMilliseconds:0.00} | {Each(s.PeerHostMilliseconds, v => v, "0.00")} |");
        }
    }

    private static T Read<T>(string folder, string file, string writer, Func<string, T> read)
    {
        string path = Path.Combine(folder, file);
        if (!File.Exists(path))
            throw new IOException($"there is no {path}; {writer} writes it");
        return read(path);
    }
}
