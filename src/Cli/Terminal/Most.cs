using BDense.Experiments;
using BDense.Kernels.Reference;
using BDense.Training.Distillation;

namespace BDense.Cli.Terminal;

/// <summary>
/// The greatest numbers that options take. Far more than makes sense, and few enough that products of two of them with an image's size
/// do not leave their types: a slip of the finger ends in a message, not in an overflow or in days of nothing.
/// </summary>
internal static class Most
{
    /// <summary>Updates of a training.</summary>
    public const int Updates = SharedOptions.MostUpdates;

    /// <summary>Images of a dataset or of a sampling, all batches together.</summary>
    public const int Images = 1_000_000_000;

    /// <summary>Images at once.</summary>
    public const int Batch = SharedOptions.MostImages;

    /// <summary>Steps of a solver; as many as progressive distillation takes from its first teacher.</summary>
    public const int SolverSteps = SharedOptions.MostSteps;

    /// <summary>Network evaluations of a student.</summary>
    public const int Nfe = SharedOptions.MostEvaluations;

    /// <summary>Noise levels to choose a schedule among.</summary>
    public const int Nodes = ScheduleFitting.MaxNodes;

    /// <summary>Noises that something is fitted over; they are kept.</summary>
    public const int Noises = 1_000_000;

    /// <summary>Training runs of one kind.</summary>
    public const int Seeds = 1000;

    /// <summary>Classes of a network.</summary>
    public const int Classes = 1_000_000;

    /// <summary>Rows of an image.</summary>
    public const int Resolution = 16_384;

    /// <summary>Threads beyond a few a core only wait for each other.</summary>
    public const int Threads = ReferenceBackend.MaxThreads;

    /// <summary>A learning rate; beyond it a float's square overflows before the loss could tell.</summary>
    public const double LearningRate = SharedOptions.MostLearningRate;

    /// <summary>A noise level.</summary>
    public const double Sigma = 1e6;
}
