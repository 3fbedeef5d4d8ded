using BDense.Kernels;

namespace BDense.Model.Autodiff;

public sealed partial class Tape
{
    /// <summary>
    /// Dropout with its mask as a tensor, 0 or 1 / (1 - p), drawn once and kept: the same numbers, the same bits. BF16 would round
    /// 1 / (1 - p), so the mask is float32.
    /// </summary>
    private Variable MaskedDropout(Variable x, float p, RandomKey key)
    {
        var y = Output(x.Shape, x.RequiresGradient, x.Type);
        var mask = Scratch(x.Shape);
        Backend.Fill(mask, 1f);
        Backend.Dropout(mask, p, key, mask);
        Backend.Multiply(x.Data, mask, y.Data);
        return Record(y, new MaskedDropoutNode(x, mask, y));
    }

    private sealed class MaskedDropoutNode(Variable x, Tensor mask, Variable y) : Node(y)
    {
        public override void Backward(Tape tape, Tensor dy)
        {
            var dx = tape.Scratch(x);
            tape.Backend.Multiply(dy, mask, dx);
            tape.Contribute(x, dx);
        }

        public override void Release() => mask.Dispose();
    }
}
