using System.Runtime.CompilerServices;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

/// <summary>Extents and strides of a batch of products: a[m,k] lies at m * StrideAM + k * StrideAK, and so on.</summary>
internal struct MatMulGeometry
{
    public int M, N, K, StrideAM, StrideAK, StrideBK, StrideBN, Accumulate;
    public float Alpha;
}

public sealed partial class IlgpuBackend
{
    private protected override void MatMulCore(in MatMulShape s, Tensor a, Tensor b, Tensor c, float alpha, bool accumulate)
    {
        if (TensorMatMul(s, a, b, c, alpha, accumulate))
            return;
        if (SharedTileMatMul(s, a, b, c, alpha, accumulate))
            return;
        var g = new MatMulGeometry
        {
            M = s.M,
            N = s.N,
            K = s.K,
            StrideAM = s.TransA ? 1 : s.K,
            StrideAK = s.TransA ? s.M : 1,
            StrideBK = s.TransB ? 1 : s.N,
            StrideBN = s.TransB ? s.K : 1,
            Accumulate = accumulate ? 1 : 0,
            Alpha = alpha,
        };
        int tiles = (s.M + 3) / 4 * ((s.N + 3) / 4);
        Launch(MatMulKernel, Threads((long)s.Batch * tiles), g, View(a), View(b), View(c));
    }

    /// <summary>
    /// c[b,m,n] (+)= alpha sum_k a[b,m,k] b[b,k,n]: a 4 x 4 tile a thread, n fastest. Per k eight loads of one float feed 16
    /// multiply-adds; any strides, so all four transpositions. 2 M N K FLOPs a product.
    /// </summary>
    [Kernel(128, Hot = true)]
    internal static void MatMulKernel(Index1D t, MatMulGeometry g, ArrayView<float> a, ArrayView<float> b, ArrayView<float> c)
    {
        int tilesN = (g.N + 3) / 4;
        int tilesM = (g.M + 3) / 4;
        int rest = t / tilesN;
        int n = (t - rest * tilesN) * 4;
        int batch = rest / tilesM;
        int m = (rest - batch * tilesM) * 4;

        // Rows and columns past the end are read again from the last one, and not stored.
        int lastM = g.M - 1, lastN = g.N - 1;
        int baseA = batch * g.M * g.K, baseB = batch * g.K * g.N;
        int a0 = baseA + m * g.StrideAM, b0 = baseB + n * g.StrideBN;
        int a1 = baseA + (m + 1 < lastM ? m + 1 : lastM) * g.StrideAM, b1 = baseB + (n + 1 < lastN ? n + 1 : lastN) * g.StrideBN;
        int a2 = baseA + (m + 2 < lastM ? m + 2 : lastM) * g.StrideAM, b2 = baseB + (n + 2 < lastN ? n + 2 : lastN) * g.StrideBN;
        int a3 = baseA + (m + 3 < lastM ? m + 3 : lastM) * g.StrideAM, b3 = baseB + (n + 3 < lastN ? n + 3 : lastN) * g.StrideBN;
        var acc = new Tile4();
        for (int k = 0; k < g.K; k++)
        {
            int ka = k * g.StrideAK, kb = k * g.StrideBK;
            Outer(ref acc, a[a0 + ka], a[a1 + ka], a[a2 + ka], a[a3 + ka], new Float4(b[b0 + kb], b[b1 + kb], b[b2 + kb], b[b3 + kb]));
        }
        int to = (batch * g.M + m) * g.N + n;
        StoreProductRow(g, acc.A, n, to, c);
        if (m + 1 < g.M)
            StoreProductRow(g, acc.B, n, to + g.N, c);
        if (m + 2 < g.M)
            StoreProductRow(g, acc.C, n, to + 2 * g.N, c);
        if (m + 3 < g.M)
            StoreProductRow(g, acc.D, n, to + 3 * g.N, c);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreProductRow(MatMulGeometry g, Float4 v, int n, int to, ArrayView<float> c)
    {
        c[to] = g.Alpha * v.X + (g.Accumulate != 0 ? c[to] : 0f);
        if (n + 1 < g.N)
            c[to + 1] = g.Alpha * v.Y + (g.Accumulate != 0 ? c[to + 1] : 0f);
        if (n + 2 < g.N)
            c[to + 2] = g.Alpha * v.Z + (g.Accumulate != 0 ? c[to + 2] : 0f);
        if (n + 3 < g.N)
            c[to + 3] = g.Alpha * v.W + (g.Accumulate != 0 ? c[to + 3] : 0f);
    }
}
