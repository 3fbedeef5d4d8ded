using System.IO.Compression;
using System.Text;
using BDense.Kernels;
using BDense.Training.Data;
using NUnit.Framework;

namespace BDense.Tests.Data;

public sealed class NpzTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new TemporaryFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    private static readonly Array[] Values =
    [
        new[] { 1.5f, float.NaN, -0f, 4, 5, 6 }, new[] { 1e-300, 2, 3, 4, 5, 6 }, new byte[] { 0, 1, 2, 3, 4, 255 },
        new[] { -1, 2, 3, 4, 5, int.MaxValue }, new[] { -1L, 2, 3, 4, 5, long.MaxValue },
        new[] { (Half)0.5f, Half.MaxValue, (Half)1, (Half)2, (Half)3, (Half)4 },
    ];

    [Test]
    public void RoundTripKeepsTypeShapeAndBits([ValueSource(nameof(Values))] Array values)
    {
        string path = _folder["a.npz"];
        Npz.Write(path, ("x", new NpyArray([2, 3], values)), ("vector", new NpyArray([6], values)),
            ("scalar", new NpyArray([], new[] { 7f })), ("none", new NpyArray([0, 4], Array.Empty<float>())));
        var arrays = Npz.Read(path);
        Assert.That(arrays.Keys, Is.EquivalentTo(new[] { "x", "vector", "scalar", "none" }));
        Assert.That(arrays["x"].Shape, Is.EqualTo(new[] { 2, 3 }));
        Assert.That(arrays["x"].Values, Is.EqualTo(values).And.TypeOf(values.GetType()));
        Assert.That(arrays["vector"].Shape, Is.EqualTo(new[] { 6 }));
        Assert.That(arrays["scalar"].Shape, Is.Empty);
        Assert.That(arrays["none"].Shape, Is.EqualTo(new[] { 0, 4 }));
    }

    [Test]
    public void HeaderIsNumPys()
    {
        string path = _folder["a.npz"];
        Npz.Write(path, ("x", new NpyArray([1], new[] { 1f })));
        using var zip = ZipFile.OpenRead(path);
        Assert.That(zip.Entries.Select(e => e.FullName), Is.EqualTo(new[] { "x.npy" }));
        using var reader = new BinaryReader(zip.Entries[0].Open());
        byte[] bytes = reader.ReadBytes(1000);
        Assert.That(bytes, Has.Length.EqualTo(128 + 4));
        Assert.That(Encoding.Latin1.GetString(bytes, 0, 128),
            Is.EqualTo(("\x93NUMPY\x01\0\x76\0" + "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }").PadRight(127) + "\n"));
    }

    [Test]
    public void SameArraysSameBytes()
    {
        Npz.Write(_folder["a.npz"], ("x", new NpyArray([1], new[] { 1f })));
        Npz.Write(_folder["b.npz"], ("x", new NpyArray([1], new[] { 1f })));
        Assert.That(File.ReadAllBytes(_folder["a.npz"]), Is.EqualTo(File.ReadAllBytes(_folder["b.npz"])));
    }

    // Headers of a .npy with four data bytes.
    [TestCase("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", "the elements are '>f4'")]
    [TestCase("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "the elements are '|O'")]
    [TestCase("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "structured types")]
    [TestCase("{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }", "Fortran order")]
    [TestCase("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "takes 8 bytes, 4 are there")]
    [TestCase("{'descr': '<f4', 'fortran_order': False, 'shape': (0,), }", "takes 0 bytes, 4 are there")]
    [TestCase("{'descr': '<f4', 'fortran_order': False, 'shape': (2147483647, 2147483647, 4), }", "more than 2^31")]
    [TestCase("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", "too large")]
    [TestCase("{'descr': '<f4', 'fortran_order': False, 'shape': (1 1), }", "too large")]
    [TestCase("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "the .npy header is not")]
    [TestCase("{'descr': '<f4'}", "the .npy header is not")]
    [TestCase("", "the .npy header is not")]
    public void ABadHeaderEndsInOneLine(string header, string fault) =>
        AssertRefused(_folder.Write("a.npy", Npy(header, new byte[4])), fault);

    [Test]
    public void ADamagedFileEndsInOneLine()
    {
        const string Good = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }";
        AssertRefused(_folder["missing.npz"], "no such file");
        AssertRefused(_folder.Write("empty.npz", []), "damaged");
        AssertRefused(_folder.Write("text.npz", "hello, world, this is no zip at all"u8), "damaged");
        AssertRefused(_folder.Write("version.npy", [0x93, .. "NUMPY"u8, 9, 0, 0, 0]), "version 9");
        AssertRefused(_folder.Write("magic.npy", [0x93, .. "PICKLE"u8, 9, 0, 0, 0]), "does not start with");
        byte[] npy = Npy(Good, BitConverter.GetBytes(1f));
        Assert.That(Npz.Read(_folder.Write("good.npy", npy))["arr_0"].Values, Is.EqualTo(new[] { 1f }));
        for (int i = 1; i < npy.Length; i++)
            AssertRefused(_folder.Write("cut.npy", npy[..i]), "");
        AssertRefused(_folder.Write("more.npy", [.. npy, 0]), "takes 4 bytes, 5 are there");

        Npz.Write(_folder["good.npz"], ("x", new NpyArray([100], new float[100])));
        byte[] npz = File.ReadAllBytes(_folder["good.npz"]);
        for (int i = 0; i < npz.Length; i += 7)
            AssertRefused(_folder.Write("cut.npz", npz[..i]), "");
    }

    [Test]
    public void AZipEntryThatLiesAboutItsSizeIsRefused()
    {
        using (var stream = File.Create(_folder["a.npz"]))
        {
            using var zip = new ZipArchive(stream, ZipArchiveMode.Create);
            using var entry = zip.CreateEntry("x.npy").Open();
            entry.Write(Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", new byte[4]));
        }
        byte[] bytes = File.ReadAllBytes(_folder["a.npz"]);
        int directory = bytes.AsSpan().IndexOf("PK\x01\x02"u8);
        BitConverter.GetBytes(0x7000_0000).CopyTo(bytes, directory + 24);
        AssertRefused(_folder.Write("lie.npz", bytes), "");
    }

    private static byte[] Npy(string header, byte[] data) =>
        [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, (byte)(header.Length >> 8), .. Encoding.Latin1.GetBytes(header), .. data];

    private static void AssertRefused(string path, string fault)
    {
        var e = Assert.Throws<BDenseException>(() => Npz.Read(path));
        Assert.That(e!.Message, Does.Contain(path).And.Contains(fault).And.Not.Contains("\n"));
    }
}
