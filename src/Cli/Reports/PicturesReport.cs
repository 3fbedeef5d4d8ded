using System.Globalization;
using BDense.Experiments;
using BDense.Experiments.Drawing;
using BDense.Model.Checkpoints;
using BDense.Model.Networks;
using BDense.Training.Data;
using BDense.Training.Distillation;
using BDense.Training.Metrics;
using static BDense.Cli.Reports.Figures;

namespace BDense.Cli.Reports;

/// <summary>A student as the pictures show it.</summary>
/// <param name="Name">In legends.</param>
/// <param name="Path">Its run folder.</param>
/// <param name="Options">How it was distilled.</param>
/// <param name="Endpoints">Its endpoints.</param>
/// <param name="Teacher">The teacher's on its grid, from the same noises.</param>
internal sealed record PicturedStudent(string Name, string Path, Distill Options, float[] Endpoints, float[] Teacher)
    : TrainedStudent(Name, Path, Options);

/// <summary>
/// <c>evaluate --pictures</c>: trajectories of teacher and student, errors along them, branch weights over training, and how far a
/// student's error is the teacher's own, with the spectra. PNG files and <c>pictures.html</c> of all of them.
/// </summary>
internal static class PicturesReport
{
    public const string HtmlFile = "pictures.html", SpectraFile = "spectra.png";

    private static readonly string[] ArtefactColumns =
        ["student", "RMSE teacher", "RMSE fine", "the teacher's own RMSE fine", "fine against twice as fine", "inherited", "low dB",
            "middle dB", "high dB"];

    public static void Write(string folder, INetwork teacher, Evaluation evaluation, Dataset data, IReadOnlyList<PicturedStudent> students,
        ulong seed, CancellationToken cancellation)
    {
        var c = teacher.Config;
        var report = new HtmlReport("Teacher and students in pictures");
        TrajectoryPictures.Write(folder, TrajectoryGroup.Of(teacher, students, seed, cancellation), c, report);
        Artefacts(folder, c, evaluation, data, students, report, cancellation);
        AtomicFile.WriteText(Path.Combine(folder, HtmlFile), report.ToString());
    }

    private static void Artefacts(string folder, NetworkConfig c, Evaluation evaluation, Dataset data,
        IReadOnlyList<PicturedStudent> students, HtmlReport report, CancellationToken cancellation)
    {
        float[] fine = evaluation.Fine(cancellation: cancellation);
        float[] finer = evaluation.Teacher(evaluation.FineOf(2 * evaluation.FineEvaluations), cancellation: cancellation);
        double[] ofData = Spectrum(data.ToArray(0, Math.Min(data.Count, Evaluation.MaxDataSamples))), ofFine = Spectrum(fine);
        double[] k = [.. Enumerable.Range(1, ofData.Length - 1).Select(i => (double)i)];
        var curves = new List<Curve> { Curve("data", ofData), Curve("teacher, fine", ofFine) };
        var rows = new List<string[]>();
        int third = Math.Max(1, (ofData.Length - 1) / 3);
        rows.Add(["teacher, fine", "-", "0", "-", "-", "-", .. Bands(ofFine)]);
        foreach (var s in students)
        {
            var (share, ofTeacher, own) = (ArtefactShare.Of(s.Endpoints, s.Teacher, fine, finer), Spectrum(s.Teacher),
                Spectrum(s.Endpoints));
            rows.Add([s.Name, Text(share.StudentToTeacher), Text(share.StudentToFine), Text(share.TeacherToFine), Text(share.FineToFiner),
                (100 * share.Inherited).ToString("0", CultureInfo.InvariantCulture) + "%", .. Bands(own)]);
            rows.Add([$"its teacher's grid ({s.Name})", "0", Text(share.TeacherToFine), Text(share.TeacherToFine), "-", "-",
                .. Bands(ofTeacher)]);
            curves.Add(Curve(s.Name, own));
            curves.Add(Curve($"teacher's grid ({s.Name})", ofTeacher));
        }
        Charts.Write(Path.Combine(folder, SpectraFile),
            new LineChart("Radially averaged power", "cycles an image", "power", curves, LogY: true));
        report.Heading("How far the error is the teacher's own").Table(ArtefactColumns, rows)
            .Paragraph(
                "Inherited: squared cosine between the student's error against the fine trajectory and the teacher's own on the grid "
                + "that the student was distilled from; 100% would mean that the student errs where its teacher does and nowhere else. "
                + "Decibels: power against the data's, in the lower, middle and upper third of the frequencies up to half the side; "
                + "above 0 is more than the data has.")
            .Picture(File.ReadAllBytes(Path.Combine(folder, SpectraFile)), "Power of the images over frequency.");

        double[] Spectrum(float[] images) => PowerSpectrum.Of(images, c.Resolution, c.ImageChannels);
        Curve Curve(string name, double[] power) => new(name, k, power[1..]);
        string[] Bands(double[] power) =>
            [Decibels(power, 1, third), Decibels(power, third + 1, Math.Max(third + 1, 2 * third)),
                Decibels(power, Math.Min(power.Length - 1, 2 * third + 1), power.Length - 1)];
        string Decibels(double[] power, int first, int last) => Figures.Signed(PowerSpectrum.Decibels(power, ofData, first, last), 2);
    }
}
