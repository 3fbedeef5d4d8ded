using BDense.Kernels;
using BDense.Tests.Cli;
using BDense.Training.Data;
using NUnit.Framework;
using SkiaSharp;

namespace BDense.Tests.Data;

/// <summary>Grayscale images in folders as one channel, where the network takes one; and float arrays of [0, 1].</summary>
public sealed class GrayscaleTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new TemporaryFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    private static byte Ramp(int x, int y) => (byte)(16 * x + y);

    [Test]
    public void GrayImagesAreOneChannelWhereThatIsAskedFor()
    {
        _folder.Write("set/0.png", TestImages.Gray(8, Ramp));
        _folder.Write("set/1.png", TestImages.Encode(SKColorType.Rgba8888, 8, (x, y) => new SKColor(Ramp(x, y), Ramp(x, y), Ramp(x, y))));
        _folder.Write("set/2.jpg", TestImages.Gray(8, (_, _) => 77, SKEncodedImageFormat.Jpeg));
        var rgb = Dataset.Open(_folder["set"]);
        var gray = Dataset.Open(_folder["set"], new DatasetOptions { Channels = 1 });
        Assert.That((rgb.Channels, gray.Channels, gray.Count), Is.EqualTo((3, 1, 3)));
        foreach (int i in new[] { 0, 1 })
            Assert.That(gray.ToArray(i, 1), Is.EqualTo(Enumerable.Range(0, 64).Select(p => (float)(Ramp(p % 8, p / 8) / 127.5 - 1))));
        Assert.That(gray.ToArray(2, 1), Is.All.EqualTo((float)(77 / 127.5 - 1)));
        Assert.That(Dataset.Open(_folder["set"], new DatasetOptions(4) { Channels = 1 }).ImageLength, Is.EqualTo(16));

        _folder.Write("set/3.png", TestImages.Encode(SKColorType.Rgba8888, 8, (x, y) => new SKColor(1, 2, 3)));
        Assert.That(() => Dataset.Open(_folder["set"], new DatasetOptions { Channels = 1 }),
            Throws.TypeOf<BDenseException>().With.Message.Contains("set: 3.png: in colour, and one channel is asked for"));
        Assert.That(Dataset.Open(_folder["set"]).Channels, Is.EqualTo(3));
    }

    [Test]
    public async Task ANetworkOfOneChannelTrainsOnThem()
    {
        for (int i = 0; i < 4; i++)
            _folder.Write($"set/{i}.png", TestImages.Gray(8, Ramp));
        await File.WriteAllTextAsync(_folder["gray.json"],
            """{ "resolution": 8, "imageChannels": 1, "modelChannels": 8, "channelMultipliers": [1], "blocksPerLevel": 1 }""");
        var run = await CliRun.Succeeds("train", "--data", _folder["set"], "--network", _folder["gray.json"], "--steps", "1", "--batch",
            "2", "--out", _folder["run"], "--device", "cpu");
        Assert.That(run.Error, Does.Contain("4 images of 8 x 8 x 1"));
    }

    [TestCase(0f, 1f, true)]
    [TestCase(0.25f, 0.5f, true)]
    [TestCase(-0.01f, 1f, false)]
    [TestCase(0f, 1.01f, false)]
    [TestCase(0f, 0f, false)]
    public void FloatsFromZeroToOneAreNoticed(float least, float most, bool isNoticed)
    {
        Npz.Write(_folder["a.npz"], ("images", new NpyArray([1, 2, 2], new[] { least, most, most, least })));
        var notices = new List<string>();
        Dataset.Open(_folder["a.npz"], new DatasetOptions { OnNotice = notices.Add });
        Assert.That(notices,
            Has.Count.EqualTo(isNoticed ? 1 : 0).And.All.Contains("a.npz: images: the floats lie in [0, 1], and [-1, 1] is expected"));

        Npz.Write(_folder["b.npz"], ("images", new NpyArray([1, 2, 2], new byte[] { 0, 1, 1, 0 })));
        Dataset.Open(_folder["b.npz"], new DatasetOptions { OnNotice = _ => Assert.Fail("bytes are scaled") });
    }

    [Test]
    public async Task TheNoticeIsOneLineOnStandardErrorAndNamesNoControlCharacter()
    {
        string name = "a\x1b[31m.npz", array = "im\x1b]0;x\aages";
        Npz.Write(_folder[name], (array, new NpyArray([1, 8, 8], Enumerable.Range(0, 64).Select(i => i / 64f).ToArray())));
        await File.WriteAllTextAsync(_folder["gray.json"],
            """{ "resolution": 8, "imageChannels": 1, "modelChannels": 8, "channelMultipliers": [1], "blocksPerLevel": 1 }""");
        var run = await CliRun.Succeeds("train", "--data", _folder[name], "--network", _folder["gray.json"], "--steps", "1", "--batch", "1",
            "--out", _folder["run"], "--device", "cpu");
        Assert.That(run.Error.Split('\n').Count(line => line.Contains("[-1, 1] is expected", StringComparison.Ordinal)), Is.EqualTo(1));
        Assert.That(run.Error + run.Output, Does.Contain(@"a\x1b[31m.npz").And.Not.Contains("\x1b").And.Not.Contains("\a"));

        var missing = await CliRun.Of("train", "--data", _folder["b\x1b[31m\n.npz"], "--device", "cpu");
        Assert.That(missing.ExitCode, Is.EqualTo(1));
        Assert.That(missing.Message, Does.Contain(@"b\x1b[31m\x0a.npz: no such file").And.Not.Contains("\x1b"));
    }
}
