using BDense.Kernels;

namespace BDense.Model.Autodiff;

public sealed partial class Tape
{
    /// <summary>y[n,i,c] = x[n,i,c] + e[n,c]: an embedding [N,C], float32, added to every pixel. Saves nothing.</summary>
    public Variable BroadcastAdd(Variable x, Variable e)
    {
        var y = Output(x.Shape, x.RequiresGradient || e.RequiresGradient, x.Type);
        Backend.BroadcastAdd(x.Data, e.Data, y.Data);
        return Record(y, new BroadcastAddNode(x, e, y));
    }

    private sealed class BroadcastAddNode(Variable x, Variable e, Variable y) : Node(y)
    {
        public override void Backward(Tape tape, Tensor dy)
        {
            if (e.RequiresGradient)
            {
                var de = tape.Scratch(e);
                tape.Backend.BroadcastAddBackward(dy, de);
                tape.Contribute(e, de);
            }
            // dx = dy, handed on.
            if (x.RequiresGradient)
                tape.Contribute(x, Output.TakeGradient()!);
        }
    }
}
