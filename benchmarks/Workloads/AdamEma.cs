using BDense.Kernels;

namespace BDense.Benchmarks.Workloads;

/// <summary>One optimizer step over a flat buffer: norm of the gradient, clipping, Adam, moving average.</summary>
/// <param name="Parameters">Length of the buffer.</param>
public sealed record AdamEma(int Parameters) : Workload
{
    public const float LearningRate = 1e-3f, ClipNorm = 1f, Decay = 0.999f, Beta1 = 0.9f, Beta2 = 0.999f, Epsilon = 1e-8f;

    public override string Name => $"adam+ema {Parameters}";

    /// <summary>libtorch adds the squares of the norm in single precision and a few running sums: off by 4e-4 for 8 million.</summary>
    public override double Tolerance => 1e-3;

    public float[] P => Uniform(Parameters, 1);
    public float[] G => Uniform(Parameters, 2);

    public override Running Start(Backend backend)
    {
        var shape = new Shape(Parameters);
        Tensor p = backend.FromArray(P, shape), g = backend.FromArray(G, shape), m = backend.Zeros(shape), v = backend.Zeros(shape),
            ema = backend.FromArray(P, shape), norm = backend.Empty(new Shape(1));
        int step = 0;
        return new("",
            () =>
            {
                backend.SumOfSquares(g, norm);
                backend.Adam(new AdamStep(LearningRate, ++step, Beta1, Beta2, Epsilon, ClipNorm: ClipNorm, EmaDecay: Decay), p, g, m,
                    v, ema, norm);
                backend.Synchronize();
            },
            () => new() { ["p"] = p.ToArray(), ["m"] = m.ToArray(), ["v"] = v.ToArray(), ["ema"] = ema.ToArray() },
            p, g, m, v, ema, norm);
    }
}
