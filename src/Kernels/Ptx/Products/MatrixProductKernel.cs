namespace BDense.Kernels.Ptx.Products;

/// <summary>What <see cref="MatrixProductKernel"/> is launched with. Addresses of 16-byte aligned memory; C is float32.</summary>
internal struct MatrixProductArguments
{
    /// <summary>Addresses; the matrices of a batch lie one after the other.</summary>
    public long A, B, C;

    /// <summary>Extents: C is M x N, the sum K long.</summary>
    public int M, N, K;

    /// <summary>Not 0: C is added to.</summary>
    public int Accumulate;

    /// <summary>Of the products.</summary>
    public float Alpha;
}

/// <summary>
/// c[m, n] = alpha sum_k a[m, k] b[k, n] (+ c[m, n]) on tensor cores, a batch of them. A is stored [M, K] or, with its sum outermost, [K,
/// M]; B [N, K] or [K, N]. A group computes a tile. Grid: the batch slowest, then panels of 16 rows of tiles, in a panel columns of tiles,
/// in those rows, so that neighbours share A's and B's tiles in the L2 cache. A group reads (rows + columns) x 64 bytes a step for 64 rows
/// columns FLOPs in TF32 (32 rows columns for each 16 values of the sum in BF16). Sums over k in a fixed order.
/// </summary>
/// <param name="tile">Of a group.</param>
/// <param name="shape">TF32 or BF16.</param>
/// <param name="outermostA">Whether A is stored [K, M].</param>
/// <param name="outermostB">Whether B is stored [K, N].</param>
internal sealed class MatrixProductKernel(ProductTile tile, MmaShape shape, bool outermostA, bool outermostB)
{
    private const int PanelTiles = 16;

    /// <summary>Its text.</summary>
    public WrittenKernel Write() => PtxWriter.Kernel<MatrixProductArguments>(
        $"MatrixProduct{tile.Rows}x{tile.Columns}{(shape == MmaShape.Bf16 ? "Bf16" : "Tf32")}{(outermostA ? "T" : "N")}"
            + $"{(outermostB ? "N" : "T")}",
        "sm_80", tile.Threads, tile.SharedBytes, Body);

    private void Body(PtxWriter w, PtxArguments<MatrixProductArguments> g)
    {
        int valueBytes = 32 / shape.Depth;
        var (m, n, k) = (g.Of(x => x.M), g.Of(x => x.N), g.Of(x => x.K));
        var rowTiles = w.Let((m + (tile.Rows - 1)).As<U32>() / tile.Rows);
        var columnTiles = w.Let((n + (tile.Columns - 1)).As<U32>() / tile.Columns);
        var (batch, row, column) = TileOrder.Of(w, w.Group(), rowTiles, columnTiles, PanelTiles);
        var (firstRow, firstColumn) = (w.Let(row * tile.Rows), w.Let(column * tile.Columns));

        var warp = w.Let(w.Thread() / 32);
        var (warpRow, warpColumn) = (w.Let(tile.WarpRow(warp)), w.Let(tile.WarpColumn(warp)));
        var shared = w.SharedOfLaunch();
        var of = w.Let(batch.As<S32>());
        var a = Side(w, Products.Side.A, shared, tile.Rows, warpRow, g.Of(x => x.A) + of.Wide(m * k) * valueBytes, firstRow, m, k);
        var b = Side(w, Products.Side.B, w.Let(shared + tile.Rows * ProductTile.StepBytes), tile.Columns, warpColumn,
            g.Of(x => x.B) + of.Wide(n * k) * valueBytes, firstColumn, n, k);
        var steps = w.Let((k * valueBytes + (ProductTile.StepBytes - 1)).As<U32>() / ProductTile.StepBytes).As<S32>();
        var sums = ProductLoop.Run(w, tile, shape, a, b, steps, _ => 0f);

        var (alpha, accumulate) = (g.Of(x => x.Alpha), w.Let(g.Of(x => x.Accumulate).IsNot(0)));
        new ProductResult(w, tile, a.Layout, b.Layout, sums).Store(g.Of(x => x.C) + of.Wide(m * n) * 4, firstRow + warpRow,
            firstColumn + warpColumn, m, n, (some, at, inside) =>
            {
                var old = w.LoadVector<F32>(some.Length, at, inside & accumulate);
                return [.. some.Zip(old, (sum, c) => PtxWriter.Fma(alpha, sum, c))];
            });
    }

    private Operand Side(PtxWriter w, Side side, Value<U32> shared, int width, Value<U32> warpRow, Value<S64> matrix, Value<U32> first,
        Value<S32> extent, Value<S32> length)
    {
        int valueBytes = 32 / shape.Depth;
        if (side == Products.Side.A ? outermostA : outermostB)
        {
            var outer = new SumOutermost(w, side, shape, shared, width, tile.Threads, warpRow);
            return Operand.OfCopies(w, outer, MatrixSource.Columns(w, outer, matrix, first * valueBytes, extent * valueBytes, length,
                outer.Depth));
        }
        var inner = new SumInnermost(w, side, shared, width, tile.Threads, warpRow);
        return Operand.OfCopies(w, inner, MatrixSource.Rows(w, inner, matrix, first, extent, w.Let(length * valueBytes),
            ProductTile.StepBytes));
    }
}
