using BDense.Kernels.Ptx.Products;

namespace BDense.Kernels.Ptx.Hopper;

/// <summary>
/// The pieces of a <see cref="SharedTile"/> that a thread copies: eight neighbouring threads a row of 128 bytes, which are all 32 banks of
/// shared memory once, and 128 neighbouring bytes of global memory.
/// </summary>
internal sealed class SwizzledPieces : IPieces
{
    private readonly Register<U32>[] _to;

    /// <param name="w">Writes.</param>
    /// <param name="tile">How the operand lies.</param>
    /// <param name="shared">Where it begins in stage 0.</param>
    /// <param name="width">Rows of the group's tile; columns for B.</param>
    /// <param name="threads">That copy, from thread 0 on: at least width / 8 and a multiple of 64.</param>
    public SwizzledPieces(PtxWriter w, SharedTile tile, Value<U32> shared, int width, int threads)
    {
        int pieces = tile.IsTransposed ? width / 8 : 8;
        (PassRows, Passes) = (threads / pieces, (tile.IsTransposed ? tile.Depth : width) / (threads / pieces));
        (Row, Piece) = (w.Let(w.Thread() / pieces), w.Let(w.Thread() % pieces));
        // The swizzle repeats after eight rows.
        _to = w.Let(Math.Min(Passes, Math.Max(1, 8 / PassRows)), pass =>
            shared + Piece / 8 * WarpgroupTile.BlockBytes + SharedTile.Place(Row + pass * PassRows, Piece % 8));
    }

    /// <inheritdoc/>
    public int Passes { get; }

    /// <inheritdoc/>
    public Register<U32> Row { get; }

    /// <inheritdoc/>
    public Register<U32> Piece { get; }

    /// <inheritdoc/>
    public int PassRows { get; }

    /// <inheritdoc/>
    public Value<U32> Place(int pass) => _to[pass % _to.Length] + pass / _to.Length * _to.Length * PassRows * WarpgroupTile.StepBytes;
}
