using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using BDense.Kernels;
using BDense.Training;
using Spectre.Console;

namespace BDense.Cli.Terminal;

/// <summary>
/// What a verb says: results on standard output (tables for people, or with <c>--json</c> one JSON object and nothing else), progress and notes
/// on standard error. Progress bars where standard error is a terminal, plain lines where it is not.
/// </summary>
/// <param name="output">Standard output; text gets there through a <see cref="PrintableWriter"/>.</param>
/// <param name="error">Standard error likewise.</param>
internal sealed class Ui(TextWriter output, TextWriter error) : IStages
{
    private static readonly JsonSerializerOptions JsonOptions = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    private readonly IAnsiConsole _results = Console(output);
    private readonly IAnsiConsole _notes = Console(error);

    /// <summary>Standard output for text.</summary>
    public TextWriter Output { get; } = new PrintableWriter(output);

    /// <summary>Standard error for text.</summary>
    public TextWriter Error { get; } = new PrintableWriter(error);

    /// <summary>Set by <c>--json</c>: tables are left out, <see cref="Json"/> alone writes to standard output.</summary>
    public bool JsonOnly { get; set; }

    private static bool IsTerminal(TextWriter writer)
    {
        var stream = (writer as SurvivingWriter)?.Inner ?? writer;
        return ReferenceEquals(stream, System.Console.Error) ? !System.Console.IsErrorRedirected : ReferenceEquals(stream, System.Console.Out) && !System.Console.IsOutputRedirected;
    }

    /// <summary>A line for people, on standard error.</summary>
    public void Note(string text) => Error.WriteLine(Printable.Text(text));

    /// <summary>The verb's result as one JSON object, if <c>--json</c> asked for it.</summary>
    public void Json<T>(T value)
    {
        if (JsonOnly)
            Output.WriteLine(JsonSerializer.Serialize(value, JsonOptions));
    }

    /// <summary>A line of the verb's result, unless <c>--json</c> is on.</summary>
    public void Line(string text)
    {
        if (!JsonOnly)
            Output.WriteLine(Printable.Text(text));
    }

    /// <summary>A table of the verb's result, unless <c>--json</c> is on. The first column is left-aligned, the others right.</summary>
    public void Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        if (JsonOnly)
            return;
        var table = new Table().Border(TableBorder.Simple);
        for (int i = 0; i < columns.Count; i++)
        {
            var column = new TableColumn(Markup.Escape(columns[i]));
            table.AddColumn(i == 0 ? column : column.RightAligned());
        }
        foreach (var row in rows)
            table.AddRow([.. row.Select(cell => Markup.Escape(Printable.Text(cell)))]);
        _results.Write(table);
    }

    /// <summary>
    /// Runs a stage of <paramref name="total"/> steps. The stage calls its report after each: a bar with a status text on a terminal;
    /// elsewhere a plain line at most every five seconds and at the end.
    /// </summary>
    public T Stage<T>(string name, int total, Func<Action<int, string>, T> stage)
    {
        if (!IsTerminal(error))
            return PlainStage(name, total, stage);
        T result = default!;
        _notes.Progress()
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context =>
            {
                var task = context.AddTask(Markup.Escape(Printable.Text(name)), maxValue: Math.Max(1, total));
                result = stage((step, status) =>
                {
                    task.Value = step;
                    task.Description = Markup.Escape(Printable.Text($"{name}  {status}"));
                });
                task.Value = task.MaxValue;
            });
        return result;
    }

    private T PlainStage<T>(string name, int total, Func<Action<int, string>, T> stage)
    {
        var sinceStart = Stopwatch.StartNew();
        var sinceLine = Stopwatch.StartNew();
        string last = "";
        T result = stage((step, status) =>
        {
            last = status;
            if (sinceLine.Elapsed < TimeSpan.FromSeconds(5) || step >= total)
                return;
            sinceLine.Restart();
            double left = sinceStart.Elapsed.TotalSeconds / Math.Max(1, step) * (total - step);
            Note(string.Create(CultureInfo.InvariantCulture, $"{name}: {step}/{total}  {status}  {left:0} s left"));
        });
        Note(string.Create(CultureInfo.InvariantCulture, $"{name}: done in {sinceStart.Elapsed.TotalSeconds:0.0} s  {last}"));
        return result;
    }

    private static IAnsiConsole Console(TextWriter writer)
    {
        bool terminal = IsTerminal(writer);
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new ConsoleOutput(writer, terminal),
            Ansi = terminal ? AnsiSupport.Detect : AnsiSupport.No,
            Interactive = terminal ? InteractionSupport.Detect : InteractionSupport.No,
        });
        if (!terminal)
            console.Profile.Width = 160;
        return console;
    }

    /// <summary>A terminal through a writer of ours, which the library would not know to be one.</summary>
    private sealed class ConsoleOutput(TextWriter writer, bool isTerminal) : IAnsiConsoleOutput
    {
        private readonly AnsiConsoleOutput _stream = new((writer as SurvivingWriter)?.Inner ?? writer);

        public TextWriter Writer => writer;

        public bool IsTerminal => isTerminal;

        public int Width => _stream.Width;

        public int Height => _stream.Height;

        public void SetEncoding(System.Text.Encoding encoding) => _stream.SetEncoding(encoding);
    }
}
