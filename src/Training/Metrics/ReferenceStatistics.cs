using System.IO.Compression;
using System.Text;
using BDense.Kernels;
using BDense.Training.Data;
using MathNet.Numerics.LinearAlgebra;

namespace BDense.Training.Metrics;

/// <summary>
/// What generated images are held to, as EDM and its descendants store it: a .npz with <c>mu</c> [d] and <c>sigma</c> [d,d], the
/// mean and covariance of the features of all images of a dataset. Files written here also hold <c>features</c> [n,d] float32, a
/// sample of them for the kernel distance, <c>source</c>, text that says what they were computed from and with, and <c>size</c> [3]
/// int64, the images' height, width and channels; readers of mu and sigma heed none of them.
/// </summary>
/// <param name="Mean">mu</param>
/// <param name="Covariance">sigma, with n - 1 in the denominator.</param>
/// <param name="Sample">For the kernel distance; none in files of other software.</param>
/// <param name="Features">What computed them (<see cref="IImageFeatures.Name"/>); none in files of other software.</param>
/// <param name="Data">What images they are of; none in files of other software.</param>
public sealed record ReferenceStatistics(Vector<double> Mean, Matrix<double> Covariance, FeatureSample? Sample = null,
    string? Features = null, string? Data = null)
{
    /// <summary>Length of a feature vector.</summary>
    public int Dimension => Mean.Count;

    /// <summary>Of the images that were seen; none in files of other software.</summary>
    public (long Height, long Width, long Channels)? Size { get; init; }

    /// <summary>Whether a path is a .npz with mu and sigma, and not one with images.</summary>
    public static bool Holds(string path) =>
        IsZip(path, zip => zip.GetEntry("mu.npy") is not null && zip.GetEntry("sigma.npy") is not null);

    private static bool IsZip(string path, Func<ZipArchive, bool> of) => File.Exists(path) && DataFile.Guard(path, () =>
    {
        if (!DatasetSource.Of(path).IsZip)
            return false;
        using var zip = ZipFile.OpenRead(path);
        return of(zip);
    });

    /// <exception cref="BDenseException">No .npz, no mu and sigma in it, or not of one size.</exception>
    public static ReferenceStatistics Read(string path)
    {
        // Images are no slip of a file's name: they are what statistics are made of.
        if (Directory.Exists(path) || (File.Exists(path) && !IsZip(path, zip =>
            zip.Entries.Any(entry => entry.FullName.EndsWith(".npy", StringComparison.OrdinalIgnoreCase)))))
            throw new BDenseException(
                $"{path}: no reference statistics, which are a .npz with mu and sigma; of images 'bdense statistics' makes them");
        var arrays = Npz.Read(path);
        if (!arrays.TryGetValue("mu", out var mu) || !arrays.TryGetValue("sigma", out var sigma))
            throw new BDenseException(
                $"{path}: no reference statistics: it holds {string.Join(", ", arrays.Keys.Order(StringComparer.Ordinal))}, not "
                    + "mu and sigma; of images 'bdense statistics' makes them");
        if (mu.Shape is not [var d] || d == 0 || sigma.Shape is not [var rows, var columns] || rows != d || columns != d)
            throw new BDenseException(
                $"{path}: mu is [{string.Join(", ", mu.Shape)}] and sigma [{string.Join(", ", sigma.Shape)}], expected [d] and [d, d]");
        double[] values = Doubles(sigma);
        var statistics = new ReferenceStatistics(Vector<double>.Build.Dense(Doubles(mu)),
            Matrix<double>.Build.Dense(d, d, (i, j) => values[i * d + j]));
        if (!statistics.Mean.All(double.IsFinite) || !values.All(double.IsFinite))
            throw new BDenseException($"{path}: mu or sigma holds a number that is not finite");
        for (int i = 0; i < d; i++)
        {
            for (int j = 0; j < i; j++)
            {
                if (Math.Abs(values[i * d + j] - values[j * d + i])
                    > 1e-6 * Math.Sqrt(Math.Abs(values[i * d + i] * values[j * d + j])) + 1e-12)
                    throw new BDenseException($"{path}: sigma is no covariance: it differs from its transpose at [{i}, {j}]");
            }
        }
        if (arrays.TryGetValue("features", out var features) && features.Values is float[] sample && features.Shape is [_, var length]
            && length == d)
            statistics = statistics with { Sample = FeatureSample.Of(sample, d) };
        if (arrays.TryGetValue("source", out var source) && source.Values is byte[] text
            && Encoding.UTF8.GetString(text).Split('\n') is [var by, var of])
            statistics = statistics with { Features = by, Data = of };
        if (arrays.TryGetValue("size", out var size))
        {
            statistics = statistics with
            {
                Size = size.Values is long[] and [> 0 and var h, > 0 and var w, > 0 and var c] ? (h, w, c)
                    : throw new BDenseException($"{path}: 'size' is not height, width and channels of the images"),
            };
        }
        return statistics;
    }

    /// <summary>Writes the statistics of a collection of features; atomically.</summary>
    public static void Write(string path, FeatureCollection collection, string features, string data,
        (int Height, int Width, int Channels) size)
    {
        int d = collection.Statistics.Dimension;
        Npz.Write(path,
            ("mu", new NpyArray([d], collection.Statistics.Mean().ToArray())),
            ("sigma", new NpyArray([d, d], collection.Statistics.Covariance().ToRowMajorArray())),
            ("features", collection.Sample.ToArray()),
            ("source", Text($"{features}\n{data}")),
            ("size", new NpyArray([3], new long[] { size.Height, size.Width, size.Channels })));
    }

    /// <summary>Text as an array of its UTF-8 bytes, since NumPy's own text is not read here.</summary>
    internal static NpyArray Text(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        return new NpyArray([bytes.Length], bytes);
    }

    /// <exception cref="BDenseException">Statistics of other features than these.</exception>
    public void RequireFeatures(IImageFeatures features, string path)
    {
        if (Dimension != features.Dimension)
            throw new BDenseException(
                $"{path} holds statistics of {Dimension} features, {features.Name} {(features is RandomFeatures ? "are" : "gives")} "
                    + $"{features.Dimension}; both must come from the same network");
        if (Features is not null && Features != features.Name)
            throw new BDenseException($"{path} was made with {Features}, not with {features.Name}; make it anew with 'bdense statistics'");
    }

    /// <exception cref="BDenseException">Statistics of images of another size than a model's: features of both exist, a distance between
    /// them means nothing.</exception>
    public void RequireSize(int height, int width, int channels, string model, string path)
    {
        if (Size is { } s && s != (height, width, channels))
            throw new BDenseException(
                $"{path} is of images of {s.Height} x {s.Width} x {s.Channels}, {model} makes {height} x {width} x {channels}; make it "
                    + $"anew with 'bdense statistics --resolution {height}'");
    }

    private static double[] Doubles(NpyArray array) => array.Values as double[] ?? [.. array.ToSingle().Select(x => (double)x)];
}
