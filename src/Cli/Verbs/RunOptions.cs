using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using BDense.Cli.Terminal;
using BDense.Experiments;
using BDense.Kernels;
using BDense.Model.Autodiff;
using BDense.Training.Metrics;
using BDense.Training.Runs;

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

    /// <summary>A training ready to run, and what is disposed after it.</summary>
    public sealed record Prepared(string Name, RunFolder Folder, ITraining Training, IReadOnlyList<IDisposable> Owned)
    {
        /// <summary>What follows a training that went to its end.</summary>
        public Action? Then { get; init; }
    }

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { Out, CheckpointEvery, Resume, AllowChangedData, AllowChangedDevice, Seed, _fuse, _recompute,
            _graph, _device, _threads, _precision, _json })
            command.Options.Add(option);
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
        return config;
    }

    private Fusions Fusions(ParseResult parse) => Model.Autodiff.Fusions.Parse(parse.GetValue(_fuse)!);

    /// <summary>The run's folder, new or resumed.</summary>
    /// <param name="ui">Told what has changed.</param>
    /// <param name="parse">The options.</param>
    /// <param name="backend">The device.</param>
    /// <param name="config">What is asked for.</param>
    /// <param name="length">How a resumed run may become longer.</param>
    /// <exception cref="BDenseException">As <see cref="RunFolder.Open"/>.</exception>
    public RunFolder Open(Ui ui, ParseResult parse, Backend backend, JsonObject config, RunLength length) =>
        RunFolder.Open(parse.GetValue(Out)!, Configuration(parse, config).WithDevice(backend), parse.GetValue(Resume),
            new ResumeChanges
            {
                Data = parse.GetValue(AllowChangedData),
                Device = parse.GetValue(AllowChangedDevice),
                Length = length,
            }, ui.Note);

    /// <summary>Opens the device, prepares, trains, reports. Exit code 130 after Ctrl-C, with a checkpoint to resume from.</summary>
    public int Execute(Ui ui, ParseResult parse, CancellationToken cancellation, Func<Backend, Prepared> prepare)
    {
        ui.JsonOnly = parse.GetValue(_json);
        using var backend = parse.Open(_device, _threads, _precision);
        ui.Note($"device {backend.Name}: {backend.Description}");
        var prepared = prepare(backend);
        try
        {
            var result = ui.Stage(prepared.Name, prepared.Training,
                report => TrainingLoop.Run(prepared.Training, prepared.Folder, new LoopOptions
                {
                    CheckpointEvery = parse.GetValue(CheckpointEvery),
                    Cancellation = cancellation,
                    OnProgress = p => report((int)p.Step, p.Text()),
                }), unit);
            if (!result.Interrupted)
                prepared.Then?.Invoke();
            ui.Json(new
            {
                run = prepared.Folder.FullName,
                device = backend.Name,
                precision = parse.GetValue(_precision).Text(),
                step = result.Step,
                interrupted = result.Interrupted,
                finalLoss = result.FinalLoss,
                imagesPerSecond = result.ImagesPerSecond,
                stepMilliseconds = result.StepMilliseconds,
                hostMilliseconds = result.HostMilliseconds,
                peakBytes = result.PeakBytes,
                checkpoint = result.Checkpoint,
            });
            ui.Line(string.Create(CultureInfo.InvariantCulture,
                $"{prepared.Name}: {Counted(prepared.Training, result.Step)}, loss {result.FinalLoss:g4} over the "
                    + $"last tenth, {result.ImagesPerSecond:0} images/s, {result.StepMilliseconds:0.0} ms {One(prepared.Training)}, "
                    + $"{result.HostMilliseconds:0.0} of them the host's, peak {result.PeakBytes / 1048576.0:0} MiB"));
            ui.Line($"checkpoint {result.Checkpoint}");
            if (!result.Interrupted)
                return 0;
            ui.Note($"bdense: stopped after {Counted(prepared.Training, result.Step)}; continue with the same command and --resume");
            return 130;
        }
        finally
        {
            prepared.Training.Dispose();
            foreach (var owned in prepared.Owned)
                owned.Dispose();
        }
    }

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
