using System.Formats.Tar;
using System.IO.Compression;
using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Training.Data;
using NUnit.Framework;
using SkiaSharp;

namespace BDense.Tests.Data;

public sealed class DatasetFormatTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new TemporaryFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [Test]
    public void Cifar10FromFolderFileAndArchive()
    {
        byte[] first = CifarRows(3, label: 2), second = CifarRows(2, label: 9);
        string folder = _folder["cifar"];
        _folder.Write("cifar/cifar-10-batches-bin/data_batch_1.bin", first);
        _folder.Write("cifar/cifar-10-batches-bin/data_batch_2.bin", second);
        _folder.Write("cifar/cifar-10-batches-bin/test_batch.bin", CifarRows(7, 0));
        string archive = _folder["cifar.tar.gz"];
        using (var gzip = new GZipStream(File.Create(archive), CompressionLevel.Fastest))
            TarFile.CreateFromDirectory(folder, gzip, includeBaseDirectory: false);

        foreach (string path in new[] { folder, archive })
        {
            var data = Dataset.Open(path);
            Assert.That((data.Count, data.Height, data.Width, data.Channels), Is.EqualTo((5, 32, 32, 3)), path);
            Assert.That(data.Labels, Is.EqualTo(new[] { 2, 2, 2, 9, 9 }));
            Assert.That(data.Classes[9], Is.EqualTo("truck"));
            float[] image = data.ToArray(1, 1);
            // Pixel (2, 3) of row 1: planes one after the other in the file, channels side by side here.
            for (int c = 0; c < 3; c++)
                Assert.That(image[(2 * 32 + 3) * 3 + c], Is.EqualTo((float)(first[3073 + 1 + c * 1024 + 2 * 32 + 3] / 127.5 - 1)));
        }
        Assert.That(Dataset.Open(_folder["cifar/cifar-10-batches-bin/data_batch_2.bin"]).Labels, Is.EqualTo(new[] { 9, 9 }));
    }

    [Test]
    public void LimitIsSpreadEvenlyAndResolutionIsABoxMean()
    {
        _folder.Write("data_batch_1.bin", [.. CifarRows(5, 1), .. CifarRows(5, 8)]);
        var whole = Dataset.Open(_folder.Path);
        var half = Dataset.Open(_folder.Path, new DatasetOptions(16, 4));
        Assert.That(half.Labels, Is.EqualTo(new[] { 1, 1, 8, 8 }));
        float[] x = whole.ToArray(5, 1), y = half.ToArray(2, 1);
        Assert.That(half.Height, Is.EqualTo(16));
        for (int i = 0; i < y.Length; i++)
        {
            int c = i % 3, column = i / 3 % 16, row = i / 48;
            float At(int dy, int dx) => x[((2 * row + dy) * 32 + 2 * column + dx) * 3 + c];
            Assert.That(y[i], Is.EqualTo((At(0, 0) + At(0, 1) + At(1, 0) + At(1, 1)) / 4).Within(1e-6));
        }
        AssertRefused(_folder.Path, "cannot be averaged down to 12 rows over whole boxes; --resolution may be 32, 16, 8, 4, 2, 1;",
            new DatasetOptions(12));
        AssertRefused(_folder.Path, "cannot be averaged down to 64 rows", new DatasetOptions(64));
    }

    [Test]
    public void ImagesFromFolderAndZip()
    {
        _folder.Write("set/b/0.png", Image(SKColors.Red, 8, 6));
        _folder.Write("set/a/1.PNG", Image(SKColors.Lime, 8, 6));
        _folder.Write("set/a/0.bmp.png", Image(SKColors.White, 8, 6));
        _folder.Write("set/a/x.jpg", Image(SKColors.Blue, 8, 6, SKEncodedImageFormat.Jpeg));
        _folder.Write("set/notes.txt", "no image"u8);
        _folder.Write("set/a/._0.png", "no image either"u8);
        string zip = _folder["set.zip"];
        ZipFile.CreateFromDirectory(_folder["set"], zip);
        foreach (string path in new[] { _folder["set"], zip })
        {
            var data = Dataset.Open(path);
            Assert.That((data.Count, data.Height, data.Width, data.Channels), Is.EqualTo((4, 6, 8, 3)));
            Assert.That(data.Labels, Is.EqualTo(new[] { 0, 0, 0, 1 }));
            Assert.That(data.Classes, Is.EqualTo(new[] { "a", "b" }));
            Assert.That(data.ToArray(0, 1)[..3], Is.EqualTo(new[] { 1f, 1f, 1f }));
            Assert.That(data.ToArray(1, 1)[..3], Is.EqualTo(new[] { -1f, 1f, -1f }));
            Assert.That(data.ToArray(2, 1)[..3], Is.EqualTo(new[] { -1f, -1f, 1f }).Within(0.03));
            Assert.That(data.ToArray(3, 1)[^3..], Is.EqualTo(new[] { 1f, -1f, -1f }));
        }
        Assert.That(Dataset.Open(_folder["set/b"]).Labels, Is.Null);
    }

    [Test]
    public void IdxPlainZippedAndInAFolder()
    {
        byte[] images = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, .. Enumerable.Range(0, 12).Select(i => (byte)(i * 20))];
        byte[] labels = [0, 0, 8, 1, 0, 0, 0, 2, 7, 3];
        string plain = _folder.Write("mnist/train-images-idx3-ubyte", images);
        _folder.Write("mnist/train-labels-idx1-ubyte", labels);
        _folder.Write("mnist/t10k-images-idx3-ubyte", [0]);
        string zipped = _folder.Write("z/digits.gz", GZip(images));
        foreach (var (path, labelled) in new[] { (plain, true), (_folder["mnist"], true), (zipped, false) })
        {
            var data = Dataset.Open(path);
            Assert.That((data.Count, data.Height, data.Width, data.Channels), Is.EqualTo((2, 2, 3, 1)));
            Assert.That(data.Labels, labelled ? Is.EqualTo(new[] { 7, 3 }) : Is.Null);
            Assert.That(data.ToArray(1, 1), Is.EqualTo(Enumerable.Range(6, 6).Select(i => (float)(i * 20 / 127.5 - 1))));
        }
        _folder.Write("mnist/train-labels-idx1-ubyte", [0, 0, 8, 1, 0, 0, 0, 1, 7]);
        AssertRefused(plain, "train-labels-idx1-ubyte: 1 labels for 2 images");
    }

    [Test]
    public void ArraysOfEitherLayout()
    {
        // One latent of four channels, every value another.
        float[] nchw = [.. Enumerable.Range(0, 4 * 6 * 6).Select(i => i / 100f)];
        SafeTensors.Write(_folder["a.safetensors"], [("latents", [1, 4, 6, 6], nchw), ("mean", [4], new float[4])]);
        Npz.Write(_folder["b.npz"], ("x", new NpyArray([1, 6, 6, 4], Transpose(nchw, 4))), ("y", new NpyArray([1], new[] { 5L })),
            ("other", new NpyArray([1, 2, 2], new float[4])));
        var a = Dataset.Open(_folder["a.safetensors"]);
        var b = Dataset.Open(_folder["b.npz"]);
        Assert.That((a.Height, a.Width, a.Channels, b.Height, b.Width, b.Channels), Is.EqualTo((6, 6, 4, 6, 6, 4)));
        Assert.That(a.ToArray(0, 1), Is.EqualTo(b.ToArray(0, 1)));
        Assert.That(a.ToArray(0, 1)[..4], Is.EqualTo(new[] { 0f, 0.36f, 0.72f, 1.08f }));
        Assert.That(b.Labels, Is.EqualTo(new[] { 5 }));

        Npz.Write(_folder["c.npz"], ("anything", new NpyArray([2, 2, 2], new byte[] { 0, 255, 0, 255, 0, 0, 0, 0 })));
        var c8 = Dataset.Open(_folder["c.npz"]);
        Assert.That((c8.Count, c8.Channels), Is.EqualTo((2, 1)));
        Assert.That(c8.ToArray(0, 1), Is.EqualTo(new[] { -1f, 1f, -1f, 1f }));
    }

    private static readonly (string Case, string Name, NpyArray[] Arrays, string Fault)[] BadArrays =
    [
        ("no images", "a.npz", [new([4], new float[4])], "holds no array"),
        ("two candidates", "a.npz", [new([1, 1, 2, 2], new float[4]), new([1, 1, 2, 2], new float[4])],
            "holds 2 arrays that could be images"),
        ("tie", "a.npz", [new([1, 3, 3, 3], new float[27])], "could be N x C x H x W or N x H x W x C"),
        ("no rows", "a.npz", [new([0, 3, 8, 8], Array.Empty<float>())], "holds no images"),
        ("not scaled", "a.npz", [new([1, 2, 2], new[] { 0f, 10, 100, 255 })], "holds 255; scale floats"),
        ("not finite", "a.npz", [new([1, 2, 2], new[] { 0f, 1, float.NaN, 1 })], "holds NaN"),
    ];

    [TestCaseSource(nameof(BadArrays))]
    public void ABadArrayEndsInOneLine((string Case, string Name, NpyArray[] Arrays, string Fault) c)
    {
        Npz.Write(_folder[c.Name], [.. c.Arrays.Select((array, i) => ($"array{i}", array))]);
        AssertRefused(_folder[c.Name], c.Fault);
    }

    [TestCase(new[] { 1f, 2f }, "expected 1 labels")]
    [TestCase(new[] { -1f }, "label 0 is -1")]
    [TestCase(new[] { 0.5f }, "label 0 is 0.5")]
    public void BadLabelsEndInOneLine(float[] labels, string fault)
    {
        Npz.Write(_folder["a.npz"], ("images", new NpyArray([1, 2, 2], new float[4])), ("labels", new NpyArray([labels.Length], labels)));
        AssertRefused(_folder["a.npz"], fault);
    }

    // Each writes something bad and returns its path.
    private static readonly (string Case, Func<TemporaryFolder, string> Make, string Fault)[] BadFiles =
    [
        ("missing", f => f["nothing"], "no such file or folder"),
        ("empty file", f => f.Write("a.bin", []), "the file is empty"),
        ("empty folder", f => f.Path, "holds no images"),
        ("unknown", f => f.Write("a.txt", "hello"u8), "not a dataset that is known"),
        ("one byte", f => f.Write("a.gz", [0x1F]), "not a dataset that is known"),
        ("cifar label", f => f.Write("data_batch_1.bin", CifarRows(2, 10)), "row 0 has label 10"),
        ("cifar cut short", f => f.Write("data_batch_1.bin", CifarRows(2, 1)[..^1]), "6145 bytes are no whole number"),
        ("cifar empty", f => { f.Write("c/data_batch_1.bin", []); return f["c"]; }, "data_batch_1.bin: the file is empty"),
        ("cifar archive without rows", f => f.Write("cifar-10-matlab.tar.gz", Tar("data_batch_1.mat", [1, 2, 3])),
            "holds no data_batch_1 to 5"),
        ("tar.gz of images", f => f.Write("a.tar.gz", Tar("cat/0.png", [1, 2, 3])),
            "a tar of images: 'bdense data prepare' makes a dataset of it"),
        ("tar of images", f => f.Write("a.tar", Inflated(Tar("cat/0.png", [1, 2, 3]))),
            "a tar of images: 'bdense data prepare' makes a dataset of it"),
        ("tar of others", f => f.Write("a.tar", Inflated(Tar("cat.txt", [1, 2, 3]))), "not a dataset that is known"),
        ("cifar archive cut short", f => f.Write("a.tar.gz", Tar("data_batch_1.bin", CifarRows(1, 1))[..200]), ""),
        ("cifar archive label", f => f.Write("a.tar.gz", Tar("data_batch_1.bin", CifarRows(1, 77))),
            "data_batch_1.bin: row 0 has label 77"),
        ("gzip of nothing known", f => f.Write("a.gz", GZip("hello, this is neither tar nor idx"u8)), ""),
        ("gzip damaged", f => f.Write("a.gz", [0x1F, 0x8B, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8]), ""),
        ("idx magic", f => f.Write("train-images-idx3-ubyte", [1, 2, 8, 3, 0, 0, 0, 0]), "its magic number is 01020803"),
        ("idx type", f => f.Write("x.idx", [0, 0, 13, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0]), "type 0d"),
        ("idx labels", f => f.Write("x.idx", [0, 0, 8, 1, 0, 0, 0, 1, 5]), "this idx file has 1 (labels?)"),
        ("idx cut short", f => f.Write("x.idx", [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3]),
            "1 x 2 x 2 bytes are declared, 3 are there (cut short)"),
        ("idx header cut short", f => f.Write("x.idx", [0, 0, 8, 3, 0, 0, 0, 1]), "cut short"),
        ("idx too long", f => f.Write("x.idx", [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2]), "are declared, more are there"),
        ("idx overflow", f => f.Write("x.idx", [0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255]), "more than 2^31"),
        ("idx no images", f => f.Write("x.idx", [0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 2]), "holds no images"),
        ("zip cut short", f => f.Write("a.zip", [.. "PK\x03\x04"u8, 1, 2, 3]), "damaged"),
        ("zip without images", f => Zip(f, ("a.txt", "hello"u8.ToArray())), "holds no images"),
        ("mixed sizes", f => Zip(f, ("a/0.png", Image(SKColors.Red, 4, 4)), ("a/1.png", Image(SKColors.Red, 4, 5))),
            "a/1.png: 5 x 4, but a/0.png is 4 x 4; all images must be of one size: 'bdense data prepare' crops and resizes"),
        ("not an image", f => Zip(f, ("a/0.png", Image(SKColors.Red, 4, 4)), ("a/1.png", "hello"u8.ToArray())), "a/1.png: not an image"),
        ("first is not an image", f => Zip(f, ("a/0.png", "hello"u8.ToArray())), "a/0.png: not an image"),
        ("empty image", f => Zip(f, ("a/0.png", [])), "a/0.png: the file is empty"),
        ("image cut short", f => Zip(f, ("a/0.png", Noise(64)), ("a/1.png", Noise(64)[..^400])), "a/1.png: the image is"),
        ("JPEG cut short", f => Zip(f, ("a/0.jpg", Noise(64, SKEncodedImageFormat.Jpeg)[..800])), "a/0.jpg: the image is cut short"),
        ("lying safetensors", f => f.Write("a.safetensors", [255, 255, 255, 255, 0, 0, 0, 0, 1, 2]), "not a safetensors file"),
        ("npy cut short", f => f.Write("a.npy", [0x93, .. "NUMPY"u8, 1, 0, 200, 0]), "cut short"),
    ];

    [TestCaseSource(nameof(BadFiles))]
    public void ABadFileEndsInOneLine((string Case, Func<TemporaryFolder, string> Make, string Fault) c) =>
        AssertRefused(c.Make(_folder), c.Fault);

    [Test]
    public void RealPhotographsFromAZip()
    {
        string? path = CifarZip.Path();
        if (path is null)
            Assert.Ignore(CifarZip.Missing);
        var data = Dataset.Open(path, new DatasetOptions(16, 500));
        Assert.That((data.Count, data.Height, data.Width, data.Channels, data.ClassCount), Is.EqualTo((500, 16, 16, 3, 10)));
        Assert.That(data.Labels!.CountBy(label => label).Select(pair => pair.Value), Is.All.EqualTo(50));
        Assert.That(data.Classes[0], Is.EqualTo("airplane"));
        float[] x = data.ToArray(0, 500);
        double mean = x.Average(v => (double)v), deviation = Math.Sqrt(x.Average(v => (v - mean) * (v - mean)));
        // CIFAR-10's own: mean about -0.05, deviation about 0.5, a little less after averaging.
        Assert.That(mean, Is.EqualTo(-0.05).Within(0.08));
        Assert.That(deviation, Is.EqualTo(0.47).Within(0.06));
    }

    private static byte[] CifarRows(int count, byte label)
    {
        var rows = new byte[count * 3073];
        for (int i = 0; i < rows.Length; i++)
            rows[i] = i % 3073 == 0 ? label : (byte)(i * 31 + i / 257);
        return rows;
    }

    private static float[] Transpose(float[] nchw, int channels)
    {
        int plane = nchw.Length / channels;
        return [.. Enumerable.Range(0, nchw.Length).Select(i => nchw[i % channels * plane + i / channels])];
    }

    private static byte[] Image(SKColor colour, int width, int height, SKEncodedImageFormat format = SKEncodedImageFormat.Png)
    {
        using var bitmap = new SKBitmap(width, height);
        bitmap.Erase(colour);
        return bitmap.Encode(format, 100).ToArray();
    }

    private static byte[] Noise(int side, SKEncodedImageFormat format = SKEncodedImageFormat.Png)
    {
        using var bitmap = new SKBitmap(side, side);
        for (int i = 0; i < side * side; i++)
            bitmap.SetPixel(i % side, i / side, new SKColor(Philox.Block(1, 2, (ulong)i).X | 0xFF000000));
        return bitmap.Encode(format, 100).ToArray();
    }

    private static byte[] GZip(ReadOnlySpan<byte> bytes)
    {
        using var buffer = new MemoryStream();
        using (var gzip = new GZipStream(buffer, CompressionLevel.Fastest))
            gzip.Write(bytes);
        return buffer.ToArray();
    }

    private static byte[] Inflated(byte[] gzip)
    {
        using var stream = new GZipStream(new MemoryStream(gzip), CompressionMode.Decompress);
        using var into = new MemoryStream();
        stream.CopyTo(into);
        return into.ToArray();
    }

    private static byte[] Tar(string name, byte[] bytes)
    {
        using var buffer = new MemoryStream();
        using (var tar = new TarWriter(buffer, leaveOpen: true))
            tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(bytes) });
        return GZip(buffer.ToArray());
    }

    private static string Zip(TemporaryFolder folder, params (string Name, byte[] Bytes)[] files)
    {
        using var zip = ZipFile.Open(folder["a.zip"], ZipArchiveMode.Create);
        foreach (var (name, bytes) in files)
        {
            using var stream = zip.CreateEntry(name).Open();
            stream.Write(bytes);
        }
        return folder["a.zip"];
    }

    private static void AssertRefused(string path, string fault, DatasetOptions? options = null)
    {
        var e = Assert.Throws<BDenseException>(() => Dataset.Open(path, options));
        Assert.That(e!.Message, Does.Contain(Path.GetDirectoryName(path)).And.Contains(fault).And.Not.Contains("\n"));
    }
}
