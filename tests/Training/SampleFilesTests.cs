using BDense.Kernels;
using BDense.Training.Data;
using BDense.Training.Samplers;
using NUnit.Framework;
using SkiaSharp;

namespace BDense.Tests.Training;

/// <summary>Files of images that are written while they are made.</summary>
public sealed class SampleFilesTests
{
    private const int Side = 4, Length = Side * Side * 3;

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void Make() => _folder = new TemporaryFolder();

    [TearDown]
    public void Clean() => _folder.Dispose();

    private static float[] Images(int count) => [.. Enumerable.Range(0, count * Length).Select(i => (i * 37 % 255) / 127.5f - 1)];

    /// <summary>The same images however they come.</summary>
    private static SampleStream Stream(int count, int batch, int? failAt = null, int classes = 0) => next =>
    {
        float[] all = Images(count);
        for (int first = 0; first < count; first += batch)
        {
            if (first >= failAt)
                throw new OperationCanceledException("stopped");
            int n = Math.Min(batch, count - first);
            next(new SampleBatch([.. Enumerable.Range(first, n).Select(i => (ulong)i)], all[(first * Length)..((first + n) * Length)],
                classes == 0 ? null : [.. Enumerable.Range(first, n).Select(i => i % classes)]));
        }
    };

    [TestCase(0)]
    [TestCase(5)]
    public void Raw_images_are_the_same_in_any_batches_and_as_the_whole_array(int classes)
    {
        int count = 0;
        foreach (int batch in new[] { 7, 3 })
            Stream(7, batch, classes: classes).Raw(_folder[$"{batch}.npz"], 7, (Side, Side, 3))(b => count += b.Count);
        Assert.That(count, Is.EqualTo(14), "each image is handed on");
        Assert.That(File.ReadAllBytes(_folder["3.npz"]), Is.EqualTo(File.ReadAllBytes(_folder["7.npz"])));
        var arrays = Npz.Read(_folder["3.npz"]);
        Assert.That(arrays["images"].Shape, Is.EqualTo(new[] { 7, 3, Side, Side }));
        Assert.That(arrays["images"].ToSingle()[Side * Side], Is.EqualTo(Images(1)[1]), "the second channel of the first pixel");
        Assert.That(arrays.TryGetValue("labels", out var labels) ? (long[])labels!.Values : [],
            Is.EqualTo(classes == 0 ? Array.Empty<long>() : [0L, 1, 2, 3, 4, 0, 1]));
        Stream(7, 2).Raw(_folder["images.npy"], 7, (Side, Side, 3))(_ => { });
        Assert.That(Npz.Read(_folder["images.npy"])["arr_0"].ToSingle(), Is.EqualTo(arrays["images"].ToSingle()));
    }

    [Test]
    public void What_stops_in_the_middle_leaves_whole_pictures_and_no_half_array()
    {
        var stream = Stream(8, 2, failAt: 4).Pictures(PictureName.Parse(_folder["p/"])!, (Side, Side, 3))
            .Raw(_folder["all.npz"], 8, (Side, Side, 3)).Grid(_folder["grid.png"], (Side, Side, 3));
        Assert.That(() => stream(_ => { }), Throws.TypeOf<OperationCanceledException>());
        Assert.That(Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName), Is.EquivalentTo(new[] { "p" }));
        Assert.That(Directory.GetFiles(_folder["p"]).Select(Path.GetFileName).Order(),
            Is.EqualTo(new[] { "000000.png", "000001.png", "000002.png", "000003.png" }));
    }

    [Test]
    public void A_picture_has_the_image_s_own_pixels()
    {
        Stream(2, 2).Pictures(PictureName.Parse(_folder["img-%03d.png"])!, (Side, Side, 3))(_ => { });
        using var picture = SKBitmap.Decode(_folder["img-001.png"]);
        Assert.That((picture.Width, picture.Height), Is.EqualTo((Side, Side)));
        for (int i = 0; i < Side * Side; i++)
        {
            var pixel = picture.GetPixel(i % Side, i / Side);
            Assert.That(new[] { pixel.Red, pixel.Green, pixel.Blue },
                Is.EqualTo(Enumerable.Range(0, 3).Select(c => (byte)((Length + 3 * i + c) * 37 % 255))));
        }
    }

    [Test]
    public void A_grid_shows_the_first_few_hundred()
    {
        Stream(SampleFiles.GridImages + 100, 50).Grid(_folder["many.png"], (Side, Side, 3))(_ => { });
        Stream(SampleFiles.GridImages, 64).Grid(_folder["few.png"], (Side, Side, 3))(_ => { });
        Assert.That(File.ReadAllBytes(_folder["many.png"]), Is.EqualTo(File.ReadAllBytes(_folder["few.png"])));
    }

    [TestCase("a/%05d.png", 7UL, "a/00007.png")]
    [TestCase("%d.png", 123456UL, "123456.png")]
    [TestCase("%02d.png", 123UL, "123.png")]
    [TestCase("samples/", 7UL, "samples/000007.png")]
    public void Pictures_are_named_by_number(string path, ulong number, string name) =>
        Assert.That(PictureName.Parse(path)!.Of(number), Is.EqualTo(name));

    [TestCase("a/%s.png")]
    [TestCase("%05d-%d.png")]
    [TestCase("100%.png")]
    public void A_name_without_one_number_is_refused(string path) =>
        Assert.That(() => PictureName.Parse(path), Throws.TypeOf<UsageException>());

    [TestCase("a.jpg")]
    [TestCase("b/grid.NPZ")]
    public void Other_kinds_of_files_are_refused(string path) =>
        Assert.That(() => PictureName.RequirePng(path), Throws.TypeOf<UsageException>());

    [Test]
    public void A_folder_that_is_there_needs_no_slash() =>
        Assert.That(PictureName.Parse(_folder.Path)!.Of(3), Is.EqualTo(_folder["000003.png"]));

    [Test]
    public void An_array_s_file_says_of_which_kind_it_is()
    {
        foreach (string path in new[] { _folder["x.txt"], _folder["x"] })
            Assert.That(() => PictureName.RequireArray(path), Throws.TypeOf<UsageException>().With.Message.Contains(".npz or .npy"));
        foreach (string path in new[] { "x.npz", "x.NPY" })
            Assert.That(() => PictureName.RequireArray(path), Throws.Nothing);
        if (!OperatingSystem.IsWindows())
            Assert.That(() => PictureName.RequireArray("/dev/null"), Throws.Nothing);
    }

    [Test]
    public void One_file_s_name_is_none_of_many() => Assert.That(PictureName.Parse("a%b/grid.png"), Is.Null);
}
