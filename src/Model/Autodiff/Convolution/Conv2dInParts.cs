using BDense.Kernels;
using BDense.Model.Layers;

namespace BDense.Model.Autodiff;

public sealed partial record Fusion
{
    /// <summary>q, k and v in one product.</summary>
    public static Fusion Qkv { get; } = new("qkv",
        does: "one product of 3C columns",
        instead: "three products of C columns, then packed",
        saves: "two of three products and two packings forward, four and two backward; the input is read once");
}

public sealed partial class Tape
{
    /// <summary>
    /// The same as <see cref="Conv2d(Variable, Parameter, Parameter)"/>, with the output channels in several products of equal width
    /// whose results are then packed: q, k and v without the fusion. Saves x, unless the weight is frozen.
    /// </summary>
    /// <param name="x">[N,H,W,C]</param>
    /// <param name="weight">[K,R,R,C], K a multiple of <paramref name="parts"/>.</param>
    /// <param name="bias">[K]</param>
    /// <param name="parts">2 or more.</param>
    public Variable Conv2dInParts(Variable x, Parameter weight, Parameter bias, int parts)
    {
        var w = weight.Shape;
        var shape = Conv2dShape.Same(x.Shape[0], x.Shape[1], x.Shape[2], w[3], w[0] / parts, w[1]);
        var y = Output((shape with { K = w[0] }).Output, x.RequiresGradient || weight.Gradient is not null, ActivationType);
        var packed = Scratch(shape.Output, y.Type);
        for (int i = 0; i < parts; i++)
        {
            using Tensor wi = PartOf(weight.Value, shape.Weight, i), bi = PartOf(bias.Value, new Shape(shape.K), i);
            if (i == 0)
            {
                Backend.Conv2d(shape, x.Data, wi, bi, packed);
                continue;
            }
            using var product = Backend.Empty(shape.Output, y.Type);
            Backend.Conv2d(shape, x.Data, wi, bi, product);
            using var before = packed;
            var both = (shape with { K = (i + 1) * shape.K }).Output;
            packed = i == parts - 1 ? y.Data : Scratch(both, y.Type);
            Backend.Concat(before, product, packed);
        }
        return Record(y, new Conv2dInPartsNode(shape, x, weight, bias, parts, y));
    }

    private static Tensor PartOf(Tensor all, Shape shape, int i) => all.View(i * shape.Length, shape);

    private sealed class Conv2dInPartsNode : Node
    {
        private readonly Conv2dShape _shape;
        private readonly Variable _x;
        private readonly Parameter _weight, _bias;
        private readonly int _parts;

        public Conv2dInPartsNode(in Conv2dShape shape, Variable x, Parameter weight, Parameter bias, int parts, Variable y)
            : base(y)
        {
            (_shape, _x, _weight, _bias, _parts) = (shape, x, weight, bias, parts);
            if (weight.Gradient is not null)
                x.Save();
        }

        public override void Backward(Tape tape, Tensor dy)
        {
            var backend = tape.Backend;
            var rest = Scratched(tape, dy.Share());
            for (int i = _parts - 1; i >= 0; i--)
            {
                using var d = i > 0 ? backend.Empty(_shape.Output, dy.Type) : rest;
                if (i > 0)
                {
                    using var all = rest;
                    rest = tape.Scratch((_shape with { K = i * _shape.K }).Output, dy.Type);
                    backend.Split(all, rest, d);
                }
                using var w = PartOf(_weight.Value, _shape.Weight, i);
                if (_weight.Gradient is { } gradient)
                {
                    using Tensor dw = PartOf(gradient, _shape.Weight, i), db = PartOf(_bias.Gradient!, new Shape(_shape.K), i);
                    backend.Conv2dWgrad(_shape, _x.Data, d, dw, db);
                }
                if (!_x.RequiresGradient)
                    continue;
                var dx = tape.Scratch(_x);
                backend.Conv2dDgrad(_shape, d, w, dx);
                tape.Contribute(_x, dx);
            }
        }

        private static Tensor Scratched(Tape tape, Tensor tensor)
        {
            tape._scratch.Add(tensor);
            return tensor;
        }

        public override void Release()
        {
            if (_weight.Gradient is not null)
                _x.Release();
        }
    }
}
