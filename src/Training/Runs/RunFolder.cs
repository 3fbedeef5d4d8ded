using System.Globalization;
using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Model.FileSystem;
using BDense.Training.Averaging;
using BDense.Training.Distillation;
using BDense.Training.Logging;
using BDense.Training.Watching;

namespace BDense.Training.Runs;

/// <summary>
/// The folder of a run:
/// <c>config.json</c>, what was asked for; <c>log.jsonl</c>, a line an iteration; <c>checkpoints/step-000123/</c> with
/// <c>model.safetensors</c>, <c>config.json</c> (the network's), <c>ema.safetensors</c>, <c>optimizer.safetensors</c>,
/// <c>state.json</c> and <c>manifest.json</c> (<see cref="Manifest"/>); <c>checkpoints/latest</c>, the name of the newest of them;
/// <c>watching.json</c>, how it is watched (<see cref="WatchRecord"/>); <c>memory.json</c>, the peak of all sessions; <c>commands.txt</c>,
/// the command lines that it was given; where they are asked for
/// <c>log.csv</c>, <c>tensorboard/</c>, <c>samples/</c> and
/// <c>snapshots/</c>;
/// <c>.lock</c>, which whoever writes the run holds open (<see cref="WriterLock"/>).
/// </summary>
/// <remarks>
/// A checkpoint is written into a folder of another name and renamed when it is whole; only then does <c>latest</c> name it.
/// </remarks>
public sealed partial class RunFolder
{
    /// <summary>What was asked for: the kind of run, the network, its options, the data.</summary>
    public const string ConfigFile = "config.json";

    /// <summary>A line of JSON an iteration (<see cref="LogLine"/>).</summary>
    public const string LogFile = "log.jsonl";

    /// <summary>In a checkpoint: iterations done, and what else of the training is no tensor.</summary>
    public const string StateFile = "state.json";

    /// <summary>Holds the checkpoints, a folder each.</summary>
    public const string CheckpointsFolder = "checkpoints";

    /// <summary>Among the checkpoints: the name of the one to go on from.</summary>
    public const string LatestFile = "latest";

    /// <summary>The most device memory in use, over all sessions.</summary>
    public const string PeakFile = "memory.json";

    /// <summary>The command lines of all sessions, one a line.</summary>
    public const string CommandsFile = "commands.txt";

    private const string StepPrefix = "step-";

    /// <summary>In a distillation's configuration: its <see cref="Distill"/>.</summary>
    public const string DistillKey = "distill";

    private string? _identity;
    private WriterLock? _writer;

    private RunFolder(string path) => FullName = path;

    /// <summary>The folder's full path.</summary>
    public string FullName { get; }

    /// <summary>A digest of the run's configuration, which its checkpoints carry.</summary>
    public string Identity => _identity ??= RunIdentity.Of(ReadConfig());

    /// <summary>Folder of the newest whole checkpoint; none before the first.</summary>
    public string? Latest
    {
        get
        {
            string pointer = Path.Combine(FullName, CheckpointsFolder, LatestFile);
            if (!File.Exists(pointer))
                return null;
            string name = File.ReadAllText(pointer).Trim();
            if (name.Length == 0)
                throw new BDenseException($"{pointer} is empty");
            string folder = Path.Combine(FullName, CheckpointsFolder, name);
            return File.Exists(Path.Combine(folder, StateFile))
                ? folder
                : throw new BDenseException($"{pointer} names {Path.GetFileName(folder)}, which is no whole checkpoint");
        }
    }

    /// <summary>
    /// The newest whole checkpoint of this run, wherever <c>latest</c> points; none if there is none. Older ones without a manifest count:
    /// nothing speaks against them.
    /// </summary>
    /// <param name="except">One that is known not to be.</param>
    public string? NewestWhole(string? except = null) =>
        StepFolders()
            .FirstOrDefault(
                folder => folder != except && File.Exists(Path.Combine(folder, StateFile)) && CheckpointCheck.Fault(folder) is null);

    /// <summary>The checkpoints' folders, the newest first.</summary>
    private IEnumerable<string> StepFolders()
    {
        string checkpoints = Path.Combine(FullName, CheckpointsFolder);
        return !Directory.Exists(checkpoints) ? []
            : Directory.GetDirectories(checkpoints, StepPrefix + "*").Where(folder => StepOf(folder) is not null).OrderByDescending(StepOf);
    }

    /// <summary>Where a resumed run goes on: the checkpoint that <c>latest</c> names if it is whole, else the newest that is.</summary>
    /// <param name="notice">Told where it is another one, and why.</param>
    /// <returns>None if the run has no checkpoint yet.</returns>
    /// <exception cref="BDenseException">There are checkpoints, and none is whole.</exception>
    internal string? CheckpointToResume(Action<string>? notice)
    {
        string? latest = null, fault;
        try
        {
            latest = Latest;
            fault = latest is null ? null : CheckpointCheck.Fault(latest, notice);
            if (latest is not null && fault is null)
            {
                // A person's choice, or all that a kill between the two left of the newer one: what it leads to is the same.
                if (StepFolders().First() is var newest && newest != latest)
                    notice?.Invoke(
                        $"{CheckpointsFolder}/{LatestFile} names {Path.GetFileName(latest)}: going on from there; "
                            + $"{Path.GetFileName(newest)} is newer and will be written anew");
                return latest;
            }
            fault = latest is null ? null : $"{latest} cannot be used: {fault}";
        }
        catch (BDenseException e)
        {
            fault = e.Message;
        }
        if (NewestWhole(except: latest) is { } whole)
        {
            notice?.Invoke(
                $"{fault ?? $"{FullName} has no {CheckpointsFolder}/{LatestFile}"}; going on from {Path.GetFileName(whole)}, the newest "
                    + "whole checkpoint");
            return whole;
        }
        // Checkpoints that nothing names and that are all damaged are not the same as none.
        if (fault is null && StepFolders().FirstOrDefault() is { } broken)
            fault = $"{broken} cannot be used: {CheckpointCheck.Fault(broken) ?? $"there is no {StateFile} in it"}";
        return fault is null ? null
            : throw new BDenseException($"{fault}; there is no other whole checkpoint, so start the run anew in another folder");
    }

    /// <summary>The folder's name of a checkpoint.</summary>
    internal static string NameOf(long step) => string.Create(CultureInfo.InvariantCulture, $"{StepPrefix}{step:000000}");

    /// <summary>The step that a checkpoint's folder is named for; none if it is named otherwise.</summary>
    internal static long? StepOf(string folder) =>
        Path.GetFileName(folder) is { } name && name.StartsWith(StepPrefix, StringComparison.Ordinal)
        && long.TryParse(name.AsSpan(StepPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long step) ? step : null;

    /// <summary>A new run, or with <paramref name="resume"/> one that is there.</summary>
    /// <param name="path">The folder; made if it is not there.</param>
    /// <param name="config">What is asked for; a resumed run must have asked for the same.</param>
    /// <param name="resume">Continue what is there; a folder without a run begins one.</param>
    /// <param name="allow">What a resumed run may differ in.</param>
    /// <param name="notice">Told of what has changed, of what cannot be compared, and of a run that begins where one was to go on.</param>
    /// <exception cref="BDenseException">
    /// The folder holds something else, a run that is not to be resumed, or one of another configuration; another process is writing it; or
    /// it cannot be written.
    /// </exception>
    public static RunFolder Open(string path, JsonObject config, bool resume, ResumeChanges? allow = null, Action<string>? notice = null)
    {
        string file = Path.Combine(path, ConfigFile);
        RequirePlace(path);
        AtomicFile.Guard(path, () => Files.MakeFolder(path));
        var folder = new RunFolder(Path.GetFullPath(path));
        using var writer = folder.Lock();
        if (!File.Exists(file))
        {
            AtomicFile.WriteText(file, RunJson.ToText(config) + "\n");
            if (resume)
                notice?.Invoke($"there is no run in {path} yet: it begins, with nothing to resume");
            return folder;
        }
        if (Changed(path, config, resume, allow, notice) is { } changed)
            AtomicFile.WriteText(file, RunJson.ToText(changed) + "\n");
        if (!folder.StepFolders().Any())
            notice?.Invoke($"{path} has no checkpoint yet: it begins anew");
        return folder;
    }

    /// <summary>Whether <see cref="Open"/> would open a run, as far as can be said without a change to the file system.</summary>
    /// <inheritdoc cref="Open"/>
    public static void Examine(string path, JsonObject config, bool resume, ResumeChanges? allow = null, Action<string>? notice = null)
    {
        RequirePlace(path);
        WritablePlace.Require(path);
        if (File.Exists(Path.Combine(path, ConfigFile)))
            Changed(path, config, resume, allow, notice);
    }

    /// <exception cref="BDenseException">No run can be there.</exception>
    private static void RequirePlace(string path)
    {
        if (File.Exists(path))
            throw new BDenseException($"{path} is a file; a run needs a folder");
        if (!File.Exists(Path.Combine(path, ConfigFile)) && Contents(path) is [var first, ..])
            throw new BDenseException($"{path} holds something else ({Path.GetFileName(first)}); give a new or an empty folder");
    }

    /// <summary>The configuration of a run that is there, as it is from now on; none if it stays as it is.</summary>
    /// <exception cref="BDenseException">It is not to be resumed, or not with what is asked for.</exception>
    private static JsonObject? Changed(string path, JsonObject config, bool resume, ResumeChanges? allow, Action<string>? notice)
    {
        if (!resume)
            throw new BDenseException($"{path} holds a run already; continue it with --resume, or give another folder");
        var was = RunJson.Read(Path.Combine(path, ConfigFile));
        if (was["kind"] is null)
            throw new BDenseException($"{path} holds something else: its {ConfigFile} is not a run's");
        return (allow ?? new ResumeChanges()).Apply(path, was, config, notice);
    }

    /// <summary>
    /// That this process alone writes the run, until disposed; what killed writers left unfinished is cleared away.
    /// </summary>
    /// <exception cref="BDenseException">Another process is writing it, which the message names; or the folder cannot be
    /// written.</exception>
    public WriterLock Lock()
    {
        return _writer = WriterLock.OfFolder(FullName).Beginning(() =>
        {
            foreach (string part in new[] { CheckpointsFolder, SampleGrids.FolderName, TensorBoardLog.FolderName,
                EmaProfiles.SnapshotsFolder })
                WriterLock.ClearUnfinished(Path.Combine(FullName, part), ".");
        });
    }

    /// <summary>A folder in the run's, made if it is not there; never with the run's own, which may have gone.</summary>
    /// <exception cref="BDenseException">The run is not where it was, or the folder cannot be made.</exception>
    internal string Part(string name)
    {
        RequireInPlace();
        string path = Path.Combine(FullName, name);
        AtomicFile.Guard(path, () => Files.MakeFolder(path));
        return path;
    }

    /// <summary>The run must be where it was: what has been removed meanwhile is not made anew.</summary>
    /// <exception cref="BDenseException">It is not.</exception>
    internal void RequireInPlace()
    {
        if (!File.Exists(Path.Combine(FullName, ConfigFile)) || (_writer is { IsHeld: true } writer && !writer.IsInPlace()))
            throw new BDenseException(
                $"{FullName} has gone: it was removed, moved or replaced while the run was under way, which ends here and writes "
                    + "nothing more");
    }

    /// <summary>Whether a run's files are in a folder, also of one that has no checkpoint yet.</summary>
    public static bool IsRun(string path) => File.Exists(Path.Combine(path, ConfigFile))
        && (Directory.Exists(Path.Combine(path, CheckpointsFolder)) || File.Exists(Path.Combine(path, LogFile)));

    /// <summary>What is in a folder besides locks and unfinished files; nothing if it is not there.</summary>
    /// <exception cref="BDenseException">It cannot be read.</exception>
    public static string[] Contents(string path)
    {
        try
        {
            return Directory.Exists(path)
                ? [.. Directory.GetFileSystemEntries(path).Where(entry => !WriterLock.IsOwn(entry)).Order(StringComparer.Ordinal)] : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BDenseException($"cannot read {path}: {e.Message}", e);
        }
    }

    /// <summary>A run that is there, to be read.</summary>
    /// <exception cref="BDenseException">There is none.</exception>
    public static RunFolder Existing(string path) =>
        File.Exists(Path.Combine(path, ConfigFile)) && Directory.Exists(Path.Combine(path, CheckpointsFolder))
        ? new RunFolder(Path.GetFullPath(path))
        : throw new BDenseException(Directory.Exists(path)
            ? $"{path} is not a run's folder: there is no {ConfigFile} with a {CheckpointsFolder} folder beside it"
            : $"there is no run {path}");

    /// <summary>What was asked for.</summary>
    public JsonObject ReadConfig() => RunJson.Read(Path.Combine(FullName, ConfigFile));

    /// <summary>Writes a checkpoint after <paramref name="step"/> iterations; it is there whole or not at all.</summary>
    /// <param name="step">Iterations done.</param>
    /// <param name="save">Writes files into the folder it is given and returns what else is to be remembered.</param>
    /// <exception cref="BDenseException">It cannot be written, or the run's folder has gone.</exception>
    public string SaveCheckpoint(long step, Func<string, JsonObject> save)
    {
        string checkpoints = Path.Combine(FullName, CheckpointsFolder), name = NameOf(step), final = Path.Combine(checkpoints, name);
        string temporary = Unfinished(), former = Unfinished();
        RequireInPlace();
        AtomicFile.Guard($"the checkpoint {final}", () =>
        {
            try
            {
                Files.MakeFolder(temporary);
                using (var written = new FileDigests())
                {
                    var state = save(temporary);
                    state["step"] = step;
                    state[Manifest.StateKey] = Manifest.FileName;
                    AtomicFile.WriteText(Path.Combine(temporary, StateFile), RunJson.ToText(state) + "\n");
                    Manifest.Write(temporary, Identity, step, written);
                }
                // What had its name goes at once, not file by file: half of it would be a damaged checkpoint.
                if (Directory.Exists(final))
                    Files.RenameFolder(final, former);
                Files.RenameFolder(temporary, final);
                AtomicFile.WriteText(Path.Combine(checkpoints, LatestFile), name + "\n", makeFolders: false);
            }
            catch (BDenseException e) when (e.Message.Contains(temporary, StringComparison.Ordinal))
            {
                throw new BDenseException(e.Message.Replace(temporary, final, StringComparison.Ordinal), e);
            }
            finally
            {
                Files.DeleteFolder(temporary);
                Files.DeleteFolder(former);
            }
        });
        return final;

        string Unfinished() => Path.Combine(checkpoints, $".{name}.{Guid.NewGuid():N}.tmp");
    }
}
