using System.CommandLine;
using BDense.Cli.Terminal;
using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Training.Averaging;
using BDense.Training.Data;
using BDense.Training.Logging;
using BDense.Training.Runs;
using BDense.Training.Samplers;
using BDense.Training.Watching;

namespace BDense.Cli.Verbs.Runs;

/// <summary>
/// What <c>train</c> and <c>distill</c> do beside the training: pictures, more logs, a loss on held-out images, averages. Pictures and
/// losses that a resumed run had go on as they were where nothing else is given (<see cref="WatchRecord"/>).
/// </summary>
/// <param name="folder">The run's.</param>
/// <param name="resume">Whether it goes on.</param>
internal sealed class WatchGroup(Option<string> folder, Option<bool> resume)
{
    // Of a run where nothing is asked for: averages are stored so often.
    private const int Snapshots = 20;

    private readonly Option<int> _samplesEvery = Numbers.Int("--samples-every",
        "Iterations between pictures of samples, always from the same noise, as samples/000500.png in the run's folder; 0 for none.", 0,
        min: 0, max: Most.Updates);

    private readonly Option<int> _samplesCount = Numbers.Int("--samples-count", "Images of such a picture.", 16, min: 1,
        max: SampleFiles.GridImages);

    private readonly Option<string> _log = new("--log")
    {
        Description = "What the log is written as besides log.jsonl; names with commas between: "
            + $"{string.Join(", ", LogFormats.Names)} (log.csv, tensorboard/).",
        HelpName = "NAMES",
        DefaultValueFactory = _ => LogFormats.Names[0],
    };

    private readonly Option<string?> _validation = new("--validation")
    {
        Description = "Images that are not learned from (as --data): the training's loss on them goes to the log.",
        HelpName = "PATH",
    };

    private readonly Option<int> _validationEvery = Numbers.Int("--validation-every", "Iterations between two of these losses.", 100,
        min: 1, max: Most.Updates);

    private readonly Option<int> _validationLimit = Numbers.Int("--validation-limit",
        "Of the held-out images use at most so many, taken evenly; 0 for all.", 1024, min: 0, max: Most.Images);

    private readonly Option<string?> _profiles = new("--ema-profiles")
    {
        Description = "Keep averages of the weights with profiles of these widths (sigma_rel, with commas between, as 0.05,0.1); "
            + "'bdense ema' makes one of any width of them afterwards.",
        HelpName = "X",
    };

    private readonly Option<int> _snapshots = Numbers.Int("--ema-snapshots-every",
        $"Iterations between two that are stored of these; 0 for a {Snapshots}th of the run.", 0, min: 0, max: Most.Updates);

    private readonly Option<bool> _dryRun = new("--dry-run")
    {
        Description = "Say shapes, parameters, memory and the time of a step, measured over a few; write nothing.",
    };

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _samplesEvery, _samplesCount, _log, _validation, _validationEvery, _validationLimit,
            _profiles, _snapshots, _dryRun })
            command.Options.Add(option);
    }

    /// <summary>Whether nothing is to be written.</summary>
    public bool IsDryRun(ParseResult parse) => parse.GetValue(_dryRun);

    /// <summary>Whether the network is looked at while it is trained, which takes memory.</summary>
    public bool IsWatched(ParseResult parse) => Pictures(parse).Every > 0 || ValidationPath(parse) is not null;

    private WatchRecord? Before(ParseResult parse) => parse.GetValue(resume) ? WatchRecord.Read(parse.GetValue(folder)!) : null;

    private static bool IsGiven(ParseResult parse, Option option) => parse.GetResult(option) is { Implicit: false };

    /// <summary>What is given, else what the run had, else the usual.</summary>
    private static int Value(ParseResult parse, Option<int> option, int? before) =>
        before is { } value && !IsGiven(parse, option) ? value : parse.GetValue(option);

    private (int Every, int Count) Pictures(ParseResult parse)
    {
        var before = Before(parse);
        return (Value(parse, _samplesEvery, before?.SamplesEvery), Value(parse, _samplesCount, before?.SamplesCount));
    }

    private string? ValidationPath(ParseResult parse) => parse.GetValue(_validation) ?? Before(parse)?.Validation?.Path;

    private WatchRecord Now(ParseResult parse, HeldOut? validation)
    {
        var (every, count) = Pictures(parse);
        var before = Before(parse);
        return new WatchRecord(every, count)
        {
            // Where they cannot be opened now, they may be the next time.
            Validation = validation is null ? before?.Validation
                : new HeldOutRecord(Path.GetFullPath(ValidationPath(parse)!), RunData.Fingerprint(validation.Data),
                    Value(parse, _validationLimit, before?.Validation?.Limit), (int)validation.Every),
        };
    }

    /// <summary>Says in a line what of a resumed run goes on unasked, and in one what is other than before.</summary>
    public void SayChanges(ParseResult parse, Ui ui, HeldOut? validation)
    {
        if (Before(parse) is not { } before)
            return;
        var now = Now(parse, validation);
        string[] unasked =
        [
            .. now.SamplesEvery > 0 && !IsGiven(parse, _samplesEvery)
                ? [$"--samples-every {now.SamplesEvery} --samples-count {now.SamplesCount}"] : (string[])[],
            .. validation is not null && !IsGiven(parse, _validation)
                ? [$"--validation {ValidationPath(parse)} --validation-every {validation.Every}"] : (string[])[],
        ];
        if (unasked.Length > 0)
            ui.Note($"going on as the run was watched before: {string.Join(" ", unasked)}");
        if (now.Differences(before).ToList() is { Count: > 0 } changes)
            ui.Note($"other than before: {string.Join("; ", changes)}: what is made from here on does not compare with what was");
    }

    /// <summary>Remembers it in the run's folder.</summary>
    public void Record(ParseResult parse, RunFolder run, HeldOut? validation)
    {
        var now = Now(parse, validation);
        var before = Before(parse);
        if (now != before && (before is not null || now.SamplesEvery > 0 || now.Validation is not null))
            now.Write(run);
    }

    /// <summary>Widths of the averages, rising.</summary>
    /// <exception cref="UsageException">One is no width, or is there twice.</exception>
    public IReadOnlyList<double> Profiles(ParseResult parse)
    {
        if (parse.GetValue(_profiles) is not { } text)
            return parse.GetResult(_snapshots) is { Implicit: false }
                ? throw new UsageException("--ema-snapshots-every is for --ema-profiles; give their widths, as 0.05,0.1") : [];
        double[] widths = [.. text.Split(',').Select(part => PowerProfile.SigmaRels.Read("--ema-profiles", part.Trim())).Order()];
        return widths.Distinct().Count() == widths.Length ? widths
            : throw new UsageException($"--ema-profiles {text}: a width is there twice");
    }

    /// <summary>The held-out images; none where there are none.</summary>
    /// <param name="parse">The options.</param>
    /// <param name="ui">Told what looks wrong.</param>
    /// <param name="network">What is trained.</param>
    /// <param name="training">What it learns from.</param>
    /// <param name="resolution">What all images are averaged down to; 0 for as stored.</param>
    /// <param name="atOnce">Images at once.</param>
    /// <exception cref="BDenseException">They are given, and cannot be read, do not fit, or are learned from.</exception>
    public HeldOut? Validation(ParseResult parse, Ui ui, NetworkConfig network, Dataset? training, int resolution, int atOnce)
    {
        if (ValidationPath(parse) is not { } path)
            return null;
        var before = Before(parse)?.Validation;
        int every = Value(parse, _validationEvery, before?.Every), limit = Value(parse, _validationLimit, before?.Limit);
        if (IsGiven(parse, _validation) || before is null)
            return new HeldOut(Open(path, limit, ui, network, training, resolution), every, atOnce);
        string fault;
        try
        {
            var data = Open(path, limit, ui, network, training, resolution);
            if (limit != before.Limit || RunData.Fingerprint(data) == before.Images)
                return new HeldOut(data, every, atOnce);
            fault = $"{path} holds other images by now";
        }
        catch (BDenseException e)
        {
            fault = e.Message;
        }
        ui.Note($"the run's held-out images cannot be used any more: {fault}; its losses on them stop here, unless --validation gives "
            + "images");
        return null;
    }

    private static Dataset Open(string path, int limit, Ui ui, NetworkConfig network, Dataset? training, int resolution)
    {
        if (training is null)
            throw new UsageException("--validation: this method learns from no images, so that held-out ones say nothing about it");
        var data = Dataset.Open(path, new DatasetOptions(resolution, limit)
        {
            Channels = network.ImageChannels,
            OnNotice = ui.Note,
        });
        HeldOut.Require(network, training, data);
        return data;
    }

    /// <summary>All of it, for the loop; the caller disposes the averages.</summary>
    /// <param name="parse">The options.</param>
    /// <param name="training">What is trained.</param>
    /// <param name="seed">Of the run.</param>
    /// <param name="atOnce">Images at once.</param>
    /// <param name="validation">From <see cref="Validation"/>.</param>
    public LoopOptions Options(ParseResult parse, ITraining training, ulong seed, int atOnce, HeldOut? validation)
    {
        var widths = Profiles(parse);
        long every = parse.GetValue(_snapshots);
        var (samples, count) = Pictures(parse);
        return new LoopOptions
        {
            Logs = LogFormats.Parse(parse.GetValue(_log)!),
            Samples = samples == 0 ? null : new SampleGrids(samples, count, seed, atOnce),
            Validation = validation,
            Profiles = widths.Count == 0 ? null
                : new EmaProfiles(training.Network, widths, every > 0 ? every : Math.Max(1, training.Steps / Snapshots)),
        };
    }

    /// <summary>What can be refused by the options alone.</summary>
    /// <exception cref="UsageException">It is.</exception>
    public void Require(ParseResult parse)
    {
        LogFormats.Parse(parse.GetValue(_log)!);
        Profiles(parse);
        foreach (var option in new[] { _validationEvery, _validationLimit })
        {
            if (IsGiven(parse, option) && ValidationPath(parse) is null)
                throw new UsageException($"{option.Name} is for --validation; give the images");
        }
        if (IsGiven(parse, _samplesCount) && Pictures(parse).Every == 0)
            throw new UsageException("--samples-count is for --samples-every; give the iterations between two pictures");
    }
}
