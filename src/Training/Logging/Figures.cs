using BDense.Training.Runs;

namespace BDense.Training.Logging;

/// <summary>A line of the log as figures with names, for formats that know nothing else.</summary>
internal static class Figures
{
    /// <summary>Those that a line has, in a fixed order; the number of the iteration and the time among them.</summary>
    public static IEnumerable<(string Name, string Group, double Value)> Of(LogLine line)
    {
        yield return ("step", "", line.Step);
        yield return ("time", "", line.Time);
        yield return ("loss", "training", line.Loss);
        if (line.Validation is { } validation)
            yield return ("validation_loss", "validation", validation);
        for (int b = 0; b < line.Branches.Length; b++)
            yield return ($"branch_{b + 1}", "branches", line.Branches[b]);
        for (int b = 0; b < (line.Weights?.Length ?? 0); b++)
            yield return ($"weight_{b + 1}", "weights", line.Weights![b]);
        yield return ("learning_rate", "training", line.LearningRate);
        yield return ("gradient_norm", "training", line.GradientNorm);
        yield return ("milliseconds", "speed", line.Milliseconds);
        yield return ("host_milliseconds", "speed", line.HostMilliseconds);
        yield return ("peak_bytes", "memory", line.PeakBytes);
    }

    /// <summary>A line that has every figure that a run of so many branches can have.</summary>
    public static LogLine Example(int branches) =>
        new(0, 0, new double[branches], 0, 0, 0, Weights: branches > 1 ? new double[branches] : null) { Validation = 0 };
}
