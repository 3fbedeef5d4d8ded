using BDense.Kernels.Profiling;

namespace BDense.Kernels;

/// <summary>A batch of row-major matrix products C = op(A) op(B).</summary>
/// <param name="Batch">Number of products; the matrices of a batch lie one after the other.</param>
/// <param name="M">Rows of C.</param>
/// <param name="N">Columns of C.</param>
/// <param name="K">Length of the sums.</param>
/// <param name="TransA">A is stored [K,M] instead of [M,K].</param>
/// <param name="TransB">B is stored [N,K] instead of [K,N].</param>
public readonly record struct MatMulShape(int Batch, int M, int N, int K, bool TransA = false, bool TransB = false)
{
    /// <summary>A as it is stored: [Batch,M,K], or [Batch,K,M] if transposed.</summary>
    public Shape A => TransA ? new(Batch, K, M) : new(Batch, M, K);

    /// <summary>B as it is stored: [Batch,K,N], or [Batch,N,K] if transposed.</summary>
    public Shape B => TransB ? new(Batch, N, K) : new(Batch, K, N);

    /// <summary>[Batch,M,N]</summary>
    public Shape C => new(Batch, M, N);

    /// <summary>Multiply-adds of all products.</summary>
    public long Macs => (long)Batch * M * N * K;
}

public abstract partial class Backend
{
    /// <summary>
    /// c[b,m,n] = alpha * sum_k op(a)[b,m,k] op(b)[b,k,n], added to c if <paramref name="accumulate"/>. a and b may be BF16, and c where
    /// nothing is added to it.
    /// </summary>
    public void MatMul(in MatMulShape s, Tensor a, Tensor b, Tensor c, float alpha = 1f, bool accumulate = false)
    {
        Require(s is { Batch: >= 0, M: > 0, N: > 0, K: > 0 }, $"no such product: {s}");
        ExpectActivation(a, s.A);
        ExpectActivation(b, s.B);
        if (accumulate)
            Expect(c, s.C);
        else
            ExpectActivation(c, s.C);
        Report(new OpCost(a.Bytes + b.Bytes + (accumulate ? c.Bytes : 0), c.Bytes, 2 * s.Macs) { Macs = s.Macs });
        Writes(c);
        if (!Computes)
            return;
        using var t = Operands(nameof(MatMul), a, b, c);
        MatMulCore(s, t.Read(a), t.Read(b), t.Write(c), alpha, accumulate);
        t.Store();
    }

    private protected abstract void MatMulCore(in MatMulShape s, Tensor a, Tensor b, Tensor c, float alpha, bool accumulate);

    /// <summary>As <c>bdense profile</c> runs it.</summary>
    internal static IEnumerable<CatalogOperation> MatMulByName()
    {
        foreach (var (name, transA, transB) in new[] { ("matmul", false, false), ("matmul-at", true, false), ("matmul-bt", false, true) })
        {
            yield return new(name, ["M", "N", "K"], [256, 256, 256], (t, e) =>
            {
                var s = new MatMulShape(1, e[0], e[1], e[2], transA, transB);
                Tensor a = t.Normal(s.A), b = t.Normal(s.B), c = t.Empty(s.C);
                return [new("forward", () => t.Backend.MatMul(s, a, b, c))];
            });
        }
    }
}
