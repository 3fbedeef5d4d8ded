using System.CommandLine;
using System.Globalization;
using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Model.Autodiff;
using BDense.Training.Data;
using BDense.Training.Runs;

namespace BDense.Cli.Terminal;

/// <summary>The options that most verbs share, under one name and one description.</summary>
internal static class CommonOptions
{
    public static Option<string> Device() => new("--device")
    {
        Description = $"Where to compute: {DeviceCatalog.Specs}. auto is CUDA if there is one, else cpu; virtual is an NVIDIA GPU "
            + "in software.",
        HelpName = "DEVICE",
        DefaultValueFactory = _ => "auto",
    };

    public static Option<int> Threads() =>
        Numbers.Int("--threads", "Threads of the CPU reference; 0 for one a core.", 0, min: 0, max: Most.Threads);

    public static Option<Precision> Precision() => Choice("--precision",
        "What convolutions, matrix products and attention multiply in; tf32 and bf16 need an NVIDIA GPU of compute capability 8.0 or "
        + "newer. Weights, sums and the optimizer stay float32.",
        Kernels.Precision.Fp32);

    public static Option<ulong> Seed() => Numbers.Seed("--seed", "Seed of everything random.", 1);

    public static Option<bool> Json() => new("--json")
    {
        Description = "Print one JSON object on standard output, everything else on standard error.",
    };

    public static Option<string> Out(string description, string @default) =>
        new("--out") { Description = description, HelpName = "PATH", DefaultValueFactory = _ => @default };

    public static Option<string?> Data() => new("--data")
    {
        Description = $"Dataset: {Dataset.Formats}. Class folders are numbered naturally from 0: 2 before 10. Without it the "
            + "built-in one.",
        HelpName = "PATH",
    };

    public static Option<int> Resolution() =>
        Numbers.Int("--resolution", "Rows of an image; larger ones are averaged down. 0: as stored (built-in: 16).", 0, min: 0,
            max: Most.Resolution);

    public static Option<int> Limit() => Numbers.Int("--limit", "Use at most so many images; 0 for all.", 0, min: 0, max: Most.Images);

    public static Option<string> Fuse() => new("--fuse")
    {
        Description = $"Fused kernels: usual (all but {NotUsual}), all, none, or names with commas between; -name switches one off. "
            + $"{string.Join(", ", Fusions.Names)}.",
        HelpName = "NAMES",
        DefaultValueFactory = _ => "usual",
    };

    private static string NotUsual =>
        string.Join("; ", from fusion in FusionCatalog.All
                          where fusion.NotUsual is not null
                          select $"{fusion.Name}, which {fusion.NotUsual}");

    public static Option<bool> Recompute() => new("--recompute")
    {
        Description = "Keep each block's input alone and run the block again in the backward pass: less memory, the same bits.",
    };

    public static Option<bool> Graph() => new("--graph")
    {
        Description = "Capture steps once and replay them (CUDA graphs; recorded launches on OpenCL): less host time, the same bits.",
    };

    /// <summary>How passes run, with a word where the device cannot capture them.</summary>
    public static Execution Execution(this ParseResult parse, Ui ui, Backend backend, Fusions fusions, bool recompute, Option<bool> graph)
    {
        bool capture = parse.GetValue(graph);
        if (capture && backend.Graphs is null)
            ui.Note($"--graph: {backend.Name} launches nothing that could be captured; steps run as they are");
        else if (capture && backend.Graphs is { Name: not "CUDA graph" } graphs)
            ui.Note($"--graph: {backend.Name} has no graphs; {graphs.Name} are issued again one by one");
        backend.OnNotice = ui.Note;
        return new Execution(fusions, recompute, capture && backend.Graphs is not null);
    }

    /// <summary>One value of an enumeration, in lower case.</summary>
    public static Option<T> Choice<T>(string name, string description, T @default)
        where T : struct, Enum
    {
        string[] names = [.. Enum.GetNames<T>().Select(n => n.ToLowerInvariant())];
        var option = new Option<T>(name)
        {
            Description = $"{description} One of {string.Join(", ", names)}.",
            HelpName = "NAME",
            DefaultValueFactory = _ => @default,
            CustomParser = result =>
            {
                // Enum.Parse by itself takes numbers and lists of names too, which name nothing.
                string text = result.Tokens[0].Value;
                if (Enum.GetNames<T>().FirstOrDefault(n => n.Equals(text, StringComparison.OrdinalIgnoreCase)) is { } exact)
                    return Enum.Parse<T>(exact);
                result.AddError($"{name}: there is no '{text}'{Suggestion.OrAll(text, names)}");
                return default;
            },
        };
        // The library's own words are spelt as C# spells them.
        option.CompletionSources.Clear();
        option.CompletionSources.Add(names);
        return option;
    }

    /// <summary>One of some names, or none where it is left out.</summary>
    public static Option<string?> Choice(string name, string description, IReadOnlyList<string> names)
    {
        var option = new Option<string?>(name)
        {
            Description = $"{description} One of {string.Join(", ", names)}.",
            HelpName = "NAME",
            CustomParser = result =>
            {
                string text = result.Tokens[0].Value;
                if (names.FirstOrDefault(n => n.Equals(text, StringComparison.OrdinalIgnoreCase)) is { } exact)
                    return exact;
                result.AddError($"{name}: there is no '{text}'{Suggestion.OrAll(text, names)}");
                return null;
            },
        };
        option.CompletionSources.Add([.. names]);
        return option;
    }

    /// <summary>The last iteration's loss, and speed; the time left stands beside it.</summary>
    public static string Text(this TrainingProgress p) =>
        string.Create(CultureInfo.InvariantCulture, $"loss {p.Loss:0.0000} now  {p.ImagesPerSecond:0} images/s");

    /// <summary>Opens the device that the options name.</summary>
    /// <exception cref="BDenseException">There is no such device, or it has not that precision.</exception>
    public static Backend Open(this ParseResult parse, Option<string> device, Option<int> threads, Option<Precision>? precision = null)
    {
        var backend = DeviceCatalog.Open(parse.GetValue(device)!, parse.GetValue(threads),
            precision is null ? Kernels.Precision.Fp32 : parse.GetValue(precision));
        if (backend.Notice is { } notice)
            parse.InvocationConfiguration.Error.WriteLine(notice);
        backend.OnNotice = parse.InvocationConfiguration.Error.WriteLine;
        return backend;
    }
}
