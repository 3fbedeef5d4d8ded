using System.IO.Compression;
using BDense.Model.Checkpoints;
using BDense.Training.Data;
using BDense.Training.Pictures;
using BDense.Training.Runs;

namespace BDense.Training.Samplers;

/// <summary>
/// Files of images, written while the images are made. Each of these takes a stream of images and gives the same stream, which writes
/// besides; its file is whole once the stream is at its end and is not there at all if the stream fails.
/// </summary>
public static class SampleFiles
{
    /// <summary>A grid shows so many images at most: more would be no picture, and hold memory for nothing.</summary>
    public const int GridImages = 256;

    /// <summary>The first images, <see cref="GridImages"/> at most, as one PNG, about as many rows as columns.</summary>
    /// <param name="images">What is written.</param>
    /// <param name="path">The PNG.</param>
    /// <param name="size">H, W, C of an image.</param>
    /// <returns>The same images.</returns>
    public static SampleStream Grid(this SampleStream images, string path, (int Height, int Width, int Channels) size) => next =>
    {
        int length = size.Height * size.Width * size.Channels;
        var shown = new List<float[]>();
        images(batch =>
        {
            int n = Math.Min(batch.Count, GridImages - shown.Count);
            shown.AddRange(batch.Images.Chunk(length).Take(n));
            next(batch);
        });
        int columns = (int)Math.Ceiling(Math.Sqrt(shown.Count));
        ImageGrid.Write(path, size.Height, size.Width, size.Channels,
            [.. shown.Chunk(columns).Select(row => new GridRow(null, [.. row.SelectMany(image => image)]))]);
    };

    /// <summary>Each image as a PNG of its own, pixel by pixel.</summary>
    /// <param name="images">What is written.</param>
    /// <param name="name">Where an image of some number goes: see <see cref="PictureName"/>.</param>
    /// <param name="size">H, W, C of an image.</param>
    /// <returns>The same images.</returns>
    public static SampleStream Pictures(this SampleStream images, PictureName name, (int Height, int Width, int Channels) size) =>
        next => images(batch =>
    {
        int length = size.Height * size.Width * size.Channels;
        for (int i = 0; i < batch.Count; i++)
        {
            byte[] png = ImageGrid.Picture(batch.Images.AsSpan(i * length, length), size.Height, size.Width, size.Channels);
            AtomicFile.Write(name.Of(batch.Numbers[i]), stream => stream.Write(png));
        }
        next(batch);
    });

    /// <summary>
    /// The images as they are, float32 N x C x H x W: as a lone array where the path ends in .npy, otherwise as numpy.savez does,
    /// <c>images</c> and, where there are classes, <c>labels</c> (int64).
    /// </summary>
    /// <param name="images">What is written.</param>
    /// <param name="path">.npz or .npy.</param>
    /// <param name="count">N, of all batches together.</param>
    /// <param name="size">H, W, C of an image.</param>
    /// <returns>The same images.</returns>
    public static SampleStream Raw(this SampleStream images, string path, int count, (int Height, int Width, int Channels) size) => next =>
    {
        var (h, w, c) = size;
        var classes = new List<long>();
        AtomicFile.Write(path, stream =>
        {
            if (path.EndsWith(".npy", StringComparison.OrdinalIgnoreCase))
            {
                Array(stream);
                return;
            }
            using var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
            using (var entry = Npz.NewEntry(zip, GivenNoise.ImagesName))
                Array(entry);
            if (classes.Count == 0)
                return;
            using var labels = Npz.NewEntry(zip, GivenNoise.LabelsName);
            new NpyArray([classes.Count], classes.ToArray()).Write(labels);
        });

        void Array(Stream stream)
        {
            NpyArray.WriteHeader(stream, "<f4", [count, c, h, w]);
            images(batch =>
            {
                NpyArray.WriteValues(stream, GivenNoise.Transposed(batch.Images, batch.Count, h * w, c));
                classes.AddRange((batch.Classes ?? []).Select(i => (long)i));
                next(batch);
            });
        }
    };
}
