using SkiaSharp;

namespace BDense.Training;

/// <summary>
/// DejaVu Sans, cut down to Latin-1, Greek and a few signs, carried in the assembly: servers and containers often have no font
/// at all, and pictures should look the same everywhere.
/// </summary>
internal static class TextFont
{
    public const string Name = "DejaVu Sans";

    private const string Resource = "DejaVuSans.ttf";

    private static readonly Lazy<SKTypeface> LoadedTypeface = new(() => SKTypeface.FromStream(typeof(TextFont).Assembly.GetManifestResourceStream(Resource)!));

    private static readonly Lazy<bool> Registered = new(() =>
    {
        ScottPlot.Fonts.FontResolvers.Insert(0, new Resolver());
        ScottPlot.Fonts.Default = Name;
        return true;
    });

    public static SKTypeface Typeface => LoadedTypeface.Value;

    /// <summary>Makes it the font of every chart.</summary>
    public static void UseInCharts() => _ = Registered.Value;

    private sealed class Resolver : ScottPlot.IFontResolver
    {
        public SKTypeface? CreateTypeface(string fontName, bool bold, bool italic) => fontName == Name ? New() : null;

        public SKTypeface? CreateTypeface(string fontName, ScottPlot.FontWeight weight, ScottPlot.FontSlant slant, ScottPlot.FontSpacing spacing) =>
            CreateTypeface(fontName, false, false);

        // A new one each time: the charts dispose what they are given.
        private static SKTypeface New() => SKTypeface.FromStream(typeof(TextFont).Assembly.GetManifestResourceStream(Resource)!);
    }
}
