using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using BDense.Model;

namespace BDense.Benchmarks.Gpu;

/// <summary>The verb <c>join</c>: one table of ratios from what <c>gpu</c> and <c>torch_peer.py</c> left in a folder.</summary>
public static class JoinCommand
{
    /// <param name="args">After <c>join</c>.</param>
    /// <returns>Exit code: 0; 1 if a file is missing or a result differs from the peer's; 2 for a wrong option.</returns>
    public static int Run(string[] args)
    {
        var folder = new Argument<string>("folder") { Description = "With rows.json, ours.json and torch.json; results.json and results.md are written beside them." };
        var root = new RootCommand("Joins our figures and PyTorch's into one table of ratios, as JSON and Markdown.") { folder };
        root.SetAction(parse =>
        {
            try
            {
                return Join(parse.GetValue(folder)!);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
            {
                Console.Error.WriteLine($"join: {e.Message}");
                return 1;
            }
        });
        return root.Parse(args).Invoke();
    }

    private static int Join(string folder)
    {
        var rows = Read<List<GpuRow>>(folder, "rows.json", "the benchmark verb gpu");
        var ours = Read<GpuReport>(folder, "ours.json", "the benchmark verb gpu");
        var peer = Read<GpuReport>(folder, "torch.json", "benchmarks/peers/torch_peer.py");
        var joined = Rows(rows, ours, peer);
        var machine = ours.Machine.Select(m => ($"ours: {m.Key}", m.Value)).Concat(peer.Machine.Select(m => ($"peer: {m.Key}", m.Value))).ToDictionary(m => m.Item1, m => m.Item2);
        AtomicFile.WriteText(Path.Combine(folder, "results.json"), JsonSerializer.Serialize(new { machine, rows = joined },
            new JsonSerializerOptions(GpuReport.Json) { WriteIndented = true, NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals }));
        string table = Markdown(machine, rows, joined);
        AtomicFile.WriteText(Path.Combine(folder, "results.md"), table);
        Console.Write(table);
        return joined.Any(r => r.Verdict == "results differ") ? 1 : 0;
    }

    /// <summary>One joined row for each row that either side measured.</summary>
    public static IReadOnlyList<JoinedRow> Rows(IReadOnlyList<GpuRow> rows, GpuReport ours, GpuReport peer)
    {
        var roofs = Roofs.Of(rows, [.. ours.Rows, .. peer.Rows]);
        return [.. rows.Select(row => JoinedRow.Of(row, [.. ours.Rows.Where(r => r.Name == row.Name)], [.. peer.Rows.Where(r => r.Name == row.Name)], roofs))];
    }

    private static string Markdown(Dictionary<string, string> machine, List<GpuRow> rows, IReadOnlyList<JoinedRow> joined)
    {
        var text = new StringBuilder("# Against PyTorch\n\n");
        foreach (var (name, value) in machine)
            text.AppendLine(CultureInfo.InvariantCulture, $"- {name}: {value}");
        text.AppendLine("""

            Ratio: our time / the peer's fastest variant, medians of CUDA-event times; in brackets our p10 / its p90 and our p90 / its p10.
            Roof: the least time that the measured copy bandwidth and matrix product allow / our time. Difference: of the results, ||ours - peer's|| / ||peer's||.

            | row | ours ms | peer ms | ratio | verdict | eager | graph | compile | TFLOP/s | GB/s | roof | limiter | spread | MHz | memory | difference | note |
            | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
            """.ReplaceLineEndings("\n").TrimStart('\n').Insert(0, "\n"));
        foreach (var r in joined)
        {
            string Variant(string name) => r.RatioOfVariant.TryGetValue(name, out double ratio) ? ratio.ToString("0.00", CultureInfo.InvariantCulture) : "";
            text.AppendLine(CultureInfo.InvariantCulture, $"| {r.Name} | {r.Milliseconds:0.0000} | {r.PeerMilliseconds:0.0000} | {r.Ratio:0.00} ({r.RatioLow:0.00}..{r.RatioHigh:0.00}) | {r.Verdict} | {Variant("eager")} | {Variant("graph")} | {Variant("compile")} | {r.Teraflops:0.0} | {r.GigabytesPerSecond:0} | {r.ShareOfRoof:0%} | {r.Limiter} | {r.Spread:0%}, {r.PeerSpread:0%} | {r.ClockRange} | {r.PeakRatio:0.00} | {r.Difference:0.0e0} | {r.Note} |");
        }
        text.AppendLine();
        foreach (var group in rows.Zip(joined).Where(r => r.Second.Ratio is not null).GroupBy(r => (r.First.Kind, r.First.Precision)))
        {
            double[] ratios = [.. group.Select(r => r.Second.Ratio!.Value)];
            text.AppendLine(CultureInfo.InvariantCulture, $"- {group.Key.Kind} {group.Key.Precision}: geometric mean {Math.Exp(ratios.Average(Math.Log)):0.00} of {ratios.Length}, worst {ratios.Max():0.00}");
        }
        return text.ToString().ReplaceLineEndings("\n");
    }

    private static T Read<T>(string folder, string file, string writer)
    {
        string path = Path.Combine(folder, file);
        if (!File.Exists(path))
            throw new IOException($"there is no {path}; {writer} writes it");
        return JsonSerializer.Deserialize<T>(File.ReadAllText(path), GpuReport.Json) ?? throw new JsonException($"{path} is empty");
    }
}
