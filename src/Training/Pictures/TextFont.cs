using SkiaSharp;

namespace BDense.Training.Pictures;

/// <summary>
/// DejaVu Sans, cut down to Latin-1, Greek and a few signs, carried in the assembly: servers and containers often have no font
/// at all, and pictures should look the same everywhere.
/// </summary>
internal static class TextFont
{
    public const string Name = "DejaVu Sans";

    private const string Resource = "DejaVuSans.ttf";

    private static readonly Lazy<SKTypeface> LoadedTypeface = new(New);

    public static SKTypeface Typeface => LoadedTypeface.Value;

    /// <summary>One of the caller's own.</summary>
    public static SKTypeface New() => SKTypeface.FromStream(typeof(TextFont).Assembly.GetManifestResourceStream(Resource)!);
}
