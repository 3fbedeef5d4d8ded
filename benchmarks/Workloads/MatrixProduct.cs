using BDense.Kernels;

namespace BDense.Benchmarks.Workloads;

/// <summary>C = A B, row-major, [M,K] times [K,N].</summary>
public sealed record MatrixProduct(int M, int N, int K) : Workload
{
    /// <summary>Of a shape of the case list.</summary>
    public static MatrixProduct Of(in MatMulShape s) => new(s.M, s.N, s.K);

    public override string Name => $"gemm {M}x{N}x{K}";

    public MatMulShape Shape => new(1, M, N, K);

    public float[] A => Uniform(M * K, 1);
    public float[] B => Uniform(K * N, 2);

    public override Running Start(Backend backend)
    {
        var s = Shape;
        Tensor a = backend.FromArray(A, s.A), b = backend.FromArray(B, s.B), c = backend.Empty(s.C);
        return new("", () => { backend.MatMul(s, a, b, c); backend.Synchronize(); }, () => new() { ["c"] = c.ToArray() }, a, b, c);
    }
}
