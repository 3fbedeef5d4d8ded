namespace BDense.Kernels;

/// <summary>A linear layer is a 1x1 convolution over one pixel: x [N,In], w [Out,In] (PyTorch's layout and KRSC agree), y [N,Out].</summary>
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
}
