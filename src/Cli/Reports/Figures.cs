using System.Globalization;
using BDense.Training.Metrics;

namespace BDense.Cli.Reports;

/// <summary>Numbers as every table shows them, whatever the machine's language.</summary>
internal static class Figures
{
    /// <summary>Four significant digits.</summary>
    public static string Text(double x) => x.ToString("g4", CultureInfo.InvariantCulture);

    public static string Text(long x) => x.ToString(CultureInfo.InvariantCulture);

    /// <summary>low .. high</summary>
    public static string Range(double low, double high) => $"{Text(low)} .. {Text(high)}";

    /// <inheritdoc cref="Range(double, double)"/>
    public static string Range(Interval x) => Range(x.Low, x.High);

    /// <summary>With its sign, to four decimals or so many: a difference. What rounds to zero has a plus, whatever it was.</summary>
    public static string Signed(double x, int decimals = 4)
    {
        // + 0.0 takes the sign off a zero, which the format would print before the plus.
        double rounded = Math.Round(x, decimals) + 0.0;
        string digits = "0." + new string('0', decimals);
        return rounded.ToString($"+{digits};-{digits}", CultureInfo.InvariantCulture);
    }

    /// <summary>For JSON.</summary>
    public static double[] Ends(Interval x) => [x.Low, x.High];
}
