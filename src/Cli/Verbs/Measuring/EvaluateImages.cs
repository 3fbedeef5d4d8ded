using BDense.Cli.Reports;
using BDense.Cli.Terminal;
using BDense.Experiments;
using BDense.Kernels;
using BDense.Training.Data;
using BDense.Training.Metrics;
using BDense.Training.Runs;

namespace BDense.Cli.Verbs.Measuring;

/// <summary>Images to be held to others, or to statistics of others.</summary>
/// <param name="Images">A folder, a zip or any dataset.</param>
/// <param name="Reference">Likewise; or .npz with mu and sigma.</param>
/// <param name="Inception">Network of the features; none for the random ones.</param>
/// <param name="State">Folder for what has been summed so far.</param>
internal sealed record ImagesRequest(string Images, string Reference, string? Inception, string? State)
{
    /// <summary>Images that must be there, of which so many are taken evenly; none for all there are.</summary>
    public int? Count { get; init; }

    /// <summary>Images of the reference at most; 0 for all.</summary>
    public int Limit { get; init; }

    /// <summary>Rows that both are averaged down to; 0 for as they are.</summary>
    public int Resolution { get; init; }

    /// <summary>Images at once.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>Of ONNX Runtime.</summary>
    public int Threads { get; init; }
}

/// <summary>
/// <c>bdense evaluate --fid --images A --reference B</c>: Fréchet and kernel distance of two sets of images, without a model, as EDM's
/// fid.py calc has the first of them. With the Inception network FID and KID.
/// </summary>
internal static class EvaluateImages
{
    // What published FIDs are of; with fewer images the same distribution is further away.
    private const int PublishedCount = 50_000;

    public static int Run(Ui ui, Backend backend, ImagesRequest request, CancellationToken cancellation)
    {
        var statistics = ReferenceStatistics.Holds(request.Reference) ? ReferenceStatistics.Read(request.Reference) : null;
        if (statistics is not null && request.Limit > 0)
            throw new UsageException($"--limit takes some images of the reference; {request.Reference} holds the statistics of all");
        var others = statistics is null ? Open(ui, request, request.Reference, request.Limit, channels: 0) : null;
        // Grey images are read as one channel where the others are.
        int channels = statistics?.Size is { Channels: 1 } || others is { Channels: 1 } ? 1 : 0;
        var images = Open(ui, request, request.Images, request.Count ?? 0, channels);
        if (images.Count < request.Count)
            throw new BDenseException($"{request.Images} holds {images.Count} images, fewer than the {request.Count} of --count");
        RequireSize(images, others is null ? statistics!.Size : (others.Height, others.Width, others.Channels), request);
        if (statistics is { Size: null })
            ui.Note($"{request.Reference} does not say of what size its images were; a distance means something for those alone");
        if (others is not null && others.Fingerprint == images.Fingerprint)
            ui.Note($"{request.Images} and {request.Reference} hold the same images");

        using var features = EvaluateFid.Features(backend, request.Inception, request.Threads, images.Channels);
        statistics?.RequireFeatures(features, request.Reference);
        Dataset[] sets = others is null ? [images] : [images, others];
        foreach (var set in sets)
        {
            string side = set == others ? "--reference" : "--images";
            FrechetDistance.RequireEnough(set.Count, features.Dimension, $"{side} {set.Name}");
        }
        ui.Whole(sets.Select(set => new PlannedStage(StageOf(set), set.Count)));
        var collected = sets.Select(Collect).ToList();
        var reference = others is null ? statistics!
            : new ReferenceStatistics(collected[1].Statistics.Mean(), collected[1].Statistics.Covariance(), collected[1].Sample);
        double frechet = FrechetDistance.Between(collected[0].Statistics.Mean(), collected[0].Statistics.Covariance(), reference.Mean,
            reference.Covariance);
        KernelDistanceResult? kernel = reference.Sample is null ? null : KernelDistance.Between(collected[0].Sample, reference.Sample);
        Print(ui, request, images, others, statistics, features, frechet, kernel);
        return 0;

        static string StageOf(Dataset set) => $"features of {Path.GetFileName(Path.TrimEndingDirectorySeparator(set.Name))}";

        FeatureCollection Collect(Dataset set)
        {
            string identity = $"{set.Name}, {RunData.Fingerprint(set)}";
            return ui.Stage(StageOf(set), set.Count, report => FeatureCollection.Of(features, set.ToArray,
                (set.Height, set.Width, set.Channels), set.Count, new CollectOptions
                {
                    Subject = identity,
                    Batch = request.Batch,
                    StateFile = EvaluateFid.StateFile(request.State, identity),
                    OnDone = done => report(done, ""),
                    Cancellation = cancellation,
                }));
        }
    }

    private static Dataset Open(Ui ui, ImagesRequest request, string path, int limit, int channels) =>
        Dataset.Open(path, new DatasetOptions(request.Resolution, limit) { Channels = channels, OnNotice = ui.Note });

    private static void RequireSize(Dataset images, (long Height, long Width, long Channels)? size, ImagesRequest request)
    {
        if (size is { } s && s != (images.Height, images.Width, images.Channels))
            throw new BDenseException(
                $"{request.Images} has images of {images.Height} x {images.Width} x {images.Channels}, {request.Reference} of {s.Height} x "
                    + $"{s.Width} x {s.Channels}: a distance between sizes means nothing; --resolution N averages larger ones down, "
                    + "'bdense data prepare' resizes to any");
    }

    private static void Print(Ui ui, ImagesRequest request, Dataset images, Dataset? others, ReferenceStatistics? statistics,
        IImageFeatures features, double frechet, KernelDistanceResult? kernel)
    {
        string distance = features.DistanceName, kernelName = request.Inception is null ? "kernel distance" : "KID";
        ui.Json(new
        {
            images = request.Images,
            count = images.Count,
            reference = request.Reference,
            referenceCount = others?.Count,
            data = statistics?.Data,
            features = features.Name,
            distance,
            frechetDistance = frechet,
            kernelDistance = kernel?.Mean,
            kernelDeviation = kernel?.Deviation,
        });
        ui.Table(["images", "count", "reference", "reference's count", distance, kernelName, "over subsets"],
        [
            [
                request.Images, Figures.Text(images.Count), request.Reference, others is null ? "statistics" : Figures.Text(others.Count),
                Figures.Text(frechet), kernel is { } k ? Figures.Text(k.Mean) : "-",
                kernel?.Deviation is { } deviation ? $"± {Figures.Text(deviation)}" : "-",
            ],
        ]);
        if (kernel is null)
            ui.Line($"{request.Reference} holds no sample of features, so there is no {kernelName}; 'bdense statistics' writes one.");
        if (request.Inception is null)
            ui.Line("The features are random: not FID, and comparable to no published figure; --inception FILE.onnx gives FID and KID.");
        else if (images.Count < PublishedCount)
            ui.Line($"Published FIDs are of {PublishedCount} images; fewer make it larger. KID has no such bias.");
    }
}
