using System.Buffers.Binary;
using SkiaSharp;

namespace BDense.Tests.Data.Preparing;

/// <summary>Image files of any size and kind, for tests of what makes datasets of them.</summary>
internal static class PreparedImages
{
    /// <summary>An image file with a colour for each pixel (x, y).</summary>
    public static byte[] Encode(int width, int height, Func<int, int, SKColor> colour,
        SKEncodedImageFormat format = SKEncodedImageFormat.Png)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
                bitmap.SetPixel(x, y, colour(x, y));
        }
        return bitmap.Encode(format, 100).ToArray();
    }

    /// <summary>One of many colours, another in each pixel, opaque.</summary>
    public static byte[] Colourful(int width, int height, int shift = 0) =>
        Encode(width, height, (x, y) => new SKColor((byte)(x * 7 + y * 13 + shift), (byte)(x * 3 + 40), (byte)(y * 11 + 2 * shift)));

    /// <summary>A JPEG file that says how it is to be turned: an EXIF segment with the one tag, right behind its start.</summary>
    public static byte[] Turned(byte[] jpeg, int orientation)
    {
        byte[] tiff = [.. "II*\0"u8, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, (byte)orientation, 0, 0, 0, 0, 0, 0, 0];
        byte[] segment = [.. "Exif\0\0"u8, .. tiff], length = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)(segment.Length + 2));
        return [.. jpeg[..2], 0xFF, 0xE1, .. length, .. segment, .. jpeg[2..]];
    }
}
