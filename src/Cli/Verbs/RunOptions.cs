using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using BDense.Cli.Terminal;
using BDense.Cli.Verbs.Runs;
using BDense.Experiments;
using BDense.Kernels;
using BDense.Model.Autodiff;
using BDense.Training.Averaging;
using BDense.Training.Metrics;
using BDense.Training.Runs;
using BDense.Training.Watching;

namespace BDense.Cli.Verbs;

/// <summary>
/// What <c>train</c> and <c>distill</c> share: where to compute and to write, checkpoints, resuming, Ctrl-C, the closing lines.
/// </summary>
/// <param name="defaultOut">The folder where none is given.</param>
/// <param name="unit">What the verb's own option counts: steps or updates.</param>
internal sealed class RunOptions(string defaultOut, string unit)
{
    public Option<string> Out { get; } = CommonOptions.Out("Run folder: configuration, log, checkpoints.", defaultOut);

    public Option<int> CheckpointEvery { get; } = Numbers.Int("--checkpoint-every",
        "Iterations between checkpoints; 0 for one at the end alone.", 0, min: 0, max: Most.Updates);

    public Option<bool> Resume { get; } = new("--resume")
    {
        Description = "Continue the run in the folder, with the same bits as if it had never stopped; a finished one with more iterations.",
    };

    public Option<bool> AllowChangedData { get; } = new("--allow-changed-data")
    {
        Description = "With --resume: go on although the data are not those that the run has seen so far.",
    };

    public Option<bool> AllowChangedDevice { get; } = new("--allow-changed-device")
    {
        Description = "With --resume: go on although this device rounds otherwise than the one that the run has been on.",
    };

    public Option<ulong> Seed { get; } = CommonOptions.Seed();

    private readonly Option<string> _device = CommonOptions.Device();
    private readonly Option<int> _threads = CommonOptions.Threads();
    private readonly Option<Precision> _precision = CommonOptions.Precision();
    private readonly Option<string> _fuse = CommonOptions.Fuse();
    private readonly Option<bool> _recompute = CommonOptions.Recompute();
    private readonly Option<bool> _graph = CommonOptions.Graph();
    private readonly Option<bool> _json = CommonOptions.Json();

    /// <summary>What goes on beside the training.</summary>
    public WatchGroup Watch => field ??= new WatchGroup(Out, Resume);

    /// <summary>A training ready to run, and what is disposed after it. Its folder is not there yet.</summary>
    /// <param name="Kind">For progress: <c>train</c>.</param>
    /// <param name="Asked">The run's configuration.</param>
    /// <param name="Length">How a resumed run may become longer.</param>
    /// <param name="Training">What.</param>
    /// <param name="Memory">What it will hold.</param>
    /// <param name="AtOnce">Images of a pass.</param>
    /// <param name="Owned">In this order.</param>
    public sealed record Prepared(string Kind, JsonObject Asked, RunLength Length, ITraining Training, MemoryNeed Memory, int AtOnce,
        IReadOnlyList<IDisposable> Owned)
    {
        /// <summary>A line about it, when its folder is there.</summary>
        public string Note { get; init; } = "";

        /// <summary>Images for the loss that is not learned from; or none.</summary>
        public HeldOut? Validation { get; init; }

        /// <summary>What follows a training that went to its end.</summary>
        public Action<RunFolder>? Then { get; init; }
    }

    /// <summary>Memory that a training takes, held against what is free.</summary>
    /// <param name="Plan">What it takes.</param>
    /// <param name="Free">What is free.</param>
    /// <param name="Work">For the refusal: <c>training 64 images at once</c>.</param>
    /// <param name="Remedy">What takes less.</param>
    public sealed record MemoryNeed(MemoryPlan Plan, long Free, string Work, string Remedy)
    {
        /// <summary>Whether there is enough.</summary>
        public bool Fits => Plan.Total <= Free;
    }

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { Out, CheckpointEvery, Resume, AllowChangedData, AllowChangedDevice, Seed, _fuse, _recompute,
            _graph, _device, _threads, _precision, _json })
            command.Options.Add(option);
        Watch.AddTo(command);
    }

    /// <summary>Refuses what does not fit; a dry run is only to say it.</summary>
    /// <exception cref="BDenseException">There is less memory.</exception>
    public MemoryNeed Need(ParseResult parse, Backend backend, MemoryPlan plan, string work, string remedy)
    {
        if (!Watch.IsDryRun(parse))
            MemoryNeeds.Require(backend, plan.Total, work, remedy);
        return new MemoryNeed(plan, MachineMemory.FreeBytes(backend), work, remedy);
    }

    /// <summary>How the networks' passes run.</summary>
    /// <exception cref="UsageException">There is no such fusion.</exception>
    public Execution Execution(ParseResult parse, Ui ui, Backend backend) =>
        parse.Execution(ui, backend, Fusions(parse), parse.GetValue(_recompute), _graph);

    /// <summary>
    /// The run's configuration with the fusions and the precision, where they are not the usual ones: others round differently.
    /// </summary>
    private JsonObject Configuration(ParseResult parse, JsonObject config)
    {
        var fusions = Fusions(parse);
        if (fusions != Model.Autodiff.Fusions.Usual)
            config["fuse"] = fusions.ToString();
        var precision = parse.GetValue(_precision);
        if (precision != Precision.Fp32)
            config["precision"] = precision.Text();
        // They are a part of every checkpoint.
        if (Watch.Profiles(parse) is { Count: > 0 } profiles)
            config[EmaProfiles.ConfigKey] = RunJson.ToNode(profiles);
        return config;
    }

    private Fusions Fusions(ParseResult parse) => Model.Autodiff.Fusions.Parse(parse.GetValue(_fuse)!);

    private ResumeChanges Allowed(ParseResult parse, RunLength length) => new()
    {
        Data = parse.GetValue(AllowChangedData),
        Device = parse.GetValue(AllowChangedDevice),
        Length = length,
    };

    /// <summary>Opens the device, prepares, trains, reports. Exit code 130 after Ctrl-C, with a checkpoint to resume from.</summary>
    public int Execute(Ui ui, ParseResult parse, CancellationToken cancellation, Func<Backend, Prepared> prepare)
    {
        ui.JsonOnly = parse.GetValue(_json);
        Watch.Require(parse);
        using var backend = parse.Open(_device, _threads, _precision);
        ui.Note($"device {backend.Name}: {backend.Description}");
        var prepared = prepare(backend);
        try
        {
            string path = parse.GetValue(Out)!;
            var (training, config) = (prepared.Training, Configuration(parse, prepared.Asked).WithDevice(backend));
            var allowed = Allowed(parse, prepared.Length);
            Watch.SayChanges(parse, ui, prepared.Validation);
            if (Watch.IsDryRun(parse))
            {
                RunFolder.Examine(path, config, parse.GetValue(Resume), allowed, ui.Note);
                new DryRunReport(path, backend, prepared.Memory, prepared.AtOnce).Say(ui, training, Counted(training, training.Steps),
                    Watch.Profiles(parse).Count + (training.Ema is null ? 0 : 1), cancellation);
                if (!prepared.Memory.Fits)
                    MemoryNeeds.Require(backend, prepared.Memory.Plan.Total, prepared.Memory.Work, prepared.Memory.Remedy);
                return 0;
            }
            var folder = RunFolder.Open(path, config, parse.GetValue(Resume), allowed, ui.Note);
            folder.RecordCommand(CommandLine(parse));
            Watch.Record(parse, folder, prepared.Validation);
            ui.Note(prepared.Note);
            string name = $"{prepared.Kind} {Path.GetFileName(folder.FullName)}";
            var loop = Watch.Options(parse, training, parse.GetValue(Seed), prepared.AtOnce, prepared.Validation);
            using var profiles = loop.Profiles;
            var result = ui.Stage(name, training,
                report => TrainingLoop.Run(training, folder, loop with
                {
                    CheckpointEvery = parse.GetValue(CheckpointEvery),
                    Cancellation = cancellation,
                    OnProgress = p => report((int)p.Step, p.Text()),
                }), unit);
            if (!result.Interrupted)
                prepared.Then?.Invoke(folder);
            var measured = result.Log.LastOrDefault(line => line.Validation is not null);
            var measuredNow = measured?.Step > result.First ? measured : null;
            ui.Json(new
            {
                run = folder.FullName,
                device = backend.Name,
                precision = parse.GetValue(_precision).Text(),
                step = result.Step,
                interrupted = result.Interrupted,
                finalLoss = result.FinalLoss,
                validationLoss = measuredNow?.Validation,
                validationStep = measuredNow?.Step,
                imagesPerSecond = result.ImagesPerSecond,
                stepMilliseconds = result.StepMilliseconds,
                hostMilliseconds = result.HostMilliseconds,
                peakBytes = result.PeakBytes,
                checkpoint = result.Checkpoint,
            });
            ui.Line(string.Create(CultureInfo.InvariantCulture,
                $"{name}: {Counted(training, result.Step)}, loss {result.FinalLoss:g4} over the "
                    + $"last tenth, {result.ImagesPerSecond:0} images/s, {result.StepMilliseconds:0.0} ms {One(training)}, "
                    + $"{result.HostMilliseconds:0.0} of them the host's, peak {result.PeakBytes / 1048576.0:0} MiB"));
            if (measured is not null)
                ui.Line(string.Create(CultureInfo.InvariantCulture,
                    $"loss on held-out images {measured.Validation:g4} after {Counted(training, measured.Step)}")
                    + (measuredNow is null ? ", measured in a session before this one" : ""));
            if (prepared.Validation is { } heldOut && result.Step == result.First)
                ui.Note($"bdense: no {unit[..^1]} was left to do, so nothing was measured on --validation {heldOut.Data.Name}; give more "
                    + $"--{unit} to go on");
            ui.Line($"checkpoint {result.Checkpoint}");
            if (!result.Interrupted)
                return 0;
            ui.Note($"bdense: stopped after {Counted(training, result.Step)}; continue with the same command and --resume");
            return 130;
        }
        finally
        {
            prepared.Training.Dispose();
            foreach (var owned in prepared.Owned)
                owned.Dispose();
        }
    }

    /// <summary>What was typed, on one line and so that a shell reads it as it was.</summary>
    private static string CommandLine(ParseResult parse) =>
        string.Join(' ', parse.Tokens.Select(token => SamplerGroup.Quoted(token.Value)).Prepend("bdense")).ReplaceLineEndings(" ");

    /// <summary>In the unit that the person gave; where an iteration makes several updates, both are told.</summary>
    private string Counted(ITraining training, long iterations)
    {
        double updates = Math.Round(iterations * training.UpdatesPerStep);
        string text = string.Create(CultureInfo.InvariantCulture, $"{updates} {(updates == 1 ? unit[..^1] : unit)}");
        return training.UpdatesPerStep == 1 ? text
            : string.Create(CultureInfo.InvariantCulture, $"{text} ({iterations} iteration{(iterations == 1 ? "" : "s")})");
    }

    private string One(ITraining training) => training.UpdatesPerStep != 1 ? "an iteration" : unit == "updates" ? "an update" : "a step";
}
