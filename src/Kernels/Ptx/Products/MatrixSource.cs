namespace BDense.Kernels.Ptx.Products;

/// <summary>A matrix in global memory, row-major.</summary>
internal static class MatrixSource
{
    /// <summary>Rows of the sum: the tile's are those from <paramref name="first"/> on.</summary>
    /// <param name="w">Writes.</param>
    /// <param name="layout">Whose pieces it gives.</param>
    /// <param name="matrix">Address.</param>
    /// <param name="first">Row of the tile.</param>
    /// <param name="rows">That there are.</param>
    /// <param name="rowBytes">Of a whole row.</param>
    /// <param name="from">The sum's first byte in a row; null for the row's own.</param>
    public static IOperandSource Rows(PtxWriter w, SumInnermost layout, Value<S64> matrix, Value<U32> first, Value<S32> rows,
        Value<S32> rowBytes, Value<S32>? from = null)
    {
        var offset = w.Let((layout.Piece * 16).As<S32>() + (from ?? 0));
        var row = w.Let((layout.Row + first).As<S32>());
        int pass = layout.PassRows;
        var left = w.Let(layout.Passes, n => PtxWriter.Select(row + n * pass < rows, rowBytes - offset, 0));
        var places = w.Let(layout.Passes, n => matrix + (row + n * pass).Wide(rowBytes) + offset.Long());
        return new Stepping(w, places, left, ProductTile.StepBytes, ProductTile.StepBytes);
    }

    /// <summary>Values of the sum one below the other.</summary>
    /// <param name="w">Writes.</param>
    /// <param name="layout">Whose pieces it gives.</param>
    /// <param name="matrix">Address of the sum's first value.</param>
    /// <param name="firstByte">Of the tile, in a row of the matrix.</param>
    /// <param name="rowBytes">Of the matrix.</param>
    /// <param name="length">Of the sum.</param>
    public static IOperandSource Columns(PtxWriter w, SumOutermost layout, Value<S64> matrix, Value<U32> firstByte, Value<S32> rowBytes,
        Value<S32> length)
    {
        var (pitch, row) = (w.Let(rowBytes), w.Let(layout.Row.As<S32>()));
        var offset = w.Let((firstByte + layout.Piece * 16).As<S32>());
        // Of a piece that is outside there is nothing.
        var left = w.Let(layout.Passes, n => PtxWriter.Select(offset < pitch, length - row - n * layout.PassRows, 0));
        var from = w.Let(layout.Passes, n => matrix + (row + n * layout.PassRows).Wide(pitch) + offset.Long());
        return new Stepping(w, from, left, layout.Depth, w.Let(pitch.Wide(layout.Depth)));
    }

    /// <summary>Addresses that go on by the same bytes, for as long as there is something left.</summary>
    private sealed class Stepping(PtxWriter w, Register<S64>[] from, Register<S32>[] left, int leftStep, Value<S64> step) : IOperandSource
    {
        public Value<S64> Address(int pass) => from[pass];

        public Value<Predicate> Inside(int pass) => left[pass] > 0;

        public void Next()
        {
            for (int n = 0; n < from.Length; n++)
            {
                w.Set(from[n], from[n] + step);
                w.Set(left[n], left[n] - leftStep);
            }
        }
    }
}
