using BDense.Training.Distillation;
using BDense.Training.Runs;

namespace BDense.Experiments;

/// <summary>Shows the stages of a long experiment; the command line draws bars, a test draws nothing.</summary>
public interface IStages
{
    /// <summary>Says which stages will follow, so that the time of all can be told and not of the first alone.</summary>
    void Whole(IEnumerable<PlannedStage> stages);

    /// <summary>
    /// Runs a stage of <paramref name="total"/> images, updates or what else <paramref name="unit"/> says, which reports how many are done,
    /// and a status.
    /// </summary>
    T Stage<T>(string name, int total, Func<Action<int, string>, T> stage, string unit = "images");
}

/// <summary>Stages that train.</summary>
public static class TrainingStage
{
    /// <summary>A training, which reports its iterations; they are counted in updates, as people ask for them.</summary>
    public static T Stage<T>(this IStages stages, string name, ITraining training, Func<Action<int, string>, T> stage,
        string unit = "updates")
    {
        int Updates(long iterations) => (int)Math.Round(iterations * training.UpdatesPerStep);
        return stages.Stage(name, Updates(training.Steps),
            report => stage((iterations, status) => report(Updates(iterations), status)), unit);
    }
}

/// <summary>A stage to come.</summary>
/// <param name="Name">As <see cref="IStages.Stage"/> will be given it.</param>
/// <param name="Work">Its share of the whole, in any unit; see <see cref="Work"/>.</param>
public sealed record PlannedStage(string Name, double Work);

/// <summary>
/// Work in images that pass the network once, forward; a training step passes each image three times, as backward is two more.
/// </summary>
public static class Work
{
    /// <summary>A teacher's training.</summary>
    public static double Of(TeacherOptions o) => 3.0 * o.Steps * o.Batch;

    /// <summary>A student's: beside its own passes the teacher's steps, unless its trajectories are kept.</summary>
    public static double Of(Distill distill)
    {
        var o = distill.Resolve();
        return o.Batch * (3.0 * o.Updates + o.FollowedSteps);
    }

    /// <summary>Sampling.</summary>
    public static double Sampling(int evaluations, int images) => (double)evaluations * images;
}
