using System.Diagnostics;
using BDense.Training.Runs;

namespace BDense.Training.Logging;

/// <summary>A log that is being written in one format. Closing it writes what it holds back.</summary>
internal interface ILogSink : IDisposable
{
    /// <summary>The next iteration.</summary>
    void Write(LogLine line);

    /// <summary>Hands what it holds back to the system.</summary>
    void Flush();
}

/// <summary>
/// The log of a run in every format that it has. All are made of the same lines: <see cref="RunFolder.LogFile"/> holds them, the others
/// follow it, so that what a resumed run drops is dropped everywhere, and a format may begin in the middle of a run.
/// </summary>
internal sealed class RunLog : ILogSink
{
    // So that whoever looks on sees the run; a line an iteration would be a call of the system an iteration.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly List<ILogSink> _sinks = [];
    private readonly Stopwatch _sinceFlush = Stopwatch.StartNew();

    private RunLog()
    {
    }

    /// <summary>The log, to be continued after so many iterations: later lines are dropped.</summary>
    /// <param name="folder">The run.</param>
    /// <param name="step">Iterations done.</param>
    /// <param name="asked">Formats besides those that the run has already.</param>
    public static RunLog Open(RunFolder folder, long step, IReadOnlyList<LogFormat> asked)
    {
        var log = new RunLog();
        try
        {
            log._sinks.Add(new JsonLog(folder.OpenLog(step)));
            var kept = folder.ReadLog();
            string csv = Path.Combine(folder.FullName, CsvLog.FileName), events = Path.Combine(folder.FullName, TensorBoardLog.FolderName);
            if (asked.Contains(LogFormat.Csv) || File.Exists(csv))
                log._sinks.Add(CsvLog.Open(csv, kept));
            if (asked.Contains(LogFormat.TensorBoard) || Directory.Exists(events))
                log._sinks.Add(TensorBoardLog.Open(folder.Part(TensorBoardLog.FolderName), kept));
            return log;
        }
        catch
        {
            log.Dispose();
            throw;
        }
    }

    public void Write(LogLine line)
    {
        foreach (var sink in _sinks)
            sink.Write(line);
        if (_sinceFlush.Elapsed > s_patience)
            Flush();
    }

    public void Flush()
    {
        foreach (var sink in _sinks)
            sink.Flush();
        _sinceFlush.Restart();
    }

    public void Dispose() => Close(0);

    // Each is closed, whatever happened to the one before.
    private void Close(int first)
    {
        if (first == _sinks.Count)
            return;
        try
        {
            _sinks[first].Dispose();
        }
        finally
        {
            Close(first + 1);
        }
    }

    /// <summary>The lines themselves.</summary>
    private sealed class JsonLog(StreamWriter writer) : ILogSink
    {
        public void Write(LogLine line) => writer.WriteLine(RunJson.ToLine(line));

        public void Flush() => writer.Flush();

        public void Dispose() => writer.Dispose();
    }
}
