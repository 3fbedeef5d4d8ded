using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using BDense.Experiments;
using BDense.Kernels;
using BDense.Training.Metrics;
using Spectre.Console;

namespace BDense.Cli.Terminal;

/// <summary>
/// What a verb says: results on standard output (tables for people, or with <c>--json</c> one JSON object and nothing else), progress and
/// notes on standard error. Progress bars where standard error is a terminal, plain lines where it is not.
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

    private static readonly Stopwatch s_clock = Stopwatch.StartNew();

    private readonly WholeProgress _whole = new(() => s_clock.Elapsed);
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
        return ReferenceEquals(stream, System.Console.Error) ? !System.Console.IsErrorRedirected
            : ReferenceEquals(stream, System.Console.Out) && !System.Console.IsOutputRedirected;
    }

    /// <summary>A line for people, on standard error.</summary>
    public void Note(string text) => Write(Error, _notes, text);

    /// <summary>On a terminal between words, elsewhere as one line.</summary>
    private static void Write(TextWriter writer, IAnsiConsole console, string text)
    {
        foreach (string line in Wrapping.Lines(Printable.Text(text), console.Profile.Width))
            writer.WriteLine(line);
    }

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
            Write(Output, _results, text);
    }

    /// <summary>
    /// A table of the verb's result, unless <c>--json</c> is on. The first column is left-aligned, the others right; on a terminal that is
    /// too narrow a listing.
    /// </summary>
    public void Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        if (JsonOnly)
            return;
        List<IReadOnlyList<string>> cells = [.. rows.Select(row => (IReadOnlyList<string>)[.. row.Select(Printable.Text)])];
        if (Listing.Width(columns, cells) > _results.Profile.Width)
        {
            foreach (string line in Listing.Lines(columns, cells))
                Line(line);
            return;
        }
        var table = new Table().Border(TableBorder.Simple);
        for (int i = 0; i < columns.Count; i++)
        {
            var column = new TableColumn(Markup.Escape(columns[i]));
            table.AddColumn(i == 0 ? column : column.RightAligned());
        }
        foreach (var row in cells)
            table.AddRow([.. row.Select(Markup.Escape)]);
        _results.Write(table);
    }

    /// <summary>The stages to come, so that the time of all is told.</summary>
    public void Whole(IEnumerable<PlannedStage> stages) => _whole.Plan(stages);

    /// <summary>Likewise where their seconds are known beforehand, which are said at once.</summary>
    public void Expect(params IReadOnlyCollection<PlannedStage> seconds)
    {
        if (_whole.Expect(seconds) is { } announcement)
            Note($"bdense: {announcement}");
    }

    /// <summary>
    /// Runs a stage of <paramref name="total"/> of a unit. The stage calls its report after each: a bar with a status text on a terminal;
    /// elsewhere a plain line at most every five seconds and at the end. Once the speed is known, a line says how long it will take.
    /// </summary>
    public T Stage<T>(string name, int total, Func<Action<int, string>, T> stage, string unit = "images")
    {
        _whole.Begin(name, total);
        T result = IsTerminal(error) ? BarStage(name, total, stage, unit) : PlainStage(name, total, stage, unit);
        _whole.End();
        return result;
    }

    private T BarStage<T>(string name, int total, Func<Action<int, string>, T> stage, string unit)
    {
        T result = default!;
        // The words come first; a narrow terminal has a short bar, or none.
        int width = _notes.Profile.Width, bar = Math.Min(40, width - 72);
        var description = new TaskDescriptionColumn { Alignment = Justify.Left };
        ProgressColumn[] columns = bar < 8 ? [new PercentageColumn(), description]
            : [description, new ProgressBarColumn { Width = bar }, new PercentageColumn()];
        _notes.Progress()
            .Columns(columns)
            .Start(context =>
            {
                var task = context.AddTask(Markup.Escape(Printable.Text(name)), maxValue: Math.Max(1, total));
                result = stage((step, status) =>
                {
                    _whole.Report(step);
                    if (_whole.Announcement() is { } announcement)
                        _notes.MarkupLine(Markup.Escape($"bdense: {announcement}"));
                    task.Value = step;
                    task.Description = Markup.Escape(Printable.Text(Words(step, status)));
                });
                task.Value = task.MaxValue;
            });
        return result;

        string Words(int step, string status) =>
            Wrapping.Fit(width - Math.Max(0, bar) - 8, name, Counted(step, total, unit), Left(), status);
    }

    private T PlainStage<T>(string name, int total, Func<Action<int, string>, T> stage, string unit)
    {
        var sinceStart = Stopwatch.StartNew();
        var sinceLine = Stopwatch.StartNew();
        string last = "";
        T result = stage((step, status) =>
        {
            last = status;
            _whole.Report(step);
            if (_whole.Announcement() is { } announcement)
                Note($"bdense: {announcement}");
            if (sinceLine.Elapsed < TimeSpan.FromSeconds(5) || step >= total)
                return;
            sinceLine.Restart();
            Note($"{name}: {Counted(step, total, unit)}  {status}  {Left()}");
        });
        Note(string.Create(CultureInfo.InvariantCulture, $"{name}: done in {sinceStart.Elapsed.TotalSeconds:0.0} s  {last}"));
        return result;
    }

    private static string Counted(int step, int total, string unit) =>
        string.Create(CultureInfo.InvariantCulture, $"{step}/{total} {unit}");

    private string Left() => _whole.Remaining is not { } left ? "" : $"{WholeProgress.Text(left)} left{(_whole.HasMore ? " of all" : "")}";

    private static IAnsiConsole Console(TextWriter writer)
    {
        bool terminal = IsTerminal(writer);
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new ConsoleOutput(writer, terminal),
            Ansi = terminal ? AnsiSupport.Detect : AnsiSupport.No,
            Interactive = terminal ? InteractionSupport.Detect : InteractionSupport.No,
        });
        // A file is as wide as its widest table.
        if (!terminal)
            console.Profile.Width = 10_000;
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
