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

    /// <summary>Groups of a slice, and steps that a group adds up, where the sum is in slices.</summary>
    public int Tiles, StepsPerSlice;

    /// <summary>Of the products.</summary>
    public float Alpha;
}

/// <summary>
/// c[m, n] = alpha sum_k a[m, k] b[k, n] (+ c[m, n]) on tensor cores, a batch of them. A is stored [M, K] or, with its sum outermost, [K,
/// M]; B [N, K] or [K, N]. A group computes a tile. Grid: the batch slowest, then panels of 16 rows of tiles, in a panel columns of tiles,
/// in those rows, so that neighbours share A's and B's tiles in the L2 cache. A group reads (rows + columns) x 64 bytes a step for 64 rows
/// columns FLOPs in TF32 (32 rows columns for each 16 values of the sum in BF16). Sums over k in a fixed order. In slices, which are
/// slowest, C is [slices, batch, M, N] and holds plain sums, which another kernel adds up in order.
/// </summary>
/// <param name="Tile">Of a group.</param>
/// <param name="Shape">TF32 or BF16.</param>
/// <param name="OutermostA">Whether A is stored [K, M].</param>
/// <param name="OutermostB">Whether B is stored [K, N].</param>
/// <param name="IsSliced">Whether a group adds up a part of the sum.</param>
internal sealed record MatrixProductKernel(ProductTile Tile, MmaShape Shape, bool OutermostA, bool OutermostB, bool IsSliced = false)
    : IWrittenKernel
{
    private const int PanelTiles = 16;

    /// <inheritdoc/>
    public string Name => $"Tensor{(IsSliced ? "Sliced" : "")}Product{(OutermostA ? "T" : "N")}{(OutermostB ? "N" : "T")}{Tile.Text}"
        + $"{Shape.Name}Kernel";

    /// <inheritdoc/>
    public int Threads => Tile.Threads;

    /// <inheritdoc/>
    public int SharedBytes => Tile.SharedBytes;

    /// <inheritdoc/>
    public WrittenKernel Write() => PtxWriter.Kernel<MatrixProductArguments>(Name, "sm_80", Threads, SharedBytes, Body);

    private void Body(PtxWriter w, PtxArguments<MatrixProductArguments> g)
    {
        var (tile, shape) = (Tile, Shape);
        int valueBytes = 32 / shape.Depth;
        var (m, n, k) = (g.Of(x => x.M), g.Of(x => x.N), g.Of(x => x.K));
        var rowTiles = w.Let((m + (tile.Rows - 1)).As<U32>() / tile.Rows);
        var columnTiles = w.Let((n + (tile.Columns - 1)).As<U32>() / tile.Columns);
        var group = w.Group();
        Register<S32>? slice = null;
        if (IsSliced)
        {
            var (quotient, remainder) = Split(w, group, g.Of(x => x.Tiles).As<U32>());
            (slice, group) = (w.Let(quotient.As<S32>()), remainder);
        }
        var (batch, index) = Split(w, group, rowTiles * columnTiles);
        var (panel, inPanel) = Split(w, index, columnTiles * PanelTiles);
        var (column, row) = Split(w, inPanel, PtxWriter.Min(rowTiles - panel * PanelTiles, PanelTiles));
        var (firstRow, firstColumn) = (w.Let((panel * PanelTiles + row) * tile.Rows), w.Let(column * tile.Columns));

        var warp = w.Let(w.Thread() / 32);
        var (warpRow, warpColumn) = (w.Let(tile.WarpRow(warp)), w.Let(tile.WarpColumn(warp)));
        var shared = w.SharedOfLaunch();
        var of = w.Let(batch.As<S32>());
        var steps = w.Let(w.Let((k * valueBytes + (ProductTile.StepBytes - 1)).As<U32>() / ProductTile.StepBytes).As<S32>());
        var firstStep = slice is null ? null : w.Let(slice * g.Of(x => x.StepsPerSlice));
        if (firstStep is not null)
            steps = w.Let(PtxWriter.Min(steps - firstStep, g.Of(x => x.StepsPerSlice)));
        var a = Side(w, Products.Side.A, shared, tile.Rows, warpRow, g.Of(x => x.A) + of.Wide(m * k) * valueBytes, firstRow, m, k,
            firstStep);
        var b = Side(w, Products.Side.B, w.Let(shared + tile.Rows * ProductTile.StepBytes), tile.Columns, warpColumn,
            g.Of(x => x.B) + of.Wide(n * k) * valueBytes, firstColumn, n, k, firstStep);
        var sums = ProductLoop.Run(w, tile, shape, a, b, steps, _ => 0f);

        var result = new ProductResult(w, tile, a.Layout, b.Layout, sums);
        var (toRow, toColumn) = (firstRow + warpRow, firstColumn + warpColumn);
        if (slice is not null)
        {
            // Groups of a slice over those of one matrix.
            var batches = w.Let((g.Of(x => x.Tiles).As<U32>() / (rowTiles * columnTiles)).As<S32>());
            result.Store(g.Of(x => x.C) + (slice * batches + of).Wide(m * n) * 4, toRow, toColumn, m, n, (some, _, _) => some);
            return;
        }
        var (alpha, accumulate) = (g.Of(x => x.Alpha), w.Let(g.Of(x => x.Accumulate).IsNot(0)));
        result.Store(g.Of(x => x.C) + of.Wide(m * n) * 4, toRow, toColumn, m, n, (some, at, inside) =>
        {
            var old = w.LoadVector<F32>(some.Length, at, inside & accumulate);
            return [.. some.Zip(old, (sum, c) => PtxWriter.Fma(alpha, sum, c))];
        });
    }

    /// <summary>An operand from its <paramref name="firstStep"/> on; null for the first.</summary>
    private Operand Side(PtxWriter w, Side side, Value<U32> shared, int width, Value<U32> warpRow, Value<S64> matrix, Value<U32> first,
        Value<S32> extent, Value<S32> length, Register<S32>? firstStep)
    {
        int valueBytes = Shape.ValueBytes;
        if (side == Products.Side.A ? OutermostA : OutermostB)
        {
            var outer = new SumOutermost(w, side, Shape, shared, width, Threads, warpRow);
            var rowBytes = w.Let(extent * valueBytes);
            if (firstStep is not null)
                (matrix, length) = (matrix + (firstStep * outer.Depth).Wide(rowBytes), length - firstStep * outer.Depth);
            return Operand.OfCopies(w, outer, MatrixSource.Columns(w, outer, matrix, first * valueBytes, rowBytes, length));
        }
        var inner = new SumInnermost(w, side, shared, width, Threads, warpRow);
        var bytes = w.Let(length * valueBytes);
        var from = firstStep is null ? null : w.Let(firstStep * ProductTile.StepBytes);
        return Operand.OfCopies(w, inner, MatrixSource.Rows(w, inner, matrix, first, extent, bytes, from));
    }

    private static (Register<U32> Quotient, Register<U32> Remainder) Split(PtxWriter w, Value<U32> value, Value<U32> by)
    {
        var divisor = w.Let(by);
        var quotient = w.Let(value / divisor);
        return (quotient, w.Let(value - quotient * divisor));
    }
}
