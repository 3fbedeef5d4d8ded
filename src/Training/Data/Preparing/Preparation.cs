using BDense.Kernels;
using SkiaSharp;

namespace BDense.Training.Data.Preparing;

/// <summary>How images are prepared.</summary>
public sealed record PrepareOptions
{
    /// <summary>Which part of each image is kept.</summary>
    public CropMode Crop { get; init; }

    /// <summary>Height and width; square, but for <see cref="CropMode.Wide"/>, which needs it. None: as the crop leaves them.</summary>
    public (int Height, int Width)? Size { get; init; }

    /// <summary>To resize with.</summary>
    public ResizeFilter Filter { get; init; } = ResizeFilter.Lanczos;

    /// <summary>At most so many images, evenly spread over all; 0 for all.</summary>
    public int Limit { get; init; }

    /// <summary>One channel, the luma of coloured images, in place of RGB.</summary>
    public bool Grayscale { get; init; }

    /// <summary>Whether the labels of the source are left out.</summary>
    public bool Unlabelled { get; init; }

    /// <summary>Behind transparent pixels.</summary>
    public SKColor Background { get; init; } = SKColors.Black;

    /// <summary>Told in one line of what is taken as it is and yet looks wrong.</summary>
    public Action<string>? OnNotice { get; init; }
}

/// <summary>What was written, and what was done to the images for it.</summary>
/// <param name="Count">Images.</param>
/// <param name="Height">H</param>
/// <param name="Width">W</param>
/// <param name="Channels">1 or 3.</param>
/// <param name="Labels">Of each image; none without classes.</param>
/// <param name="Classes">Names by label; empty where there are none.</param>
/// <param name="Cropped">Images of which a part was left out.</param>
/// <param name="Reduced">Images that were made smaller, and after a crop.</param>
/// <param name="Enlarged">Images that were made larger: what they lack in detail no filter adds.</param>
/// <param name="Transparent">Images with transparent pixels, now the background's.</param>
/// <param name="Turned">Images that their files said to turn or mirror.</param>
public sealed record PreparedDataset(int Count, int Height, int Width, int Channels, IReadOnlyList<int>? Labels,
    IReadOnlyList<string> Classes, int Cropped, int Reduced, int Enlarged, int Transparent, int Turned);

/// <summary>
/// Makes a dataset in EDM's format of images of any size and kind: PNG files of one size with their labels in dataset.json, in a zip or a
/// folder. The same images give the same bytes, however many threads there are.
/// </summary>
public sealed class Preparation : IDisposable
{
    // Read by one thread, then decoded by all: so many files are in memory at once.
    private const int ChunkImages = 64;

    private readonly PictureSource _source;
    private readonly PrepareOptions _options;
    private readonly int[] _selection;

    /// <summary>Opens the images.</summary>
    /// <param name="source">A folder, a zip or a tar of images, or any dataset of 8 bits that can be trained with.</param>
    /// <param name="options">How.</param>
    /// <exception cref="UsageException">A size that is none, or not of the crop.</exception>
    /// <exception cref="BDenseException">Nothing there, or no images.</exception>
    public Preparation(string source, PrepareOptions options)
    {
        if (options.Crop == CropMode.Wide && options.Size is null)
            throw new UsageException("--crop wide needs --resolution WxH, the shape that is kept of each image");
        if (options.Size is (var height, var width) && (options.Crop == CropMode.Wide ? height > width : height != width))
            throw new UsageException(options.Crop == CropMode.Wide
                ? $"--resolution {width}x{height}: --crop wide makes images that are wider than high"
                : $"--resolution {width}x{height}: networks take squares; give one number, or --crop wide for black above and below");
        _options = options;
        _source = PictureSource.Open(source, options.OnNotice);
        _selection = DatasetBuilder.Select(_source.Count, options.Limit);
    }

    /// <summary>Images that will be written.</summary>
    public int Count => _selection.Length;

    /// <summary>Prepares all images and writes them; whole, or nothing.</summary>
    /// <param name="path">A name that ends in .zip; else a folder, which is made.</param>
    /// <param name="onDone">Told how many images are done.</param>
    /// <param name="cancellation">Looked at between images.</param>
    /// <exception cref="UsageException">The place is no place for a dataset.</exception>
    /// <exception cref="BDenseException">An image is none, damaged or not of the shape, named; or the place cannot be written.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; nothing was written.</exception>
    public PreparedDataset Write(string path, Action<int>? onDone = null, CancellationToken cancellation = default)
    {
        PreparedFiles.RequirePlace(path, _source.Path);
        PreparedDataset? result = null;
        PreparedFiles.Write(path, sink =>
        {
            result = WriteImages(sink, onDone, cancellation);
            sink(EdmLabels.FileName, EdmLabels.Write(
                result.Labels is null ? null : [.. result.Labels.Select((label, i) => (PreparedFiles.NameOf(i), label))], result.Classes));
        });
        return result!;
    }

    /// <summary>Closes the source.</summary>
    public void Dispose() => _source.Dispose();

    private PreparedDataset WriteImages(FileSink sink, Action<int>? onDone, CancellationToken cancellation)
    {
        int cropped = 0, reduced = 0, enlarged = 0, transparent = 0, turned = 0;
        Prepared? first = null;
        for (int start = 0; start < Count; start += ChunkImages)
        {
            int n = Math.Min(ChunkImages, Count - start);
            var loaded = new Func<DecodedPicture>[n];
            for (int i = 0; i < n; i++)
                loaded[i] = DataFile.Guard(_source.Path, () => _source.Load(_selection[start + i], _options.Background));
            var prepared = new Prepared?[n];
            var faults = new string?[n];
            Parallel.For(0, n, i =>
            {
                if (cancellation.IsCancellationRequested)
                    return;
                try
                {
                    prepared[i] = Prepare(loaded[i]());
                }
                catch (Exception e) when (e is BDenseException or OutOfMemoryException)
                {
                    faults[i] = e is BDenseException ? e.Message : "too large for this machine's memory";
                }
            });
            cancellation.ThrowIfCancellationRequested();
            for (int i = 0; i < n; i++)
            {
                // The first of the images that is at fault, whichever thread came to its own first.
                if (faults[i] is { } fault)
                    throw Fault(start + i, fault);
                var made = prepared[i]!;
                first ??= made;
                if ((made.Height, made.Width) != (first.Height, first.Width))
                    throw Fault(start + i, $"{made.Width} x {made.Height} (width x height), but {_source.NameOf(_selection[0])} is "
                        + $"{first.Width} x {first.Height}; --resolution N brings all to one size");
                sink(PreparedFiles.NameOf(start + i), made.Png);
                cropped += made.IsCropped ? 1 : 0;
                reduced += made.Factor < 1 ? 1 : 0;
                enlarged += made.Factor > 1 ? 1 : 0;
                transparent += made.IsTransparent ? 1 : 0;
                turned += made.IsTurned ? 1 : 0;
            }
            onDone?.Invoke(start + n);
        }
        var (labels, names) = _options.Unlabelled ? new ImageClasses(null, []) : _source.Classes;
        return new PreparedDataset(Count, first!.Height, first.Width, first.Channels,
            labels is null ? null : [.. _selection.Select(i => labels[i])], names, cropped, reduced, enlarged, transparent, turned);
    }

    private Prepared Prepare(DecodedPicture decoded)
    {
        var picture = _options.Grayscale ? decoded.Picture.ToGrey() : decoded.Picture.ToColour();
        var (framed, isCropped, factor) = Framing.Frame(picture, _options.Crop, _options.Size, _options.Filter);
        return new Prepared(framed.Height, framed.Width, framed.Channels, framed.ToPng(), isCropped, factor, decoded.IsTransparent,
            decoded.IsTurned);
    }

    private BDenseException Fault(int index, string fault) =>
        new(Printable.Text($"{_source.Path}: {_source.NameOf(_selection[index])}: {fault}"));

    private sealed record Prepared(int Height, int Width, int Channels, byte[] Png, bool IsCropped, double Factor, bool IsTransparent,
        bool IsTurned);
}
