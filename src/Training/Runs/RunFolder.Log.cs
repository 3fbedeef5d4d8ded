using System.Text;
using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Kernels.Json;
using BDense.Model.Checkpoints;
using BDense.Model.FileSystem;

namespace BDense.Training.Runs;

/// <summary>What a run remembers besides its checkpoints: its iterations and its memory.</summary>
public sealed partial class RunFolder
{
    /// <summary>Remembers the most device memory that any session of the run used, and returns it.</summary>
    public long RecordPeak(long bytes)
    {
        long before = ReadPeak();
        if (before >= bytes && before > 0)
            return before;
        AtomicFile.WriteText(Path.Combine(FullName, PeakFile), RunJson.ToText(new JsonObject { ["peakBytes"] = bytes }) + "\n",
            makeFolders: false);
        return bytes;
    }

    /// <summary>The command lines that the run was given, the first first; none for a run of before they were kept.</summary>
    public IReadOnlyList<string> ReadCommands()
    {
        string path = Path.Combine(FullName, CommandsFile);
        return File.Exists(path) ? File.ReadAllLines(path) : [];
    }

    /// <summary>Remembers a command line; the same one twice in a row is one.</summary>
    public void RecordCommand(string command)
    {
        var commands = ReadCommands();
        if (commands.Count > 0 && commands[^1] == command)
            return;
        AtomicFile.WriteText(Path.Combine(FullName, CommandsFile), string.Concat(commands.Append(command).Select(line => line + "\n")),
            makeFolders: false);
    }

    /// <summary>What <see cref="RecordPeak"/> remembers; 0 where it has not been called.</summary>
    /// <exception cref="BDenseException">The file is there and holds something else.</exception>
    public long ReadPeak()
    {
        string path = Path.Combine(FullName, PeakFile);
        if (!File.Exists(path))
            return 0;
        try
        {
            return RunJson.FromNode<long>(RunJson.Read(path)["peakBytes"], path, "peakBytes");
        }
        catch (BDenseException e)
        {
            throw new BDenseException($"{e.Message}; remove it to go on without the peak of the sessions before", e);
        }
    }

    /// <summary>The log, opened to be continued after <paramref name="step"/> iterations: later lines are dropped.</summary>
    public StreamWriter OpenLog(long step)
    {
        string path = Path.Combine(FullName, LogFile);
        var kept = ReadLog().TakeWhile(line => line.Step <= step).Select(RunJson.ToLine).ToList();
        AtomicFile.WriteText(path, string.Concat(kept.Select(line => line + "\n")), makeFolders: false);
        return new StreamWriter(Files.Append(path));
    }

    /// <summary>The lines of the log that are whole.</summary>
    public IReadOnlyList<LogLine> ReadLog()
    {
        string path = Path.Combine(FullName, LogFile);
        var lines = new List<LogLine>();
        if (!File.Exists(path))
            return lines;
        foreach (string text in File.ReadLines(path))
        {
            try
            {
                lines.Add(StrictJson.Parse<LogLine>(Encoding.UTF8.GetBytes(text), path, StrictJson.Options));
            }
            catch (BDenseException)
            {
                // Cut short by a crash, or damaged: its figures are lost, the others are not.
            }
        }
        return lines;
    }
}
