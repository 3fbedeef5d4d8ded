using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Training.Data;
using BDense.Training.Runs;
using BDense.Training.Solvers;

namespace BDense.Training.Distillation;

/// <summary>
/// A way to distil: a folder under <c>Methods/</c> with its options, training and sampler, and a line in
/// <see cref="DistillationMethods.All"/>. The command line, the configuration files, the experiments and their reports ask it for
/// everything that is the method's own.
/// </summary>
public interface IDistillationMethod
{
    /// <summary>As <c>--method</c> takes it.</summary>
    string Name { get; }

    /// <summary>As configurations name it; once written it stays.</summary>
    string NameInFiles => Name;

    /// <summary>All that <c>--method</c> takes for it: <see cref="Name"/>, and ways of it with names of their own.</summary>
    IReadOnlyList<string> Names => [Name];

    /// <summary>One line for people: what it does.</summary>
    string Summary { get; }

    /// <summary>Where it is published.</summary>
    string Source { get; }

    /// <summary>Its options as they are where nothing is asked for.</summary>
    Distill Defaults { get; }

    /// <summary>What the command line takes for it, in the order in which it is set.</summary>
    IReadOnlyList<MethodOption> Options { get; }

    /// <summary>Published settings under a name.</summary>
    IReadOnlyList<DistillPreset> Presets => [];

    /// <summary>Whether training reads images besides the teacher.</summary>
    bool NeedsData { get; }

    /// <summary>The options under one of <see cref="Names"/>.</summary>
    Distill Named(Distill options, string name) => options;

    /// <summary>The options where the teacher is itself a student.</summary>
    /// <param name="options">So far.</param>
    /// <param name="first">How the teacher was distilled.</param>
    /// <exception cref="UsageException">The method has no second stage, or none after that one.</exception>
    Distill SecondStage(Distill options, Distill first) =>
        throw new UsageException("the teacher is a student; only SFD has a second stage");

    /// <summary>The options when all that was given is set: what depends on several, and on what was left out.</summary>
    /// <param name="options">So far.</param>
    /// <param name="isGiven">Whether an option was given, by its name.</param>
    Distill Settle(Distill options, Func<string, bool> isGiven) => options;

    /// <summary>What the demo trains with so many heads and evaluations; none if the method has no such student.</summary>
    Distill? ForDemo(int branches, int nfe) => null;

    /// <summary>The student before its first update; the caller disposes it.</summary>
    /// <param name="teacher">Stays the caller's.</param>
    /// <param name="options">Resolved.</param>
    INetwork NewStudent(INetwork teacher, Distill options) => BranchHead.Widen(teacher, options.Branches, null);

    /// <summary>Its training; networks and data stay the caller's.</summary>
    /// <param name="student">From <see cref="NewStudent"/>; trained in place.</param>
    /// <param name="teacher">Unchanged.</param>
    /// <param name="data">Given where <see cref="NeedsData"/> says so.</param>
    /// <param name="options">How.</param>
    /// <param name="shared">States of the teacher that several students of one seed share, for a method that follows it from noise; or
    /// none.</param>
    ITraining CreateTraining(INetwork student, INetwork teacher, Dataset? data, Distill options, TrajectoryCache? shared);

    /// <summary>How a student of these options is sampled.</summary>
    /// <param name="network">Its network; stays the caller's.</param>
    /// <param name="options">Resolved, with one of the student's <see cref="Distill.Choices"/> as NFE.</param>
    /// <param name="threshold">Asked for at sampling; or none.</param>
    Student Sampler(INetwork network, Distill options, Thresholding? threshold) =>
        new(network, options.Layout!.Value, options.Grid(options.Intervals + 1).Coarsen(network.Config.Branches), false)
        {
            Threshold = threshold,
        };

    /// <summary>The sampler of an exported student that does not go by branch states on a grid (<see cref="StudentWay"/>).</summary>
    /// <exception cref="BDenseException">All of the method's students go by branch states, or the file is not one of them.</exception>
    Student Sampler(INetwork network, StudentFile file, string path) =>
        throw new BDenseException($"{path}: a student of {Name} is described by its intervals alone; the file has field 'method'");
}
