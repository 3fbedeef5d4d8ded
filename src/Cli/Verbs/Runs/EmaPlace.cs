using BDense.Cli.Terminal;
using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Model.FileSystem;
using BDense.Training.Distillation;
using BDense.Training.Runs;

namespace BDense.Cli.Verbs.Runs;

/// <summary>The folder that <c>bdense ema</c> writes: a new or an empty one, or one that it wrote itself.</summary>
internal static class EmaPlace
{
    /// <summary>In the file's metadata: the run. It tells what was made by this verb.</summary>
    public const string RunKey = "averageOf";

    /// <summary>In the file's metadata: the width, and the iteration at which the average ends.</summary>
    public const string WidthKey = "sigmaRel", StepKey = "step";

    /// <summary>Whether it may be written; nothing is.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="ui">Told what will be replaced.</param>
    /// <exception cref="BDenseException">It is a file, in a run, holds something else or cannot be written.</exception>
    public static void Require(string folder, Ui ui)
    {
        string full = Path.GetFullPath(folder);
        if (File.Exists(full) || Path.GetExtension(full).Equals(".safetensors", StringComparison.OrdinalIgnoreCase))
            throw new BDenseException($"--out {folder} is a file's name; ema writes a folder");
        for (string? place = full; place is not null; place = Path.GetDirectoryName(place))
        {
            if (RunFolder.IsRun(place))
                throw new BDenseException(place == full ? $"{folder} holds a run; give another folder"
                    : $"{folder} lies in the run {place}; give a folder outside of it");
        }
        string model = Path.Combine(full, Checkpoint.ModelFile);
        var made = Made(model);
        string[] own = made is null ? [] : [Checkpoint.ModelFile, Checkpoint.ConfigFile, StudentFile.Name];
        if (RunFolder.Contents(full).Select(Path.GetFileName).FirstOrDefault(name => !own.Contains(name)) is { } other)
            throw new BDenseException($"{folder} holds something else ({other}); give a new or an empty folder");
        WritablePlace.Require(folder);
        if (made is not null)
            ui.Note($"{folder} holds an average of {made[RunKey]}, sigma_rel {made.GetValueOrDefault(WidthKey)} at iteration "
                + $"{made.GetValueOrDefault(StepKey)}, which is replaced");
    }

    /// <summary>The metadata of what this verb made; none of anything else.</summary>
    private static IReadOnlyDictionary<string, string>? Made(string model)
    {
        try
        {
            return File.Exists(model) && SafeTensors.ReadMetadata(model) is var metadata && metadata.ContainsKey(RunKey) ? metadata : null;
        }
        catch (BDenseException)
        {
            // No safetensors file: something else.
            return null;
        }
    }
}
