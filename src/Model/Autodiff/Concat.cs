using BDense.Kernels;

namespace BDense.Model.Autodiff;

public sealed partial class Tape
{
    /// <summary>
    /// Channels of a, then channels of b, of every pixel: [...,Ca], [...,Cb] to [...,Ca+Cb], and their moments, where both have some. Saves
    /// nothing.
    /// </summary>
    public Variable Concat(Variable a, Variable b)
    {
        var y = Output(
            new Shape(a.Shape[0], a.Shape[1], a.Shape[2], a.Shape[3] + b.Shape[3]), a.RequiresGradient || b.RequiresGradient, a.Type);
        Backend.Concat(a.Data, b.Data, y.Data);
        if (a.Moments is { } first && b.Moments is { } second)
        {
            y.Measured(Backend.Empty(new Shape(first.Shape[0], first.Shape[1], y.Shape[3])));
            Backend.Concat(first, second, y.Moments!);
        }
        return Record(y, new ConcatNode(a, b, y));
    }

    private sealed class ConcatNode(Variable a, Variable b, Variable y) : Node(y)
    {
        public override void Backward(Tape tape, Tensor dy)
        {
            Tensor da = tape.Scratch(a), db = tape.Scratch(b);
            tape.Backend.Split(dy, da, db);
            tape.Contribute(a, da);
            tape.Contribute(b, db);
        }
    }
}
