namespace BDense.Kernels.Ptx.Hopper;

/// <summary>
/// An operand that bulk copies bring. K-major a step is one box of 128 bytes of each row; transposed a box for each 64 rows or columns.
/// Outside of the matrix are zeros.
/// </summary>
/// <param name="Tile">How it lies in shared memory.</param>
/// <param name="Width">Rows of the group's tile; columns for B.</param>
internal sealed record BulkOperand(SharedTile Tile, int Width)
{
    /// <summary>What its map is made of.</summary>
    /// <param name="address">A multiple of 16.</param>
    /// <param name="batch">Matrices, one behind the other.</param>
    /// <param name="extent">M, or N.</param>
    /// <param name="length">K; the extent that is innermost takes a multiple of 16 bytes.</param>
    public TensorBoxes Boxes(long address, int batch, int extent, int length) => Tile.IsTransposed
        ? TensorBoxes.OfMatrices(address, Tile.Shape, batch, length, extent, Tile.Depth)
        : TensorBoxes.OfMatrices(address, Tile.Shape, batch, extent, length, Width);

    /// <summary>Asks for a step. By one thread.</summary>
    /// <param name="w">Writes.</param>
    /// <param name="to">Where it goes.</param>
    /// <param name="map">Of the matrices.</param>
    /// <param name="first">Row of A, column of B.</param>
    /// <param name="depth">First value of the sum.</param>
    /// <param name="batch">Which matrix.</param>
    /// <param name="mbarrier">That is told.</param>
    public void Copy(PtxWriter w, Value<U32> to, Value<S64> map, Value<S32> first, Value<S32> depth, Value<S32> batch,
        Value<U32> mbarrier)
    {
        if (!Tile.IsTransposed)
            w.CopyBox(to, map, [depth, first, batch], mbarrier);
        for (int column = 0; Tile.IsTransposed && column < Width; column += 64)
            w.CopyBox(to + column * WarpgroupTile.StepBytes, map, [first + column, depth, batch], mbarrier);
    }
}
