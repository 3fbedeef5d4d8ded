using BDense.Kernels;

namespace BDense.Model.Autodiff;

public sealed partial record Fusion
{
    /// <summary>The mask is drawn again in the backward pass.</summary>
    public static Fusion Dropout { get; } = new("dropout",
        does: "the mask is drawn again in the backward pass",
        instead: "drawn once, kept, multiplied",
        saves: "the mask's trips, and its being kept");
}

public sealed partial class Tape
{
    /// <summary>
    /// y_i = x_i / (1 - p) where the key's number u_i >= p, else 0. Saves nothing, the mask is drawn again; without
    /// <see cref="Fusion.Dropout"/> it is kept.
    /// </summary>
    public Variable Dropout(Variable x, float p, RandomKey key)
    {
        if (!Execution.Fusions.Has(Fusion.Dropout))
            return MaskedDropout(x, p, key);
        var y = Output(x.Shape, x.RequiresGradient, x.Type);
        Backend.Dropout(x.Data, p, key, y.Data);
        return Record(y, new DropoutNode(x, p, key, y));
    }

    private sealed class DropoutNode(Variable x, float p, RandomKey key, Variable y) : Node(y)
    {
        public override void Backward(Tape tape, Tensor dy)
        {
            var dx = tape.Scratch(x);
            tape.Backend.Dropout(dy, p, key, dx);
            tape.Contribute(x, dx);
        }
    }
}
