using System.IO.Compression;
using BDense.Kernels;

namespace BDense.Training.Data;

/// <summary>The images in a folder, a zip or a tar, not decoded: their names in order, their bytes when asked for, their classes.</summary>
internal sealed class ImageFiles : IDisposable
{
    /// <summary>The most bytes of one image's file.</summary>
    private const long MaxFileBytes = 64 << 20;

    private static readonly string[] Extensions = [".jpg", ".jpeg", ".png", ".bmp", ".webp"];

    private readonly Func<string, long, byte[]> _read;
    private readonly IDisposable? _archive;
    private readonly string? _labelFile;

    // read takes a file's name and the most bytes that it may have.
    private ImageFiles(string path, IEnumerable<string> all, Func<string, long, byte[]> read, IDisposable? archive = null)
    {
        string[] files = [.. all];
        (Path, _read, _archive) = (path, read, archive);
        Names = [.. files.Where(IsImage).Order(StringComparer.Ordinal)];
        if (Names.Length == 0)
            throw new BDenseException($"{path}: holds no images; known are {DatasetFormats.Known}");
        _labelFile = EdmLabels.Find(path, files);
    }

    /// <summary>Where they are.</summary>
    public string Path { get; }

    /// <summary>Names with /, relative to the folder or as the archive has them, in ordinal order.</summary>
    public string[] Names { get; }

    /// <summary>All files below a folder.</summary>
    /// <exception cref="BDenseException">None of them is an image, by its name; or two label files.</exception>
    public static ImageFiles OfFolder(string path)
    {
        var files = Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories)
            .Select(file => System.IO.Path.GetRelativePath(path, file).Replace('\\', '/'));
        return new ImageFiles(path, files, (name, most) =>
        {
            string file = System.IO.Path.Combine(path, name);
            return new FileInfo(file).Length > most ? throw TooLarge(path, name) : File.ReadAllBytes(file);
        });
    }

    /// <summary>The entries of a zip, which stays open; read by one thread at a time.</summary>
    /// <exception cref="BDenseException">As of a folder.</exception>
    public static ImageFiles OfZip(string path)
    {
        var zip = ZipFile.OpenRead(path);
        try
        {
            var entries = new Dictionary<string, ZipArchiveEntry>(StringComparer.Ordinal);
            foreach (var entry in zip.Entries)
                entries[entry.FullName.Replace('\\', '/')] = entry;
            return new ImageFiles(path, entries.Keys, (name, most) => Read(path, entries[name], most), zip);
        }
        catch
        {
            zip.Dispose();
            throw;
        }
    }

    /// <summary>
    /// A tar, compressed by gzip or not, which is read whole: it has no list of what is in it. None where it holds no images.
    /// </summary>
    /// <exception cref="BDenseException">The archive is damaged, or has two label files.</exception>
    public static ImageFiles? OfTar(string path, bool isGzip)
    {
        using var file = DataFile.OpenRead(path);
        using Stream stream = isGzip ? new GZipStream(file, CompressionMode.Decompress) : file;
        var files = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        bool Wanted(string name) => IsImage(name) || System.IO.Path.GetFileName(name) == EdmLabels.FileName;
        foreach (var (name, bytes) in TarFiles.Read(stream, path, Wanted, EdmLabels.MaxFileBytes))
            files[name.StartsWith("./", StringComparison.Ordinal) ? name[2..] : name] = bytes;
        return !files.Keys.Any(IsImage) ? null
            : new ImageFiles(path, files.Keys, (name, most) => files[name].Length > most ? throw TooLarge(path, name) : files[name]);
    }

    /// <summary>Whether a tar holds images, by their names.</summary>
    /// <exception cref="BDenseException">The archive is damaged.</exception>
    public static bool AreInTar(string path, bool isGzip)
    {
        using var file = DataFile.OpenRead(path);
        using Stream stream = isGzip ? new GZipStream(file, CompressionMode.Decompress) : file;
        bool any = false;
        TarFiles.Read(stream, path, name =>
        {
            any |= IsImage(name);
            return false;
        }, most: 0);
        return any;
    }

    /// <summary>
    /// What to say where a tar of images is given to be trained with: a tar has no index, so its images cannot be picked.
    /// </summary>
    public static BDenseException InTar(string path) => new($"{path}: a tar of images: 'bdense data prepare' makes a dataset of it");

    /// <summary>The bytes of one of <see cref="Names"/>.</summary>
    /// <exception cref="BDenseException">It is larger than an image is.</exception>
    public byte[] Read(string name) => _read(name, MaxFileBytes);

    /// <summary>What dataset.json says, else the folders that the images lie in.</summary>
    /// <param name="onNotice">Told where folders look like classes and are none.</param>
    /// <exception cref="BDenseException">The label file is none, or does not fit the images.</exception>
    public ImageClasses Classes(Action<string>? onNotice) => _labelFile is { } file
        ? EdmLabels.Read(Path, file, _read(file, EdmLabels.MaxFileBytes), Names)
        : ImageClasses.OfFolders(Path, Names, onNotice);

    /// <summary>Closes the archive.</summary>
    public void Dispose() => _archive?.Dispose();

    /// <summary>
    /// Whether a name is an image's. Hidden files, and the resource forks that macOS adds to archives, are none whatever their extension.
    /// </summary>
    public static bool IsImage(string path) =>
        Extensions.Contains(System.IO.Path.GetExtension(path), StringComparer.OrdinalIgnoreCase)
        && !System.IO.Path.GetFileName(path).StartsWith('.') && !path.StartsWith("__MACOSX", StringComparison.Ordinal);

    private static byte[] Read(string path, ZipArchiveEntry entry, long most)
    {
        DataFile.CheckEntry(path, entry);
        if (entry.Length > most)
            throw TooLarge(path, entry.FullName);
        var bytes = new byte[entry.Length];
        using var stream = entry.Open();
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static BDenseException TooLarge(string path, string name) => new($"{path}: {name}: too large for what its name says");
}
