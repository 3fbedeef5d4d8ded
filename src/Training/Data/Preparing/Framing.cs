using BDense.Kernels;

namespace BDense.Training.Data.Preparing;

/// <summary>Which part of an image is kept.</summary>
public enum CropMode
{
    /// <summary>All of it; it must be square.</summary>
    None,

    /// <summary>The square in its middle, of its shorter side (EDM's center-crop).</summary>
    Center,

    /// <summary>
    /// Its full width and as many rows in the middle as make the shape asked for, with black above and below to a square. EDM's
    /// center-crop-wide, which squeezes images of another shape into that one, in place of cutting them.
    /// </summary>
    Wide,
}

/// <summary>An image as it is written, and what was done for it.</summary>
/// <param name="Picture">A square.</param>
/// <param name="IsCropped">A part of the image was left out.</param>
/// <param name="Factor">New pixels an old one, along a side: below 1 it was made smaller.</param>
internal readonly record struct FramedPicture(Picture Picture, bool IsCropped, double Factor);

/// <summary>Crops and resizes to what a network takes: a square.</summary>
internal static class Framing
{
    /// <param name="image">Of any size.</param>
    /// <param name="crop">Which part.</param>
    /// <param name="size">The size wanted, square unless <see cref="CropMode.Wide"/>; none for what the crop leaves.</param>
    /// <param name="filter">To resize with.</param>
    /// <exception cref="BDenseException">The image does not have that shape, or is flatter; the message does not name it.</exception>
    public static FramedPicture Frame(Picture image, CropMode crop, (int Height, int Width)? size, ResizeFilter filter)
    {
        var kept = Kept(image, crop, size);
        bool isCropped = (kept.Height, kept.Width) != (image.Height, image.Width);
        if (size is not (var height, var width))
            return new FramedPicture(kept, isCropped, 1);
        var resized = Resizer.Resize(kept, height, width, filter);
        return new FramedPicture(height == width ? resized : Padded(resized), isCropped, (double)width / kept.Width);
    }

    private static Picture Kept(Picture image, CropMode crop, (int Height, int Width)? size)
    {
        int h = image.Height, w = image.Width;
        switch (crop)
        {
            case CropMode.Wide:
                var (height, width) = size!.Value;
                int rows = (int)Math.Round((double)w * height / width);
                return rows <= h ? image.Crop((h - rows) / 2, 0, rows, w)
                    : throw new BDenseException(
                        $"{w} x {h} (width x height) is flatter than the {width} x {height} of --crop wide; ask for fewer rows, or "
                            + $"leave it out");
            case CropMode.Center:
                int side = Math.Min(h, w);
                return image.Crop((h - side) / 2, (w - side) / 2, side, side);
            default:
                return h == w ? image
                    : throw new BDenseException(
                        $"{w} x {h} (width x height) is not square; --crop center keeps the square in the middle of every image");
        }
    }

    // Black above and below.
    private static Picture Padded(Picture image)
    {
        var square = new byte[image.Width * image.Width * image.Channels];
        image.Pixels.CopyTo(square, (image.Width - image.Height) / 2 * image.Width * image.Channels);
        return new Picture(image.Width, image.Width, image.Channels, square);
    }
}
