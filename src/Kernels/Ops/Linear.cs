using BDense.Kernels.Profiling;

namespace BDense.Kernels;

/// <summary>
/// A linear layer is a 1x1 convolution over one pixel: x [N,In], w [Out,In] (PyTorch's layout and KRSC agree), y [N,Out].
/// </summary>
/// <param name="N">Batch.</param>
/// <param name="In">Features of the input.</param>
/// <param name="Out">Features of the output.</param>
public readonly record struct LinearShape(int N, int In, int Out)
{
    /// <summary>The convolution that it is.</summary>
    public Conv2dShape Conv => new(N, 1, 1, In, Out, 1, 1);
}

public abstract partial class Backend
{
    /// <summary>y[n,o] = bias[o] + sum_i x[n,i] w[o,i].</summary>
    public void Linear(in LinearShape s, Tensor x, Tensor w, Tensor? bias, Tensor y) => Conv2d(s.Conv, x, w, bias, y);

    /// <summary>dx[n,i] = sum_o dy[n,o] w[o,i].</summary>
    public void LinearDgrad(in LinearShape s, Tensor dy, Tensor w, Tensor dx) => Conv2dDgrad(s.Conv, dy, w, dx);

    /// <summary>dw[o,i] += sum_n dy[n,o] x[n,i]; dbias[o] += sum_n dy[n,o].</summary>
    public void LinearWgrad(in LinearShape s, Tensor x, Tensor dy, Tensor dw, Tensor? dbias) => Conv2dWgrad(s.Conv, x, dy, dw, dbias);

    /// <summary>As <c>bdense profile</c> runs it.</summary>
    internal static IEnumerable<CatalogOperation> LinearByName()
    {
        yield return new("linear", ["N", "IN", "OUT"], [64, 256, 256], (t, e) =>
        {
            var s = new LinearShape(e[0], e[1], e[2]);
            Tensor x = t.Normal(new(e[0], e[1])), w = t.Normal(new(e[2], e[1])), bias = t.Normal(new(e[2])), y = t.Empty(new(e[0], e[2])),
                dy = t.Normal(y.Shape), dx = t.Empty(x.Shape),
                dw = t.Zeros(w.Shape), dbias = t.Zeros(bias.Shape);
            return
            [
                new("forward", () => t.Backend.Linear(s, x, w, bias, y)), new("dgrad", () => t.Backend.LinearDgrad(s, dy, w, dx)),
                new("wgrad", () => t.Backend.LinearWgrad(s, x, dy, dw, dbias)),
            ];
        });
    }
}
