using BDense.Model.Networks;
using BDense.Training.Runs;

namespace BDense.Training.Watching;

/// <summary>The network that a training would leave behind now, for whoever looks at it meanwhile.</summary>
internal static class AveragedNetwork
{
    /// <summary>
    /// A copy with the moving average of the weights, or where none is kept with the weights; the caller disposes it. A copy, so that
    /// nothing that a pass leaves behind (captured launches, prepared weights) is the training's.
    /// </summary>
    public static INetwork Of(ITraining training)
    {
        var copy = training.Network.Clone();
        copy.Execution = copy.Execution with { Graph = false };
        if (training.Ema is { } average)
            copy.Parameters.CopyFrom(average);
        return copy;
    }
}
