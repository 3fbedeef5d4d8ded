using BDense.Training.Pictures;
using SkiaSharp;

namespace BDense.Experiments.Drawing;

/// <summary>Makes <see cref="TextFont"/> the font of every chart.</summary>
internal static class ChartFont
{
    private static readonly Lazy<bool> Registered = new(() =>
    {
        ScottPlot.Fonts.FontResolvers.Insert(0, new Resolver());
        ScottPlot.Fonts.Default = TextFont.Name;
        return true;
    });

    public static void Use() => _ = Registered.Value;

    private sealed class Resolver : ScottPlot.IFontResolver
    {
        // A new one each time: the charts dispose what they are given.
        public SKTypeface? CreateTypeface(string fontName, bool bold, bool italic) => fontName == TextFont.Name ? TextFont.New() : null;

        public SKTypeface? CreateTypeface(string fontName, ScottPlot.FontWeight weight, ScottPlot.FontSlant slant,
            ScottPlot.FontSpacing spacing) =>
            CreateTypeface(fontName, false, false);
    }
}
