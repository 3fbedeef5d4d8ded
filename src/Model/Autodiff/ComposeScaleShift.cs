using BDense.Kernels;

namespace BDense.Model.Autodiff;

public sealed partial class Tape
{
    /// <summary>
    /// Two scalings and shifts, one after the other, as one: (u (1 + s) + b) (1 + s') + b' = u (1 + s + s' + s s') + (b + b s' + b').
    /// With p = [s | b], q = [s' | b'] and r = [s' | s']: y = p + q + p r. Saves p and r.
    /// </summary>
    /// <param name="first">p: [N,2C], C scales, then C shifts.</param>
    /// <param name="second">q: [N,2C]</param>
    public Variable ComposeScaleShift(Variable first, Variable second)
    {
        var y = Output(first.Shape, first.RequiresGradient || second.RequiresGradient);
        int n = first.Shape[0], c = first.Shape[1] / 2;
        var twice = Scratch(first.Shape);
        using (Tensor scale = Backend.Empty(new Shape(n, c)), shift = Backend.Empty(new Shape(n, c)))
        {
            Backend.Split(second.Data, scale, shift);
            Backend.Concat(scale, scale, twice);
        }
        Multiply(first.Data, twice, y.Data);
        Backend.LinearCombination([1f, 1f, 1f], [first.Data, second.Data, y.Data], y.Data);
        return Record(y, new ComposeScaleShiftNode(first, second, twice, y));
    }

    /// <summary>y = a b, elementwise: a linear combination of one term whose every element is a sample of its own.</summary>
    private void Multiply(Tensor a, Tensor b, Tensor y)
    {
        using var c = a.Reshape(new Shape(a.Length, 1));
        Backend.LinearCombinationPerSample(c, [b], y);
    }

    private sealed class ComposeScaleShiftNode : Node
    {
        private readonly Variable _first, _second;
        private readonly Tensor _twice;

        public ComposeScaleShiftNode(Variable first, Variable second, Tensor twice, Variable y)
            : base(y)
        {
            (_first, _second, _twice) = (first, second, twice);
            first.Save();
        }

        // dp = dy (1 + r); dq = dy + [the two halves of dy p, summed | 0].
        public override void Backward(Tape tape, Tensor dy)
        {
            var backend = tape.Backend;
            Tensor dp = tape.Scratch(dy.Shape), dq = tape.Scratch(dy.Shape);
            tape.Multiply(dy, _twice, dp);
            backend.LinearCombination([1f, 1f], [dy, dp], dp);
            tape.Multiply(dy, _first.Data, dq);
            var half = new Shape(dy.Shape[0], dy.Shape[1] / 2);
            using (Tensor left = backend.Empty(half), right = backend.Empty(half))
            {
                backend.Split(dq, left, right);
                backend.LinearCombination([1f, 1f], [left, right], left);
                backend.Fill(right, 0f);
                backend.Concat(left, right, dq);
            }
            backend.LinearCombination([1f, 1f], [dy, dq], dq);
            tape.Contribute(_first, dp);
            tape.Contribute(_second, dq);
        }

        public override void Release()
        {
            _first.Release();
            _twice.Dispose();
        }
    }
}
