using System.Formats.Tar;
using System.IO.Compression;
using BDense.Kernels;
using BDense.Training.Data;
using NUnit.Framework;

namespace BDense.Tests.Data;

/// <summary>CIFAR-10's python version: read as the binary one is, and nothing in it is ever called.</summary>
public sealed class CifarPickleTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new TemporaryFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    private static byte[] Labels(int count, int shift = 0) => [.. Enumerable.Range(0, count).Select(i => (byte)((i * 3 + shift) % 10))];

    private static byte[] Pixels(int count, int shift = 0) =>
        [.. Enumerable.Range(0, count * CifarPickle.Row).Select(i => (byte)(i * 31 + i / 257 + shift))];

    private static byte[] Binary(byte[] labels, byte[] pixels) =>
        [.. labels.SelectMany((label, i) => (byte[])[label, .. pixels.AsSpan(i * CifarPickle.Row, CifarPickle.Row)])];

    [Test]
    public void FolderArchiveAndFilesGiveTheSameAsTheBinaryVersion()
    {
        // More names than BINPUT can number, and more labels than one batch of a list, in the first.
        foreach (var (file, count) in new[] { ("data_batch_1", 1001), ("data_batch_2", 4), ("test_batch", 2) })
        {
            byte[] labels = Labels(count, file.Length), pixels = Pixels(count, file[^1]);
            _folder.Write($"py/cifar-10-batches-py/{file}", CifarPickle.File(labels, pixels));
            _folder.Write($"bin/cifar-10-batches-bin/{file}.bin", Binary(labels, pixels));
        }
        _folder.Write("py/cifar-10-batches-py/batches.meta", [0x80, 2, (byte)'.']);
        _folder.Write("py/cifar-10-batches-py/readme.html", "<html>"u8);
        using (var gzip = new GZipStream(File.Create(_folder["cifar-10-python.tar.gz"]), CompressionLevel.Fastest))
            TarFile.CreateFromDirectory(_folder["py"], gzip, includeBaseDirectory: false);

        var expected = Dataset.Open(_folder["bin"]);
        Assert.That(expected.Count, Is.EqualTo(1005));
        foreach (string path in new[] { _folder["py"], _folder["py/cifar-10-batches-py"], _folder["cifar-10-python.tar.gz"] })
        {
            var data = Dataset.Open(path);
            Assert.That((data.Height, data.Width, data.Channels, data.Classes[9]), Is.EqualTo((32, 32, 3, "truck")), path);
            Assert.That(data.Labels, Is.EqualTo(expected.Labels), path);
            Assert.That(data.ToArray(0, data.Count).SequenceEqual(expected.ToArray(0, expected.Count)), path);
        }
        foreach (string file in new[] { "data_batch_2", "test_batch" })
        {
            var (one, other) = (Dataset.Open(_folder[$"py/cifar-10-batches-py/{file}"]),
                Dataset.Open(_folder[$"bin/cifar-10-batches-bin/{file}.bin"]));
            Assert.That(one.Labels, Is.EqualTo(other.Labels));
            Assert.That(one.ToArray(0, one.Count), Is.EqualTo(other.ToArray(0, one.Count)));
        }

        // With both in one folder every image is there once.
        _folder.Write("py/cifar-10-batches-bin/data_batch_1.bin", Binary(Labels(3), Pixels(3)));
        Assert.That(Dataset.Open(_folder["py"]).Count, Is.EqualTo(3));
    }

    private static byte[] Dictionary(params byte[][] parts) =>
        [0x80, 2, (byte)'}', (byte)'(', .. parts.SelectMany(part => part), (byte)'u', (byte)'.'];

    private static byte[] LabelList(params byte[] labels) =>
        [.. CifarPickle.Short("labels"), (byte)']', (byte)'(', .. labels.SelectMany(label => new[] { (byte)'K', label }), (byte)'e'];

    private static byte[] Data(byte[] array) => [.. CifarPickle.Short("data"), .. array];

    private static readonly byte[] Whole = CifarPickle.File(Labels(2), Pixels(2));

    private static readonly (string Case, byte[] File, string Fault)[] Bad =
    [
        ("a command", [0x80, 2, .. CifarPickle.Global("os", "system"), .. CifarPickle.Short("rm -rf /"), 0x85, (byte)'R', (byte)'.'],
            "byte 2: the pickle names os.system, which is refused"),
        ("a command with escapes", [0x80, 2, .. CifarPickle.Global("\x1b[31m", "x"), (byte)'.'], @"names \x1b[31m.x, which is refused"),
        ("an array called", [0x80, 2, .. CifarPickle.Global("numpy", "ndarray"), .. CifarPickle.Short("b"), 0x85, (byte)'R', (byte)'.'],
            "numpy.ndarray is called"),
        ("an instance", [0x80, 2, .. "(ios\nsystem\n."u8], "the pickle instruction INST is refused"),
        ("a new object", [0x80, 2, (byte)'}', 0x81, (byte)'.'], "the pickle instruction NEWOBJ is refused"),
        ("a persistent name", [0x80, 2, .. "Pid\n."u8], "the pickle instruction PERSID is refused"),
        ("protocol 4's names", [0x80, 2, 0x93, (byte)'.'], "the pickle instruction STACK_GLOBAL is refused"),
        ("an extension", [0x80, 2, 0x82, 1, (byte)'.'], "the pickle instruction EXT1 is refused"),
        ("no instruction", [0x80, 2, 0xff], "the pickle instruction 0xff is refused"),
        ("protocol 4", [0x80, 4, .. Whole[2..]], "not a pickle of protocol 2"),
        ("protocol 0", [.. "(dp1\n."u8], "not a pickle of protocol 2"),
        ("a list", [0x80, 2, (byte)']', (byte)'.'], "holds no dictionary"),
        ("nothing", [0x80, 2, (byte)'.'], "a value is missing"),
        ("a mark", [0x80, 2, .. "(."u8], "a value is missing"),
        ("no mark", [0x80, 2, .. "Nt."u8], "a MARK is missing"),
        ("a memo that is not there", [0x80, 2, .. "h\x07."u8], "value 7 is used before it is made"),
        ("a key alone", [0x80, 2, .. "}(Nu."u8], "a key without a value"),
        ("a key that is a number", [0x80, 2, .. "}(K\x01Nu."u8], "a key that is not text"),
        ("a key twice", Dictionary(LabelList(1), LabelList(1)), "'labels' is there twice"),
        ("more after the end", [.. Whole, 1], "there is more after the pickle's end"),
        ("a length below zero", [0x80, 2, (byte)'T', 255, 255, 255, 255, (byte)'.'], "cut short"),
        ("a length beyond the end", [0x80, 2, (byte)'T', 255, 255, 255, 127, (byte)'.'], "cut short"),
        ("an endless name", [0x80, 2, .. "cnumpy"u8], "cut short in a name"),
        ("no data", Dictionary(LabelList(1)), "no data of N x 3072 bytes"),
        ("no labels", Dictionary(Data(CifarPickle.Array(Pixels(1), 1))), "no list of 1 labels"),
        ("CIFAR-100", Dictionary([.. CifarPickle.Short("fine_labels"), (byte)'N']), "CIFAR-100"),
        ("too few labels", Dictionary(LabelList(1), Data(CifarPickle.Array(Pixels(2), 2))), "no list of 2 labels"),
        ("a label of 10", Dictionary(LabelList(1, 10), Data(CifarPickle.Array(Pixels(2), 2))), "row 1 has label 10"),
        ("a label of text", Dictionary([.. CifarPickle.Short("labels"), .. "](U\u0001ae"u8], Data(CifarPickle.Array(Pixels(1), 1))),
            "label 0 is not a whole number"),
        ("too few bytes", Dictionary(LabelList(1), Data(CifarPickle.Array(Pixels(1)[1..], 1))), "the array of 1 x 3072 has 3071 bytes"),
        ("floats", Dictionary(LabelList(1), Data(CifarPickle.Array(Pixels(1), 1, "f4"))), "elements are 'f4'; uint8"),
        ("another order", Dictionary(LabelList(1), Data(CifarPickle.Array(Pixels(1), 1, order: 0x88))),
            "the pickle instruction NEWTRUE is refused"),
        ("no images", Dictionary(LabelList(), Data(CifarPickle.Array([], 0))), "holds no images"),
    ];

    [TestCaseSource(nameof(Bad))]
    public void ABadPickleEndsInOneLine((string Case, byte[] File, string Fault) c)
    {
        _folder.Write("data_batch_1", c.File);
        foreach (string path in c.File[0] == 0x80 ? [_folder.Path, _folder["data_batch_1"]] : new[] { _folder.Path })
        {
            var e = Assert.Throws<BDenseException>(() => Dataset.Open(path));
            Assert.That(e!.Message, Does.StartWith(_folder.Path).And.Contains(c.Fault).And.Not.Contains("\n").And.Not.Contains("\x1b"));
        }
    }

    [Test]
    public void CutAnywhereItIsRefused()
    {
        // The image bytes are all alike to the reader: two places in them stand for the rest.
        int[] lengths = [.. Enumerable.Range(0, 300), 3000, .. Enumerable.Range(Whole.Length - 100, 100)];
        foreach (int length in lengths)
        {
            _folder.Write("data_batch_1", Whole[..length]);
            Assert.That(() => Dataset.Open(_folder.Path), Throws.TypeOf<BDenseException>(), $"{length} bytes");
        }
    }

    [Test]
    public void ChangedAnywhereItIsReadOrRefusedButNeverFailsOtherwise()
    {
        for (int trial = 0; trial < 3000; trial++)
        {
            var random = Philox.Block(5, 6, (ulong)trial);
            byte[] file = [.. Whole];
            // Three in four in what is no image bytes.
            int place = trial % 4 == 0 ? (int)(random.X % (uint)file.Length) : trial % 4 == 1 ? file.Length - 1 - (int)(random.X % 60)
                : (int)(random.X % 250);
            file[place] = (byte)random.Y;
            try
            {
                Pickle.Read("a", file);
                _ = Cifar10Pickle.Read("a", file, CifarPickle.Row).ToList();
            }
            catch (BDenseException)
            {
            }
        }
    }

    [Test]
    public void AnArchiveWithABadSizeFieldIsDamaged()
    {
        using var tar = new MemoryStream();
        using (var writer = new TarWriter(tar, TarEntryFormat.Ustar, leaveOpen: true))
            writer.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, "data_batch_1") { DataStream = new MemoryStream(Whole) });
        // The size field is at 124; its first byte 0x80 or 0xff makes it a binary number.
        foreach (byte[] size in new byte[][] { [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            [0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], [.. "9999999zzzz\0"u8] })
        {
            byte[] bytes = tar.ToArray();
            size.CopyTo(bytes, 124);
            int sum = Enumerable.Range(0, 512).Sum(i => i is >= 148 and < 156 ? ' ' : bytes[i]);
            System.Text.Encoding.ASCII.GetBytes($"{Convert.ToString(sum, 8).PadLeft(6, '0')}\0 ").CopyTo(bytes, 148);
            using (var gzip = new GZipStream(File.Create(_folder["a.tar.gz"]), CompressionLevel.Fastest))
                gzip.Write(bytes);
            Assert.That(() => Dataset.Open(_folder["a.tar.gz"]), Throws.TypeOf<BDenseException>().With.Message.Contains("a.tar.gz: "));
        }
    }
}
