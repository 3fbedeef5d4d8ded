using BDense.Kernels;

namespace BDense.Training.Data;

/// <summary>A format that datasets come in, declared in the file that reads it.</summary>
/// <param name="What">For people, as one of several with commas between.</param>
/// <param name="Holds">Whether a path holds it, by its content where that tells.</param>
/// <param name="Open">Reads it.</param>
internal sealed record DatasetFormat(string What, Func<DatasetSource, bool> Holds, Func<DatasetSource, DatasetOptions, Dataset> Open);

/// <summary>Finds out by content, not by name alone, which of the known formats a path holds.</summary>
internal static class DatasetFormats
{
    /// <summary>All of them; the first one that a path holds is read.</summary>
    private static readonly DatasetFormat[] s_all = [ArrayDataset.Format, IdxDataset.Format, Cifar10.Format, ImageFolder.Format];

    /// <summary>What there is, for people.</summary>
    public static string Known { get; } = string.Join(", ", s_all.Select(format => format.What));

    /// <summary>The first that a path holds; none if none does.</summary>
    public static DatasetFormat? Find(DatasetSource source) => s_all.FirstOrDefault(format => format.Holds(source));

    /// <exception cref="BDenseException">Nothing there, nothing in it, or none of these.</exception>
    public static Dataset Open(string path, DatasetOptions options)
    {
        var source = DatasetSource.Of(path);
        if (Find(source) is { } format)
            return format.Open(source, options);
        throw source.IsTar && ImageFiles.AreInTar(path, source.IsGzip) ? ImageFiles.InTar(path)
            : new BDenseException($"{path}: not a dataset that is known: {Known}");
    }
}
