using System.Buffers.Binary;
using System.Text;
using BDense.Kernels;
using BDense.Model.Checkpoints;
using NUnit.Framework;

namespace BDense.Tests.Checkpoints;

public sealed class SafeTensorsTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new TemporaryFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [Test]
    public void RoundTripKeepsEveryBit()
    {
        float[] odd = [0f, -0f, float.NaN, float.PositiveInfinity, float.Epsilon, float.MaxValue];
        // Longer than one chunk of the copy.
        var large = new float[SafeTensors.ChunkFloats + 3];
        for (int i = 0; i < large.Length; i++)
            large[i] = i * 0.5f;
        string path = _folder["model.safetensors"];
        SafeTensors.Write(path, [("b.weight", [2, 3], odd), ("a \"ü\"", [large.Length], large), ("scalar", [], [7f]), ("none", [0, 5], [])],
            new Dictionary<string, string> { ["format"] = "pt", ["line"] = "a\nb" });

        var file = SafeTensors.Read(path);

        Assert.That(file.Tensors.Keys, Is.EquivalentTo(new[] { "b.weight", "a \"ü\"", "scalar", "none" }));
        Assert.That(file.Tensors["b.weight"].Shape, Is.EqualTo(new[] { 2, 3 }));
        Assert.That(file.Tensors["b.weight"].Data.Select(BitConverter.SingleToUInt32Bits),
            Is.EqualTo(odd.Select(BitConverter.SingleToUInt32Bits)));
        Assert.That(file.Tensors["a \"ü\""].Data.AsSpan().SequenceEqual(large));
        Assert.That(file.Tensors["scalar"].Shape, Is.Empty);
        Assert.That(file.Tensors["scalar"].Data, Is.EqualTo(new[] { 7f }));
        Assert.That(file.Tensors["none"].Shape, Is.EqualTo(new[] { 0, 5 }));
        Assert.That(file.Metadata, Is.EquivalentTo(new Dictionary<string, string> { ["format"] = "pt", ["line"] = "a\nb" }));
    }

    [Test]
    public void HeaderIsTheFormats()
    {
        string path = _folder["one.safetensors"];
        SafeTensors.Write(path, [("w", [1], [1f])]);
        byte[] bytes = File.ReadAllBytes(path);
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        Assert.That(length % 8, Is.Zero);
        Assert.That(Encoding.UTF8.GetString(bytes, 8, length).TrimEnd(' '),
            Is.EqualTo("""{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"""));
        Assert.That(bytes[(8 + length)..], Is.EqualTo(BitConverter.GetBytes(1f)));
    }

    [Test]
    public void OtherFloatTypesAreWidened()
    {
        byte[] data = [.. BitConverter.GetBytes(1.5), .. BitConverter.GetBytes(-1e-3), .. BitConverter.GetBytes((Half)0.25f), 0x40, 0xC0];
        string path =
            Craft("""
                {"d":{"dtype":"F64","shape":[2],"data_offsets":[0,16]},"h":{"dtype":"F16","shape":[1],
                "data_offsets":[16,18]},"b":{"dtype":"BF16","shape":[1],"data_offsets":[18,20]}}
                """, data);
        var tensors = SafeTensors.Read(path).Tensors;
        Assert.That(tensors["d"].Data, Is.EqualTo(new[] { 1.5f, -1e-3f }));
        Assert.That(tensors["h"].Data, Is.EqualTo(new[] { 0.25f }));
        Assert.That(tensors["b"].Data, Is.EqualTo(new[] { -3f }));
    }

    [TestCase("{}", 0)]
    [TestCase("{}   ", 0)]
    [TestCase("""
        {"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
        "c":{"dtype":"F32","shape":[3,0],"data_offsets":[8,8]}}
        """, 8)]
    [TestCase("""
        {"b":{"data_offsets":[4,8],"shape":[],"dtype":"F32"},"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},
        "__metadata__":{}}
        """, 8)]
    public void UnusualButValid(string header, int dataBytes) =>
        Assert.That(() => SafeTensors.Read(Craft(header, new byte[dataBytes])), Throws.Nothing);

    private static readonly (string Case, string Header, int Data, string Fault)[] Hostile =
    [
        ("not an object", "[1,2,3]", 0, "does not start with '{'"),
        ("leading blank", " {}", 0, "does not start with '{'"),
        ("empty header", "", 4, "does not start with '{'"),
        ("not JSON", "{hello}", 0, "not JSON"),
        ("JSON cut off", "{\"a\":{", 0, "not JSON"),
        ("text after the object", "{}{}", 0, "not JSON"),
        ("bad escape", "{\"\\ud800\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "half a surrogate pair"),
        ("deep nesting", "{\"a\":" + new string('[', 500) + new string(']', 500) + "}", 0, "more than 64 deep"),
        ("deep nesting inside", "{\"a\":{\"shape\":" + new string('[', 500) + new string(']', 500) + "}}", 0, "more than 64 deep"),
        ("entry is a number", "{\"a\":1}", 0, "'a' is not an object"),
        ("same name twice", Pair("a", 0, 4, "a", 4, 8), 8, "'a' is there twice"),
        ("two metadata", "{\"__metadata__\":{},\"__metadata__\":{}}", 0, "'__metadata__' is there twice"),
        ("metadata value", "{\"__metadata__\":{\"a\":1}}", 0, "metadata 'a' is not text"),
        ("metadata twice", "{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, "'__metadata__.a' is there twice"),
        ("overlap", Pair("a", 0, 4, "b", 0, 4), 4, "overlaps"),
        ("partial overlap", Pair("a", 0, 4, "b", 2, 6), 6, "overlaps"),
        ("hole", Pair("a", 0, 4, "b", 8, 12), 12, "4 bytes before tensor b belong to no tensor"),
        ("hole at the start", Entry("a", "F32", "[1]", 4, 8), 8, "4 bytes before tensor a"),
        ("trailing bytes", Entry("a", "F32", "[1]", 0, 4), 9, "5 bytes after the last tensor"),
        ("trailing bytes, no tensor", "{}", 3, "3 bytes after the last tensor"),
        ("data cut short", Entry("a", "F32", "[2]", 0, 8), 7, "cut short: tensor a"),
        ("lying size", Entry("a", "F32", "[1000000000]", 0, 4_000_000_000), 16, "cut short: tensor a"),
        ("size mismatch", Entry("a", "F32", "[3]", 0, 8), 8, "takes 12 bytes, data_offsets give it 8"),
        ("product overflow", Entry("a", "F32", "[4294967296,4294967296]", 0, 0), 0, "too large"),
        ("product overflow by small extents", Entry("a", "F32", "[2147483647,2147483647,2147483647,4]", 0, 0), 0, "more than 2^31"),
        ("bytes overflow", Entry("a", "F32", "[65536,65536]", 0, 0), 0, "more than 2^31"),
        ("extent beyond int with a zero", Entry("a", "F32", "[1099511627776,0]", 0, 0), 0, "too large"),
        ("negative extent", Entry("a", "F32", "[-1]", 0, 4), 4, "not a whole number"),
        ("fractional extent", Entry("a", "F32", "[1.5]", 0, 4), 4, "not a whole number"),
        ("extent beyond long", Entry("a", "F32", "[99999999999999999999]", 0, 4), 4, "not a whole number"),
        ("text extent", Entry("a", "F32", "[\"1\"]", 0, 4), 4, "not a whole number"),
        ("too many extents", Entry("a", "F32", "[1,1,1,1,1,1,1,1,1]", 0, 4), 4, "more than 8"),
        ("shape is no array", Entry("a", "F32", "4", 0, 4), 4, "shape is not an array"),
        ("offsets backwards", Entry("a", "F32", "[1]", 8, 4), 8, "before it begins"),
        ("one offset", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, "lacks dtype, shape or data_offsets"),
        ("three offsets", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", 4, "more than 2"),
        ("no dtype", "{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "lacks dtype, shape or data_offsets"),
        ("dtype twice", "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
            "'a.dtype' is there twice"),
        ("integer dtype", Entry("step", "I64", "[1]", 0, 8), 8, "tensor 'step' is 'I64'; float tensors"),
        ("dtype by number", Entry("a", "0", "[1]", 0, 4), 4, "tensor 'a' is '0'"),
        ("dtype by a number of none", Entry("a", "-1", "[1]", 0, 4), 4, "tensor 'a' is '-1'"),
        ("lower-case dtype", Entry("a", "f32", "[1]", 0, 4), 4, "tensor 'a' is 'f32'"),
        ("unknown field", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}", 4, "unknown field 'x'"),
        ("line breaks in a name", Entry("a\\nb", "I8", "[1]", 0, 1), 1, "tensor 'a?b'"),
    ];

    [TestCaseSource(nameof(Hostile))]
    public void AHostileFileEndsInOneLineThatNamesIt((string Case, string Header, int Data, string Fault) c) =>
        AssertRefused(Craft(c.Header, new byte[c.Data]), c.Fault);

    [Test]
    public void ADamagedPrefixEndsInOneLine()
    {
        AssertRefused(_folder["missing.safetensors"], "no such file");
        AssertRefused(_folder["no/folder.safetensors"], "no such file");
        AssertRefused(_folder.Write("empty", []), "the file is empty");
        AssertRefused(_folder.Write("short", [2, 0, 0, 0, 0, 0, 0, 0]), "8 bytes are too few");
        AssertRefused(_folder.Write("huge", [.. BitConverter.GetBytes(ulong.MaxValue), .. "{}"u8]), "header of 18446744073709551615 bytes");
        AssertRefused(_folder.Write("limit", [.. BitConverter.GetBytes(100_000_001L), .. "{}"u8]), "at most 100000000 are allowed");
        AssertRefused(_folder.Write("beyond", [.. BitConverter.GetBytes(3L), .. "{}"u8]), "cut short or not a safetensors file");
        AssertRefused(_folder.Write("latin1",
            [.. BitConverter.GetBytes(8L), .. "{\"?\":{}}"u8.ToArray().Select(b => b == '?' ? (byte)0xFF : b)]), "not UTF-8");
        Directory.CreateDirectory(_folder["folder"]);
        AssertRefused(_folder["folder"], "");
    }

    [Test]
    public void EveryTruncationAndEveryFlippedByteIsAnErrorOrAValidFile()
    {
        string path = _folder["good.safetensors"];
        SafeTensors.Write(path, [("w", [2], [1f, 2f]), ("b", [1], [3f])], new Dictionary<string, string> { ["k"] = "v" });
        byte[] good = File.ReadAllBytes(path);
        string bad = _folder["bad.safetensors"];
        for (int i = 0; i < good.Length; i++)
        {
            File.WriteAllBytes(bad, good[..i]);
            AssertRefused(bad, "");
            foreach (byte flip in new byte[] { 1, 0x10, 0x80, 0xFF })
            {
                byte[] bytes = [.. good];
                bytes[i] ^= flip;
                File.WriteAllBytes(bad, bytes);
                try
                {
                    SafeTensors.Read(bad);
                }
                catch (BDenseException e)
                {
                    Assert.That(e.Message, Does.StartWith(bad).And.Not.Contains("\n"));
                }
            }
        }
    }

    [Test]
    public void WriterRefusesWhatNoReaderWouldTake()
    {
        string path = _folder["x.safetensors"];
        Assert.That(() => SafeTensors.Write(path, [("a", [1], [1f]), ("a", [1], [2f])]), Throws.ArgumentException);
        Assert.That(() => SafeTensors.Write(path, [("a", [2], [1f])]), Throws.ArgumentException);
        Assert.That(() => SafeTensors.Write(path, [("__metadata__", [1], [1f])]), Throws.ArgumentException);
        Assert.That(Directory.GetFileSystemEntries(_folder.Path), Is.Empty);
    }

    private string Craft(string header, byte[] data) =>
        _folder.Write("case.safetensors",
            [.. BitConverter.GetBytes((long)Encoding.UTF8.GetByteCount(header)), .. Encoding.UTF8.GetBytes(header), .. data]);

    private static void AssertRefused(string path, string fault)
    {
        var e = Assert.Throws<BDenseException>(() => SafeTensors.Read(path));
        Assert.That(e!.Message, Does.Contain(path).And.Contains(fault).And.Not.Contains("\n"));
    }

    private static string Entry(string name, string dtype, string shape, long begin, long end) =>
        $$$"""{"{{{name}}}":{"dtype":"{{{dtype}}}","shape":{{{shape}}},"data_offsets":[{{{begin}}},{{{end}}}]}}""";

    private static string Pair(string a, int a0, int a1, string b, int b0, int b1) =>
        Entry(a, "F32", "[1]", a0, a1)[..^1] + "," + Entry(b, "F32", "[1]", b0, b1)[1..];
}
