using BDense.Kernels;

namespace BDense.Model.Autodiff;

public sealed partial class Tape
{
    /// <summary>
    /// y = x in another element type, rounded to nearest where that is BF16; its gradient is converted back. Saves nothing. For operations
    /// of one's own that take float32 alone.
    /// </summary>
    /// <returns>x itself if it is of that type.</returns>
    public Variable Convert(Variable x, ElementType type)
    {
        if (x.Type == type)
            return x;
        var y = Output(x.Shape, x.RequiresGradient, type);
        Backend.Convert(x.Data, y.Data);
        return Record(y, new ConvertNode(x, y));
    }

    private Tensor Converted(Tensor gradient, Variable of)
    {
        var converted = Scratch(of);
        Backend.Convert(gradient, converted);
        return converted;
    }

    private sealed class ConvertNode(Variable x, Variable y) : Node(y)
    {
        public override void Backward(Tape tape, Tensor dy)
        {
            if (x.RequiresGradient)
                tape.Contribute(x, tape.Converted(dy, x));
        }
    }
}
