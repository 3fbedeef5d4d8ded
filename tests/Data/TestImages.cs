using System.IO.Compression;
using SkiaSharp;

namespace BDense.Tests.Data;

/// <summary>Small images and archives of them, for tests of the readers.</summary>
internal static class TestImages
{
    /// <summary>A gray PNG of <paramref name="side"/> x <paramref name="side"/>, all of one shade, stored as RGB.</summary>
    public static byte[] Plain(byte shade, int side) => Encode(SKColorType.Rgba8888, side, (x, y) => new SKColor(shade, shade, shade));

    /// <summary>A PNG or JPEG of one channel (Gray8) with a shade for each pixel.</summary>
    public static byte[] Gray(int side, Func<int, int, byte> shade, SKEncodedImageFormat format = SKEncodedImageFormat.Png) =>
        Encode(SKColorType.Gray8, side, (x, y) => new SKColor(shade(x, y), shade(x, y), shade(x, y)), format);

    public static byte[] Encode(SKColorType type, int side, Func<int, int, SKColor> colour,
        SKEncodedImageFormat format = SKEncodedImageFormat.Png)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(side, side, type, SKAlphaType.Opaque));
        for (int y = 0; y < side; y++)
        {
            for (int x = 0; x < side; x++)
                bitmap.SetPixel(x, y, colour(x, y));
        }
        return bitmap.Encode(format, 100).ToArray();
    }

    /// <summary>Writes a zip, uncompressed as EDM's, and returns its path.</summary>
    public static string Zip(string path, IEnumerable<(string Name, byte[] Bytes)> files)
    {
        using var zip = ZipFile.Open(path, ZipArchiveMode.Create);
        foreach (var (name, bytes) in files)
        {
            using var stream = zip.CreateEntry(name, CompressionLevel.NoCompression).Open();
            stream.Write(bytes);
        }
        return path;
    }
}
