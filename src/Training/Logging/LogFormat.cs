using BDense.Kernels;

namespace BDense.Training.Logging;

/// <summary>What a run's log can be written as.</summary>
public enum LogFormat
{
    /// <summary>A line of JSON an iteration: what resumed runs and reports read, so that it is always written.</summary>
    Jsonl,

    /// <summary>A table with a column a figure, a row an iteration.</summary>
    Csv,

    /// <summary>Event files, as TensorBoard shows them.</summary>
    TensorBoard,
}

/// <summary>The names of <see cref="LogFormat"/>.</summary>
public static class LogFormats
{
    /// <summary>As they are typed.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Enum.GetNames<LogFormat>().Select(name => name.ToLowerInvariant())];

    /// <summary>Names with commas between, each at most once.</summary>
    /// <exception cref="UsageException">One of them is none, or is there twice.</exception>
    public static IReadOnlyList<LogFormat> Parse(string text)
    {
        var formats = new List<LogFormat>();
        foreach (string part in text.Split(','))
        {
            int index = Names.ToList().IndexOf(part.Trim().ToLowerInvariant());
            if (index < 0)
                throw new UsageException($"--log: there is no {Printable.Quoted(part)}{Suggestion.OrAll(part, Names)}");
            var format = Enum.GetValues<LogFormat>()[index];
            if (formats.Contains(format))
                throw new UsageException($"--log {text}: {Names[index]} is there twice");
            formats.Add(format);
        }
        return formats;
    }
}
