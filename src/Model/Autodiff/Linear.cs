using BDense.Kernels;
using BDense.Model.Layers;

namespace BDense.Model.Autodiff;

public sealed partial class Tape
{
    /// <summary>
    /// y[n,o] = bias[o] + sum_i x[n,i] weight[o,i]: a 1x1 convolution over one pixel, of x's element type. Saves x, unless the
    /// weight is frozen.
    /// </summary>
    /// <param name="x">[N,In]</param>
    /// <param name="weight">[Out,In]</param>
    /// <param name="bias">[Out] or none.</param>
    public Variable Linear(Variable x, Parameter weight, Parameter? bias)
    {
        var shape = new LinearShape(x.Shape[0], weight.Shape[1], weight.Shape[0]);
        return Conv2d(shape.Conv, new Shape(shape.N, shape.Out), x, weight, bias, x.Type);
    }
}
