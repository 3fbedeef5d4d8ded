namespace BDense.Training.Data.Preparing;

/// <summary>
/// A filter for resizing: its weight at a distance from the new pixel's centre, in pixels of the new image where that is smaller, of the
/// old one where it is larger. So a smaller image is averaged over all that it is made of, without aliasing.
/// </summary>
/// <param name="Name">As given on the command line.</param>
/// <param name="Support">The distance from which on the weight is 0.</param>
/// <param name="Weight">Of a distance; weights are normalised to a sum of 1 afterwards.</param>
public sealed record ResizeFilter(string Name, double Support, Func<double, double> Weight)
{
    /// <summary>sinc(x) sinc(x / 3) (Duchon 1979): what EDM's dataset_tool.py resizes with.</summary>
    public static ResizeFilter Lanczos { get; } = new("lanczos", 3, x => x is >= -3 and < 3 ? Sinc(x) * Sinc(x / 3) : 0);

    /// <summary>Keys' cubic with a = -1/2 (Keys 1981).</summary>
    public static ResizeFilter Bicubic { get; } = new("bicubic", 2, x => Math.Abs(x) switch
    {
        < 1 and var d => (1.5 * d - 2.5) * d * d + 1,
        < 2 and var d => (((d - 5) * d + 8) * d - 4) * -0.5,
        _ => 0,
    });

    /// <summary>A triangle.</summary>
    public static ResizeFilter Bilinear { get; } = new("bilinear", 1, x => Math.Max(0, 1 - Math.Abs(x)));

    /// <summary>The mean over a pixel's own area; with whole factors what <c>--resolution</c> of the reading verbs does.</summary>
    public static ResizeFilter Box { get; } = new("box", 0.5, x => x is > -0.5 and <= 0.5 ? 1 : 0);

    /// <summary>All of them, the usual one first.</summary>
    public static IReadOnlyList<ResizeFilter> All { get; } = [Lanczos, Bicubic, Bilinear, Box];

    private static double Sinc(double x) => x == 0 ? 1 : Math.Sin(x * Math.PI) / (x * Math.PI);
}
