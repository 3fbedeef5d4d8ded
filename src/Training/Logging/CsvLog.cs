using System.Globalization;
using BDense.Model.Checkpoints;
using BDense.Model.FileSystem;
using BDense.Training.Runs;

namespace BDense.Training.Logging;

/// <summary>
/// The log as a table: a header, a row an iteration, commas between, a point before decimals, no quotes (RFC 4180; there is nothing in it
/// but numbers). A figure that an iteration has not is empty.
/// </summary>
internal sealed class CsvLog : ILogSink
{
    /// <summary>In the run's folder.</summary>
    public const string FileName = "log.csv";

    private readonly StreamWriter _writer;
    private int _branches;

    private CsvLog(StreamWriter writer, int branches) => (_writer, _branches) = (writer, branches);

    /// <summary>The table of these lines, written anew, to be continued.</summary>
    public static CsvLog Open(string path, IReadOnlyList<LogLine> kept)
    {
        int branches = kept.Count == 0 ? 0 : kept[0].Branches.Length;
        AtomicFile.Write(path, stream =>
        {
            using var writer = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
            if (branches > 0)
                writer.WriteLine(Header(branches));
            foreach (var line in kept)
                writer.WriteLine(Row(line, branches));
        }, makeFolders: false);
        return new CsvLog(new StreamWriter(Files.Append(path)) { NewLine = "\n" }, branches);
    }

    public void Write(LogLine line)
    {
        if (_branches == 0)
        {
            _branches = line.Branches.Length;
            _writer.WriteLine(Header(_branches));
        }
        _writer.WriteLine(Row(line, _branches));
    }

    public void Flush() => _writer.Flush();

    public void Dispose() => _writer.Dispose();

    private static string Header(int branches) => string.Join(',', Figures.Of(Figures.Example(branches)).Select(figure => figure.Name));

    private static string Row(LogLine line, int branches)
    {
        var figures = Figures.Of(line).ToDictionary(figure => figure.Name, figure => figure.Value);
        return string.Join(',', Figures.Of(Figures.Example(branches)).Select(column =>
            figures.TryGetValue(column.Name, out double value) ? value.ToString(CultureInfo.InvariantCulture) : ""));
    }
}
