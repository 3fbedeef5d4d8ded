using System.Formats.Tar;
using System.IO.Compression;
using BDense.Kernels;
using BDense.Training.Data;
using BDense.Training.Data.Preparing;
using NUnit.Framework;
using SkiaSharp;

namespace BDense.Tests.Data.Preparing;

/// <summary>Datasets made of images: what is written, from what, and what is refused with nothing written.</summary>
public sealed class PreparationTests
{
    private static readonly PrepareOptions Square8 = new() { Crop = CropMode.Center, Size = (8, 8) };

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new TemporaryFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    /// <summary>Four images of several sizes and kinds in two classes, whose natural order is not that of their letters.</summary>
    private string Photos()
    {
        _folder.Write("photos/breed 10/x.png", PreparedImages.Colourful(20, 30));
        _folder.Write("photos/breed 2/a.jpg", PreparedImages.Encode(33, 9, (x, y) => new SKColor(200, 100, 50), SKEncodedImageFormat.Jpeg));
        _folder.Write("photos/breed 2/b.PNG", PreparedImages.Colourful(8, 8, 60));
        _folder.Write("photos/breed 2/c.webp", PreparedImages.Colourful(4, 4, 90));
        _folder.Write("photos/breed 2/notes.txt", "no image"u8);
        _folder.Write("photos/breed 2/._a.jpg", "no image either"u8);
        return _folder["photos"];
    }

    [Test]
    public void What_is_written_is_what_training_reads()
    {
        string source = Photos();
        PreparedDataset made;
        using (var preparation = new Preparation(source, Square8))
        {
            Assert.That(preparation.Count, Is.EqualTo(4));
            made = preparation.Write(_folder["set.zip"]);
            preparation.Write(_folder["set"]);
        }
        Assert.That((made.Count, made.Height, made.Width, made.Channels), Is.EqualTo((4, 8, 8, 3)));
        Assert.That((made.Cropped, made.Reduced, made.Enlarged, made.Transparent, made.Turned), Is.EqualTo((2, 2, 1, 0, 0)));
        foreach (string path in new[] { _folder["set.zip"], _folder["set"] })
        {
            var data = Dataset.Open(path);
            Assert.That((data.Count, data.Height, data.Width, data.Channels), Is.EqualTo((4, 8, 8, 3)));
            // By their paths the images are in ordinal order, 10 before 2; by their numbers the classes are 2, 10.
            Assert.That(data.Labels, Is.EqualTo(new[] { 1, 0, 0, 0 }));
            Assert.That(data.Classes, Is.EqualTo(new[] { "breed 2", "breed 10" }));
            Assert.That(data.ToArray(0, 1), Is.EqualTo(Expected(20, 30, 0)));
            Assert.That(data.ToArray(1, 1)[..3], Is.EqualTo(new[] { 200f, 100f, 50f }.Select(v => v / 127.5f - 1)).Within(0.03));
            // Of the size already: the pixels as they were.
            Assert.That(data.ToArray(2, 1)[..3], Is.EqualTo(new[] { 60f, 40f, 120f }.Select(v => v / 127.5f - 1)).Within(1e-6));
        }
        Assert.That(Dataset.Open(_folder["set"]).Fingerprint, Is.EqualTo(Dataset.Open(_folder["set.zip"]).Fingerprint));
        // As EDM's tools read them: stored, not compressed.
        using var zip = ZipFile.OpenRead(_folder["set.zip"]);
        Assert.That(zip.Entries.Select(e => e.FullName), Is.EqualTo(new[] { "00000/img00000000.png", "00000/img00000001.png",
            "00000/img00000002.png", "00000/img00000003.png", "dataset.json" }));
        Assert.That(zip.Entries.Select(e => e.CompressedLength), Is.EqualTo(zip.Entries.Select(e => e.Length)));
        Assert.That(File.ReadAllText(_folder["set/dataset.json"]), Is.EqualTo(
            """{"labels":[["00000/img00000000.png",1],["00000/img00000001.png",0],["00000/img00000002.png",0],"""
            + """["00000/img00000003.png",0]],"classes":["breed 2","breed 10"]}"""));
    }

    /// <summary>The middle square of <see cref="PreparedImages.Colourful"/> at 8 x 8.</summary>
    private static float[] Expected(int width, int height, int shift)
    {
        byte[] pixels = [.. from y in Enumerable.Range(0, height)
                            from x in Enumerable.Range(0, width)
                            from value in new[] { x * 7 + y * 13 + shift, x * 3 + 40, y * 11 + 2 * shift }
                            select (byte)value];
        int side = Math.Min(width, height);
        var square = new Picture(height, width, 3, pixels).Crop((height - side) / 2, (width - side) / 2, side, side);
        return [.. Resizer.Resize(square, 8, 8, ResizeFilter.Lanczos).Pixels.Select(v => (float)(v / 127.5 - 1))];
    }

    [Test]
    public void Folder_zip_and_tar_of_the_same_images_give_the_same_bytes()
    {
        string photos = Photos();
        ZipFile.CreateFromDirectory(photos, _folder["photos.zip"]);
        TarFile.CreateFromDirectory(photos, _folder["photos.tar"], includeBaseDirectory: false);
        using (var gzip = new GZipStream(File.Create(_folder["photos.tgz"]), CompressionLevel.Fastest))
            gzip.Write(File.ReadAllBytes(_folder["photos.tar"]));
        byte[][] made = [.. new[] { "photos", "photos.zip", "photos.tar", "photos.tgz", "photos" }.Select((source, i) =>
        {
            using var preparation = new Preparation(_folder[source], Square8);
            preparation.Write(_folder[$"{i}.zip"]);
            return File.ReadAllBytes(_folder[$"{i}.zip"]);
        })];
        Assert.That(made.Skip(1), Is.All.EqualTo(made[0]));
    }

    [TestCase(TarEntryFormat.Gnu)]
    [TestCase(TarEntryFormat.Pax)]
    [TestCase(TarEntryFormat.Ustar)]
    public void Long_names_in_a_tar_are_whole(TarEntryFormat format)
    {
        // Cut off at 100 bytes neither would be an image.
        string[] classes = [$"{new string('a', 60)}/{new string('b', 60)}", $"{new string('a', 60)}/{new string('c', 60)}"];
        using (var tar = new TarWriter(File.Create(_folder["long.tar"]), format))
        {
            foreach (string name in classes)
            {
                string path = $"{name}/image of the class.png";
                TarEntry entry = format switch
                {
                    TarEntryFormat.Gnu => new GnuTarEntry(TarEntryType.RegularFile, path),
                    TarEntryFormat.Pax => new PaxTarEntry(TarEntryType.RegularFile, path),
                    _ => new UstarTarEntry(TarEntryType.RegularFile, path),
                };
                entry.DataStream = new MemoryStream(PreparedImages.Colourful(8, 8));
                tar.WriteEntry(entry);
            }
        }
        using var preparation = new Preparation(_folder["long.tar"], Square8);
        Assert.That(preparation.Write(_folder["long.zip"]).Classes, Is.EqualTo(classes));
    }

    [Test]
    public void Another_dataset_keeps_its_pixels_and_labels()
    {
        byte[] rows =
            [.. Enumerable.Range(0, 4).SelectMany(row => Enumerable.Range(0, 3073).Select(i => (byte)(i == 0 ? 9 - row : i * row)))];
        string cifar = _folder.Write("cifar/data_batch_1.bin", rows);
        using (var preparation = new Preparation(cifar, new PrepareOptions()))
            preparation.Write(_folder["set.zip"]);
        var (was, now) = (Dataset.Open(cifar), Dataset.Open(_folder["set.zip"]));
        Assert.That(now.Fingerprint, Is.EqualTo(was.Fingerprint));
        Assert.That(now.Classes, Is.EqualTo(was.Classes));
        using (var again = new Preparation(_folder["set.zip"], new PrepareOptions { Unlabelled = true, Limit = 2 }))
            again.Write(_folder["half"]);
        var half = Dataset.Open(_folder["half"]);
        Assert.That((half.Count, half.Labels), Is.EqualTo((2, (IReadOnlyList<int>?)null)));
        Assert.That(half.ToArray(1, 1), Is.EqualTo(was.ToArray(2, 1)));
    }

    [Test]
    public void Grey_digits_are_one_channel_where_that_is_asked_for()
    {
        byte[] idx = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 0, 100, 200, 255];
        string digits = _folder.Write("train-images-idx3-ubyte", idx);
        foreach (bool grey in new[] { true, false })
        {
            using var preparation = new Preparation(digits, new PrepareOptions { Grayscale = grey });
            Assert.That(preparation.Write(_folder[$"{grey}.zip"]).Channels, Is.EqualTo(grey ? 1 : 3));
            Assert.That(Dataset.Open(_folder[$"{grey}.zip"], new DatasetOptions { Channels = 1 }).Fingerprint,
                Is.EqualTo(Dataset.Open(digits).Fingerprint));
        }
        using var zip = ZipFile.OpenRead(_folder["True.zip"]);
        using var codec = SKCodec.Create(zip.Entries[0].Open());
        Assert.That(codec.Info.ColorType, Is.EqualTo(SKColorType.Gray8));
    }

    [Test]
    public void Transparency_is_over_the_background_and_counted()
    {
        _folder.Write("glass/0.png", PreparedImages.Encode(2, 2, (x, y) => new SKColor(255, 0, 100, (byte)(x == 0 ? 255 : 51))));
        _folder.Write("glass/1.png", PreparedImages.Encode(2, 2, (x, y) => SKColors.Red));
        using var preparation = new Preparation(_folder["glass"], new PrepareOptions { Background = SKColors.White });
        Assert.That(preparation.Write(_folder["set"]).Transparent, Is.EqualTo(1));
        float[] image = Dataset.Open(_folder["set"]).ToArray(0, 1);
        // (51 c + 204 255) / 255 = c / 5 + 204.
        byte[] expected = [255, 0, 100, 255, 204, 224];
        Assert.That(image[..6], Is.EqualTo(expected.Select(v => (float)(v / 127.5 - 1))));
    }

    // EXIF's numbers: 6 is a camera held upright. The left half is red in the file.
    [TestCase(1, true, true, false, false)]
    [TestCase(2, false, false, true, true)]
    [TestCase(3, false, false, true, true)]
    [TestCase(6, true, false, true, false)]
    [TestCase(8, false, true, false, true)]
    public void Images_are_turned_upright(int orientation, bool topLeft, bool bottomLeft, bool topRight, bool bottomRight)
    {
        byte[] jpeg = PreparedImages.Encode(16, 16, (x, y) => x < 8 ? SKColors.Red : SKColors.Blue, SKEncodedImageFormat.Jpeg);
        _folder.Write("photo/0.jpg", PreparedImages.Turned(jpeg, orientation));
        using var preparation = new Preparation(_folder["photo"], new PrepareOptions());
        Assert.That(preparation.Write(_folder["set"]).Turned, Is.EqualTo(orientation == 1 ? 0 : 1));
        float[] image = Dataset.Open(_folder["set"]).ToArray(0, 1);
        bool Red(int y, int x) => image[(y * 16 + x) * 3] > 0;
        Assert.That((Red(1, 1), Red(14, 1), Red(1, 14), Red(14, 14)), Is.EqualTo((topLeft, bottomLeft, topRight, bottomRight)));
    }

    [Test]
    public void Each_orientation_puts_every_pixel_where_EXIF_says()
    {
        // 2 x 3, numbered row by row; where each number is afterwards, by the standard's table.
        var image = new Picture(2, 3, 3, [.. Enumerable.Range(0, 6).SelectMany(i => new[] { (byte)i, (byte)i, (byte)i })]);
        (SKEncodedOrigin Origin, int Width, byte[] Numbers)[] expected =
        [
            (SKEncodedOrigin.TopLeft, 3, [0, 1, 2, 3, 4, 5]),
            (SKEncodedOrigin.TopRight, 3, [2, 1, 0, 5, 4, 3]),
            (SKEncodedOrigin.BottomRight, 3, [5, 4, 3, 2, 1, 0]),
            (SKEncodedOrigin.BottomLeft, 3, [3, 4, 5, 0, 1, 2]),
            (SKEncodedOrigin.LeftTop, 2, [0, 3, 1, 4, 2, 5]),
            (SKEncodedOrigin.RightTop, 2, [3, 0, 4, 1, 5, 2]),
            (SKEncodedOrigin.RightBottom, 2, [5, 2, 4, 1, 3, 0]),
            (SKEncodedOrigin.LeftBottom, 2, [2, 5, 1, 4, 0, 3]),
        ];
        foreach (var (origin, width, numbers) in expected)
        {
            var upright = PictureDecoder.Upright(image, origin);
            Assert.That((upright.Width, upright.Height), Is.EqualTo((width, 6 / width)), $"{origin}");
            Assert.That(upright.Pixels.Where((_, i) => i % 3 == 0), Is.EqualTo(numbers), $"{origin}");
        }
    }

    [Test]
    public void A_wide_crop_has_black_above_and_below()
    {
        _folder.Write("cars/0.png", PreparedImages.Encode(16, 16, (x, y) => y is >= 4 and < 12 ? SKColors.White : SKColors.Red));
        using var preparation = new Preparation(_folder["cars"], new PrepareOptions { Crop = CropMode.Wide, Size = (4, 8) });
        var made = preparation.Write(_folder["set"]);
        Assert.That((made.Height, made.Width), Is.EqualTo((8, 8)));
        float[] image = Dataset.Open(_folder["set"]).ToArray(0, 1);
        float[] expected = [.. Enumerable.Range(0, 8).Select(y => y is >= 2 and < 6 ? 1f : -1f)];
        Assert.That(Enumerable.Range(0, 8).Select(y => image[(y * 8 + 4) * 3 + 1]), Is.EqualTo(expected));
    }

    private static readonly (string Case, Action<TemporaryFolder> Make, PrepareOptions Options, string Fault)[] Refused =
    [
        ("no image", f => f.Write("in/a.txt", "hello"u8), new PrepareOptions(), "holds no images"),
        ("corrupt", f =>
        {
            f.Write("in/a.png", PreparedImages.Colourful(8, 8));
            f.Write("in/b.png", "hello"u8);
        }, new PrepareOptions(), "b.png: not an image that can be read"),
        ("cut short", f =>
        {
            f.Write("in/a.png", PreparedImages.Colourful(64, 64));
            f.Write("in/b.jpg",
                PreparedImages.Encode(64, 64, (x, y) => new SKColor((byte)(x * y), (byte)x, (byte)y), SKEncodedImageFormat.Jpeg)
                [..700]);
        }, new PrepareOptions(), "b.jpg: the image is cut short"),
        ("not square", f => f.Write("in/a.png", PreparedImages.Colourful(8, 9)), new PrepareOptions { Size = (8, 8) },
            "a.png: 8 x 9 (width x height) is not square; --crop center"),
        ("mixed sizes", f =>
        {
            f.Write("in/a.png", PreparedImages.Colourful(8, 8));
            f.Write("in/b.png", PreparedImages.Colourful(9, 9));
        }, new PrepareOptions(), "b.png: 9 x 9 (width x height), but a.png is 8 x 8; --resolution N"),
        ("flat", f => f.Write("in/a.png", PreparedImages.Colourful(30, 8)), new PrepareOptions { Crop = CropMode.Wide, Size = (6, 8) },
            "a.png: 30 x 8 (width x height) is flatter"),
        ("class beyond the names", f =>
        {
            f.Write("in/a.png", PreparedImages.Colourful(8, 8));
            f.Write("in/dataset.json", """{"labels": [["a.png", 2]], "classes": ["cat", "dog"]}"""u8);
        }, new PrepareOptions(), "dataset.json: a.png has label 2; \"classes\" names 2, 0 to 1"),
        ("classes that are none", f =>
        {
            f.Write("in/a.png", PreparedImages.Colourful(8, 8));
            f.Write("in/dataset.json", """{"labels": [["a.png", 0]], "classes": {"cat": 0}}"""u8);
        }, new PrepareOptions(), "\"classes\" is no list of names"),
    ];

    [TestCaseSource(nameof(Refused))]
    public void What_is_no_image_or_of_another_shape_is_named_and_nothing_is_written(
        (string Case, Action<TemporaryFolder> Make, PrepareOptions Options, string Fault) c)
    {
        c.Make(_folder);
        foreach (string place in new[] { "set.zip", "set" })
        {
            var e = Assert.Throws<BDenseException>(() =>
            {
                using var preparation = new Preparation(_folder["in"], c.Options);
                preparation.Write(_folder[place]);
            });
            Assert.That(e!.Message, Does.StartWith(_folder["in"]).And.Contain(c.Fault).And.Not.Contain("\n"));
        }
        AssertNothingWritten();
    }

    [Test]
    public void Stopped_nothing_is_written()
    {
        Photos();
        using var preparation = new Preparation(_folder["photos"], Square8);
        foreach (string place in new[] { "set.zip", "set" })
            Assert.That(() => preparation.Write(_folder[place], cancellation: new CancellationToken(true)),
                Throws.InstanceOf<OperationCanceledException>());
        AssertNothingWritten();
    }

    [Test]
    public void A_place_that_is_none_is_refused_beforehand()
    {
        string source = Photos();
        _folder.Write("full/thesis.tex", "years of work"u8);
        _folder.Write("file", "a file"u8);
        using var preparation = new Preparation(source, Square8);
        Refuse<BDenseException>("full", "the folder is not empty");
        Refuse<BDenseException>("file", "it is a file");
        Refuse<UsageException>("set.tar.gz", "written as .zip, or into a folder");
        Refuse<UsageException>("photos", "is the source itself");
        Refuse<UsageException>("photos/small", "is within");
        Assert.That(Directory.GetFiles(_folder["full"]), Has.Length.EqualTo(1));
        // An empty folder is as good as none.
        Directory.CreateDirectory(_folder["empty"]);
        preparation.Write(_folder["empty"]);
        Assert.That(Dataset.Open(_folder["empty"]).Count, Is.EqualTo(4));

        void Refuse<T>(string place, string fault)
            where T : BDenseException =>
                Assert.That(() => preparation.Write(_folder[place]), Throws.TypeOf<T>().With.Message.Contains(fault));
    }

    /// <summary>As a kill leaves it, a moment ago: the unfinished dataset and the lock.</summary>
    [TestCase("set.zip"), TestCase("set")]
    public void What_a_killed_one_left_goes_with_the_next_to_the_same_place(string place)
    {
        Photos();
        string left = _folder[$".{place}.{Guid.NewGuid():N}.tmp"];
        if (place == "set")
            Directory.CreateDirectory(Path.Combine(left, "00000"));
        else
            File.WriteAllText(left, "half");
        _folder.Write($".{place}.lock", []);
        _folder.Write($".{place}.lock.pid", "1 0"u8);
        string others = $".{place}.gz.{Guid.NewGuid():N}.tmp";
        _folder.Write(others, "another's"u8);
        using var preparation = new Preparation(_folder["photos"], new PrepareOptions { Crop = CropMode.Center, Size = (8, 8) });
        preparation.Write(_folder[place]);
        Assert.That(Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName),
            Is.EquivalentTo(new[] { "photos", place, others }));
    }

    [Test]
    public void A_second_writer_of_a_place_is_refused_and_leaves_the_first_alone()
    {
        Photos();
        var options = new PrepareOptions { Crop = CropMode.Center, Size = (8, 8) };
        using Preparation first = new(_folder["photos"], options), second = new(_folder["photos"], options);
        first.Write(_folder["set.zip"], _ => Assert.That(() => second.Write(_folder["set.zip"]),
            Throws.TypeOf<BDenseException>().With.Message.Contains("set.zip is being written by another process")));
        Assert.That(Dataset.Open(_folder["set.zip"]).Count, Is.EqualTo(first.Count));
    }

    [Test]
    public void A_size_that_does_not_go_with_the_crop_is_refused()
    {
        Photos();
        Refuse(new PrepareOptions { Crop = CropMode.Wide }, "needs --resolution WxH");
        Refuse(new PrepareOptions { Crop = CropMode.Wide, Size = (8, 4) }, "wider than high");
        Refuse(new PrepareOptions { Crop = CropMode.Center, Size = (8, 4) }, "networks take squares");

        void Refuse(PrepareOptions options, string fault) =>
            Assert.That(() => new Preparation(_folder["photos"], options), Throws.TypeOf<UsageException>().With.Message.Contains(fault));
    }

    private void AssertNothingWritten() =>
        Assert.That(Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName), Is.SubsetOf(new[] { "in", "photos" }));
}
