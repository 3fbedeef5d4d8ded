using System.Globalization;
using System.IO.Compression;
using BDense.Kernels;
using BDense.Training.Data;
using NUnit.Framework;

namespace BDense.Tests.Data;

/// <summary>EDM's datasets: the labels are those of dataset.json, and the folders of 1,000 images are no classes.</summary>
public sealed class EdmDatasetTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new TemporaryFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    private static string Name(int i) => string.Create(CultureInfo.InvariantCulture, $"{i / 1000:00000}/img{i:00000000}.png");

    // The label shows in the image, so that a shifted list would be seen.
    private static int Label(int i) => i * 7 % 10;

    private static string Json(params IEnumerable<int> images) =>
        $$"""{"labels": [{{string.Join(", ", images.Select(i => $"[\"{Name(i)}\", {Label(i)}]"))}}]}""";

    private static readonly byte[][] Shades = [.. Enumerable.Range(0, 10).Select(label => TestImages.Plain((byte)(label * 20), 4))];

    private string Zip(params IEnumerable<(string Name, byte[] Bytes)> files) => TestImages.Zip(_folder["edm.zip"], files);

    private string Small(string json, params int[] images) =>
        Zip([("dataset.json", System.Text.Encoding.UTF8.GetBytes(json)), .. images.Select(i => (Name(i), Shades[Label(i)]))]);

    [Test]
    public void FiftyThousandImagesHaveTheLabelsOfTheFile()
    {
        const int Count = 50_000;
        // The file need not be in the images' order.
        string path = Zip([.. Enumerable.Range(0, Count).Select(i => (Name(i), Shades[Label(i)])),
            ("dataset.json", System.Text.Encoding.UTF8.GetBytes(Json(Enumerable.Range(0, Count).Reverse())))]);
        var data = Dataset.Open(path);
        Assert.That((data.Count, data.ClassCount, data.Classes.Count), Is.EqualTo((Count, 10, 0)));
        Assert.That(data.Labels, Is.EqualTo(Enumerable.Range(0, Count).Select(Label)));
        foreach (int i in new[] { 0, 999, 1000, 31_415, Count - 1 })
            Assert.That(data.ToArray(i, 1)[0], Is.EqualTo((float)(Label(i) * 20 / 127.5 - 1)), $"image {i}");

        // Three images of the ten classes: there are still ten.
        var few = Dataset.Open(path, new DatasetOptions(Limit: 3));
        Assert.That(few.Labels, Is.EqualTo(new[] { 0, 16_666, 33_333 }.Select(Label)));
        Assert.That(few.ClassCount, Is.EqualTo(10));
    }

    [TestCase("")]
    [TestCase("cifar/")]
    public void AFolderAndAZipOfAFolderHaveThemToo(string prefix)
    {
        int[] images = [0, 1, 999, 1000, 2345];
        foreach (int i in images)
            _folder.Write($"set/{prefix}{Name(i)}", Shades[Label(i)]);
        _folder.Write($"set/{prefix}dataset.json",
            [0xEF, 0xBB, 0xBF,
                .. System.Text.Encoding.UTF8.GetBytes(
                    Json(images).Replace("{\"labels", "{\"about\": {\"labels\": [1]}, \"labels", StringComparison.Ordinal))]);
        ZipFile.CreateFromDirectory(_folder["set"], _folder["set.zip"]);
        foreach (string path in new[] { _folder["set"], _folder["set.zip"] })
            Assert.That(Dataset.Open(path).Labels, Is.EqualTo(images.Select(Label)), path);
    }

    [TestCase("""{"labels": null}""")]
    [TestCase("""{"labels": [["00000/img00000000.png", null], ["00001/img00001000.png", null]]}""")]
    public void NullMeansThatThereAreNoLabels(string json) => Assert.That(Dataset.Open(Small(json, 0, 1000)).Labels, Is.Null);

    [Test]
    public void StorageFoldersWithoutTheFileAreNoClasses()
    {
        var notices = new List<string>();
        string path = Zip((Name(0), Shades[0]), (Name(1000), Shades[0]), (Name(2001), Shades[0]));
        Assert.That(Dataset.Open(path, new DatasetOptions { OnNotice = notices.Add }).Labels, Is.Null);
        Assert.That(notices, Has.Count.EqualTo(1).And.All.Contains("storage, not classes"));
    }

    private static readonly (string Json, string Fault)[] Bad =
    [
        ("""{"labels": [["00000/img00000000.png", 3]]}""", "does not name 00001/img00001000.png"),
        ("""{"labels": [["00000/img00000000.png", 3], ["00001/img00001000.png", 1], ["00001/img00001001.png", 1]]}""",
            "names 00001/img00001001.png, which is not among the 2 images"),
        ("""{"labels": [["00000/img00000000.png", 3], ["00000/img00000000.png", 3]]}""", "names 00000/img00000000.png twice"),
        ("""{"labels": [["00000/img00000000.png", 3], ["00001/img00001000.png", null]]}""", "1 of 2 labels are null"),
        ("""{"labels": [["00000/img00000000.png", -1]]}""", "is not a whole number from 0"),
        ("""{"labels": [["00000/img00000000.png", 1.5]]}""", "is not a whole number from 0"),
        ("""{"labels": [["00000/img00000000.png", 99999999999]]}""", "is not a whole number from 0"),
        ("""{"labels": [["00000/img00000000.png", [0, 1]]]}""", "is not a whole number from 0"),
        ("""{"labels": [["00000/img00000000.png", 1, 2]]}""", "entry 0 is not [name, label]"),
        ("""{"labels": [["00000/img00000000.png"]]}""", "entry 0 is not [name, label]"),
        ("""{"labels": [3]}""", "entry 0 is not [name, label]"),
        ("""{"labels": {"00000/img00000000.png": 3}}""", "neither a list nor null"),
        ("""{"labels": null, "labels": null}""", "'labels' is there twice"),
        ("""{"classes": []}""", "has no \"labels\""),
        ("[]", "not an object"),
        ("", "not JSON"),
        ("""{"labels": [["00000/img00000000.png", 3]""", "not JSON"),
        ("""{"labels": null} more""", "not JSON"),
        ("""{"labels": [["\ud800.png", 3]]}""", "half a surrogate pair"),
        ("""{"\ud800": 1}""", "half a surrogate pair"),
        ("""{"labels": [["a\u001b[31m\n.png", 3], ["00000/img00000000.png", 3], ["00001/img00001000.png", 1]]}""",
            @"names a\x1b[31m\x0a.png, which is not among"),
    ];

    [TestCaseSource(nameof(Bad))]
    public void ABadFileEndsInOneLine((string Json, string Fault) c)
    {
        var e = Assert.Throws<BDenseException>(() => Dataset.Open(Small(c.Json, 0, 1000)));
        Assert.That(e!.Message,
            Does.Contain("edm.zip: dataset.json: ").And.Contains(c.Fault).And.Not.Contains("\n").And.Not.Contains("\x1b"));
    }

    [Test]
    public void TwoFilesAreRefused()
    {
        string path = Zip(("a/dataset.json", [1]), ("b/dataset.json", [1]), ("a/0.png", Shades[0]));
        Assert.That(() => Dataset.Open(path), Throws.TypeOf<BDenseException>().With.Message.Contains("a/dataset.json and b/dataset.json"));
    }
}
