using System.Globalization;
using BDense.Cli.Terminal;
using BDense.Experiments;
using BDense.Experiments.Drawing;
using BDense.Model.Checkpoints;
using BDense.Model.Networks;
using BDense.Training.Pictures;
using BDense.Training.Runs;
using static BDense.Cli.Reports.Figures;

namespace BDense.Cli.Reports;

/// <summary>
/// The demo's files: <c>report.html</c>, <c>samples.png</c>, <c>curves.png</c>, <c>results.json</c>, those of
/// <see cref="TrajectoryPictures"/>; and its table on the terminal.
/// </summary>
internal static class DemoReport
{
    public const string HtmlFile = "report.html", SamplesFile = "samples.png", CurvesFile = "curves.png", ResultsFile = "results.json";

    private const int ColumnsShown = 16;

    private static readonly string[] StudentColumns =
        ["student", "K", "weights", "NFE", "seed", "updates", "RMSE teacher", "95% interval", "RMSE fine", "Fréchet*",
            "ms/update", "peak MiB"];

    private static readonly string[] ComparisonColumns = ["B-DENSE", "against", "NFE", "error", "difference", "95% interval", "verdict"];

    public static void Write(string folder, DemoOutcome outcome, NetworkConfig network)
    {
        string samples = Path.Combine(folder, SamplesFile), curves = Path.Combine(folder, CurvesFile);
        WriteSamples(samples, outcome, network);
        WriteCurves(curves, outcome);
        AtomicFile.WriteText(Path.Combine(folder, ResultsFile), RunJson.ToText(RunJson.ToNode(outcome.Results)) + "\n");
        AtomicFile.WriteText(Path.Combine(folder, HtmlFile),
            Html(folder, outcome, network, File.ReadAllBytes(samples), File.ReadAllBytes(curves)));
    }

    public static void Print(Ui ui, DemoResults r)
    {
        ui.Table(StudentColumns, r.Students.Select(Row));
        ui.Table(ComparisonColumns, r.Comparisons.Select(Row));
        ui.Line(Caveat(r));
        ui.Line(FrechetNote);
    }

    private const string FrechetNote =
        "* Fréchet distance over fixed random convolutional features: not FID, and comparable to no published figure.";

    private static string Caveat(DemoResults r) => string.Create(CultureInfo.InvariantCulture,
        $"Verdicts: paired over {r.EvaluationNoises} noises and the training seeds above; \"no difference\" means that the 95% "
            + $"interval holds 0.");

    private static void WriteSamples(string path, DemoOutcome outcome, NetworkConfig c)
    {
        int length = c.Resolution * c.Resolution * c.ImageChannels;
        int columns = Math.Min(ColumnsShown, outcome.Rows[0].Images.Length / length);
        ImageGrid.Write(path, c.Resolution, c.Resolution, c.ImageChannels,
            [.. outcome.Rows.Select(row => new GridRow(row.Name, row.Images[..(columns * length)]))],
            "Each column starts from the same noise", Math.Max(1, 48 / c.Resolution));
    }

    /// <summary>The teacher's loss, each method's loss, and the students' errors with their intervals, at the lowest NFE.</summary>
    private static void WriteCurves(string path, DemoOutcome outcome)
    {
        int nfe = outcome.Results.Students.Min(s => s.Nfe);
        var bars = outcome.Results.Students.Where(s => s.Nfe == nfe).GroupBy(s => s.Method)
            .Select(g =>
                new Bar(g.Key, g.Average(s => s.EndpointRmseFine), g.Min(s => s.EndpointRmseFine), g.Max(s => s.EndpointRmseFine)));
        Charts.Write(path,
            new LineChart("Teacher", "update", "denoising loss", [Smoothed("teacher", outcome.TeacherLog)], LogY: true),
            new LineChart("Students (first seed)", "iteration", "loss, first = 1",
                [.. outcome.StudentLogs.Select(s => Relative(Smoothed(s.Name, s.Log)))], LogY: true),
            new BarChart($"RMSE to the fine trajectory, NFE {nfe}: mean, lowest and highest seed", "RMSE", [.. bars]));
    }

    /// <summary>The curve over its first value: the methods' objectives have different units.</summary>
    private static Curve Relative(Curve curve) => curve with { Y = [.. curve.Y.Select(y => y / curve.Y[0])] };

    /// <summary>Means over fiftieths of the run: single batches are noisy.</summary>
    private static Curve Smoothed(string name, IReadOnlyList<LogLine> log)
    {
        var chunks = log.Chunk(Math.Max(1, log.Count / 50)).ToArray();
        return new Curve(name, [.. chunks.Select(c => c.Average(l => (double)l.Step))], [.. chunks.Select(c => c.Average(l => l.Loss))]);
    }

    private static string Html(string folder, DemoOutcome outcome, NetworkConfig network, byte[] samples, byte[] curves)
    {
        var r = outcome.Results;
        var report = new HtmlReport("B-DENSE at small scale")
            .Paragraph(string.Create(CultureInfo.InvariantCulture,
                $"A diffusion teacher of {r.Teacher.Parameters:N0} parameters was trained on {r.Dataset} for {r.Teacher.Steps} updates ("
                    + $"{r.Teacher.ImagesPerSecond:0} images/s, final loss {r.Teacher.FinalLoss:0.0000}) and distilled by progressive "
                    + $"distillation (PD) and by simple and fast distillation (SFD), each without branches and with B-DENSE: K heads on "
                    + $"the last layer, one for each step that the teacher takes in between. All students start from the teacher's "
                    + $"weights, with the same seeds and the same number of updates. Device {r.Device}; seed {r.Seed}; "
                    + $"{r.ElapsedSeconds:0} s in all."))
            .Heading("Samples")
            .Picture(samples,
                "Each column starts from the same noise. The first row is the teacher with many steps; a student should reach it in few.")
            .Heading("Students")
            .Table(StudentColumns, r.Students.Select(Row))
            .Paragraph(
                "RMSE teacher: root mean square distance to where the teacher itself arrives, from the same noise, on the grid that the "
                + "student was distilled from (images lie in [-1, 1]). RMSE fine: to the teacher's fine trajectory. " + FrechetNote)
            .Heading("With B-DENSE against without")
            .Table(ComparisonColumns, r.Comparisons.Select(Row))
            .Paragraph(
                Caveat(r)
                    + " Differences below 0 are in favour of B-DENSE. PD + B-DENSE differs from PD in two things at once: it jumps over "
                    + "four teacher steps in one round where PD halves twice, and it has heads for the states between; `bdense distill "
                    + "--method pd --jump 4` separates them.")
            .Heading("The teacher without distillation")
            .Table(["solver", "NFE", "RMSE fine", "Fréchet*"],
                r.TeacherSampling.Select(t => new[] { t.Solver, Text(t.Nfe), Text(t.RmseFine), Text(t.FrechetDistance) }))
            .Heading("Training")
            .Picture(curves,
                "Losses as they fell. The objectives differ between methods, so compare a curve with itself, and students by the tables.");
        TrajectoryPictures.Write(folder, outcome.Trajectories, network, report);
        return report.ToString();
    }

    private static string[] Row(StudentResult s) =>
    [
        s.Method, Text(s.Branches), s.Weights, Text(s.Nfe), s.Seed.ToString(CultureInfo.InvariantCulture), Text(s.Updates),
        Text(s.EndpointRmse),
        Range(s.EndpointRmseInterval[0], s.EndpointRmseInterval[1]), Text(s.EndpointRmseFine), Text(s.FrechetDistance),
        s.StepMilliseconds.ToString("0.0", CultureInfo.InvariantCulture),
        (s.PeakBytes / 1048576.0).ToString("0.0", CultureInfo.InvariantCulture),
    ];

    private static string[] Row(PairedComparison c) =>
    [
        c.Method, c.Baseline, Text(c.Nfe), c.Metric, Signed(c.Difference), $"{Signed(c.Interval[0])} .. {Signed(c.Interval[1])}", c.Verdict,
    ];
}
