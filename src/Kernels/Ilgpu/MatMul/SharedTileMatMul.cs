using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu.Convolution;
using BDense.Kernels.Ilgpu.Tiles;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

/// <summary>A batch of products as the shared-tile kernel takes it. M, N, K as in <see cref="MatMulShape"/>.</summary>
internal struct TileMatMul
{
    public int M, N, K, TransA, TransB, Accumulate;
    public float Alpha;
}

/// <summary>
/// Thread t fetches eight values of row t of A, or four columns of two lines of A stored [K,M]; and four columns of a line of B, or four
/// values of one column of B stored [N,K]. The branches are the same for all threads.
/// </summary>
internal struct MatMulSource : ITileSource
{
    private TileMatMul _g;
    private ArrayView<Float4> _a, _b;

    /// <summary>Where this thread reads next, in Float4s, how far a step goes, and whether its row and column exist.</summary>
    private int _fromA, _stepA, _fromB, _stepB, _rowExists, _columnExists;

    /// <summary>The next step's first value of the sum, and this thread's first lines of the tiles.</summary>
    private int _k, _lineA, _lineB;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static MatMulSource Start(in TileMatMul g, ArrayView<Float4> a, ArrayView<Float4> b, int batch, int firstRow, int firstColumn)
    {
        var f = new MatMulSource { _g = g, _a = a, _b = b };
        int t = Group.IdxX;
        int startA = batch * (g.M * g.K / 4), startB = batch * (g.K * g.N / 4);
        if (g.TransA != 0)
        {
            int row = firstRow + t % SharedTile.Rows4 * 4;
            f._lineA = t / SharedTile.Rows4;
            f._rowExists = row < g.M ? 1 : 0;
            f._fromA = startA + (f._lineA * g.M + row) / 4;
            f._stepA = SharedTile.Depth * g.M / 4;
        }
        else
        {
            f._rowExists = firstRow + t < g.M ? 1 : 0;
            f._fromA = startA + (firstRow + t) * (g.K / 4);
            f._stepA = SharedTile.Depth / 4;
        }
        if (g.TransB != 0)
        {
            int column = firstColumn + t % SharedTile.Columns;
            f._lineB = t / SharedTile.Columns * 4;
            f._columnExists = column < g.N ? 1 : 0;
            f._fromB = startB + (column * g.K + f._lineB) / 4;
            f._stepB = SharedTile.Depth / 4;
        }
        else
        {
            int column = firstColumn + t % SharedTile.Columns4 * 4;
            f._lineB = t / SharedTile.Columns4;
            f._columnExists = column < g.N ? 1 : 0;
            f._fromB = startB + (f._lineB * g.N + column) / 4;
            f._stepB = SharedTile.Depth * g.N / 4;
        }
        return f;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TileFetch Fetch()
    {
        var f = new TileFetch();
        // A's second Float4: four values of the sum further on, in the row or four lines below.
        int second = _g.TransA != 0 ? _g.M : 1;
        if (_rowExists != 0 && _k + _lineA < _g.K)
            f.A0 = _a[_fromA];
        if (_rowExists != 0 && _k + _lineA + 4 < _g.K)
            f.A1 = _a[_fromA + second];
        if (_columnExists != 0 && _k + _lineB < _g.K)
            f.B = _b[_fromB];
        _fromA += _stepA;
        _fromB += _stepB;
        _k += SharedTile.Depth;
        return f;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(TileFetch fetched, ArrayView<Float4> a, ArrayView<Float4> b)
    {
        int t = Group.IdxX;
        if (_g.TransA != 0)
        {
            a[t] = fetched.A0;
            a[t + SharedTile.GroupSize] = fetched.A1;
        }
        else
        {
            SharedTile.StoreAcross(a, t, SharedTile.Rows, fetched.A0);
            SharedTile.StoreAcross(a, t + 4 * SharedTile.Rows, SharedTile.Rows, fetched.A1);
        }
        if (_g.TransB != 0)
            SharedTile.StoreAcross(b, _lineB * SharedTile.Columns + t % SharedTile.Columns, SharedTile.Columns, fetched.B);
        else
            b[t] = fetched.B;
    }
}

public sealed partial class IlgpuBackend
{
    /// <summary>c = alpha a b (+ c) through shared memory: true if it was done, false where the plan says otherwise.</summary>
    private bool SharedTileMatMul(in MatMulShape s, Tensor a, Tensor b, Tensor c, float alpha, bool accumulate)
    {
        // Sixteen bytes at a time along whatever axis is innermost.
        bool fours = (s.TransA ? s.M : s.K) % 4 == 0 && (s.TransB ? s.K : s.N) % 4 == 0;
        if (!fours || !ConvolutionPlan.UseSharedTile(Tiling, s.M, s.N, s.K / 4 * 4, Aligned(a) && Aligned(b) && Aligned(c)))
            return false;
        var g = new TileMatMul
        {
            M = s.M,
            N = s.N,
            K = s.K,
            TransA = s.TransA ? 1 : 0,
            TransB = s.TransB ? 1 : 0,
            Accumulate = accumulate ? 1 : 0,
            Alpha = alpha,
        };
        LaunchGroups(MatMulSharedTileKernel, Threads(s.Batch * SharedTile.Tiles(s.M, s.N)), g, View4(a), View4(b), View4(c));
        return true;
    }

    /// <summary>
    /// c[b,m,n] (+)= alpha sum_k a[b,m,k] b[b,k,n] (<see cref="SharedTile"/>): 128 rows by 64 columns a group, all four transpositions.
    /// Grid: tiles of columns fastest, then of rows, then the batch. 2 M N K FLOPs a product; a read once for each 64 columns, b for each
    /// 128 rows.
    /// </summary>
    [Kernel(SharedTile.GroupSize, Hot = true)]
    internal static void MatMulSharedTileKernel(TileMatMul g, ArrayView<Float4> a, ArrayView<Float4> b, ArrayView<Float4> c)
    {
        int tilesN = (g.N + SharedTile.Columns - 1) / SharedTile.Columns, tilesM = (g.M + SharedTile.Rows - 1) / SharedTile.Rows;
        int rest = Grid.IdxX / tilesN, batch = rest / tilesM;
        int firstRow = (rest - batch * tilesM) * SharedTile.Rows, firstColumn = (Grid.IdxX - rest * tilesN) * SharedTile.Columns;
        var source = MatMulSource.Start(g, a, b, batch, firstRow, firstColumn);
        var acc = SharedTile.Multiply(ref source, (g.K + SharedTile.Depth - 1) / SharedTile.Depth);

        int row = firstRow + SharedTile.Row(Group.IdxX), column = firstColumn + SharedTile.Column4(Group.IdxX) * 4;
        StoreProductTile(g, c, batch, row, column, acc.R0L, acc.R1L, acc.R2L, acc.R3L, acc.R4L, acc.R5L, acc.R6L, acc.R7L);
        StoreProductTile(g, c, batch, row, column + 32, acc.R0R, acc.R1R, acc.R2R, acc.R3R, acc.R4R, acc.R5R, acc.R6R, acc.R7R);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreProductTile(in TileMatMul g, ArrayView<Float4> c, int batch, int row, int column,
        Float4 v0, Float4 v1, Float4 v2, Float4 v3, Float4 v4, Float4 v5, Float4 v6, Float4 v7)
    {
        if (column >= g.N)
            return;
        int to = (batch * g.M + row) * (g.N / 4) + column / 4;
        StoreProduct(g, c, row, to, v0);
        StoreProduct(g, c, row + 1, to + g.N / 4, v1);
        StoreProduct(g, c, row + 2, to + 2 * (g.N / 4), v2);
        StoreProduct(g, c, row + 3, to + 3 * (g.N / 4), v3);
        StoreProduct(g, c, row + 4, to + 4 * (g.N / 4), v4);
        StoreProduct(g, c, row + 5, to + 5 * (g.N / 4), v5);
        StoreProduct(g, c, row + 6, to + 6 * (g.N / 4), v6);
        StoreProduct(g, c, row + 7, to + 7 * (g.N / 4), v7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreProduct(in TileMatMul g, ArrayView<Float4> c, int row, int to, Float4 v)
    {
        if (row >= g.M)
            return;
        var sum = g.Accumulate != 0 ? c[to] : new Float4(0f, 0f, 0f, 0f);
        Float4.AddScaled(ref sum, g.Alpha, v);
        c[to] = sum;
    }
}
