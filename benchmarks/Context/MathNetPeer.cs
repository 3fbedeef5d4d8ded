using BDense.Benchmarks.Comparison;
using BDense.Benchmarks.Workloads;
using MathNet.Numerics;
using MathNet.Numerics.LinearAlgebra.Single;

namespace BDense.Benchmarks.Context;

/// <summary>MathNet.Numerics with its managed provider: the matrix library that most C# programs have at hand.</summary>
public sealed class MathNetPeer : IPeer
{
    public MathNetPeer(int threads) => Control.MaxDegreeOfParallelism = threads;

    public string Name => "MathNet.Numerics";

    public string? Unavailable => null;

    public bool Takes(Workload work) => work is MatrixProduct;

    public IEnumerable<Running> Start(Workload work)
    {
        var w = (MatrixProduct)work;
        // Its matrices are column-major: a row-major [M,K] is the transpose of a column-major [K,M], and C' = B' A'.
        var a = new DenseMatrix(w.K, w.M, w.A);
        var b = new DenseMatrix(w.N, w.K, w.B);
        var c = new DenseMatrix(w.N, w.M);
        return [new Running("", () => b.Multiply(a, c), () => new() { ["c"] = c.Values })];
    }

    public void Dispose() { }
}
