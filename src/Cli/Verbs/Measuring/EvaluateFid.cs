using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using BDense.Cli.Reports;
using BDense.Cli.Terminal;
using BDense.Experiments;
using BDense.Kernels;
using BDense.Training.Metrics;
using BDense.Training.Runs;
using BDense.Training.Samplers;

namespace BDense.Cli.Verbs.Measuring;

/// <summary>
/// <c>bdense evaluate --fid</c>: the Fréchet distance of many samples to a dataset's statistics, and the kernel distance beside it where
/// the statistics hold a sample of features. FID and KID with the Inception network, else over the built-in random features.
/// </summary>
internal sealed class EvaluateFid
{
    private const int DefaultCount = 50_000;

    private readonly Option<bool> _fid = new("--fid")
    {
        Description = "Fréchet and kernel distance to a dataset's statistics instead; takes teachers too.",
    };
    private readonly Option<string?> _inception = Inception();
    private readonly Option<string?> _images = new("--images")
    {
        Description = "With --fid: images in place of models: a folder, a zip, or any dataset. --count takes so many of them.",
        HelpName = "PATH",
    };
    private readonly Option<string?> _reference = new("--reference")
    {
        Description = "With --fid: .npz with mu and sigma, EDM's or of 'bdense statistics'; with --images a folder, zip or dataset too.",
        HelpName = "PATH",
    };
    private readonly Option<string?> _state = State();

    /// <summary>
    /// With --fid what is measured is what 'bdense sample' with the same options shows; two of them go without it as well.
    /// </summary>
    public SamplerGroup Sampler { get; } = new();

    public DrawGroup Draw { get; } = new();

    public static Option<string?> Inception() => new("--inception")
    {
        Description = "Network of the features, as tools/export_inception_onnx.py writes it. Without it the built-in random features, "
            + "which are not FID's.",
        HelpName = "FILE.onnx",
    };

    public static Option<string?> State() => new("--state")
    {
        Description = "Folder for what has been summed so far; the same command goes on from it after an interruption.",
        HelpName = "PATH",
    };

    /// <summary>The features that the options name.</summary>
    public static IImageFeatures Features(Backend backend, string? inception, int threads, int channels) =>
        inception is null ? new RandomFeatures(backend, channels) : new OnnxFeatures(inception, threads);

    /// <summary>The state file of a subject, or none without a folder.</summary>
    public static string? StateFile(string? folder, string subject) => folder is null ? null
        : Path.Combine(folder, $"features-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(subject)))[..12]}.npz");

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _fid, _images, _inception, _reference, _state })
            command.Options.Add(option);
        Sampler.AddTo(command);
        Draw.AddTo(command);
    }

    /// <summary>Whether it is asked for.</summary>
    /// <exception cref="UsageException">Its options without it, or it without a reference.</exception>
    public bool IsAsked(ParseResult parse)
    {
        bool asked = parse.GetValue(_fid);
        if (asked && parse.GetValue(_reference) is null)
            throw new UsageException(parse.GetValue(_images) is null
                ? "--fid needs --reference FILE.npz: EDM's statistics of the dataset, or those that 'bdense statistics' writes"
                : "--fid --images needs --reference PATH: the images to hold them to (a folder, a zip or any dataset), or statistics "
                    + "(FILE.npz)");
        foreach (var option in new Option[] { _images, _inception, _reference, _state }.Concat(Sampler.Others).Concat(Draw.Others))
        {
            if (!asked && parse.GetResult(option) is { Implicit: false })
                throw new UsageException($"{option.Name} goes with --fid");
        }
        return asked;
    }

    /// <summary>Images to hold to the reference in place of a model's; none where models are measured.</summary>
    /// <param name="parse">The call.</param>
    /// <param name="shared">The verb's options that images have, too.</param>
    /// <exception cref="UsageException">An option of models beside them.</exception>
    public ImagesRequest? Images(ParseResult parse, params IReadOnlyCollection<Option> shared)
    {
        if (parse.GetValue(_images) is not { } images)
            return null;
        Option[] own = [_fid, _images, _inception, _reference, _state, .. shared];
        var others = parse.CommandResult.Command.Options.Except(own);
        if (others.FirstOrDefault(option => parse.GetResult(option) is { Implicit: false }) is { } other)
            throw new UsageException($"{other.Name} is for models; --images are taken as they are");
        return new ImagesRequest(images, parse.GetValue(_reference)!, parse.GetValue(_inception), parse.GetValue(_state));
    }

    public int Run(Ui ui, ParseResult parse, Backend backend, string[] paths, (Option<int> Count, int Batch, int Threads) o,
        CancellationToken cancellation)
    {
        string reference = parse.GetValue(_reference)!;
        var (draws, seeded) = Draw.Read(parse, o.Count);
        int count = seeded ?? (parse.GetResult(o.Count) is { Implicit: false } ? parse.GetValue(o.Count) : DefaultCount);
        var options = Sampler.Read(parse, paths);
        var statistics = ReferenceStatistics.Read(reference);
        if (paths.Length > 1)
            SavedSampler.RequireUse(paths, options);
        FrechetDistance.RequireEnough(count, statistics.Dimension, "--count");
        // How many evaluations each takes is known when it is read: until then they count alike.
        ui.Whole(paths.Select(path => new PlannedStage(StageOf(path), count)));
        var results = paths.Select(path => Measure(path)).ToList();
        string distance = parse.GetValue(_inception) is null ? RandomFeatures.MetricName
            : "FID", kernel = parse.GetValue(_inception) is null ? "kernel distance" : "KID";
        ui.Json(new
        {
            reference,
            data = statistics.Data,
            features = results[0].Features,
            device = backend.Name,
            count,
            seed = draws.Seeds is null ? draws.Seed : (ulong?)null,
            seeds = draws.Seeds?.Text,
            @class = draws.Class,
            distance,
            models = results.Select(r => new
            {
                path = r.Path,
                method = r.Title,
                nfe = r.Nfe,
                sampler = RunJson.ToNode(r.Options),
                sigmas = r.Grid,
                arguments = Arguments(r.Options),
                frechetDistance = r.Frechet,
                kernelDistance = r.Kernel?.Mean,
                kernelDeviation = r.Kernel?.Deviation
            }),
        });
        ui.Table(["model", "method", "NFE", "images", distance, kernel, "over subsets"], results.Select(r => new[]
        {
            r.Path, r.Title, Figures.Text(r.Nfe), Figures.Text(count), Figures.Text(r.Frechet),
            r.Kernel is { } k ? Figures.Text(k.Mean) : "-", r.Kernel?.Deviation is { } deviation ? $"± {Figures.Text(deviation)}" : "-",
        }));
        foreach (var r in results)
            ui.Line($"{r.Path}: {Arguments(r.Options)}");
        if (statistics.Sample is null)
            ui.Line($"{reference} holds no sample of features, so there is no kernel distance; 'bdense statistics' writes one.");
        return 0;

        static string StageOf(string path) => Path.GetFileName(path.TrimEnd('/'));

        string Arguments(SamplerOptions of) => $"{Sampler.Arguments(of)} {Draw.Arguments(draws, count)}";

        (string Path, string Title, SamplerOptions Options, double[] Grid, int Nfe, string Features, double Frechet,
            KernelDistanceResult? Kernel) Measure(string path)
        {
            using var model = SavedSampler.Load(backend, path, options, several: paths.Length > 1, cancellation);
            draws.RequireClasses(model.Network, path);
            var c = model.Network.Config;
            int atOnce = Math.Min(count, o.Batch);
            MemoryNeeds.Require(backend, MemoryNeeds.OfSampling(c, atOnce, backend),
                $"sampling {atOnce} images at once", "a smaller --batch");
            using var features = Features(backend, parse.GetValue(_inception), o.Threads, c.ImageChannels);
            statistics.RequireFeatures(features, reference);
            statistics.RequireSize(c.Resolution, c.Resolution, c.ImageChannels, path, reference);
            // The seed, not the count: more images of the same go on from what there is.
            string subject =
                $"{TrainedNetwork.Find(path)}, {Sampler.Arguments(model.Options)} {Draw.Arguments(draws, draws.Seeds?.Count ?? 0)}";
            var collection = ui.Stage(StageOf(path), count, report => FeatureCollection.Of(features,
                Sampling.Source(model.Network, model.Sampler, draws, model.Sigma), (c.Resolution, c.Resolution, c.ImageChannels), count,
                new CollectOptions
                {
                    Subject = $"{subject}, {model.Identity()}",
                    Batch = o.Batch,
                    StateFile = StateFile(parse.GetValue(_state), subject),
                    OnDone = done => report(done, $"NFE {model.Evaluations}"),
                    Cancellation = cancellation,
                }));
            double frechet = FrechetDistance.Between(collection.Statistics.Mean(), collection.Statistics.Covariance(), statistics.Mean,
                statistics.Covariance);
            return (path, model.Title, model.Options, model.Grid, model.Evaluations, features.Name, frechet,
                statistics.Sample is null ? null : KernelDistance.Between(collection.Sample, statistics.Sample));
        }
    }
}
