using System.Globalization;
using BDense.Model.Checkpoints;
using BDense.Training.Pictures;
using ScottPlot;
using SkiaSharp;

namespace BDense.Experiments.Drawing;

/// <summary>One panel of a chart file.</summary>
public abstract record Chart(string Title, string YLabel);

/// <summary>Values over steps. Points that are not finite, or not positive on a logarithmic axis, are left out.</summary>
public sealed record LineChart(string Title, string XLabel, string YLabel, IReadOnlyList<Curve> Curves, bool LogY = false)
    : Chart(Title, YLabel);

/// <summary>Values side by side, each with its interval.</summary>
public sealed record BarChart(string Title, string YLabel, IReadOnlyList<Bar> Bars) : Chart(Title, YLabel);

/// <param name="Label">In the legend.</param>
/// <param name="X">Ascending.</param>
/// <param name="Y">As many.</param>
/// <param name="Points">Points alone, in any order, without a line between them.</param>
/// <param name="Names">Written beside each point; or none.</param>
public sealed record Curve(string Label, double[] X, double[] Y, bool Points = false, string[]? Names = null);

/// <summary>A bar from 0 to <paramref name="Value"/> with whiskers from <paramref name="Low"/> to <paramref name="High"/>.</summary>
public sealed record Bar(string Label, double Value, double Low, double High);

/// <summary>Charts as PNG, drawn by ScottPlot with the assembly's own font.</summary>
public static class Charts
{
    private static readonly string[] Palette = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#e377c2",
        "#7f7f7f", "#bcbd22"];

    /// <summary>Writes panels side by side, each 640 x 420 pixels; atomically.</summary>
    public static void Write(string path, params ReadOnlySpan<Chart> panels)
    {
        byte[] png = Png(640, 420, panels);
        AtomicFile.Write(path, stream => stream.Write(png));
    }

    /// <summary>Panels side by side as a PNG file's bytes, each of the size given.</summary>
    public static byte[] Png(int width, int height, params ReadOnlySpan<Chart> panels)
    {
        ChartFont.Use();
        using var bitmap = new SKBitmap(new SKImageInfo(width * panels.Length, height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using var canvas = new SKCanvas(bitmap);
        canvas.Clear(SKColors.White);
        for (int i = 0; i < panels.Length; i++)
        {
            // On a canvas of its own: rendering clears all of the canvas, whatever the rectangle.
            using var plot = Draw(panels[i]);
            using var panel = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque));
            using var panelCanvas = new SKCanvas(panel);
            plot.Render(panelCanvas, width, height);
            panelCanvas.Flush();
            canvas.DrawBitmap(panel, i * width, 0);
        }
        canvas.Flush();
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    private static Plot Draw(Chart chart)
    {
        var plot = new Plot();
        plot.Axes.Title.Label.Bold = false;
        plot.Axes.Left.Label.Bold = false;
        plot.Axes.Bottom.Label.Bold = false;
        plot.Title(chart.Title, 15);
        plot.YLabel(chart.YLabel);
        if (chart is LineChart lines)
            DrawLines(plot, lines);
        else
            DrawBars(plot, (BarChart)chart);
        plot.Font.Set(TextFont.Name);
        return plot;
    }

    private static void DrawLines(Plot plot, LineChart chart)
    {
        plot.XLabel(chart.XLabel);
        for (int i = 0; i < chart.Curves.Count; i++)
        {
            var points = chart.Curves[i].X.Zip(chart.Curves[i].Y)
                .Where(p => double.IsFinite(p.First) && double.IsFinite(p.Second) && (!chart.LogY || p.Second > 0)).ToArray();
            if (points.Length == 0)
                continue;
            var (xs, ys) = (points.Select(p => p.First).ToArray(),
                points.Select(p => chart.LogY ? Math.Log10(p.Second) : p.Second).ToArray());
            var line = chart.Curves[i].Points ? plot.Add.ScatterPoints(xs, ys) : plot.Add.ScatterLine(xs, ys);
            line.LegendText = chart.Curves[i].Label;
            line.LineWidth = chart.Curves[i].Points ? 0 : 1.5f;
            line.Color = Color.FromHex(Palette[i % Palette.Length]);
            DrawNames(plot, chart, chart.Curves[i], line.Color);
        }
        if (chart.LogY)
            plot.Axes.Left.TickGenerator = LogTicks(chart.Curves.SelectMany(curve => curve.Y).Where(y => double.IsFinite(y) && y > 0));
        if (chart.Curves.Count > 1)
        {
            // Beside the curves, none of which it may cover.
            plot.ShowLegend(Edge.Bottom);
            plot.Legend.Orientation = Orientation.Horizontal;
        }
        else
        {
            plot.HideLegend();
        }
    }

    /// <summary>Names right of their points, from the highest down; one that would lie on another moves below it.</summary>
    private static void DrawNames(Plot plot, LineChart chart, Curve curve, Color color)
    {
        if (curve.Names is null)
            return;
        var all = chart.Curves.SelectMany(c => c.Y).Where(y => double.IsFinite(y) && (!chart.LogY || y > 0)).Select(Height).ToArray();
        var across = chart.Curves.SelectMany(c => c.X).Where(double.IsFinite).ToArray();
        // A name's share of the panel, about: a line's height, and a third of the width.
        double line = (all.Max() - all.Min()) / 36, width = (across.Max() - across.Min()) / 3;
        var taken = new List<(double X, double Y)>();
        foreach (int i in Enumerable.Range(0, curve.X.Length).Where(i => double.IsFinite(curve.Y[i]) && (!chart.LogY || curve.Y[i] > 0))
            .OrderByDescending(i => curve.Y[i]))
        {
            double y = Height(curve.Y[i]);
            while (taken.Any(t => Math.Abs(t.X - curve.X[i]) < width && Math.Abs(t.Y - y) < 0.99 * line))
                y -= line / 4;
            taken.Add((curve.X[i], y));
            var text = plot.Add.Text(curve.Names[i], curve.X[i], y);
            text.LabelFontSize = 11;
            text.LabelFontColor = color;
            text.LabelAlignment = Alignment.MiddleLeft;
            text.OffsetX = 7;
        }

        double Height(double y) => chart.LogY ? Math.Log10(y) : y;
    }

    // 1, 2 and 5 times powers of ten, where the axis shows log10; over many decades the powers alone.
    private static ScottPlot.TickGenerators.NumericManual LogTicks(IEnumerable<double> values)
    {
        var ticks = new ScottPlot.TickGenerators.NumericManual();
        double[] logs = [.. values.Select(Math.Log10).DefaultIfEmpty(0)];
        int first = (int)Math.Floor(logs.Min()) - 1, last = (int)Math.Ceiling(logs.Max()) + 1;
        for (int decade = first; decade <= last; decade++)
        {
            for (int digit = 1; digit <= 9; digit++)
            {
                double position = decade + Math.Log10(digit);
                if (digit == 1 || (digit is 2 or 5 && last - first < 7))
                    ticks.AddMajor(position, (digit * Math.Pow(10, decade)).ToString("G3", CultureInfo.InvariantCulture));
                else
                    ticks.AddMinor(position);
            }
        }
        return ticks;
    }

    private static void DrawBars(Plot plot, BarChart chart)
    {
        for (int i = 0; i < chart.Bars.Count; i++)
        {
            var (_, value, low, high) = chart.Bars[i];
            if (!double.IsFinite(value))
                continue;
            var bar = plot.Add.Bar(i, value);
            bar.Color = Color.FromHex(Palette[i % Palette.Length]).WithAlpha(0.75);
            if (double.IsFinite(low) && double.IsFinite(high))
            {
                var whisker = plot.Add.Line(i, low, i, high);
                whisker.Color = Colors.Black;
                whisker.LineWidth = 1.5f;
                foreach (double end in new[] { low, high })
                {
                    var cap = plot.Add.Line(i - 0.12, end, i + 0.12, end);
                    cap.Color = Colors.Black;
                    cap.LineWidth = 1.5f;
                }
            }
        }
        plot.Axes.Bottom.SetTicks([.. Enumerable.Range(0, chart.Bars.Count).Select(i => (double)i)],
            [.. chart.Bars.Select(bar => bar.Label)]);
        // Invisible, but it keeps the labels off the axis.
        plot.Axes.Bottom.MajorTickStyle.Width = 0;
        plot.Axes.Margins(bottom: 0);
        plot.HideGrid();
    }
}
