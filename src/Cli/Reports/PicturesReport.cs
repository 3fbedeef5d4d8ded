using System.Globalization;
using BDense.Kernels;
using BDense.Model;
using BDense.Training;
using static BDense.Cli.Reports.Figures;

namespace BDense.Cli.Reports;

/// <summary>A student as the pictures show it.</summary>
/// <param name="Name">In legends.</param>
/// <param name="Path">Its run folder.</param>
/// <param name="Options">How it was distilled.</param>
/// <param name="Endpoints">Its endpoints.</param>
/// <param name="Teacher">The teacher's on its grid, from the same noises.</param>
internal sealed record PicturedStudent(string Name, string Path, Distill Options, float[] Endpoints, float[] Teacher);

/// <summary>
/// <c>evaluate --pictures</c>: trajectories of teacher and student, errors along them, branch weights over training, and how far a student's
/// error is the teacher's own, with the spectra. PNG files and <c>pictures.html</c> of all of them.
/// </summary>
internal static class PicturesReport
{
    public const string HtmlFile = "pictures.html", ErrorsFile = "errors.png", SpectraFile = "spectra.png", WeightsFile = "weights.png";

    private const int Noises = 32, Shown = 2, MaxColumns = 17, WeightPoints = 51;

    private static readonly string[] ArtefactColumns =
        ["student", "RMSE teacher", "RMSE fine", "the teacher's own RMSE fine", "fine against twice as fine", "inherited", "low dB", "middle dB", "high dB"];

    public static void Write(string folder, Backend backend, UNet teacher, Evaluation evaluation, Dataset data, IReadOnlyList<PicturedStudent> students, ulong seed, CancellationToken cancellation)
    {
        var c = teacher.Config;
        var report = new HtmlReport("Teacher and students in pictures");
        var errors = new List<Curve>();
        foreach (var (student, i) in students.Select((s, i) => (s, i)))
        {
            cancellation.ThrowIfCancellationRequested();
            var loaded = Student.Load(backend, student.Path);
            using var owner = loaded.Network;
            var (of, by) = (Trajectory.OfTeacher(teacher, student.Options, Noises, seed), Trajectory.OfStudent(loaded, Noises, seed));
            string file = string.Create(CultureInfo.InvariantCulture, $"trajectories-{i + 1}.png");
            ImageGrid.Write(Path.Combine(folder, file), c.Resolution, c.Resolution, c.ImageChannels, Rows(of, by, c), $"{student.Name}: sigma falls from left to right; states are scaled to the images' range");
            report.Heading($"Trajectories: {student.Name}").Picture(File.ReadAllBytes(Path.Combine(folder, file)),
                "The teacher's states above the student's, and the denoised images that their steps aim at; empty where the student has no node.");
            var (sigmas, rmse) = by.ErrorTo(of);
            errors.Add(new Curve(student.Name, [.. sigmas.Select(s => -Math.Log10(Math.Max(s, 1e-6)))], rmse));
        }
        Charts.Write(Path.Combine(folder, ErrorsFile), new LineChart("Distance to the teacher's state at each branch node", "-log10 sigma (time runs to the right)", "RMSE", errors, LogY: true));
        report.Heading("Error against time").Picture(File.ReadAllBytes(Path.Combine(folder, ErrorsFile)), string.Create(CultureInfo.InvariantCulture, $"Over {Noises} noises, from the same noise in each pair."));
        Weights(folder, students, report);
        Artefacts(folder, c, evaluation, data, students, report, cancellation);
        AtomicFile.WriteText(Path.Combine(folder, HtmlFile), report.ToString());
    }

    /// <summary>Rows of the first noises: the teacher's states, the student's, the teacher's predictions, the student's.</summary>
    private static List<GridRow> Rows(Trajectory teacher, Trajectory student, UNetConfig c)
    {
        int length = c.Resolution * c.Resolution * c.ImageChannels;
        // Of a long grid the student's own nodes alone.
        double[] columns = teacher.Sigmas.Length <= MaxColumns ? teacher.Sigmas : [.. teacher.Sigmas.Where(s => student.IndexOf(s) >= 0)];
        if (columns.Length > MaxColumns)
            columns = [.. columns.Where((_, i) => i % ((columns.Length + MaxColumns - 1) / MaxColumns) == 0)];
        var rows = new List<GridRow>();
        for (int n = 0; n < Shown; n++)
        {
            int place = n;
            rows.Add(new GridRow("teacher x", [.. columns.SelectMany(s => State(teacher, s))]));
            rows.Add(new GridRow("student x", [.. columns.SelectMany(s => State(student, s))]));
            rows.Add(new GridRow("teacher x0", [.. columns.SelectMany(s => Prediction(teacher, s))]));
            rows.Add(new GridRow("student x0", [.. columns.SelectMany(s => Prediction(student, s))]));

            // Of data with deviation sigma_d a state has sqrt(sigma^2 + sigma_d^2).
            IEnumerable<float> State(Trajectory t, double sigma) => Image(t.States, t.IndexOf(sigma), c.SigmaData / Math.Sqrt(sigma * sigma + c.SigmaData * c.SigmaData));
            IEnumerable<float> Prediction(Trajectory t, double sigma) => Image(t.Predictions, t.IndexOf(sigma), 1);
            IEnumerable<float> Image(IReadOnlyList<float[]> from, int i, double scale) =>
                i < 0 || i >= from.Count ? Enumerable.Repeat(1f, length) : from[i].AsSpan(place * length, length).ToArray().Select(v => (float)(v * scale));
        }
        return rows;
    }

    /// <summary>w_b in the student's last interval, from the first update to the last.</summary>
    private static void Weights(string folder, IReadOnlyList<PicturedStudent> students, HtmlReport report)
    {
        var dense = students.Where(s => s.Options.Branches > 1).ToList();
        // Learned weights follow from the losses of every update, of which a run keeps the means.
        var known = dense.Where(s => !BranchWeights.Parse(s.Options.Weights!).IsLearned && s.Options.Method != DistillMethod.BranchDistillation).ToList();
        if (known.Count > 0)
        {
            var panels = known.Select(s =>
            {
                var grid = s.Options.Grid(s.Options.Intervals + 1).Coarsen(s.Options.Branches);
                double[] progress = [.. Enumerable.Range(0, WeightPoints).Select(i => i / (WeightPoints - 1.0))];
                double[][] weights = [.. progress.Select(p => BranchWeights.Parse(s.Options.Weights!).At(grid.Nodes(grid.Intervals - 1), p))];
                return (Chart)new LineChart($"Branch weights: {s.Name}, {s.Options.Weights}", "update", "weight",
                    [.. Enumerable.Range(0, s.Options.Branches).Select(b => new Curve($"branch {b + 1}", [.. progress.Select(p => p * s.Options.Updates)], [.. weights.Select(w => w[b])]))]);
            }).ToArray();
            Charts.Write(Path.Combine(folder, WeightsFile), panels);
            report.Heading("Branch weights over training").Picture(File.ReadAllBytes(Path.Combine(folder, WeightsFile)), "In the student's last interval.");
        }
        if (known.Count < dense.Count)
            report.Paragraph($"Not shown: the weights of {string.Join(", ", dense.Except(known).Select(s => s.Name))}, which follow from every update's losses.");
    }

    private static void Artefacts(string folder, UNetConfig c, Evaluation evaluation, Dataset data, IReadOnlyList<PicturedStudent> students, HtmlReport report, CancellationToken cancellation)
    {
        float[] fine = evaluation.Fine(cancellation: cancellation);
        float[] finer = evaluation.Teacher(Solvers.Find("dpmpp3m"), Schedules.Polynomial(0.006, 80).Grid(2 * evaluation.FineEvaluations + 1), cancellation: cancellation);
        double[] ofData = Spectrum(data.ToArray(0, Math.Min(data.Count, Evaluation.MaxDataSamples))), ofFine = Spectrum(fine);
        double[] k = [.. Enumerable.Range(1, ofData.Length - 1).Select(i => (double)i)];
        var curves = new List<Curve> { Curve("data", ofData), Curve("teacher, fine", ofFine) };
        var rows = new List<string[]>();
        int third = Math.Max(1, (ofData.Length - 1) / 3);
        rows.Add(["teacher, fine", "-", "0", "-", "-", "-", .. Bands(ofFine)]);
        foreach (var s in students)
        {
            var (share, ofTeacher, own) = (ArtefactShare.Of(s.Endpoints, s.Teacher, fine, finer), Spectrum(s.Teacher), Spectrum(s.Endpoints));
            rows.Add([s.Name, Text(share.StudentToTeacher), Text(share.StudentToFine), Text(share.TeacherToFine), Text(share.FineToFiner), (100 * share.Inherited).ToString("0", CultureInfo.InvariantCulture) + "%", .. Bands(own)]);
            rows.Add([$"its teacher's grid ({s.Name})", "0", Text(share.TeacherToFine), Text(share.TeacherToFine), "-", "-", .. Bands(ofTeacher)]);
            curves.Add(Curve(s.Name, own));
            curves.Add(Curve($"teacher's grid ({s.Name})", ofTeacher));
        }
        Charts.Write(Path.Combine(folder, SpectraFile), new LineChart("Radially averaged power", "cycles an image", "power", curves, LogY: true));
        report.Heading("How far the error is the teacher's own").Table(ArtefactColumns, rows)
            .Paragraph("Inherited: squared cosine between the student's error against the fine trajectory and the teacher's own on the grid that the student was distilled from; 100% would mean that the student errs where its teacher does and nowhere else. Decibels: power against the data's, in the lower, middle and upper third of the frequencies up to half the side; above 0 is more than the data has.")
            .Picture(File.ReadAllBytes(Path.Combine(folder, SpectraFile)), "Power of the images over frequency.");

        double[] Spectrum(float[] images) => PowerSpectrum.Of(images, c.Resolution, c.ImageChannels);
        Curve Curve(string name, double[] power) => new(name, k, power[1..]);
        string[] Bands(double[] power) =>
            [Decibels(power, 1, third), Decibels(power, third + 1, Math.Max(third + 1, 2 * third)), Decibels(power, Math.Min(power.Length - 1, 2 * third + 1), power.Length - 1)];
        string Decibels(double[] power, int first, int last) => PowerSpectrum.Decibels(power, ofData, first, last).ToString("+0.00;-0.00", CultureInfo.InvariantCulture);
    }
}
