using System.Globalization;
using BDense.Experiments;
using BDense.Experiments.Drawing;
using BDense.Model.Networks;
using BDense.Training.Pictures;

namespace BDense.Cli.Reports;

/// <summary>
/// Ways from noise to images: x and the denoised image along the steps, the teacher above its students above each head; the students' error
/// against time, branch by branch; the branches' weights over training. PNG files, and their place in a report.
/// </summary>
internal static class TrajectoryPictures
{
    public const string ErrorsFile = "errors.png", WeightsFile = "weights.png";

    private const int MaxColumns = 17, WeightPoints = 200;

    /// <summary>The file with the trajectories of group <paramref name="i"/>, from 0.</summary>
    public static string TrajectoriesFile(int i) => string.Create(CultureInfo.InvariantCulture, $"trajectories-{i + 1}.png");

    /// <summary>Draws all and adds it to a report.</summary>
    public static void Write(string folder, IReadOnlyList<TrajectoryGroup> groups, NetworkConfig network, HtmlReport report)
    {
        foreach (var (group, i) in groups.Select((g, i) => (g, i)))
        {
            string path = Path.Combine(folder, TrajectoriesFile(i));
            ImageGrid.Write(path, network.Resolution, network.Resolution, network.ImageChannels, Rows(group, network),
                "One noise; sigma falls from left to right; states are scaled to the images' range");
            report.Heading($"Trajectories: {string.Join(", ", group.Students.Select(s => s.Name))}").Picture(File.ReadAllBytes(path),
                "States x, then the denoised images x0 that the steps aim at, then what each head predicts in the step that is its own; "
                + "empty where a student has no node or no evaluation.");
        }
        Errors(folder, [.. groups.SelectMany(g => g.Students.Select(s => (g.Teacher, s)))], report);
        Weights(folder, [.. groups.SelectMany(g => g.Students).Where(s => s.Options.Branches > 1)], report);
    }

    /// <summary>Of the first noise: states, teacher above students; denoised images, the same; every head's own.</summary>
    private static List<GridRow> Rows(TrajectoryGroup group, NetworkConfig c)
    {
        int length = c.Resolution * c.Resolution * c.ImageChannels;
        var (teacher, students) = (group.Teacher, group.Students);
        // Of a long grid the students' own nodes alone.
        double[] columns = teacher.Sigmas.Length <= MaxColumns ? teacher.Sigmas
            : [.. teacher.Sigmas.Where(s => students.Any(t => t.Trajectory.IndexOf(s) >= 0))];
        if (columns.Length > MaxColumns)
            columns = [.. columns.Where((_, i) => i % ((columns.Length + MaxColumns - 1) / MaxColumns) == 0)];
        var rows = new List<GridRow> { Row("teacher x", teacher, teacher.States, columns, true) };
        rows.AddRange(students.Select(s => Row($"{s.Name} x", s.Trajectory, s.Trajectory.States, columns, true)));
        // No step begins at the last node.
        double[] steps = columns[^1] == teacher.Sigmas[^1] ? columns[..^1] : columns;
        rows.Add(Row("teacher x0", teacher, teacher.Predictions, steps));
        rows.AddRange(students.Select(s => Row($"{s.Name} x0", s.Trajectory, s.Trajectory.Predictions, steps)));
        foreach (var s in students.Where(s => s.Options.Branches > 1))
        {
            for (int b = 0; b < s.Options.Branches; b++)
                rows.Add(Row(string.Create(CultureInfo.InvariantCulture, $"{s.Name}, head {b + 1}"), s.Trajectory,
                    [.. s.Trajectory.Heads.Select((d, i) => i % s.Options.Branches == b ? d : null)], steps));
        }
        return rows;

        // Of data with deviation sigma_d a state has sqrt(sigma^2 + sigma_d^2).
        GridRow Row(string label, Trajectory of, IReadOnlyList<float[]?> images, double[] at, bool isState = false) =>
            new(label, [.. at.SelectMany(sigma =>
        {
            int i = of.IndexOf(sigma);
            if (i < 0 || i >= images.Count || images[i] is not { } image)
                return Enumerable.Repeat(1f, length);
            float scale = isState ? (float)(c.SigmaData / Math.Sqrt(sigma * sigma + c.SigmaData * c.SigmaData)) : 1;
            return image.Take(length).Select(v => v * scale);
        })]);
    }

    private static void Errors(string folder, IReadOnlyList<(Trajectory Teacher, StudentTrajectory Student)> students, HtmlReport report)
    {
        string path = Path.Combine(folder, ErrorsFile);
        var curves = students.Select(s =>
        {
            var (sigmas, rmse) = s.Student.Trajectory.ErrorTo(s.Teacher);
            return new Curve(s.Student.Name, [.. sigmas.Select(sigma => -Math.Log10(Math.Max(sigma, 1e-6)))], rmse);
        });
        Charts.Write(path,
            new LineChart("Distance to the teacher's state at each branch node", "-log10 sigma (time runs to the right)", "RMSE",
                [.. curves], LogY: true));
        report.Heading("Error against time, branch by branch").Picture(File.ReadAllBytes(path), string.Create(CultureInfo.InvariantCulture,
            $"Over {TrajectoryGroup.Noises} noises, from the same noise in each pair. A student with K heads has K nodes in each of "
                + $"its intervals."));
    }

    /// <summary>w_b from the first iteration to the last, as the log has them.</summary>
    private static void Weights(string folder, IReadOnlyList<StudentTrajectory> dense, HtmlReport report)
    {
        var logged = dense.Where(s => s.Log.Any(l => l.Weights is not null)).ToList();
        if (logged.Count > 0)
        {
            string path = Path.Combine(folder, WeightsFile);
            Charts.Write(path, [.. logged.Select(s =>
            {
                var lines = s.Log.Where(l => l.Weights?.Length == s.Options.Branches).ToList();
                int every = Math.Max(1, lines.Count / WeightPoints);
                lines = [.. lines.Where((_, i) => i % every == 0)];
                return (Chart)new LineChart($"Branch weights: {s.Name}, {s.Options.Weights}", "iteration", "weight",
                    [.. Enumerable.Range(0, s.Options.Branches).Select(b =>
                    new Curve(string.Create(CultureInfo.InvariantCulture, $"branch {b + 1}"), [.. lines.Select(l => (double)l.Step)],
                        [.. lines.Select(l => l.Weights![b])]))]);
            })]);
            report.Heading("Branch weights over training")
                .Picture(File.ReadAllBytes(path), "Of SFD in the student's last interval, of PD the mean over each batch.");
        }
        if (logged.Count < dense.Count)
            report.Paragraph($"No weights in the log of {string.Join(", ", dense.Except(logged).Select(s => s.Name))}.");
    }
}
