using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Training.Distillation;
using BDense.Training.Runs;

namespace BDense.Experiments;

/// <summary>A trained student whose way is to be shown.</summary>
/// <param name="Name">For people.</param>
/// <param name="Path">Its run folder.</param>
/// <param name="Options">How it was distilled; of SFD-v with the NFE to show.</param>
public record TrainedStudent(string Name, string Path, Distill Options)
{
    /// <summary>Whether its fitted steps are shown.</summary>
    public bool Fitted { get; init; }
}

/// <summary>A student's way from noise, and the log of its training.</summary>
/// <param name="Name">For people.</param>
/// <param name="Options">How it was distilled.</param>
/// <param name="Trajectory">At the nodes of all its heads.</param>
/// <param name="Log">Every iteration.</param>
public sealed record StudentTrajectory(string Name, Distill Options, Trajectory Trajectory, IReadOnlyList<LogLine> Log);

/// <summary>A teacher's way and those of the students that were distilled from it on the same grid, all from the same noises.</summary>
public sealed record TrajectoryGroup(Trajectory Teacher, IReadOnlyList<StudentTrajectory> Students)
{
    /// <summary>Noises that errors along the way are means over.</summary>
    public const int Noises = 32;

    /// <summary>Groups by the teacher's sampler, in the order of the students.</summary>
    /// <param name="teacher">One branch.</param>
    /// <param name="students">All distilled from it.</param>
    /// <param name="seed">Of the noises.</param>
    /// <param name="cancellation">Looked at between students.</param>
    public static IReadOnlyList<TrajectoryGroup> Of(INetwork teacher, IEnumerable<TrainedStudent> students, ulong seed,
        CancellationToken cancellation = default)
    {
        var groups = new List<TrajectoryGroup>();
        foreach (var group in students.Select(s => (Student: s, Teacher: Trajectory.TeacherOf(s.Options)))
            .GroupBy(s => RunJson.ToLine(s.Teacher)))
        {
            var ways = new List<StudentTrajectory>();
            foreach (var (student, _) in group)
            {
                cancellation.ThrowIfCancellationRequested();
                ways.Add(new StudentTrajectory(student.Name, student.Options, Way(teacher.Backend, student, seed),
                    RunFolder.Existing(student.Path).ReadLog()));
            }
            groups.Add(new TrajectoryGroup(Trajectory.OfTeacher(teacher, group.First().Teacher, Noises, seed), ways));
        }
        return groups;
    }

    private static Trajectory Way(Backend backend, TrainedStudent student, ulong seed)
    {
        var loaded = Student.Load(backend, student.Path, student.Options.Nfe, fitted: student.Fitted);
        using var network = loaded.Network;
        return Trajectory.OfStudent(loaded, Noises, seed);
    }
}
