using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace BDense.Benchmarks.Comparison;

/// <summary>The machine and what was compared on it.</summary>
public sealed record Header(string Date, string Processor, int Cores, string OperatingSystem, string Runtime, string Reference, int Threads,
    IReadOnlyList<string> Peers, string Protocol);

/// <summary>Rows as a table for people or as one JSON object.</summary>
public static class Report
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    public static string Columns =>
        $"{"name",-48} {"peer",-16} {"ours ms",10} {"peer ms",10} {"ratio",7} {"best",7} {"cpu",7} {"spread",7} {"GFLOP/s",8} "
            + $"{"GB/s",7}  notes";

    public static string Line(Row r)
    {
        string notes =
            r.Note ?? string.Join(", ", new[] { r.Variant, r.Difference is { } d ? Text($"differs by {d:0.0e0}") : null }.OfType<string>());
        return string.Create(CultureInfo.InvariantCulture,
            $"{r.Name,-48} {r.Peer,-16} {r.Milliseconds,10:0.0000} {r.PeerMilliseconds,10:0.0000} {r.Ratio,7:0.000} "
                + $"{r.BestRatio,7:0.000} {r.ProcessorRatio,7:0.000} {r.Spread,7:0.00} {r.Gflops,8:0.0} {r.GigabytesPerSecond,7:0.0}  "
                + $"{notes}");
    }

    /// <summary>One line for every peer and family of rows: the geometric mean of the ratios.</summary>
    public static IEnumerable<string> Means(IEnumerable<Row> rows) => rows
        .Where(r => r.Ratio > 0)
        .GroupBy(r => (r.Peer, Family: Family(r.Name)))
        .Select(g =>
            string.Create(CultureInfo.InvariantCulture,
                $"{g.Key.Family,-48} {g.Key.Peer,-16} {"",10} {"",10} {Math.Exp(g.Average(r => Math.Log(r.Ratio!.Value))),7:0.000} "
                + $"{(g.All(r => r.BestRatio > 0) ? Math.Exp(g.Average(r => Math.Log(r.BestRatio!.Value))) : (double?)null),7:0.000}  "
                + $"geometric mean of {g.Count()}"));

    public static string ToJson(Header header, IReadOnlyList<Row> rows) => JsonSerializer.Serialize(new
    {
        header,
        rows,
        means = rows.Where(r => r.Ratio > 0).GroupBy(r => (r.Peer, Family: Family(r.Name))).Select(g => new
        {
            name = g.Key.Family,
            peer = g.Key.Peer,
            ratio = Math.Exp(g.Average(r => Math.Log(r.Ratio!.Value))),
            rows = g.Count(),
        }),
    }, Json);

    /// <summary>The name's words without a digit first: "conv3x3 forward", "adam+ema".</summary>
    public static string Family(string name) => string.Join(' ', name.Split(' ').Where(word => !char.IsAsciiDigit(word[0])));

    public static string Processor()
    {
        const string Key = "model name";
        try
        {
            string? line = File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith(Key, StringComparison.Ordinal));
            if (line is not null)
                return line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Not Linux.
        }
        return Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? RuntimeInformation.ProcessArchitecture.ToString();
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
