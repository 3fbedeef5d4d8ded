using BDense.Kernels.Ptx.Products;

namespace BDense.Kernels.Ptx.Convolution;

/// <summary>Columns of B: for a thread always the same tap and channels, of one pixel after the other.</summary>
internal sealed class TapSource : IActivatedSource
{
    private readonly PtxWriter _w;
    private readonly SumOutermost _layout;
    private readonly PixelWalk _walk;
    private readonly TapColumn _column;
    private readonly Register<S32> _left;
    private readonly Register<S64> _factors;

    /// <param name="w">Writes.</param>
    /// <param name="g">The problem.</param>
    /// <param name="layout">Whose pieces it gives.</param>
    /// <param name="first">Pixel of the slice.</param>
    /// <param name="count">Of the slice's pixels.</param>
    /// <param name="firstByte">Of the tile, in a row of taps and channels.</param>
    /// <param name="rowBytes">Of all taps.</param>
    /// <param name="wide">Bytes of a source value for each byte of a factor.</param>
    public TapSource(PtxWriter w, PtxArguments<WgradArguments> g, SumOutermost layout, Value<S32> first, Value<S32> count,
        Value<U32> firstByte, Value<S32> rowBytes, int wide)
    {
        (_w, _layout, _factors) = (w, layout, g.Of(x => x.Factors));
        var place = w.Let(firstByte + layout.Piece * 16);
        _column = new TapColumn(w, g, place, wide);
        _left = w.Let(PtxWriter.Select(place.As<S32>() < rowBytes, count - layout.Row.As<S32>(), 0));
        _walk = new PixelWalk(w, g, first.As<U32>() + layout.Row, layout.Passes, layout.PassRows);
    }

    public Value<S64> Address(int pass) => _column.Address(_walk.Pixels[pass]);

    public Value<Predicate> Inside(int pass) => (_left > pass * _layout.PassRows) & _column.Inside(_walk.Pixels[pass]);

    public Value<S64> Factors(int pass) => _column.Factors(_factors, _walk.Pixels[pass]);

    /// <summary>A step further.</summary>
    public void Next()
    {
        _w.Set(_left, _left - _layout.Depth);
        _walk.Next();
    }
}
