using BDense.Kernels;

namespace BDense.Model.Autodiff;

/// <summary>The box filter [1,1]; each is the other's gradient up to a factor. Nothing is saved.</summary>
public sealed partial class Tape
{
    /// <summary>[N,H,W,C] to [N,H/2,W/2,C]: means of 2x2 blocks.</summary>
    public Variable Downsample(Variable x)
    {
        var y = Output(new Shape(x.Shape[0], x.Shape[1] / 2, x.Shape[2] / 2, x.Shape[3]), x.RequiresGradient, x.Type);
        Backend.Downsample(x.Data, y.Data);
        return Record(y, new DownsampleNode(x, y));
    }

    private sealed class DownsampleNode(Variable x, Variable y) : Node(y)
    {
        public override void Backward(Tape tape, Tensor dy)
        {
            var dx = tape.Scratch(x);
            tape.Backend.Upsample(dy, dx, 0.25f);
            tape.Contribute(x, dx);
        }
    }

    /// <summary>[N,H,W,C] to [N,2H,2W,C]: every pixel copied to a 2x2 block.</summary>
    public Variable Upsample(Variable x)
    {
        var y = Output(new Shape(x.Shape[0], 2 * x.Shape[1], 2 * x.Shape[2], x.Shape[3]), x.RequiresGradient, x.Type);
        Backend.Upsample(x.Data, y.Data);
        return Record(y, new UpsampleNode(x, y));
    }

    private sealed class UpsampleNode(Variable x, Variable y) : Node(y)
    {
        public override void Backward(Tape tape, Tensor dy)
        {
            var dx = tape.Scratch(x);
            tape.Backend.Downsample(dy, dx, 1f);
            tape.Contribute(x, dx);
        }
    }
}
