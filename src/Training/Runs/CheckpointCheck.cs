using System.Globalization;
using BDense.Kernels;

namespace BDense.Training.Runs;

/// <summary>Whether a checkpoint is whole and its run's own: asked before anything of it is used.</summary>
public static class CheckpointCheck
{
    /// <summary>Checks the checkpoint that a path lies in or is; anything that is not a run's checkpoint passes.</summary>
    /// <param name="path">A folder, or a file of one.</param>
    /// <param name="notice">Told of a checkpoint that has no manifest, being older than they are.</param>
    /// <exception cref="BDenseException">Damaged, of another run or step; the message says which file, and what could be used
    /// instead.</exception>
    public static void Require(string path, Action<string>? notice)
    {
        string folder = Path.GetFullPath(Directory.Exists(path) ? path : Path.GetDirectoryName(Path.GetFullPath(path))!)
            .TrimEnd(Path.DirectorySeparatorChar);
        if (!IsCheckpoint(folder) || Fault(folder, notice) is not { } fault)
            return;
        string other = RunOf(folder) is { } run && run.NewestWhole(except: folder) is { } whole ? $"; {whole} is whole" : "";
        throw new BDenseException($"{folder} cannot be used: {fault}{other}");
    }

    /// <summary>What is wrong with a checkpoint, as a sentence without its subject; null if nothing is.</summary>
    public static string? Fault(string folder, Action<string>? notice = null)
    {
        try
        {
            string state = Path.Combine(folder, RunFolder.StateFile);
            if (!File.Exists(Path.Combine(folder, Manifest.FileName)))
            {
                if (RunJson.Read(state).ContainsKey(Manifest.StateKey))
                    return $"its {Manifest.FileName} is missing";
                notice?.Invoke($"{folder} has no {Manifest.FileName}: an older version wrote it, so it is used unchecked");
                return null;
            }
            var manifest = Manifest.Read(folder);
            if (RunOf(folder) is { } run)
            {
                if (manifest.Run != run.Identity)
                    return $"it belongs to another run: its {Manifest.FileName} does not fit "
                        + $"{Path.Combine(run.FullName, RunFolder.ConfigFile)}";
                if (Path.GetFileName(folder) != RunFolder.NameOf(manifest.Step))
                    return string.Create(CultureInfo.InvariantCulture, $"it is of step {manifest.Step}");
            }
            return manifest.Files.ContainsKey(RunFolder.StateFile) ? manifest.Fault(folder)
                : $"its {Manifest.FileName} does not name {RunFolder.StateFile}";
        }
        catch (BDenseException e)
        {
            return e.Message;
        }
    }

    // In a run by its name, whatever is left in it; elsewhere, copied, by its files. Other programs' folders pass.
    private static bool IsCheckpoint(string folder) => RunOf(folder) is not null ? RunFolder.StepOf(folder) is not null
        : File.Exists(Path.Combine(folder, Manifest.FileName)) && File.Exists(Path.Combine(folder, RunFolder.StateFile));

    /// <summary>The run whose checkpoint a folder is; none where it lies elsewhere.</summary>
    private static RunFolder? RunOf(string folder)
    {
        string? checkpoints = Path.GetDirectoryName(folder), run = checkpoints is null ? null : Path.GetDirectoryName(checkpoints);
        return run is not null && Path.GetFileName(checkpoints) == RunFolder.CheckpointsFolder
            && File.Exists(Path.Combine(run, RunFolder.ConfigFile)) ? RunFolder.Existing(run) : null;
    }
}
