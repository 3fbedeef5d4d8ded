using BDense.Kernels;
using BDense.Model.Layers;

namespace BDense.Model.Autodiff;

public sealed partial class Tape
{
    /// <summary>
    /// y = x * weight + bias, stride 1, output as large as the input, of the tape's <see cref="ActivationType"/>. Saves x, unless the
    /// weight is frozen.
    /// </summary>
    /// <param name="x">[N,H,W,C]</param>
    /// <param name="weight">[K,R,R,C], R odd.</param>
    /// <param name="bias">[K] or none.</param>
    public Variable Conv2d(Variable x, Parameter weight, Parameter? bias)
    {
        var w = weight.Shape;
        var shape = new Conv2dShape(x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3], w[0], w[1], w[2], 1, w[1] / 2, w[1] / 2);
        return Conv2d(shape, shape.Output, x, weight, bias, ActivationType);
    }

    /// <summary>As above, with a stride and zeros before and after of one's own.</summary>
    public Variable Conv2d(Variable x, Parameter weight, Parameter? bias, int stride, int padBegin, int padEnd) =>
        Conv2d(StridedShape(x, weight, stride, padBegin, padEnd), x, weight, bias);

    /// <summary>The same with what follows it (<see cref="Surroundings.IsNormalisedNext"/>).</summary>
    internal Variable Conv2dNormalisedNext(Variable x, Parameter weight, Parameter bias, int stride, int padBegin, int padEnd)
    {
        var (shape, around) = (StridedShape(x, weight, stride, padBegin, padEnd), new Surroundings(IsNormalisedNext: true));
        var plan = SurroundingsPlan.Of(new SurroundingsRequest(around.Parts, Resampling.None, Fused(around)),
            Backend.SupportOf(shape, Resampling.None));
        return plan.Forward == ConvolutionParts.None ? Conv2d(shape, x, weight, bias) : FusedConv2d(plan, shape, x, weight, bias, around);
    }

    private static Conv2dShape StridedShape(Variable x, Parameter weight, int stride, int padBegin, int padEnd) =>
        new(x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3], weight.Shape[0], weight.Shape[1], weight.Shape[2], stride, padBegin, padEnd);

    private Variable Conv2d(in Conv2dShape shape, Variable x, Parameter weight, Parameter? bias) =>
        Conv2d(shape, shape.Output, x, weight, bias, ActivationType);

    private Variable Conv2d(in Conv2dShape shape, Shape output, Variable x, Parameter weight, Parameter? bias, ElementType type)
    {
        var y = Output(output, x.RequiresGradient || weight.Gradient is not null, type);
        Backend.Conv2d(shape, x.Data, weight.Value, bias?.Value, y.Data);
        return Record(y, new Conv2dNode(shape, x, weight, bias, y));
    }

    private sealed class Conv2dNode : Node
    {
        private readonly Conv2dShape _shape;
        private readonly Variable _x;
        private readonly Parameter _weight;
        private readonly Parameter? _bias;

        public Conv2dNode(in Conv2dShape shape, Variable x, Parameter weight, Parameter? bias, Variable y)
            : base(y)
        {
            (_shape, _x, _weight, _bias) = (shape, x, weight, bias);
            if (weight.Gradient is not null)
                x.Save();
        }

        public override void Backward(Tape tape, Tensor dy)
        {
            if (_weight.Gradient is { } dw)
                tape.Backend.Conv2dWgrad(_shape, _x.Data, dy, dw, _bias?.Gradient);
            if (!_x.RequiresGradient)
                return;
            var dx = tape.Scratch(_x);
            tape.Backend.Conv2dDgrad(_shape, dy, _weight.Value, dx);
            tape.Contribute(_x, dx);
        }

        public override void Release()
        {
            if (_weight.Gradient is not null)
                _x.Release();
        }
    }
}
