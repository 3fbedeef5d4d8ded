using BDense.Kernels;

namespace BDense.Benchmarks.Workloads;

/// <summary>
/// A square convolution with bias, output as large as the input; with <paramref name="Backward"/> also dgrad, wgrad and the bias' gradient.
/// </summary>
/// <param name="N">Batch.</param>
/// <param name="C">Input channels.</param>
/// <param name="Size">Rows and columns.</param>
/// <param name="K">Output channels.</param>
/// <param name="Kernel">Rows and columns of the kernel, odd.</param>
/// <param name="Backward">Whether the three gradients are part of it.</param>
public sealed record Convolution(int N, int C, int Size, int K, int Kernel, bool Backward) : Workload
{
    /// <summary>Of a shape of the case list.</summary>
    public static Convolution Of(in Conv2dShape s, bool backward) => new(s.N, s.C, s.H, s.K, s.R, backward);

    public override string Name =>
        $"conv{Kernel}x{Kernel} {N}x{C}x{Size}{(K == C ? "" : $" to {K}")} {(Backward ? "forward+backward" : "forward")}";

    public Conv2dShape Shape => Conv2dShape.Same(N, Size, Size, C, K, Kernel);

    public float[] X => Uniform(Shape.Input.Length, 1);
    public float[] W => Uniform(Shape.Weight.Length, 2);
    public float[] Bias => Uniform(K, 3);
    public float[] Dy => Uniform(Shape.Output.Length, 4);

    public override Running Start(Backend backend)
    {
        var s = Shape;
        Tensor x = backend.FromArray(X, s.Input), w = backend.FromArray(W, s.Weight), bias = backend.FromArray(Bias, new(K)),
            y = backend.Empty(s.Output);
        if (!Backward)
        {
            return new("", () => { backend.Conv2d(s, x, w, bias, y); backend.Synchronize(); },
                () => new() { ["y"] = y.ToArray() }, x, w, bias, y);
        }
        Tensor dy = backend.FromArray(Dy, s.Output), dx = backend.Empty(s.Input), dw = backend.Zeros(s.Weight),
            dbias = backend.Zeros(new(K));
        return new("",
            () =>
            {
                backend.Conv2d(s, x, w, bias, y);
                backend.Conv2dDgrad(s, dy, w, dx);
                backend.Conv2dWgrad(s, x, dy, dw, dbias);
                backend.Synchronize();
            },
            () => new() { ["y"] = y.ToArray(), ["dx"] = dx.ToArray(), ["dw"] = dw.ToArray(), ["dbias"] = dbias.ToArray() },
            x, w, bias, y, dy, dx, dw, dbias);
    }
}
