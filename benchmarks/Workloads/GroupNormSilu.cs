using BDense.Cases.Ops;
using BDense.Kernels;

namespace BDense.Benchmarks.Workloads;

/// <summary>GroupNorm with SiLU, forward and backward, min(32, C/4) groups as in EDM.</summary>
/// <param name="N">Batch.</param>
/// <param name="C">Channels.</param>
/// <param name="Size">Rows and columns.</param>
public sealed record GroupNormSilu(int N, int C, int Size) : Workload
{
    /// <summary>Of a shape of the case list.</summary>
    public static GroupNormSilu Of(in GroupNormShape s) => new(s.N, s.C, (int)Math.Sqrt(s.Pixels));

    public override string Name => $"groupnorm+silu {N}x{C}x{Size} forward+backward";

    public GroupNormShape Shape => GroupNormCases.Edm(N, Size, C);

    public float[] X => Uniform(Shape.Activation.Length, 1);
    public float[] Gamma => Uniform(C, 2);
    public float[] Beta => Uniform(C, 3);
    public float[] Dy => Uniform(Shape.Activation.Length, 4);

    public override Running Start(Backend backend)
    {
        var s = Shape;
        Tensor x = backend.FromArray(X, s.Activation), gamma = backend.FromArray(Gamma, new(C)), beta = backend.FromArray(Beta, new(C)),
            dy = backend.FromArray(Dy, s.Activation), y = backend.Empty(s.Activation), stats = backend.Empty(s.Stats),
            dx = backend.Empty(s.Activation), dgamma = backend.Zeros(new(C)), dbeta = backend.Zeros(new(C));
        return new("",
            () =>
            {
                backend.GroupNorm(s, x, gamma, beta, null, y, stats);
                backend.GroupNormBackward(s, dy, x, stats, gamma, beta, null, dx, dgamma, dbeta, null);
                backend.Synchronize();
            },
            () => new() { ["y"] = y.ToArray(), ["dx"] = dx.ToArray(), ["dgamma"] = dgamma.ToArray(), ["dbeta"] = dbeta.ToArray() },
            x, gamma, beta, dy, y, stats, dx, dgamma, dbeta);
    }
}
