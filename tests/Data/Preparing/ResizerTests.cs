using System.Security.Cryptography;
using BDense.Training.Data.Preparing;
using NUnit.Framework;

namespace BDense.Tests.Data.Preparing;

/// <summary>Resizing: to Pillow's bits, and to what each filter is.</summary>
public sealed class ResizerTests
{
    private static Picture Pattern(int width, int height) => new(height, width, 3,
    [
        .. from y in Enumerable.Range(0, height)
           from x in Enumerable.Range(0, width)
           from c in Enumerable.Range(0, 3)
           select (byte)(x * 7 + y * 13 + c * 29 + x * y % 31 * 5),
    ]);

    // SHA-256 of RGB that the functions of Pillow's own src/libImaging/Resample.c, compiled by themselves, make of this pattern, along rows
    // and then along columns as its ImagingResampleInner calls them.
    [TestCase("lanczos", 53, 37, 16, 16, "6a9e3472ba38e0bee9161d8c8b7950cf1f635e709a811ace9be524362834c585")]
    [TestCase("bicubic", 53, 37, 16, 16, "bea3d1b4c2982686d5a095cd83f5bb537ed7f4c32d3181b9d9c08c9461403e89")]
    [TestCase("bilinear", 53, 37, 16, 16, "95c4e9160a19bdbef55ec82d260f742dedbd032008cedad71bc54181161cd896")]
    [TestCase("box", 53, 37, 16, 16, "e2f58a5fa33465bdfcf3b19d2af695dc8ded4d75bb0767d6cae809ea56d84623")]
    [TestCase("lanczos", 53, 37, 80, 64, "2ce860460b0f966ac5cba1e3823afb08340603ae4f09c591d26a4de116c3cdc5")]
    [TestCase("lanczos", 200, 150, 20, 150, "4a9ad2d6cffb9596e54e1bde45935532566e3aa9831459b90cafb275a8822135")]
    [TestCase("bicubic", 31, 31, 31, 7, "b1a308d8b72244c5e4a120507ced20db4f440d7e3de91495d4685607aad78447")]
    public void The_pixels_are_Pillows(string filter, int width, int height, int newWidth, int newHeight, string digest)
    {
        var resized = Resizer.Resize(Pattern(width, height), newHeight, newWidth, ResizeFilter.All.Single(f => f.Name == filter));
        Assert.That((resized.Width, resized.Height, resized.Channels), Is.EqualTo((newWidth, newHeight, 3)));
        Assert.That(Convert.ToHexStringLower(SHA256.HashData(resized.Pixels)), Is.EqualTo(digest));
    }

    [TestCase("lanczos")]
    [TestCase("bicubic")]
    [TestCase("bilinear")]
    [TestCase("box")]
    public void One_colour_stays_that_colour(string filter)
    {
        var plain = new Picture(19, 23, 3, [.. Enumerable.Range(0, 19 * 23).SelectMany(_ => new byte[] { 255, 0, 77 })]);
        foreach (int side in new[] { 1, 8, 19, 50 })
        {
            var resized = Resizer.Resize(plain, side, side, ResizeFilter.All.Single(f => f.Name == filter));
            Assert.That(resized.Pixels.Chunk(3), Is.All.EqualTo(new byte[] { 255, 0, 77 }), $"{side}");
        }
    }

    [Test]
    public void A_box_is_the_mean_over_whole_factors()
    {
        var image = Pattern(12, 8);
        var resized = Resizer.Resize(image, 4, 6, ResizeFilter.Box);
        for (int i = 0; i < resized.Pixels.Length; i++)
        {
            int c = i % 3, x = i / 3 % 6, y = i / 18;
            int At(int dy, int dx) => image.Pixels[((2 * y + dy) * 12 + 2 * x + dx) * 3 + c];
            // Each of the two passes rounds to 8 bits.
            Assert.That((double)resized.Pixels[i], Is.EqualTo((At(0, 0) + At(0, 1) + At(1, 0) + At(1, 1)) / 4.0).Within(1));
        }
    }

    /// <summary>Stripes finer than a new pixel must not come back as coarse ones.</summary>
    [Test]
    public void Lanczos_does_not_alias()
    {
        var stripes = new Picture(64, 64, 1, [.. Enumerable.Range(0, 64 * 64).Select(i => (byte)(i % 64 % 3 == 0 ? 255 : 0))]);
        var resized = Resizer.Resize(stripes, 16, 16, ResizeFilter.Lanczos);
        int[] middle = [.. resized.Pixels.Skip(8 * 16 + 3).Take(10).Select(v => (int)v)];
        Assert.That(middle.Max() - middle.Min(), Is.LessThan(30), string.Join(" ", middle));
    }

    [Test]
    public void Grey_is_the_luma_of_Pillow() =>
        Assert.That(new Picture(1, 4, 3, [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255]).ToGrey().Pixels,
            Is.EqualTo(new byte[] { 76, 150, 29, 255 }));
}
