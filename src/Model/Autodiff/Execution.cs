using BDense.Kernels.Devices;

namespace BDense.Model.Autodiff;

/// <summary>How passes of a network run: what they compute is the same up to rounding.</summary>
/// <param name="Fusions">Fused kernels, or compositions.</param>
/// <param name="Recompute">Keep each block's input alone, and run the block again in the backward pass: less memory, the same bits.</param>
/// <param name="Graph">Capture training updates and passes once and replay them (<see cref="StepGraph"/>): less host time, the same
/// bits.</param>
public sealed record Execution(Fusions Fusions, bool Recompute = false, bool Graph = false)
{
    /// <summary>The usual fusions; blocks are kept, and nothing is captured.</summary>
    public static Execution Default { get; } = new(Fusions.Usual);
}
