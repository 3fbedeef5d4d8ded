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
/// What <c>train</c> and <c>distill</c> do beside the training: pictures, more logs, a loss on held-out images, averages.
/// </summary>
internal sealed class WatchGroup
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
    public bool IsWatched(ParseResult parse) => parse.GetValue(_samplesEvery) > 0 || parse.GetValue(_validation) is not null;

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
    /// <param name="atOnce">Images at once.</param>
    /// <exception cref="BDenseException">They cannot be read, do not fit, or are learned from.</exception>
    public HeldOut? Validation(ParseResult parse, Ui ui, NetworkConfig network, Dataset? training, int atOnce)
    {
        if (parse.GetValue(_validation) is not { } path)
        {
            foreach (var option in new[] { _validationEvery, _validationLimit })
            {
                if (parse.GetResult(option) is { Implicit: false })
                    throw new UsageException($"{option.Name} is for --validation; give the images");
            }
            return null;
        }
        if (training is null)
            throw new UsageException("--validation: this method learns from no images, so that held-out ones say nothing about it");
        var data = Dataset.Open(path, new DatasetOptions(training.Height, parse.GetValue(_validationLimit))
        {
            Channels = network.ImageChannels,
            OnNotice = ui.Note,
        });
        HeldOut.Require(network, training, data);
        return new HeldOut(data, parse.GetValue(_validationEvery), atOnce);
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
        long every = parse.GetValue(_snapshots), samples = parse.GetValue(_samplesEvery);
        return new LoopOptions
        {
            Logs = LogFormats.Parse(parse.GetValue(_log)!),
            Samples = samples == 0 ? null : new SampleGrids(samples, parse.GetValue(_samplesCount), seed, atOnce),
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
        if (parse.GetResult(_samplesCount) is { Implicit: false } && parse.GetValue(_samplesEvery) == 0)
            throw new UsageException("--samples-count is for --samples-every; give the iterations between two pictures");
    }
}
