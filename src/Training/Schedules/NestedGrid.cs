using System.Globalization;
using BDense.Kernels;

namespace BDense.Training.Schedules;

/// <summary>
/// A student's grid and its teacher's, which divides each of the student's intervals into K: the teacher has
/// K (n - 1) + 1 nodes, and every K-th is a student's. Zhou et al. 2024 (SFD), section 3; K = M + 1 there.
/// </summary>
public sealed class NestedGrid
{
    private NestedGrid(double[] student, double[] teacher, int branches)
    {
        Student = student;
        Teacher = teacher;
        Branches = branches;
    }

    /// <summary>n nodes, falling.</summary>
    public IReadOnlyList<double> Student { get; }

    /// <summary>K (n - 1) + 1 nodes.</summary>
    public IReadOnlyList<double> Teacher { get; }

    /// <summary>K: teacher steps in one student step.</summary>
    public int Branches { get; }

    /// <summary>n - 1.</summary>
    public int Intervals => Student.Count - 1;

    /// <summary>The K + 1 nodes of student interval <paramref name="i"/>, ends included.</summary>
    public double[] Nodes(int i) => [.. Teacher.Skip(i * Branches).Take(Branches + 1)];

    /// <summary>The same student over fewer of the teacher's nodes: K of them an interval, evenly taken.</summary>
    /// <param name="branches">Divides <see cref="Branches"/>.</param>
    public NestedGrid Coarsen(int branches)
    {
        if (branches < 1 || Branches % branches != 0)
            throw new UsageException($"{branches} branches do not divide a step of {Branches} teacher steps");
        int stride = Branches / branches;
        return new NestedGrid([.. Student], [.. Teacher.Where((_, i) => i % stride == 0)], branches);
    }

    /// <summary>Both grids from one schedule.</summary>
    /// <param name="schedule">The curve.</param>
    /// <param name="nodes">n of the student, 2 or more.</param>
    /// <param name="branches">K, 1 or more.</param>
    /// <param name="toZero">The last node is 0 in place of sigma_min.</param>
    /// <exception cref="BDenseException">The schedule does not nest at this division.</exception>
    public static NestedGrid Of(Schedule schedule, int nodes, int branches, bool toZero = false)
    {
        double[] student = schedule.Grid(nodes), teacher = schedule.Grid(branches * (nodes - 1) + 1);
        if (toZero)
            student[^1] = teacher[^1] = 0;
        return Of(student, teacher, branches, schedule.Name);
    }

    /// <summary>Grids given outright.</summary>
    /// <exception cref="BDenseException">The teacher's grid is not the student's, divided: the message names the first node that is
    /// missing.</exception>
    public static NestedGrid Of(ReadOnlySpan<double> student, ReadOnlySpan<double> teacher, int branches, string name = "given")
    {
        if (branches < 1)
            throw new UsageException($"a student interval is divided into at least 1 teacher step, not {branches}");
        if (teacher.Length != branches * (student.Length - 1) + 1)
            throw new BDenseException(
                $"the {name} schedule does not nest: {student.Length} student nodes of {branches} steps each ask for " +
                $"{branches * (student.Length - 1) + 1} teacher nodes, not {teacher.Length}");
        for (int i = 0; i < student.Length; i++)
        {
            if (Math.Abs(student[i] - teacher[i * branches]) > 1e-9 * Math.Abs(student[i]))
                throw new BDenseException(string.Create(CultureInfo.InvariantCulture,
                    $"the {name} schedule does not nest: student node {i} is {student[i]:g6}, teacher node {i * branches} is "
                        + $"{teacher[i * branches]:g6}"));
        }
        // The student's very numbers at the shared nodes, so that equal times are equal doubles.
        var fine = teacher.ToArray();
        for (int i = 0; i < student.Length; i++)
            fine[i * branches] = student[i];
        return new NestedGrid(student.ToArray(), fine, branches);
    }
}
