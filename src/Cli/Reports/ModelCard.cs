using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Training.Distillation;
using BDense.Training.Runs;

namespace BDense.Cli.Reports;

/// <summary>
/// The README of a folder that leaves by <c>export</c>: what the model was made from, by which configuration and seed, what it costs and
/// how good it was found. What is not known is said to be so; nothing is guessed.
/// </summary>
/// <param name="Path">What was exported: a run's folder, a checkpoint or a file.</param>
/// <param name="Config">The exported network's.</param>
/// <param name="Parameters">How many.</param>
internal sealed record ModelCard(string Path, NetworkConfig Config, long Parameters)
{
    public const string FileName = "README.md";

    private const string Unknown = "unknown";

    /// <summary>SHA-256 of the network that was exported.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>As a person would type it.</summary>
    public required string Command { get; init; }

    /// <summary>Name of each file and what it is.</summary>
    public required IReadOnlyList<(string Name, string What)> Files { get; init; }

    /// <summary>Network evaluations an image; none where it depends on the sampler.</summary>
    public int? Nfe { get; init; }

    /// <summary>Noise levels of the student or the sampler; none where a network alone leaves.</summary>
    public IReadOnlyList<double>? Levels { get; init; }

    /// <summary>The options that make the same sampler again, as <c>sample</c> takes them.</summary>
    public string? Sampler { get; init; }

    /// <summary>The interval whose folded network this is; none for all.</summary>
    public int? Interval { get; init; }

    /// <summary>As asked for; none where nobody said.</summary>
    public string? Licence { get; init; }

    /// <summary>A file of what <c>evaluate --json</c> printed; none where none was given.</summary>
    public string? Results { get; init; }

    /// <summary>Programs that run the model: language, file and text.</summary>
    public IReadOnlyList<(string Language, string File, string Text)> Examples { get; init; } = [];

    /// <summary>The text.</summary>
    /// <exception cref="BDenseException">The run's configuration or the results cannot be read, or no result is of this model.</exception>
    public string Text()
    {
        var run = RunOf(Path);
        var text = new StringBuilder();
        text.Append($"# {System.IO.Path.GetFileName(System.IO.Path.GetFullPath(Path).TrimEnd('/'))}\n\n");
        text.Append($"A diffusion model exported by `bdense` {typeof(ModelCard).Assembly.GetName().Version!.ToString(3)}.\n\n");
        text.Append("| | |\n|---|---|\n");
        foreach (var (name, value) in Facts(run))
            text.Append($"| {name} | {Cell(value)} |\n");
        Section(text, "Files", string.Concat(Files.Select(file => $"- `{file.Name}`: {file.What}\n")));
        Section(text, "Commands", Commands(run));
        Section(text, "Figures", Results is null
            ? "Unknown: none were given. `bdense evaluate --json > results.json`, then `export --results results.json`.\n"
            : CardFigures.Of(Results, Path, Nfe));
        foreach (var (language, file, program) in Examples)
            Section(text, $"{(language == "csharp" ? "C#" : "Python")}: `{file}`", $"```{language}\n{program}```\n");
        if (run is not null)
            Section(text, "Configuration of the run", $"```json\n{RunJson.ToText(run)}\n```\n");
        return text.ToString();
    }

    private IEnumerable<(string Name, string Value)> Facts(JsonObject? run)
    {
        yield return ("made from", $"`{Path}`, network SHA-256 {Fingerprint}");
        yield return ("run", run is null ? $"{Unknown}: a checkpoint alone, without its run"
            : $"{run["kind"]}, SHA-256 {RunFolder.Existing(Path).Identity}");
        yield return ("method", MethodOf(run));
        yield return ("teacher", run is null ? Unknown
            : run.ContainsKey(RunFolder.DistillKey) ? Source(run, RunData.TeacherKey) : "none: trained on data");
        yield return ("data", DataOf(run));
        yield return ("seed", run?[RunFolder.DistillKey]?["seed"]?.ToString() ?? run?["seed"]?.ToString()
            ?? run?["teacher"]?["seed"]?.ToString() ?? Unknown);
        yield return ("network", FormattableString.Invariant(
            $"{Config.Family}, {Config.ImageChannels} x {Config.Resolution} x {Config.Resolution}, {Parameters} parameters"));
        yield return ("heads", Config.Branches.ToString(CultureInfo.InvariantCulture)
            + (Interval is { } i ? FormattableString.Invariant($", folded for interval {i}") : ""));
        yield return ("classes", Config.LabelCount == 0 ? "none" : FormattableString.Invariant($"{Config.LabelCount}, numbered from 0"));
        yield return ("prediction", Config.Prediction.ToString().ToLowerInvariant());
        yield return ("NFE", Nfe?.ToString(CultureInfo.InvariantCulture) ?? "that of the sampler it is used with");
        yield return ("noise levels", Levels is null ? "those of the sampler it is used with"
            : string.Join(", ", Levels.Select(s => s.ToString("g6", CultureInfo.InvariantCulture))));
        yield return ("licence", Licence ?? $"{Unknown}: nobody said (`export --license`); that of the data and the teacher counts too");
    }

    private string Commands(JsonObject? run)
    {
        var text = new StringBuilder("```sh\n");
        if (run is not null)
        {
            foreach (string command in TeacherCommands(run))
                text.Append($"{Printable.Text(command)}\n");
            var commands = RunFolder.Existing(Path).ReadCommands();
            if (commands.Count == 0)
                text.Append("# the run's own command line was not kept; its configuration is at the end\n");
            foreach (string command in commands)
                text.Append($"{Printable.Text(command)}\n");
        }
        text.Append($"{Command}\n");
        if (Sampler is not null)
            text.Append($"bdense sample --model {Verbs.SamplerGroup.Quoted(Path)} {Sampler}\n");
        return text.Append("```\n").ToString();
    }

    /// <summary>Of the teacher's run, where it still is.</summary>
    private static IReadOnlyList<string> TeacherCommands(JsonObject run)
    {
        return TeacherRun(run) is { } path ? RunFolder.Existing(path).ReadCommands() : [];
    }

    /// <summary>The folder of the run that the teacher's checkpoint lies in; none where there is no teacher, or it is gone.</summary>
    private static string? TeacherRun(JsonObject? run)
    {
        string? path = run?[RunData.TeacherKey] is JsonValue value ? value.ToString() : null;
        while (path is not null && !Directory.Exists(System.IO.Path.Combine(path, RunFolder.CheckpointsFolder)))
            path = System.IO.Path.GetDirectoryName(path);
        return path;
    }

    private string MethodOf(JsonObject? run) =>
        run is null ? Unknown : Student.IsStudent(Path) ? Student.OptionsOf(Path).Title : "denoising score matching";

    private static string DataOf(JsonObject? run)
    {
        if (run?["data"]?.ToString() is { Length: > 0 })
            return Source(run, "data");
        // A distillation without data has learned from what its teacher was trained on; the teacher's run says what, if it is there.
        return TeacherRun(run) is { } teacher && RunData.DataOf(teacher) is var (name, print)
            ? $"none itself; its teacher's: {name}, {print}"
            : run is null ? Unknown : $"none itself; its teacher's: {Unknown}";
    }

    private static string Source(JsonObject run, string key)
    {
        string name = run[key]?.ToString() ?? Unknown;
        return run[$"{key}Fingerprint"] is { } print ? $"`{name}`, {print}" : $"`{name}`, fingerprint {Unknown}";
    }

    /// <summary>A run's configuration; none where the path is a checkpoint alone.</summary>
    private static JsonObject? RunOf(string path) =>
        Directory.Exists(System.IO.Path.Combine(path, RunFolder.CheckpointsFolder)) ? RunFolder.Existing(path).ReadConfig() : null;

    private static void Section(StringBuilder text, string title, string body) => text.Append($"\n## {title}\n\n{body}");

    private static string Cell(string text) => Printable.Text(text).Replace("|", "\\|", StringComparison.Ordinal);
}
