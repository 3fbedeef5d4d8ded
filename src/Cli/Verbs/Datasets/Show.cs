using System.CommandLine;
using System.Globalization;
using BDense.Cli.Reports;
using BDense.Cli.Terminal;
using BDense.Model.Checkpoints;
using BDense.Training.Data;
using BDense.Training.Data.Preparing;
using BDense.Training.Pictures;

namespace BDense.Cli.Verbs.Datasets;

/// <summary><c>bdense data show</c>: a grid of a dataset's images, and what their values and classes are.</summary>
internal static class Show
{
    // Of these a row of the grid each; more would not fit a screen.
    private const int RowClasses = 20, RowImages = 10;

    // Lines of the list of classes; the JSON has all.
    private const int ListedClasses = 30;

    public static Verb Verb(Ui ui)
    {
        var data = new Argument<string?>("DATA")
        {
            Description = CommonOptions.Data().Description!,
            DefaultValueFactory = _ => null,
        };
        var resolution = CommonOptions.Resolution();
        var limit = CommonOptions.Limit();
        var grayscale = new Option<bool>("--grayscale") { Description = "Read grayscale images of a folder or zip as one channel." };
        var count = Numbers.Int("--count",
            "Images in the grid, evenly spread over the dataset; of up to 20 classes a row each.", 64, min: 1,
            max: 1024);
        var output = CommonOptions.Out("The grid, a PNG.", "data.png");
        var json = CommonOptions.Json();
        var command = new Command("show",
            "Draws a grid of a dataset's images and prints size, range, mean, deviation, classes, fingerprint.")
        {
            data, resolution, limit, grayscale, count, output, json,
        };
        command.SetAction(parse =>
        {
            ui.JsonOnly = parse.GetValue(json);
            string png = parse.GetValue(output)!;
            AtomicFile.RequirePlace(png);
            var dataset = Dataset.Open(parse.GetValue(data), new DatasetOptions(parse.GetValue(resolution), parse.GetValue(limit))
            {
                Channels = parse.GetValue(grayscale) ? 1 : 0,
                OnNotice = ui.Note,
            });
            var summary = DatasetSummary.Of(dataset);
            var rows = Rows(dataset, summary, parse.GetValue(count));
            ImageGrid.Write(png, dataset.Height, dataset.Width, dataset.Channels, rows);
            Print(ui, dataset, summary, png);
        });
        return new Verb(command, "bdense data show photos.zip", "bdense data show cifar-10-binary.tar.gz --out cifar10.png",
            "bdense data show photos.zip --json");
    }

    private static void Print(Ui ui, Dataset dataset, DatasetSummary summary, string png)
    {
        ui.Json(new
        {
            data = dataset.Name,
            count = dataset.Count,
            height = dataset.Height,
            width = dataset.Width,
            channels = dataset.Channels,
            values = summary.All,
            valuesByChannel = summary.Channels,
            classes = summary.Classes,
            fingerprint = dataset.Fingerprint,
            @out = Path.GetFullPath(png),
        });
        ui.Line($"data         {dataset.Name}");
        ui.Line($"images       {dataset.Count} of {dataset.Height} x {dataset.Width} x {dataset.Channels} (height x width x channels)");
        ui.Line($"values       {Text(summary.All)}");
        if (summary.Channels.Count is > 1 and <= 8)
        {
            foreach (var (channel, values) in summary.Channels.Index())
                ui.Line($"  channel {channel}  {Text(values)}");
        }
        var classes = summary.Classes;
        ui.Line(classes.Count == 0 ? "classes      none" : $"classes      {classes.Count}");
        foreach (var one in classes.Take(ListedClasses))
            ui.Line(string.Create(CultureInfo.InvariantCulture, $"  {one.Label,9}  {one.Count,8} images  {one.Name}"));
        if (classes.Count > ListedClasses)
            ui.Line($"  and {classes.Count - ListedClasses} more, of {classes.Skip(ListedClasses).Min(c => c.Count)} to "
                + $"{classes.Skip(ListedClasses).Max(c => c.Count)} images; --json has all");
        ui.Line($"fingerprint  SHA-256 {dataset.Fingerprint}");
        ui.Line($"grid         {png}");
    }

    private static string Text(ValueSummary v) =>
        $"{Figures.Text(v.Least)} to {Figures.Text(v.Greatest)}, mean {Figures.Text(v.Mean)}, deviation {Figures.Text(v.Deviation)}";

    private static IReadOnlyList<GridRow> Rows(Dataset data, DatasetSummary summary, int count)
    {
        var classes = summary.Classes.Where(c => c.Count > 0).ToList();
        if (classes.Count is < 2 or > RowClasses)
        {
            int columns = (int)Math.Ceiling(Math.Sqrt(Math.Min(count, data.Count)));
            return ImageGrid.Rows(Images(data, [.. Enumerable.Range(0, data.Count)], count), data.ImageLength, columns);
        }
        var members = Enumerable.Range(0, data.Count).ToLookup(i => data.Labels![i]);
        return [.. classes.Select(c => new GridRow($"{c.Name} ({c.Count})", Images(data, [.. members[c.Label]], RowImages)))];
    }

    /// <summary>So many of some images, evenly spread.</summary>
    private static float[] Images(Dataset data, int[] among, int count)
    {
        int n = Math.Min(count, among.Length);
        var images = new float[n * data.ImageLength];
        for (int i = 0; i < n; i++)
            data.Read(among[(int)((long)i * among.Length / n)], images.AsSpan(i * data.ImageLength));
        return images;
    }
}
