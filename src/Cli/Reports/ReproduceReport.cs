using System.Globalization;
using System.Text;
using BDense.Cli.Terminal;
using BDense.Experiments.Drawing;
using BDense.Experiments.Paper;
using BDense.Model.Checkpoints;
using BDense.Training.Metrics;
using BDense.Training.Pictures;
using BDense.Training.Runs;
using static BDense.Cli.Reports.Figures;

namespace BDense.Cli.Reports;

/// <summary>
/// A reproduction's files: <c>results.json</c>, <c>table.md</c>, <c>report.html</c>, <c>samples.png</c>, <c>errors.png</c>; and its tables
/// on the terminal.
/// </summary>
internal static class ReproduceReport
{
    public const string HtmlFile = "report.html", TableFile = "table.md", ResultsFile = "results.json", SamplesFile = "samples.png",
        ErrorsFile = "errors.png";

    private static readonly string[] ComparisonColumns = ["error", "difference", "95% interval", "relative", "verdict", "paper's FID"];

    public static void Write(string folder, ReproductionOutcome outcome)
    {
        var (r, c) = (outcome.Results, outcome.Network);
        string samples = Path.Combine(folder, SamplesFile), errors = Path.Combine(folder, ErrorsFile);
        ImageGrid.Write(samples, c.Resolution, c.Resolution, c.ImageChannels, outcome.Pictures,
            "Each column starts from the same noise; students of the first seed");
        Charts.Write(errors, Errors(r, "RMSE to the fine trajectory", row => row.FineRmse),
            Errors(r, "Random-feature Fréchet distance (not FID)", row => row.Frechet));
        AtomicFile.WriteText(Path.Combine(folder, ResultsFile), RunJson.ToText(RunJson.ToNode(r)) + "\n");
        AtomicFile.WriteText(Path.Combine(folder, TableFile), Markdown(r));
        AtomicFile.WriteText(Path.Combine(folder, HtmlFile), Html(r, File.ReadAllBytes(samples), File.ReadAllBytes(errors)));
    }

    public static void Print(Ui ui, ReproductionResults r)
    {
        ui.Table(Columns(r), r.Rows.Select(row => Row(r, row)));
        ui.Table([r.SettingName, .. ComparisonColumns], r.Comparisons.Select(Row));
        foreach (string line in Legend(r))
            ui.Line(line);
    }

    private static string[] Columns(ReproductionResults r) =>
        ["method", "K", r.SettingName, "NFE here", "paper's FID", .. r.FidImages > 0 ? new[] { "FID" } : [], "RMSE teacher", "RMSE fine",
            "Fréchet*", "updates", "s/student"];

    private static string[] Row(ReproductionResults r, ReproductionRow row) =>
    [
        row.Method, row.Branches > 0 ? Text(row.Branches) : "-", Text(row.Setting), Text(row.Nfe),
        row.PaperFid is { } paper ? paper.ToString("0.00", CultureInfo.InvariantCulture) : "-",
        .. r.FidImages > 0 ? new[] { Cell(row.Fid) } : [], Cell(row.EndpointRmse), Cell(row.FineRmse), Cell(row.Frechet),
        row.Updates > 0 ? Text(row.Updates) : "-",
        row.Seconds > 0 ? row.Seconds.ToString("0", CultureInfo.InvariantCulture) : "-",
    ];

    private static string[] Row(ReproductionComparison c) =>
    [
        Text(c.Setting), c.Metric, Signed(c.Difference.Mean), $"{Signed(c.Difference.Low)} .. {Signed(c.Difference.High)}",
        Signed(100 * c.Relative, 1) + "%", c.Verdict, Signed(c.PaperDifference, 2),
    ];

    private static string Cell(Interval? x) => x is not { } i ? "-" : i.Low == i.High ? Text(i.Mean) : $"{Text(i.Mean)} ({Range(i)})";

    private static string[] Legend(ReproductionResults r) =>
    [
        string.Create(CultureInfo.InvariantCulture,
            $"{r.Title}, scale {r.Scale}: {r.Seeds} seed{(r.Seeds == 1 ? "" : "s")} a student, {r.Noises} noises; teacher "
                + $"{r.Teacher.Source}, {r.Teacher.Parameters:N0} parameters"
                + $"{(r.Teacher.Updates > 0 ? $", {r.Teacher.Updates} updates" : "")}; {r.ElapsedSeconds / 60:0.0} minutes in all on "
                + $"{r.Device}; seed {r.Seed}; data {(r.Data is null ? "none" : Path.GetFileName(r.Data.TrimEnd('/')))}."),
        "In brackets 95% intervals over noises and seeds. RMSE teacher: distance to where the teacher itself arrives from the same noise "
        + "on the grid that the student was distilled from; RMSE fine: to the teacher's fine trajectory (images lie in [-1, 1]). The "
        + "last column of the comparisons is the paper's difference in FID.",
        $"* Fréchet distance over fixed random convolutional features: not FID, and comparable to no published figure."
            + $"{(r.TeacherFrechet is { } f ? $" The teacher's fine trajectories have {Text(f)}." : "")}",
    ];

    private static string Markdown(ReproductionResults r)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"## {r.Title}, scale {r.Scale}\n\n");
        Table(text, Columns(r), r.Rows.Select(row => Row(r, row)));
        text.Append("\nB-DENSE against the same method without branches, paired by seed and noise; below 0 is in favour of B-DENSE:\n\n");
        Table(text, [r.SettingName, .. ComparisonColumns], r.Comparisons.Select(Row));
        foreach (string line in Legend(r))
            text.Append('\n').Append(line.Replace("* ", "\\* ", StringComparison.Ordinal)).Append('\n');
        text.Append("\nWhat differs from the paper:\n\n");
        foreach (string difference in r.Differences)
            text.Append("- ").Append(difference).Append('\n');
        return text.ToString();
    }

    private static void Table(StringBuilder text, string[] columns, IEnumerable<string[]> rows)
    {
        Line(columns);
        text.Append('|').Append(string.Concat(columns.Select((_, i) => i == 0 ? "---|" : "--:|"))).Append('\n');
        foreach (string[] row in rows)
            Line(row);

        void Line(string[] cells) => text.Append("| ").Append(string.Join(" | ", cells)).Append(" |\n");
    }

    private static string Html(ReproductionResults r, byte[] samples, byte[] errors)
    {
        var report = new HtmlReport($"{r.Title}, scale {r.Scale}")
            .Table(Columns(r), r.Rows.Select(row => Row(r, row)));
        foreach (string line in Legend(r))
            report.Paragraph(line);
        report.Heading("With B-DENSE against without")
            .Table([r.SettingName, .. ComparisonColumns], r.Comparisons.Select(Row))
            .Picture(errors, "Means with 95% intervals over noises and seeds.")
            .Heading("Samples")
            .Picture(samples, "Each column starts from the same noise. The first row is the teacher with many steps.")
            .Heading("What differs from the paper");
        foreach (string difference in r.Differences)
            report.Paragraph(difference);
        return report.ToString();
    }

    private static BarChart Errors(ReproductionResults r, string title, Func<ReproductionRow, Interval?> of) =>
        new(title, title.Split(' ')[0],
        [.. r.Rows.Where(row => row.Branches > 0 && of(row) is not null).OrderByDescending(row => row.Setting).ThenBy(row => row.Branches)
            .Select(row => (row, interval: of(row)!.Value))
            .Select(x => new Bar($"K={x.row.Branches}, {x.row.Setting}", x.interval.Mean, x.interval.Low, x.interval.High))]);
}
