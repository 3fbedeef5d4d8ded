using BDense.Kernels;

namespace BDense.Model.Autodiff;

public sealed partial class Tape
{
    /// <summary>
    /// y = c[n,0] x[..., :C/2] + c[n,1] x[..., C/2:]: [N,H,W,C] to [N,H,W,C/2], a factor a sample for each half of the channels.
    /// Saves nothing.
    /// </summary>
    /// <param name="x">[N,H,W,C], C even.</param>
    /// <param name="c">[N,2]</param>
    public Variable MergeHalves(Variable x, float[] c)
    {
        var half = new Shape(x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3] / 2);
        var y = Output(half, x.RequiresGradient, x.Type);
        using (Tensor a = Backend.Empty(half), b = Backend.Empty(half), factors = Backend.FromArray(c, new Shape(half[0], 2)))
        {
            Backend.Split(x.Data, a, b);
            Backend.LinearCombinationPerSample(factors, [a, b], y.Data);
        }
        return Record(y, new MergeHalvesNode(x, c, y));
    }

    private sealed class MergeHalvesNode(Variable x, float[] c, Variable y) : Node(y)
    {
        /// <summary>dx[..., :C/2] = c[n,0] dy, dx[..., C/2:] = c[n,1] dy.</summary>
        public override void Backward(Tape tape, Tensor dy)
        {
            var backend = tape.Backend;
            var dx = tape.Scratch(x);
            using Tensor da = backend.Empty(dy.Shape), db = backend.Empty(dy.Shape);
            Half(0, da);
            Half(1, db);
            backend.Concat(da, db, dx);
            tape.Contribute(x, dx);

            void Half(int half, Tensor to)
            {
                using var factors = backend.FromArray([.. Enumerable.Range(0, c.Length / 2).Select(n => c[2 * n + half])],
                    new Shape(c.Length / 2, 1));
                backend.LinearCombinationPerSample(factors, [dy], to);
            }
        }
    }
}
