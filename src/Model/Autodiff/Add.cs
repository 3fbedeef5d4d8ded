using BDense.Kernels;

namespace BDense.Model.Autodiff;

public sealed partial class Tape
{
    /// <summary>y = scale * (a + b), of a's element type: the residual sum with its skip scale. Saves nothing.</summary>
    public Variable Add(Variable a, Variable b, float scale = 1f)
    {
        if (b.Type != a.Type)
        {
            var converted = Convert(b, a.Type);
            var sum = Add(a, converted, scale);
            Drop(converted);
            return sum;
        }
        var y = Output(a.Shape, a.RequiresGradient || b.RequiresGradient, a.Type);
        Backend.LinearCombination([scale, scale], [a.Data, b.Data], y.Data);
        return Record(y, new AddNode(a, b, scale, y));
    }

    private sealed class AddNode(Variable a, Variable b, float scale, Variable y) : Node(y)
    {
        public override void Backward(Tape tape, Tensor dy)
        {
            // da = db = scale * dy: one tensor for both, and dy itself where no one else looks at it.
            var d = Output.TakeGradient()!;
            tape._scratch.Add(d);
            if (scale != 1f)
            {
                var scaled = d.IsShared ? tape.Scratch(a) : d;
                tape.Backend.Scale(d, scale, scaled);
                if (scaled != d)
                    d.Dispose();
                d = scaled;
            }
            tape.Contribute(a, d.Share());
            tape.Contribute(b, d);
        }
    }
}
