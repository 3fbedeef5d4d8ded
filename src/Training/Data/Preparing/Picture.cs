using System.Runtime.InteropServices;
using SkiaSharp;

namespace BDense.Training.Data.Preparing;

/// <summary>An image of 8 bits a channel in memory.</summary>
/// <param name="Height">H</param>
/// <param name="Width">W</param>
/// <param name="Channels">3 for RGB, 1 for grey.</param>
/// <param name="Pixels">[H,W,C]</param>
internal sealed record Picture(int Height, int Width, int Channels, byte[] Pixels)
{
    /// <summary>
    /// The part of <paramref name="height"/> x <paramref name="width"/> at (<paramref name="top"/>, <paramref name="left"/>).
    /// </summary>
    public Picture Crop(int top, int left, int height, int width)
    {
        if ((top, left, height, width) == (0, 0, Height, Width))
            return this;
        var part = new byte[height * width * Channels];
        for (int y = 0; y < height; y++)
            Pixels.AsSpan(((top + y) * Width + left) * Channels, width * Channels).CopyTo(part.AsSpan(y * width * Channels));
        return new Picture(height, width, Channels, part);
    }

    /// <summary>RGB as one channel, (19595 R + 38470 G + 7471 B) / 65536 rounded: ITU-R 601's luma, as Pillow has it.</summary>
    public Picture ToGrey()
    {
        if (Channels == 1)
            return this;
        var grey = new byte[Height * Width];
        for (int i = 0; i < grey.Length; i++)
            grey[i] = (byte)((19595 * Pixels[3 * i] + 38470 * Pixels[3 * i + 1] + 7471 * Pixels[3 * i + 2] + 0x8000) >> 16);
        return new Picture(Height, Width, 1, grey);
    }

    /// <summary>Grey as RGB.</summary>
    public Picture ToColour()
    {
        if (Channels == 3)
            return this;
        var colour = new byte[3 * Pixels.Length];
        for (int i = 0; i < colour.Length; i++)
            colour[i] = Pixels[i / 3];
        return new Picture(Height, Width, 3, colour);
    }

    /// <summary>
    /// A PNG file's bytes, neither filtered nor compressed, as EDM's dataset_tool.py stores them: quick to read, and the same bytes from
    /// every processor.
    /// </summary>
    public byte[] ToPng()
    {
        using var bitmap = new SKBitmap(new SKImageInfo(Width, Height, Channels == 1 ? SKColorType.Gray8 : SKColorType.Rgb888x,
            SKAlphaType.Opaque));
        byte[] pixels = Channels == 1 ? Pixels : Padded();
        Marshal.Copy(pixels, 0, bitmap.GetPixels(), pixels.Length);
        using var pixmap = bitmap.PeekPixels();
        using var data = pixmap.Encode(new SKPngEncoderOptions(SKPngEncoderFilterFlags.NoFilters, 0))!;
        return data.ToArray();
    }

    // RGB with an unused byte behind.
    private byte[] Padded()
    {
        var padded = new byte[4 * Height * Width];
        for (int i = 0; i < Height * Width; i++)
        {
            for (int c = 0; c < 3; c++)
                padded[4 * i + c] = Pixels[3 * i + c];
            padded[4 * i + 3] = 255;
        }
        return padded;
    }
}
