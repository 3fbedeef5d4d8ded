using BDense.Tests.Data;
using SkiaSharp;

namespace BDense.Tests.Faults;

/// <summary>Datasets of images, in folders and zips, and EDM's label file.</summary>
internal static class ImageCases
{
    private const int Side = 8;

    public static IReadOnlyList<ReaderCase> All { get; } =
    [
        Image("PNG", "png", SampleFormat.Png, Encoded(SKEncodedImageFormat.Png), TestImages.Gray(2 * Side, (x, y) => (byte)(x * y))),
        Image("PNG, grayscale", "png", SampleFormat.Png, TestImages.Gray(Side, (x, y) => (byte)(x * y * 4))),
        Image("JPEG", "jpg", SampleFormat.Binary, Encoded(SKEncodedImageFormat.Jpeg),
            TestImages.Gray(2 * Side, (x, y) => (byte)(x * y), SKEncodedImageFormat.Jpeg)),
        Image("WebP", "webp", SampleFormat.Binary, Encoded(SKEncodedImageFormat.Webp), Encoded(SKEncodedImageFormat.Png)),
        Image("BMP", "bmp", SampleFormat.Binary, Bitmap()),
        new("class folders in a zip", SampleFormat.Zip, folder => ArrayCases.Dataset(TestImages.Zip(folder["x.zip"],
            [("cat/1.png", TestImages.Plain(10, Side)), ("cat/2.png", TestImages.Plain(20, Side)),
                ("dog/1.png", TestImages.Plain(30, Side))]))),
        new("EDM's zip", SampleFormat.Zip, folder => ArrayCases.Dataset(TestImages.Zip(folder["x.zip"], [.. Edm()]))),
        new("EDM's labels", SampleFormat.Json, folder =>
        {
            foreach (var (name, bytes) in Edm())
                folder.Write($"data/{name}", bytes);
            return ArrayCases.Dataset(folder["data"], folder["data/dataset.json"]);
        }),
    ];

    // Two images, so that the damaged one is held to the other's size.
    private static ReaderCase Image(string name, string extension, SampleFormat format, byte[] image, byte[]? other = null) =>
        new(name, format, folder =>
    {
        folder.Write($"data/b.{extension}", image);
        return ArrayCases.Dataset(folder["data"], folder.Write($"data/a.{extension}", image)) with { Other = other };
    });

    private static IEnumerable<(string Name, byte[] Bytes)> Edm()
    {
        yield return ("00000/img00000000.png", TestImages.Plain(10, Side));
        yield return ("00000/img00000001.png", TestImages.Plain(20, Side));
        yield return ("dataset.json",
            """{"labels": [["00000/img00000000.png", 3], ["00000/img00000001.png", 0]], "name": "x"}"""u8.ToArray());
    }

    private static byte[] Encoded(SKEncodedImageFormat format) =>
        TestImages.Encode(SKColorType.Rgba8888, Side, (x, y) => new SKColor((byte)(x * 30), (byte)(y * 30), (byte)(x * y * 4)), format);

    // Skia writes none: 24 bits a pixel, rows from the last to the first.
    private static byte[] Bitmap()
    {
        int size = 54 + 3 * Side * Side;
        byte[] header = [.. "BM"u8, .. BitConverter.GetBytes(size), 0, 0, 0, 0, .. BitConverter.GetBytes(54), .. BitConverter.GetBytes(40),
            .. BitConverter.GetBytes(Side), .. BitConverter.GetBytes(Side), 1, 0, 24, 0];
        return [.. header, .. new byte[54 - header.Length], .. Enumerable.Range(0, 3 * Side * Side).Select(i => (byte)(i * 3))];
    }
}
