using BDense.Experiments.Drawing;
using BDense.Kernels;
using BDense.Training.Pictures;
using NUnit.Framework;
using SkiaSharp;

namespace BDense.Tests.Experiments;

public sealed class DrawingTests
{
    [Test]
    public void PixelsAreWholeSquaresOfTheRightColour()
    {
        using var folder = new TemporaryFolder();
        string path = folder["new/grid.png"];
        // 1 x 2 pixels: (red, black) and (white, out of range and so clipped: yellow).
        ImageGrid.Write(path, 1, 2, 3, [new GridRow(null, [1, -1, -1, -1, -1, -1, 1, 1, 1, 7, 1, -9])], scale: 10);
        using var image = SKBitmap.Decode(path);
        (int X, int Y, SKColor Colour)[] expected =
        [
            (8, 8, new SKColor(255, 0, 0)), (17, 17, new SKColor(255, 0, 0)), (18, 8, new SKColor(0, 0, 0)), (27, 17, new SKColor(0, 0, 0)),
            (28, 8, SKColors.White), (30, 8, SKColors.White), (40, 8, new SKColor(255, 255, 0)), (49, 17, new SKColor(255, 255, 0)),
            (50, 8, SKColors.White),
        ];
        Assert.That((image.Width, image.Height), Is.EqualTo((58, 26)));
        foreach (var (x, y, colour) in expected)
            Assert.That(image.GetPixel(x, y), Is.EqualTo(colour), $"({x}, {y})");
    }

    [TestCase(1, new[] { 0f }, 128, 128, 128)]
    [TestCase(2, new[] { 0f, 1f }, 128, 128, 128)]
    [TestCase(4, new[] { 1f, 0f, -1f, 0.3f }, 255, 128, 0)]
    [TestCase(3, new[] { 1f, float.NaN, 0f }, 255, 0, 255)]
    public void EveryNumberOfChannelsIsShown(int channels, float[] pixel, int red, int green, int blue)
    {
        using var image = SKBitmap.Decode(ImageGrid.Png(1, 1, channels, [new GridRow(null, pixel)], scale: 4));
        Assert.That(image.GetPixel(10, 10), Is.EqualTo(new SKColor((byte)red, (byte)green, (byte)blue)));
    }

    [Test]
    public void LabelsAndCaptionMakeRoomAndInk()
    {
        var rows = ImageGrid.Rows(new float[5 * 4], 4, 3);
        Assert.That(rows.Select(row => row.Images.Length / 4), Is.EqualTo(new[] { 3, 2 }));
        using var plain = SKBitmap.Decode(ImageGrid.Png(2, 2, 1, rows));
        using var labelled =
            SKBitmap.Decode(ImageGrid.Png(2, 2, 1, [.. rows.Select(row => row with { Label = "SFD, K = 4" })],
                "Same noise in each column"));
        Assert.That(labelled.Width, Is.GreaterThan(plain.Width + 50));
        Assert.That(labelled.Height, Is.GreaterThan(plain.Height + 10));
        Assert.That(Ink(labelled, 0, 0, labelled.Width, 20), Is.GreaterThan(50), "the caption's letters");
        Assert.That(Ink(labelled, 0, 30, 60, labelled.Height), Is.GreaterThan(50), "the labels' letters");
        Assert.That(() => ImageGrid.Png(2, 2, 1, [new GridRow(null, new float[5])]), Throws.ArgumentException);
    }

    [Test]
    public void TheFontIsTheAssemblysOwn()
    {
        Assert.That(TextFont.Typeface.GlyphCount, Is.InRange(250, 400), "the cut-down font, not one of the machine's");
        foreach (char c in "AZaz09.,;:%+-*/=()[]{}<>_|~#äßéσμΔ±²×–…→≤≥−")
            Assert.That(TextFont.Typeface.GetGlyph(c), Is.Not.Zero, $"no glyph for {c}");
    }

    [Test]
    public void ChartsHoldCurvesBarsAndText()
    {
        using var folder = new TemporaryFolder();
        double[] x = [.. Enumerable.Range(1, 50).Select(i => (double)i)];
        Chart lines = new LineChart("Loss", "update", "loss",
            [new Curve("PD", x, [.. x.Select(v => 1 / v)]), new Curve("SFD", x, [.. x.Select(v => 0)])], LogY: true);
        Chart bars = new BarChart("Endpoint", "RMSE", [new Bar("a", 0.05, 0.04, 0.06), new Bar("b", double.NaN, 0, 0)]);
        Charts.Write(folder["curves.png"], lines, bars);
        using var image = SKBitmap.Decode(folder["curves.png"]);
        Assert.That((image.Width, image.Height), Is.EqualTo((1280, 420)));
        var colours = Colours(image, 0, 640);
        Assert.That(colours.Any(c => c.Blue > c.Red + 100), "the first curve is blue");
        Assert.That(colours.Any(c => c.Red > c.Blue + 100), Is.False, "the second, red, has no point above 0");
        Assert.That(Ink(image, 100, 0, 600, 30), Is.GreaterThan(50), "the title's letters");
        Assert.That(Ink(image, 740, 0, 1240, 30), Is.GreaterThan(50), "the second title's letters");
    }

    [Test]
    public void SamePictureSameBytes()
    {
        byte[] Grid() => ImageGrid.Png(2, 2, 1, [new GridRow("row", [0, 0.1f, 0.2f, 0.3f])], "caption");
        byte[] Chart() => Charts.Png(300, 200, new LineChart("t", "x", "y", [new Curve("c", [0, 1], [0, 1])]));
        var (grid, chart) = (Grid(), Chart());
        Assert.That(Grid(), Is.EqualTo(grid));
        Assert.That(Chart(), Is.EqualTo(chart));
    }

    [Test]
    public void AnUnwritablePlaceIsNamed()
    {
        using var folder = new TemporaryFolder();
        Assert.That(() => ImageGrid.Write(folder.Path, 1, 1, 1, [new GridRow(null, [0])]),
            Throws.TypeOf<BDenseException>().With.Message.Contains(folder.Path));
        Assert.That(() => Charts.Write(folder.Path, new BarChart("", "", [])),
            Throws.TypeOf<BDenseException>().With.Message.Contains(folder.Path));
    }

    // Dark pixels in a rectangle.
    private static int Ink(SKBitmap image, int left, int top, int right, int bottom)
    {
        int ink = 0;
        for (int y = top; y < bottom; y++)
        {
            for (int x = left; x < right; x++)
                ink += image.GetPixel(x, y).Red < 100 ? 1 : 0;
        }
        return ink;
    }

    private static HashSet<SKColor> Colours(SKBitmap image, int left, int right)
    {
        var colours = new HashSet<SKColor>();
        for (int y = 0; y < image.Height; y++)
        {
            for (int x = left; x < right; x++)
                colours.Add(image.GetPixel(x, y));
        }
        return colours;
    }
}
