using BDense.Kernels;
using SkiaSharp;

namespace BDense.Training.Data.Preparing;

/// <summary>
/// Images to prepare, of any size: files in a folder, zip or tar, which are decoded one by one, or an 8-bit dataset in another format.
/// </summary>
internal sealed class PictureSource : IDisposable
{
    private readonly ImageFiles? _files;
    private readonly Dataset? _dataset;

    private PictureSource(string path, ImageFiles? files, Dataset? dataset, Action<string>? onNotice)
    {
        (Path, _files, _dataset) = (path, files, dataset);
        Classes = files?.Classes(onNotice) ?? new ImageClasses(dataset!.Labels is { } labels ? [.. labels] : null, [.. dataset.Classes]);
    }

    /// <summary>Where they come from.</summary>
    public string Path { get; }

    /// <summary>How many.</summary>
    public int Count => _files?.Names.Length ?? _dataset!.Count;

    /// <summary>Of all of them.</summary>
    public ImageClasses Classes { get; }

    /// <exception cref="BDenseException">Nothing there, no images, damaged, or numbers that are no images.</exception>
    public static PictureSource Open(string path, Action<string>? onNotice) => DataFile.Guard(path, () =>
    {
        var source = DatasetSource.Of(path);
        if (DatasetFormats.Find(source) == ImageFolder.Format)
            return OfFiles(source.IsFolder ? ImageFiles.OfFolder(path) : ImageFiles.OfZip(path));
        // CIFAR-10's own archives are tars too, of other files.
        if (source.IsTar && ImageFiles.OfTar(path, source.IsGzip) is { } files)
            return OfFiles(files);
        var dataset = Dataset.Open(path, new DatasetOptions { OnNotice = onNotice });
        return dataset.IsEightBit && dataset.Channels is 1 or 3 ? new PictureSource(path, null, dataset, onNotice)
            : throw new BDenseException(
                $"{path}: {(dataset.IsEightBit ? $"has {dataset.Channels} channels" : "holds floats")}; images of 8 bits and 1 or "
                    + $"3 channels "
                    + "are prepared, other arrays train as they are");

        PictureSource OfFiles(ImageFiles files)
        {
            try
            {
                return new PictureSource(path, files, null, onNotice);
            }
            catch
            {
                files.Dispose();
                throw;
            }
        }
    });

    /// <summary>How messages call an image.</summary>
    public string NameOf(int index) => _files?.Names[index] ?? $"image {index}";

    /// <summary>
    /// Image <paramref name="index"/>: its file is read at once, by one thread at a time; what is returned decodes it, by any thread.
    /// </summary>
    public Func<DecodedPicture> Load(int index, SKColor background)
    {
        if (_files is null)
            return () => new DecodedPicture(OfDataset(index));
        byte[] file = _files.Read(_files.Names[index]);
        return () => PictureDecoder.Decode(file, background);
    }

    /// <summary>Closes the archive.</summary>
    public void Dispose() => _files?.Dispose();

    private Picture OfDataset(int index)
    {
        var values = new float[_dataset!.ImageLength];
        _dataset.Read(index, values);
        // Back to the bytes that the values are of, exactly.
        return new Picture(_dataset.Height, _dataset.Width, _dataset.Channels,
            Array.ConvertAll(values, value => (byte)MathF.Round((value + 1) * 127.5f)));
    }
}
