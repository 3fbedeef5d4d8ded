using System.Formats.Tar;
using System.IO.Compression;
using BDense.Model.Checkpoints;
using BDense.Tests.Data;
using BDense.Training.Data;
using BDense.Training.Data.Preparing;

namespace BDense.Tests.Faults;

/// <summary>Datasets that are arrays: NumPy's, idx, CIFAR-10.</summary>
internal static class ArrayCases
{
    private static readonly byte[] Pixels = [.. Enumerable.Range(0, 3 * 4 * 4 * 3).Select(i => (byte)(i * 37))];

    public static IReadOnlyList<ReaderCase> All { get; } =
    [
        new("npy", SampleFormat.Npy, folder =>
        {
            string npz = folder["x.npz"], file = folder["x.npy"];
            Npz.Write(npz, ("x", new NpyArray([2, 3, 4], Enumerable.Range(0, 24).Select(i => (double)i).ToArray())));
            using (var zip = ZipFile.OpenRead(npz))
                zip.Entries[0].ExtractToFile(file);
            byte[] whole = File.ReadAllBytes(file);
            // The same of another type and shape.
            byte[] other =
                [.. System.Text.Encoding.Latin1.GetBytes(
                    System.Text.Encoding.Latin1.GetString(whole).Replace("<f8", "<i4", StringComparison.Ordinal)
                        .Replace("(2, 3, 4)", "(8, 2, 3)", StringComparison.Ordinal))];
            return new Sample(file, () => _ = Npz.Read(file)["arr_0"].ToSingle(), other);
        }),
        new("npz", SampleFormat.Zip, folder =>
        {
            string file = folder["x.npz"];
            Npz.Write(file, ("a", new NpyArray([2, 3], new float[6])), ("b", new NpyArray([4], new long[4])),
                ("c", new NpyArray([], new[] { 3 })), ("d", new NpyArray([2], new Half[2])));
            Npz.Write(folder["other.npz"], ("a", new NpyArray([7], new byte[7])), ("z", new NpyArray([1, 1], new double[1])));
            return new Sample(file, () => _ = Npz.Read(file).Values.Sum(array => array.ToSingle().Length),
                File.ReadAllBytes(folder["other.npz"]));
        }),
        new("dataset of bytes and labels in npz", SampleFormat.Zip, folder =>
        {
            string file = folder["x.npz"];
            Npz.Write(file, ("images", new NpyArray([3, 4, 4, 3], Pixels)), ("labels", new NpyArray([3], new long[] { 2, 0, 1 })));
            return Dataset(file);
        }),
        new("dataset of floats in npz", SampleFormat.Zip, folder =>
        {
            string file = folder["x.npz"];
            Npz.Write(file, ("x", new NpyArray([3, 3, 4, 4], Pixels.Select(p => p / 128f - 1).ToArray())));
            return Dataset(file);
        }),
        new("dataset in safetensors", SampleFormat.SafeTensors, folder =>
        {
            string file = folder["x.safetensors"];
            SafeTensors.Write(file, [("images", [3, 3, 4, 4], [.. Pixels.Select(p => p / 128f - 1)]), ("labels", [3], [2, 0, 1])]);
            return Dataset(file);
        }),
        new("idx images", SampleFormat.Binary,
            folder => Dataset(folder.Write("train-images-idx3-ubyte", Idx(3, 4, 4))) with { Other = Idx(2, 2, 2, 3) }),
        new("idx labels", SampleFormat.Binary, folder =>
        {
            string images = folder.Write("train-images-idx3-ubyte", Idx(3, 4, 4)), labels = folder.Write("train-labels-idx1-ubyte", Idx(3));
            return Dataset(images) with { File = labels };
        }),
        new("idx, gzipped", SampleFormat.GZip, folder => Dataset(folder.Write("train-images-idx3-ubyte.gz", Zipped(Idx(3, 4, 4))))),
        new ReaderCase("CIFAR-10 rows", SampleFormat.Binary,
            folder => Dataset(folder.Write("data_batch_1.bin", Rows()))) with { Mutations = 250 },
        new("CIFAR-10 pickle", SampleFormat.Binary,
            folder =>
                Dataset(folder.Write("data_batch_1", CifarPickle.File([3, 7], new byte[2 * CifarPickle.Row]))) with
                    { Other = CifarPickle.File([1], new byte[CifarPickle.Row]) }),
        new ReaderCase("CIFAR-10 archive of rows", SampleFormat.TarGz,
            folder =>
                Dataset(folder.Write("cifar-10-binary.tar.gz", Zipped(Tar(("data_batch_1.bin", Rows()), ("readme.html", [1, 2, 3])))))) with
                    { Mutations = 250 },
        new ReaderCase("CIFAR-10 archive of pickles", SampleFormat.TarGz,
            folder =>
                Dataset(folder.Write("cifar-10-python.tar.gz",
                    Zipped(Tar(("data_batch_1", CifarPickle.File([3], new byte[CifarPickle.Row]))))))) with { Mutations = 250 },
        new ReaderCase("images in a tar, prepared", SampleFormat.TarGz, folder =>
        {
            // Beyond 100 bytes a name needs a header of its own.
            string file = folder.Write("images.tgz",
                Zipped(Tar(("cat/1.png", TestImages.Plain(10, 4)), ($"{new string('d', 120)}/1.png", TestImages.Plain(30, 4)))));
            return new Sample(file, () =>
            {
                using var preparation = new Preparation(file, new PrepareOptions());
                preparation.Write(folder["prepared.zip"]);
            });
        }) with { Mutations = 250 },
    ];

    /// <summary>A dataset, opened and read to its last image, as training would.</summary>
    public static Sample Dataset(string path, string? file = null) => new(file ?? path, () =>
    {
        var data = BDense.Training.Data.Dataset.Open(path);
        data.Read(data.Count - 1, new float[data.ImageLength]);
        _ = data.ClassCount;
        _ = data.Fingerprint;
    });

    private static byte[] Idx(params int[] extents) =>
        [0, 0, 8, (byte)extents.Length, .. extents.SelectMany(e => new byte[] { 0, 0, 0, (byte)e }),
            .. Pixels.Take(extents.Aggregate(1, (product, e) => product * e))];

    private static byte[] Rows() =>
        [.. Enumerable.Range(0, 2).SelectMany(i => (byte[])[(byte)(3 + i), .. Enumerable.Range(0, 3072).Select(p => (byte)(p * i))])];

    private static byte[] Zipped(byte[] bytes)
    {
        using var result = new MemoryStream();
        using (var gzip = new GZipStream(result, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(bytes);
        return result.ToArray();
    }

    private static byte[] Tar(params (string Name, byte[] Bytes)[] files)
    {
        using var result = new MemoryStream();
        using (var tar = new TarWriter(result, leaveOpen: true))
        {
            foreach (var (name, bytes) in files)
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile,
                    $"cifar-10-batches/{name}")
                { DataStream = new MemoryStream(bytes) });
        }
        return result.ToArray();
    }
}
