using System.CommandLine;
using BDense.Cli.Terminal;
using BDense.Training.Data;
using BDense.Training.Metrics;
using BDense.Training.Runs;

namespace BDense.Cli.Verbs.Measuring;

/// <summary>
/// <c>bdense statistics</c>: mean and covariance of a dataset's features, for <c>evaluate --fid</c> and for other software.
/// </summary>
internal static class Statistics
{
    public static Verb Verb(Ui ui)
    {
        var data = new Argument<string>("DATA")
        {
            Description = CommonOptions.Data().Description!.Replace(" Without it the built-in one.", "", StringComparison.Ordinal),
        };
        var inception = EvaluateFid.Inception();
        var output = CommonOptions.Out(".npz to write: mu and sigma as EDM stores them, and a sample of features.", "statistics.npz");
        var resolution = CommonOptions.Resolution();
        var limit = CommonOptions.Limit();
        var grayscale = new Option<bool>("--grayscale")
        {
            Description = "Read grayscale images of a folder or zip as one channel, as a network with imageChannels 1 does; else "
                + "they are RGB.",
        };
        var batch = Numbers.Int("--batch", "Images at once.", 64, min: 1, max: Most.Batch);
        var state = EvaluateFid.State();
        var device = CommonOptions.Device();
        var threads = CommonOptions.Threads();
        var json = CommonOptions.Json();
        var command = new Command("statistics", "Writes the mean and covariance of a dataset's features, which FID holds samples to.")
        {
            data, inception, output, resolution, limit, grayscale, batch, state, device, threads, json,
        };
        command.SetAction((parse, cancellation) => Task.FromResult(Run(parse, cancellation)));
        return new Verb(command, "bdense statistics cifar10.zip --inception inception.onnx --out cifar10.npz",
            "bdense statistics photos --resolution 32 --out photos.npz");

        int Run(ParseResult parse, CancellationToken cancellation)
        {
            ui.JsonOnly = parse.GetValue(json);
            using var backend = parse.Open(device, threads);
            var dataset = Dataset.Open(parse.GetValue(data), new DatasetOptions(parse.GetValue(resolution), parse.GetValue(limit))
            {
                Channels = parse.GetValue(grayscale) ? 1 : 0,
                OnNotice = ui.Note,
            });
            using var features = EvaluateFid.Features(backend, parse.GetValue(inception), parse.GetValue(threads), dataset.Channels);
            FrechetDistance.RequireEnough(dataset.Count, features.Dimension, dataset.Name);
            string subject = $"{dataset.Name}, {dataset.Count} images of {dataset.Height} x {dataset.Width} x {dataset.Channels}",
                path = parse.GetValue(output)!;
            string identity = $"{dataset.Name}, {RunData.Fingerprint(dataset)}";
            var collection = ui.Stage("features", dataset.Count,
                report => FeatureCollection.Of(features, dataset.ToArray, (dataset.Height, dataset.Width, dataset.Channels),
                dataset.Count, new CollectOptions
                {
                    Subject = identity,
                    Batch = parse.GetValue(batch),
                    StateFile = EvaluateFid.StateFile(parse.GetValue(state), subject),
                    OnDone = done => report(done, dataset.Name),
                    Cancellation = cancellation,
                }));
            ReferenceStatistics.Write(path, collection, features.Name, identity, (dataset.Height, dataset.Width, dataset.Channels));
            ui.Json(new
            {
                @out = Path.GetFullPath(path),
                data = dataset.Name,
                count = dataset.Count,
                features = features.Name,
                dimension = features.Dimension
            });
            ui.Line($"{path}: {features.Dimension} features of {subject}, by {features.Name}");
            return 0;
        }
    }
}
