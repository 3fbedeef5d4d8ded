using System.CommandLine;
using System.Globalization;
using BDense.Cli.Terminal;
using BDense.Kernels;
using BDense.Training.Data.Preparing;
using SkiaSharp;

namespace BDense.Cli.Verbs.Datasets;

/// <summary><c>bdense data prepare</c>: images of any size and kind as a dataset in EDM's format.</summary>
internal static class Prepare
{
    private const int MaxSide = 4096;

    public static Verb Verb(Ui ui)
    {
        var source = new Argument<string>("SOURCE")
        {
            Description = "A folder, .zip, .tar or .tar.gz of JPEG, PNG, BMP, WebP; or another dataset of 8 bits (CIFAR-10, MNIST, .npz).",
        };
        var output = new Option<string>("--out")
        {
            Description = "What to write: a name that ends in .zip, or a folder.",
            HelpName = "PATH",
            Required = true,
        };
        var resolution = new Option<string?>("--resolution")
        {
            Description = "Rows and columns of the images written, as 64; with --crop wide WxH (width x height), as 512x384. Without it "
                + "they keep their size, and all must have the same.",
            HelpName = "N",
        };
        var crop = CommonOptions.Choice("--crop",
            "What is kept of an image: all of it (none: it must be square), the square in its middle (center), or its full width with "
            + "black above and below (wide).", CropMode.None);
        var filter = CommonOptions.Choice("--filter", "What resizes; lanczos without it, as EDM's dataset_tool.py.",
            [.. ResizeFilter.All.Select(f => f.Name)]);
        var limit = CommonOptions.Limit();
        var grayscale = new Option<bool>("--grayscale") { Description = "Write one channel: the luma of coloured images." };
        var unlabelled = new Option<bool>("--unlabelled") { Description = "Leave out the classes, where folders or labels say some." };
        var background = new Option<string>("--background")
        {
            Description = "Colour behind transparent pixels: black, white, or RRGGBB.",
            HelpName = "COLOUR",
            DefaultValueFactory = _ => "black",
        };
        var json = CommonOptions.Json();
        var command = new Command("prepare", "Makes a dataset of images: crops, resizes, numbers the classes, writes a zip or a folder.")
        {
            source, output, resolution, crop, filter, limit, grayscale, unlabelled, background, json,
        };
        command.SetAction((parse, cancellation) => Task.FromResult(Run(parse, cancellation)));
        return new Verb(command, "bdense data prepare photos --crop center --resolution 64 --out photos.zip",
            "bdense data prepare cifar-10-python.tar.gz --out cifar10-32x32.zip",
            "bdense data prepare cars.tar.gz --crop wide --resolution 512x384 --out cars");

        int Run(ParseResult parse, CancellationToken cancellation)
        {
            ui.JsonOnly = parse.GetValue(json);
            string from = parse.GetValue(source)!, path = parse.GetValue(output)!;
            var options = new PrepareOptions
            {
                Crop = parse.GetValue(crop),
                Size = Size(parse.GetValue(resolution)),
                Filter = parse.GetValue(filter) is { } name ? ResizeFilter.All.Single(f => f.Name == name) : ResizeFilter.Lanczos,
                Limit = parse.GetValue(limit),
                Grayscale = parse.GetValue(grayscale),
                Unlabelled = parse.GetValue(unlabelled),
                Background = Colour(parse.GetValue(background)!),
                OnNotice = ui.Note,
            };
            using var preparation = new Preparation(from, options);
            var made = ui.Stage("prepare", preparation.Count, report => preparation.Write(path, done => report(done, ""), cancellation));
            ui.Json(new
            {
                @out = Path.GetFullPath(path),
                count = made.Count,
                height = made.Height,
                width = made.Width,
                channels = made.Channels,
                classes = made.Classes,
                crop = options.Crop.ToString().ToLowerInvariant(),
                filter = options.Filter.Name,
                cropped = made.Cropped,
                reduced = made.Reduced,
                enlarged = made.Enlarged,
                transparent = made.Transparent,
                turned = made.Turned,
            });
            ui.Line($"{path}: {made.Count} images of {made.Height} x {made.Width} x {made.Channels}, {Classes(made)}");
            foreach (string line in Done(made, options, parse.GetValue(background)!))
                ui.Line($"  {line}");
            string typed = SamplerGroup.Quoted(path);
            ui.Line($"bdense data show {typed} shows it, bdense train --data {typed} trains with it");
            return 0;
        }
    }

    private static string Classes(PreparedDataset made) =>
        made.Labels is null ? "no classes" : made.Classes.Count > 0 ? $"{made.Classes.Count} classes: {Some(made.Classes)}"
            : $"classes 0 to {made.Labels.Max()}";

    private static string Some(IReadOnlyList<string> names) =>
        names.Count <= 10 ? string.Join(", ", names) : $"{string.Join(", ", names.Take(10))}, ...";

    /// <summary>What happened to the images, a line each; what did not happen is not said.</summary>
    private static IEnumerable<string> Done(PreparedDataset made, PrepareOptions options, string background)
    {
        if (made.Cropped > 0)
            yield return $"{made.Cropped} cropped";
        if (made.Reduced > 0)
            yield return $"{made.Reduced} made smaller by the {options.Filter.Name} filter";
        if (made.Enlarged > 0)
            yield return $"{made.Enlarged} made larger, which adds no detail: a smaller --resolution, or leave them out";
        if (made.Transparent > 0)
            yield return $"{made.Transparent} had transparent pixels, which are {background} now";
        if (made.Turned > 0)
            yield return $"{made.Turned} turned upright, as their files say (EXIF)";
    }

    /// <summary>"64" or "512x384", the width first, as EDM's tool has it.</summary>
    /// <exception cref="UsageException">Anything else.</exception>
    private static (int Height, int Width)? Size(string? text)
    {
        if (text is null)
            return null;
        int[] sides = [.. text.Split('x').Select(part =>
            int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int side) && side is >= 1 and <= MaxSide ? side : 0)];
        return sides switch
        {
            [> 0 and var side] => (side, side),
            [> 0 and var width, > 0 and var height] => (height, width),
            _ => throw new UsageException(
                $"--resolution must be a whole number from 1 to {MaxSide}, or two as 512x384 (width x height), not "
                    + $"{Printable.Quoted(text)}"),
        };
    }

    /// <exception cref="UsageException">No colour.</exception>
    private static SKColor Colour(string text) => text.ToLowerInvariant() switch
    {
        "black" => SKColors.Black,
        "white" => SKColors.White,
        { Length: 6 } hex when uint.TryParse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint rgb) =>
            new SKColor(0xFF000000 | rgb),
        _ => throw new UsageException($"--background must be black, white, or six digits as ff8000, not {Printable.Quoted(text)}"),
    };
}
