using BDense.Kernels;

namespace BDense.Model.Autodiff;

public sealed partial class Tape
{
    /// <summary>y = x * sigmoid(x).</summary>
    public Variable Silu(Variable x)
    {
        var y = Output(x.Shape, x.RequiresGradient, x.Type);
        Backend.Silu(x.Data, y.Data);
        return Record(y, new SiluNode(x, y));
    }

    private sealed class SiluNode : Node
    {
        private readonly Variable _x;

        public SiluNode(Variable x, Variable y)
            : base(y)
        {
            _x = x;
            _x.Save();
        }

        public override void Backward(Tape tape, Tensor dy)
        {
            var dx = tape.Scratch(_x);
            tape.Backend.SiluBackward(dy, _x.Data, dx);
            tape.Contribute(_x, dx);
        }

        public override void Release() => _x.Release();
    }
}
