using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using BDense.Cli.Reports;
using BDense.Cli.Terminal;
using BDense.Kernels;
using BDense.Training;

namespace BDense.Cli.Verbs;

/// <summary>
/// <c>bdense evaluate --fid</c>: the Fréchet distance of many samples to a dataset's statistics, and the kernel distance beside it where the
/// statistics hold a sample of features. FID and KID with the Inception network, else over the built-in random features.
/// </summary>
internal sealed class EvaluateFid
{
    private const int DefaultCount = 50_000;

    private readonly Option<bool> _fid = new("--fid") { Description = "Fréchet and kernel distance to a dataset's statistics instead; takes teachers too." };
    private readonly Option<string?> _inception = Inception();
    private readonly Option<string?> _reference = new("--reference") { Description = "With --fid: .npz with mu and sigma, EDM's or of 'bdense statistics'.", HelpName = "FILE" };
    private readonly Option<string?> _state = State();
    private readonly Option<string> _solver = new("--solver")
    {
        Description = "With --fid, for a teacher: heun samples as EDM does, the others to sigma 0.006, as SFD's teacher.",
        HelpName = "NAME",
        DefaultValueFactory = _ => SavedSampler.DefaultSolver,
    };

    private readonly Option<int> _steps = Numbers.Int("--steps", "With --fid, for a teacher: solver steps.", SavedSampler.DefaultSteps, min: 1, max: Most.SolverSteps);

    private readonly Option<string?> _schedule = new("--schedule") { Description = "With --fid, for a teacher: a schedule's file of 'bdense fit', with its solver and steps where none are given.", HelpName = "FILE" };

    /// <summary>Without --fid as well.</summary>
    public Option<int?> Nfe { get; } = Numbers.OptionalInt("--nfe", "For students of sfd-v: network evaluations, one of those they were distilled for.", min: 1, max: Most.Nfe);

    /// <summary>Without --fid as well.</summary>
    public Option<bool> Fitted { get; } = new("--fitted") { Description = "Students with the steps that 'bdense fit' has fitted to their checkpoint." };

    public static Option<string?> Inception() => new("--inception")
    {
        Description = "Network of the features, as tools/export_inception_onnx.py writes it. Without it the built-in random features, which are not FID's.",
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
        foreach (var option in new Option[] { _fid, _inception, _reference, _state, _solver, _steps, _schedule, Nfe, Fitted })
            command.Options.Add(option);
    }

    /// <summary>Whether it is asked for.</summary>
    /// <exception cref="UsageException">Its options without it, or it without a reference.</exception>
    public bool IsAsked(ParseResult parse)
    {
        bool asked = parse.GetValue(_fid);
        if (asked && parse.GetValue(_reference) is null)
            throw new UsageException("--fid needs --reference FILE.npz: EDM's statistics of the dataset, or those that 'bdense statistics' writes");
        foreach (var option in new Option[] { _inception, _reference, _state, _solver, _steps, _schedule })
        {
            if (!asked && parse.GetResult(option) is { Implicit: false })
                throw new UsageException($"{option.Name} goes with --fid");
        }
        return asked;
    }

    public int Run(Ui ui, ParseResult parse, Backend backend, string[] paths, (int? Count, int Batch, ulong Seed, int Threads) o, CancellationToken cancellation)
    {
        string reference = parse.GetValue(_reference)!;
        int count = o.Count ?? DefaultCount;
        var statistics = ReferenceStatistics.Read(reference);
        var schedule = parse.GetValue(_schedule) is { } file ? ScheduleFile.Read(file) : null;
        FrechetDistance.RequireEnough(count, statistics.Dimension);
        var results = paths.Select(path => Measure(path)).ToList();
        string distance = parse.GetValue(_inception) is null ? RandomFeatures.MetricName : "FID", kernel = parse.GetValue(_inception) is null ? "kernel distance" : "KID";
        ui.Json(new
        {
            reference,
            data = statistics.Data,
            features = results[0].Features,
            device = backend.Name,
            count,
            seed = o.Seed,
            distance,
            models = results.Select(r => new { path = r.Path, method = r.Title, nfe = r.Nfe, frechetDistance = r.Frechet, kernelDistance = r.Kernel?.Mean, kernelDeviation = r.Kernel?.Deviation }),
        });
        ui.Table(["model", "method", "NFE", "images", distance, kernel, "over subsets"], results.Select(r => new[]
        {
            r.Path, r.Title, Figures.Text(r.Nfe), Figures.Text(count), Figures.Text(r.Frechet), r.Kernel is { } k ? Figures.Text(k.Mean) : "-", r.Kernel is { } s ? $"± {Figures.Text(s.Deviation)}" : "-",
        }));
        if (statistics.Sample is null)
            ui.Line($"{reference} holds no sample of features, so there is no kernel distance; 'bdense statistics' writes one.");
        return 0;

        (string Path, string Title, int Nfe, string Features, double Frechet, KernelDistanceResult? Kernel) Measure(string path)
        {
            using var model = SavedSampler.Load(backend, path, parse.GetResult(_solver) is { Implicit: false } ? parse.GetValue(_solver) : null,
                parse.GetResult(_steps) is { Implicit: false } ? parse.GetValue(_steps) : null, parse.GetValue(Nfe), parse.GetValue(Fitted), schedule);
            var c = model.Network.Config;
            using var features = Features(backend, parse.GetValue(_inception), o.Threads, c.ImageChannels);
            statistics.RequireFeatures(features, reference);
            statistics.RequireSize(c.Resolution, c.Resolution, c.ImageChannels, path, reference);
            string subject = string.Create(CultureInfo.InvariantCulture, $"{TrainedNetwork.Find(path)}, {model.Title}{(schedule is null ? "" : " " + RunJson.ToLine(schedule))}, NFE {model.Evaluations}, seed {o.Seed}");
            var collection = ui.Stage(Path.GetFileName(path.TrimEnd('/')), count, report => FeatureCollection.Of(features,
                Sampling.Source(model.Network, model.Sampler, o.Seed, model.Sigma), (c.Resolution, c.Resolution, c.ImageChannels), count, new CollectOptions
                {
                    Subject = $"{subject}, {Identity(path, model, parse.GetValue(Fitted))}",
                    Batch = o.Batch,
                    StateFile = StateFile(parse.GetValue(_state), subject),
                    OnDone = done => report(done, $"NFE {model.Evaluations}"),
                    Cancellation = cancellation,
                }));
            double frechet = FrechetDistance.Between(collection.Statistics.Mean(), collection.Statistics.Covariance(), statistics.Mean, statistics.Covariance);
            return (path, model.Title, model.Evaluations, features.Name, frechet, statistics.Sample is null ? null : KernelDistance.Between(collection.Sample, statistics.Sample));
        }
    }

    // The path and the step say where a model is, not what it is: trained anew in place it is another one. A student samples as its run says.
    private static string Identity(string path, SavedSampler model, bool fitted)
    {
        string identity = $"model {TrainedNetwork.Fingerprint(path, model.Network.Config)}";
        if (model.Student is null)
            return identity;
        identity += $", run {RunFolder.Existing(path).Identity}";
        return fitted ? $"{identity}, fitted {StepFitting.Fingerprint(model.Student, path)}" : identity;
    }
}
