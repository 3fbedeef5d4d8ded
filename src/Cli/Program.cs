using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using BDense.Cli.Terminal;
using BDense.Cli.Verbs;
using BDense.Cli.Verbs.Datasets;
using BDense.Cli.Verbs.Exporting;
using BDense.Cli.Verbs.Measuring;
using BDense.Cli.Verbs.Runs;
using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Model.FileSystem;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace BDense.Cli;

/// <summary>
/// The <c>bdense</c> command. Exit codes: 0 done, 1 failed (also where standard output takes no results), 2 a usage error, 130 stopped by
/// Ctrl-C, 143 by TERM, 129 by HUP.
/// </summary>
public static partial class Program
{
    public static int Main(string[] args) => FileLimit.IsEnough() ? Start(args).GetAwaiter().GetResult() : 1;

    // Not a part of Main: what it needs is loaded only when it is called.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<int> Start(string[] args)
    {
        // After HUP it is likely that nobody listens any more.
        var error = new SurvivingWriter(StandardStreams.Error);
        using var signals = new Signals(line => error.WriteLine($"bdense: {line}"), Environment.Exit, () => Files.IsWaiting).Listen();
        int code = await Run(args, StandardStreams.Output, error.Inner, signals.Token).ConfigureAwait(false);
        // What was stopped says 130, whichever signal it was.
        return code == Stopped ? signals.ExitCode ?? code : code;
    }

    private const int Stopped = 130;

    /// <summary>
    /// As <see cref="Main"/>, writing results to <paramref name="output"/> and everything else to <paramref name="error"/>.
    /// </summary>
    public static async Task<int> Run(string[] args, TextWriter output, TextWriter error, CancellationToken cancellation = default)
    {
        var (results, notes) = (new SurvivingWriter(output), new SurvivingWriter(error));
        var ui = new Ui(results, notes);
        int code = await Run(args, ui, cancellation).ConfigureAwait(false);
        results.Flush();
        if (results.Failure is null || code != 0)
            return code;
        // The results are lost, whatever else was done.
        ui.Note($"bdense: cannot write to standard output: {results.Failure}");
        return 1;
    }

    private static async Task<int> Run(string[] args, Ui ui, CancellationToken cancellation)
    {
        // A file's name may begin with @; the library would read such an argument as a file of further arguments.
        var parse = Root(ui).Parse(CompletionScript.Question(args), new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parse.Errors.Count > 0 && parse.Action is not HelpAction)
        {
            string verb = PathOf(parse.CommandResult.Command);
            string message = Complaint(parse, verb);
            ui.Note($"bdense: {OneLine(message)} (see 'bdense {verb}--help')");
            return 2;
        }

        var empty =
            parse.CommandResult.Command.Options.FirstOrDefault(
                o => parse.GetResult(o) is { Implicit: false } given && given.Tokens.Any(t => t.Value.Length == 0));
        if (empty is not null && parse.Action is not HelpAction)
        {
            ui.Note($"bdense: {empty.Name} is given nothing (see 'bdense {PathOf(parse.CommandResult.Command)}--help')");
            return 2;
        }

        try
        {
            return await parse.InvokeAsync(new InvocationConfiguration
            {
                Output = ui.Output,
                Error = ui.Error,
                EnableDefaultExceptionHandler = false,
                // Signals are ours: the library's own handler does not survive a second one.
                ProcessTerminationTimeout = null,
            }, cancellation).ConfigureAwait(false);
        }
        catch (InvalidOperationException) when (CompletionScript.IsQuestion(args))
        {
            // The library fails at some lines that are no commands yet: there is nothing to offer.
            return 0;
        }
        catch (Exception e) when (Failure(e) is { } failure)
        {
            ui.Note($"bdense: {failure.Line}");
            return failure.Code;
        }
    }

    /// <summary>The exit code and the one line for an exception that is no bug; none for one that is.</summary>
    internal static (int Code, string Line)? Failure(Exception exception) => exception switch
    {
        OperationCanceledException e =>
            (Stopped, $"stopped{(e.Message.Contains("resume", StringComparison.Ordinal) ? ": " + OneLine(e.Message) : "")}"),
        UsageException e => (2, OneLine(e.Message)),
        // An array that the machine has no memory for; the message of the system names nothing.
        OutOfMemoryException => (1, "there is not enough memory for this; ask for less at once: a smaller --batch, --count or --limit"),
        BDenseException or IOException or UnauthorizedAccessException => (1, OneLine(exception.Message)),
        // The driver's own errors, where nothing in between has made a sentence of them.
        CudaException e =>
            (1, $"the device failed: {e.Error}: {OneLine(e.Message)}{(DeviceCatalog.Finding is { } finding ? ": " + finding : "")}"),
        AcceleratorException e => (1, $"the device failed: {OneLine(e.Message)}"),
        _ => null,
    };

    /// <summary>A command as it is typed, with a blank behind: "data show "; nothing for none.</summary>
    internal static string PathOf(Command command) => command is RootCommand ? ""
        : $"{string.Concat(command.Parents.OfType<Command>().Take(1).Select(PathOf))}{command.Name} ";

    /// <summary>What is wrong with a command line: one thing, the one that most likely brought the others about.</summary>
    private static string Complaint(ParseResult parse, string verb)
    {
        string message = parse.Errors[0].Message;
        if (Twice().Match(message) is { Success: true } twice)
            return $"{twice.Groups[1].Value} is given {twice.Groups[2].Value} times; it takes one value";
        if (parse.UnmatchedTokens.Count == 0)
            return message;
        string unknown = parse.UnmatchedTokens[0];
        var command = parse.CommandResult.Command;
        // The complaint about a missing verb hides that the given one is unknown.
        if (verb.Length == 0)
        {
            var verbs = command.Subcommands.Select(c => c.Name);
            if (unknown.StartsWith('-'))
                return $"a verb comes first, not {Printable.Quoted(unknown)}; there are {string.Join(", ", verbs)}";
            // Not verbs here, as they are elsewhere.
            if (unknown is "version" or "help")
                return $"there is no verb '{unknown}'; write 'bdense --{unknown}'";
            return $"there is no verb {Printable.Quoted(unknown)}"
                + $"{(Suggestion.For(unknown, verbs) is { Length: > 0 } near ? near : $"; there are {string.Join(", ", verbs)}")}";
        }
        if (command.Subcommands.Count > 0 && !unknown.StartsWith('-'))
            return $"there is no verb {Printable.Quoted(verb + unknown)}"
                + $"{Suggestion.OrAll(unknown, command.Subcommands.Select(c => c.Name))}";
        // So does one about a required option that was misspelt.
        return unknown.StartsWith('-')
            ? $"{verb}has no option {Printable.Quoted(unknown)}{Suggestion.For(unknown, command.Options.Select(o => o.Name))}" : message;
    }

    [GeneratedRegex(@"^Option '([^']+)' expects a single argument but (\d+) were provided", RegexOptions.CultureInvariant)]
    private static partial Regex Twice();

    internal static RootCommand Root(Ui ui)
    {
        var verbs = new Verb[]
        {
            Demo.Verb(ui), Train.Verb(ui), Distill.Verb(ui), Fit.Verb(ui), Sample.Verb(ui), Evaluate.Verb(ui), Statistics.Verb(ui),
            Reproduce.Verb(ui), EmaVerb.Verb(ui), Export.Verb(ui), DataVerb.Verb(ui), DevicesVerb.Verb(ui), ProcessesVerb.Verb(ui),
            Info.Verb(ui), KernelsVerb.Verb(ui), FusionVerb.Verb(ui), ProfileVerb.Verb(ui), TuneVerb.Verb(ui), Study.Verb(ui),
            CompletionVerb.Verb(ui),
        };
        Verb[] all = [.. verbs, .. verbs.SelectMany(verb => verb.Inner)];
        var root = new RootCommand("B-DENSE: K-branch distillation of diffusion models, with kernels written in C#.");
        foreach (var verb in all)
            CompletionWords.Attach(verb.Command);
        foreach (var verb in verbs)
            root.Subcommands.Add(verb.Command);
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpWithExamples((SynchronousCommandLineAction)help.Action!, all);
        root.Options.OfType<VersionOption>().Single().Action = new ShowVersion();
        return root;
    }

    private static string OneLine(string text) =>
        Printable.Text(string.Join(' ', text.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)));

    private sealed class ShowVersion : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            parseResult.InvocationConfiguration.Output.WriteLine(ProgramVersion.Text);
            return 0;
        }

        public override bool ClearsParseErrors => true;
    }

    /// <summary>The library's help, then the verb's examples.</summary>
    private sealed class HelpWithExamples(SynchronousCommandLineAction help, Verb[] verbs) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            var output = parseResult.InvocationConfiguration.Output;
            using var text = new StringWriter();
            parseResult.InvocationConfiguration.Output = text;
            var verb = verbs.FirstOrDefault(v => v.Command == parseResult.CommandResult.Command);
            verb?.BeforeHelp?.Invoke(parseResult);
            help.Invoke(parseResult);
            parseResult.InvocationConfiguration.Output = output;
            output.Write(Default().Replace(text.ToString(), m => m.Value.ToLowerInvariant()));
            output.WriteLine(verb is { Examples.Length: > 1 } ? "Examples:" : "Example:");
            foreach (string example in verb?.Examples ?? ["bdense demo --quick"])
                output.WriteLine("  " + example);
            return 0;
        }

        public override bool ClearsParseErrors => true;
    }

    /// <summary>A choice that is the default, which the library names as C# does: it is shown as it is typed.</summary>
    [GeneratedRegex(@"\[default: [A-Z]\w*\]", RegexOptions.CultureInvariant)]
    private static partial Regex Default();
}

/// <summary>A command and the examples under its help.</summary>
internal sealed record Verb(Command Command, params string[] Examples)
{
    /// <summary>Fits the help to what else is on the command line; or none.</summary>
    public Action<ParseResult>? BeforeHelp { get; init; }

    /// <summary>The verbs within it: <c>bdense data show</c>.</summary>
    public IReadOnlyList<Verb> Inner { get; init; } = [];
}
