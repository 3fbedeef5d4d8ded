using BDense.Kernels.Ptx.Convolution;

namespace BDense.Kernels.Ptx.Hopper;

/// <summary>
/// wgrad's columns, taps and channels together, for 64 pixels a step: rows of a transposed <see cref="SharedTile"/>. A thread copies the
/// same piece of 16 bytes of each block of 64 columns, for every 16th pixel.
/// </summary>
internal sealed class TapGather
{
    private const int Threads = WarpgroupTile.Warpgroup, RowThreads = 8, PassRows = Threads / RowThreads;

    private readonly PtxWriter _w;
    private readonly PixelWalk _walk;
    private readonly (TapColumn Column, Register<Predicate> Exists)[] _columns;
    private readonly Register<S32> _left;
    private readonly Register<U32> _to;
    private readonly int _depth;

    /// <param name="w">Writes.</param>
    /// <param name="g">The problem.</param>
    /// <param name="layout">Of the tile.</param>
    /// <param name="shared">Where it begins in stage 0.</param>
    /// <param name="width">Columns of the tile.</param>
    /// <param name="first">Pixel of the slice.</param>
    /// <param name="count">Of the slice's pixels.</param>
    /// <param name="firstByte">Of the tile, in a row of taps and channels.</param>
    /// <param name="rowBytes">Of all taps.</param>
    public TapGather(PtxWriter w, PtxArguments<WgradArguments> g, SharedTile layout, Value<U32> shared, int width, Value<S32> first,
        Value<S32> count, Value<U32> firstByte, Value<S32> rowBytes)
    {
        var (row, piece) = (w.Let(w.Thread() / RowThreads), w.Let(w.Thread() % RowThreads));
        (_w, _depth) = (w, layout.Depth);
        // 16 rows further the swizzle is the same.
        _to = w.Let(shared + SharedTile.Place(row, piece));
        _left = w.Let(count - row.As<S32>());
        _walk = new PixelWalk(w, g, first.As<U32>() + row, layout.Depth / PassRows, PassRows);
        _columns = [.. Enumerable.Range(0, width / 64).Select(block =>
        {
            var place = w.Let(firstByte + block * WarpgroupTile.StepBytes + piece * 16);
            return (new TapColumn(w, g, place, wide: 1), w.Let(place.As<S32>() < rowBytes));
        })];
    }

    /// <summary>Begins the copies of a step, and turns to the next.</summary>
    public void Copy(Value<U32> stage)
    {
        var to = _w.Let(_to + stage);
        for (int pass = 0; pass < _walk.Pixels.Length; pass++)
        {
            var exists = _w.Let(_left > pass * PassRows);
            for (int block = 0; block < _columns.Length; block++)
            {
                var (column, isThere) = _columns[block];
                _w.CopyAsync(to + (block * WarpgroupTile.BlockBytes + pass * PassRows * WarpgroupTile.StepBytes),
                    column.Address(_walk.Pixels[pass]), exists & isThere & column.Inside(_walk.Pixels[pass]));
            }
        }
        _w.Set(_left, _left - _depth);
        _walk.Next();
    }
}
