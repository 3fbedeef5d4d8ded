using BDense.Model.Checkpoints;
using SkiaSharp;

namespace BDense.Training.Pictures;

/// <summary>A row of a grid: images one after the other, NHWC in [-1,1], with a label to the left (or null).</summary>
public sealed record GridRow(string? Label, float[] Images);

/// <summary>Images side by side as one PNG: each pixel a whole square, rows labelled on the left, a caption above.</summary>
public static class ImageGrid
{
    // An image is drawn at this height or more, in pixels.
    private const int ShownHeight = 56;
    private const int Gap = 2, Margin = 8;
    private const float TextSize = 14;

    /// <summary>Draws and writes the grid; atomically.</summary>
    /// <inheritdoc cref="Png"/>
    public static void Write(string path, int height, int width, int channels, IReadOnlyList<GridRow> rows, string? caption = null,
        int scale = 0)
    {
        byte[] png = Png(height, width, channels, rows, caption, scale);
        AtomicFile.Write(path, stream => stream.Write(png));
    }

    /// <summary>Cuts images [N,H,W,C] into unlabelled rows of <paramref name="columns"/>.</summary>
    public static IReadOnlyList<GridRow> Rows(float[] images, int imageLength, int columns) =>
        [.. images.Chunk(imageLength * columns).Select(row => new GridRow(null, row))];

    /// <summary>The grid as a PNG file's bytes.</summary>
    /// <param name="height">Rows of one image.</param>
    /// <param name="width">Columns of one image.</param>
    /// <param name="channels">1 is grey, 3 colour; of 4 and more the first three are shown as colour, of 2 the first as grey.</param>
    /// <param name="rows">At least one; values outside [-1,1] are clipped, NaN is drawn magenta.</param>
    /// <param name="caption">Above the grid, or null.</param>
    /// <param name="scale">Screen pixels a pixel in each direction; 0 chooses.</param>
    public static byte[] Png(int height, int width, int channels, IReadOnlyList<GridRow> rows, string? caption = null, int scale = 0)
    {
        if (scale <= 0)
            scale = Math.Max(1, (ShownHeight + height - 1) / height);
        int length = height * width * channels;
        foreach (var row in rows)
        {
            if (row.Images.Length % length != 0)
                throw new ArgumentException($"{row.Images.Length} values are no whole images of {height} x {width} x {channels}");
        }
        int columns = rows.Max(row => row.Images.Length / length);
        using var font = new SKFont(TextFont.Typeface, TextSize);
        using var paint = new SKPaint { Color = new SKColor(0x22, 0x22, 0x22), IsAntialias = true };
        int left = (int)Math.Ceiling(rows.Max(row => string.IsNullOrEmpty(row.Label) ? 0 : font.MeasureText(row.Label) + Margin)) + Margin;
        int top = Margin + (string.IsNullOrEmpty(caption) ? 0 : (int)(1.6f * TextSize));
        int cellWidth = width * scale + Gap, cellHeight = height * scale + Gap;
        int captionWidth = string.IsNullOrEmpty(caption) ? 0 : (int)Math.Ceiling(font.MeasureText(caption));
        int totalWidth = Math.Max(left + columns * cellWidth - Gap, Margin + captionWidth) + Margin;

        using var bitmap =
            new SKBitmap(new SKImageInfo(totalWidth, top + rows.Count * cellHeight - Gap + Margin, SKColorType.Rgba8888,
                SKAlphaType.Opaque));
        using var canvas = new SKCanvas(bitmap);
        canvas.Clear(SKColors.White);
        if (!string.IsNullOrEmpty(caption))
            canvas.DrawText(caption, Margin, Margin + TextSize, SKTextAlign.Left, font, paint);
        for (int r = 0; r < rows.Count; r++)
        {
            int y = top + r * cellHeight;
            if (!string.IsNullOrEmpty(rows[r].Label))
                canvas.DrawText(rows[r].Label, left - Margin, y + (height * scale + TextSize * 0.7f) / 2, SKTextAlign.Right, font, paint);
            for (int i = 0; i < rows[r].Images.Length / length; i++)
            {
                using var image = Bitmap(rows[r].Images.AsSpan(i * length, length), height, width, channels);
                int x = left + i * cellWidth;
                using var pixels = SKImage.FromBitmap(image);
                canvas.DrawImage(pixels, new SKRect(x, y, x + width * scale, y + height * scale),
                    new SKSamplingOptions(SKFilterMode.Nearest));
            }
        }
        canvas.Flush();
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    /// <summary>
    /// One image as a PNG file's bytes, a pixel for a pixel: grey for one channel, otherwise as <see cref="Png"/> shows it.
    /// </summary>
    /// <param name="image">[H,W,C] in [-1,1].</param>
    /// <param name="height">H.</param>
    /// <param name="width">W.</param>
    /// <param name="channels">C.</param>
    public static byte[] Picture(ReadOnlySpan<float> image, int height, int width, int channels)
    {
        using var colour = Bitmap(image, height, width, channels);
        using var grey = channels < 3 ? colour.Copy(SKColorType.Gray8) : null;
        using var data = (grey ?? colour).Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    private static SKBitmap Bitmap(ReadOnlySpan<float> image, int height, int width, int channels)
    {
        var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        int green = channels < 3 ? 0 : 1, blue = channels < 3 ? 0 : 2;
        for (int i = 0; i < height * width; i++)
        {
            var pixel = image.Slice(i * channels, channels);
            bool valid = !(float.IsNaN(pixel[0]) || float.IsNaN(pixel[green]) || float.IsNaN(pixel[blue]));
            bitmap.SetPixel(i % width, i / width,
                valid ? new SKColor(Byte(pixel[0]), Byte(pixel[green]), Byte(pixel[blue])) : SKColors.Magenta);
        }
        return bitmap;
    }

    /// <summary>[-1,1] to 0..255, rounded to nearest, clipped.</summary>
    internal static byte Byte(float value) => (byte)Math.Clamp(MathF.Round((value + 1) * 127.5f), 0, 255);
}
