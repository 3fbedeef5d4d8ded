using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Training.Runs;

namespace BDense.Cli.Reports;

/// <summary>The figures of a model card: from a file that <c>bdense evaluate --json</c> printed, as they stand there.</summary>
internal static class CardFigures
{
    private static readonly (string Key, string Title)[] s_figures =
    [
        ("endpointRmse", "RMSE to the teacher's endpoint"), ("endpointRmseFine", "RMSE to the teacher's fine trajectory"),
        ("frechetDistance", "Fréchet distance"), ("kernelDistance", "kernel distance"),
    ];

    /// <summary>A table of the figures of a model, with their intervals where there are some.</summary>
    /// <param name="file">The results.</param>
    /// <param name="path">The model, by the path that was evaluated.</param>
    /// <param name="nfe">Its evaluations, where the model has several.</param>
    /// <exception cref="BDenseException">No such file, or no result of that model in it.</exception>
    public static string Of(string file, string path, int? nfe)
    {
        var results = RunJson.Read(file);
        var all = (results["models"] as JsonArray)?.OfType<JsonObject>().ToList()
            ?? throw new BDenseException($"{file}: no results of 'bdense evaluate --json': there is no 'models' in it");
        var own = all.Find(m => Same(m["path"]?.ToString(), path) && (nfe is null || m["nfe"]?.GetValue<int>() is not { } n || n == nfe))
            ?? throw new BDenseException(
                $"{file}: no result of {path}{(nfe is null ? "" : FormattableString.Invariant($" with NFE {nfe}"))}; there are "
                    + $"{string.Join(", ", all.Select(m => m["path"]))}");
        var text = new StringBuilder("| figure | value | 95% interval |\n|---|--:|---|\n");
        foreach (var (key, title) in s_figures)
        {
            if (own[key] is JsonValue value)
                text.Append($"| {title} | {Number(value)} | {Interval(own[$"{key}Interval"])} |\n");
        }
        text.Append($"\nOver {results["count"]} samples, seed {results["seed"]}, device {results["device"]}");
        text.Append(results["features"] is { } features ? $", features {features}" : "");
        text.Append(results["data"] is { } data ? $", data {data}" : "");
        return text.Append(", as `bdense evaluate` printed them. An interval covers the noises, not the training's seeds.\n").ToString();
    }

    private static bool Same(string? a, string b) => a is not null && Path.GetFullPath(a).TrimEnd('/') == Path.GetFullPath(b).TrimEnd('/');

    private static string Interval(JsonNode? node) =>
        node is JsonArray { Count: 2 } ends ? $"{Number(ends[0]!)} to {Number(ends[1]!)}" : "unknown";

    private static string Number(JsonNode node) =>
        node.GetValueKind() == System.Text.Json.JsonValueKind.Number ? node.GetValue<double>().ToString("g4", CultureInfo.InvariantCulture)
            : node.ToString();
}
