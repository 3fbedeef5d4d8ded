namespace BDense.Kernels.Ptx.Products;

/// <summary>
/// Which tile of a result a number names: matrices of a batch one after the other; in a matrix panels of some rows of tiles; in a panel
/// columns of tiles, in those rows. Groups that run at the same time are neighbours in both directions, and what they read of A and B they
/// share in the L2 cache.
/// </summary>
internal static class TileOrder
{
    /// <param name="w">Writes.</param>
    /// <param name="index">Of the tile.</param>
    /// <param name="rowTiles">Of a matrix.</param>
    /// <param name="columnTiles">Of a matrix.</param>
    /// <param name="panel">Rows of tiles in a panel: with 1 all columns of a row come first.</param>
    public static (Register<U32> Batch, Register<U32> Row, Register<U32> Column) Of(PtxWriter w, Value<U32> index, Value<U32> rowTiles,
        Value<U32> columnTiles, int panel)
    {
        var (batch, inMatrix) = Split(w, index, rowTiles * columnTiles);
        var (number, inPanel) = Split(w, inMatrix, columnTiles * panel);
        var (column, row) = Split(w, inPanel, PtxWriter.Min(rowTiles - number * panel, panel));
        return (batch, w.Let(number * panel + row), column);
    }

    /// <summary>The quotient and the remainder of two numbers.</summary>
    public static (Register<U32> Quotient, Register<U32> Remainder) Split(PtxWriter w, Value<U32> value, Value<U32> by)
    {
        var divisor = w.Let(by);
        var quotient = w.Let(value / divisor);
        return (quotient, w.Let(value - quotient * divisor));
    }
}
