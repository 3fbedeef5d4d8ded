using BDense.Kernels;
using SkiaSharp;

namespace BDense.Training.Data.Preparing;

/// <summary>A decoded image, and what was done to it on the way.</summary>
/// <param name="Picture">RGB, or grey where its source is.</param>
/// <param name="IsTransparent">A pixel was not opaque.</param>
/// <param name="IsTurned">Its file says that it is to be turned or mirrored (EXIF), which was done.</param>
internal readonly record struct DecodedPicture(Picture Picture, bool IsTransparent = false, bool IsTurned = false);

/// <summary>From an image file's bytes to RGB: upright, transparency over a background.</summary>
internal static class PictureDecoder
{
    // Half a gigabyte of RGBA: twice the largest cameras' images.
    private const long MaxPixels = 1 << 27;

    /// <param name="file">JPEG, PNG, BMP, WebP.</param>
    /// <param name="background">What is seen through transparent pixels: c = (a c + (255 - a) background) / 255, rounded.</param>
    /// <exception cref="BDenseException">No image, damaged, cut short or too large; the message does not name the file.</exception>
    public static DecodedPicture Decode(byte[] file, SKColor background)
    {
        using var codec = SKCodec.Create(new SKMemoryStream(file)) ?? throw new BDenseException(ImageFolder.NotAnImage(file));
        int height = codec.Info.Height, width = codec.Info.Width;
        if ((long)height * width > MaxPixels)
            throw new BDenseException($"{height} x {width} is too large; at most {MaxPixels} pixels can be read");
        var info = new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        switch (codec.GetPixels(info, out byte[] rgba))
        {
            case SKCodecResult.Success:
                break;
            case SKCodecResult.IncompleteInput:
                throw new BDenseException("the image is cut short");
            case var result:
                throw new BDenseException($"the image is damaged ({result})");
        }
        var (pixels, isTransparent) = Over(rgba, background);
        var picture = new Picture(height, width, 3, pixels);
        return codec.EncodedOrigin is SKEncodedOrigin.TopLeft
            ? new DecodedPicture(picture, isTransparent)
            : new DecodedPicture(Upright(picture, codec.EncodedOrigin), isTransparent, IsTurned: true);
    }

    /// <summary>RGBA to RGB over a background.</summary>
    internal static (byte[] Rgb, bool IsTransparent) Over(ReadOnlySpan<byte> rgba, SKColor background)
    {
        var rgb = new byte[rgba.Length / 4 * 3];
        ReadOnlySpan<int> behind = [background.Red, background.Green, background.Blue];
        bool isTransparent = false;
        for (int i = 0; i < rgba.Length / 4; i++)
        {
            int alpha = rgba[4 * i + 3];
            isTransparent |= alpha < 255;
            for (int c = 0; c < 3; c++)
                rgb[3 * i + c] = (byte)((alpha * rgba[4 * i + c] + (255 - alpha) * behind[c] + 127) / 255);
        }
        return (rgb, isTransparent);
    }

    /// <summary>An image as it is to be seen, by where EXIF says its first row and first column are.</summary>
    internal static Picture Upright(Picture image, SKEncodedOrigin origin)
    {
        int h = image.Height, w = image.Width;
        bool isTransposed = origin is SKEncodedOrigin.LeftTop or SKEncodedOrigin.RightTop or SKEncodedOrigin.RightBottom
            or SKEncodedOrigin.LeftBottom;
        var (height, width) = isTransposed ? (w, h) : (h, w);
        var pixels = new byte[image.Pixels.Length];
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                var (row, column) = origin switch
                {
                    SKEncodedOrigin.TopRight => (y, w - 1 - x),
                    SKEncodedOrigin.BottomRight => (h - 1 - y, w - 1 - x),
                    SKEncodedOrigin.BottomLeft => (h - 1 - y, x),
                    SKEncodedOrigin.LeftTop => (x, y),
                    SKEncodedOrigin.RightTop => (h - 1 - x, y),
                    SKEncodedOrigin.RightBottom => (h - 1 - x, w - 1 - y),
                    SKEncodedOrigin.LeftBottom => (x, w - 1 - y),
                    _ => (y, x),
                };
                for (int c = 0; c < 3; c++)
                    pixels[3 * (y * width + x) + c] = image.Pixels[3 * (row * w + column) + c];
            }
        }
        return new Picture(height, width, 3, pixels);
    }
}
