using BDense.Kernels.Ptx.Products;

namespace BDense.Kernels.Ptx.Convolution;

/// <summary>Columns of B: for a thread always the same tap and channels, of one pixel after the other.</summary>
internal sealed class TapSource : IActivatedSource
{
    private readonly PtxWriter _w;
    private readonly SumOutermost _layout;
    private readonly int _wide;
    private readonly (Register<S32> N, Register<S32> P, Register<S32> Q)[] _pixels;
    private readonly Register<S32> _left, _r, _s, _offset, _stride, _sourceHeight, _sourceWidth, _pixelBytes, _height, _width, _stepN,
        _stepP, _stepQ;
    private readonly Register<S64> _x, _factors;

    /// <param name="w">Writes.</param>
    /// <param name="g">The problem.</param>
    /// <param name="layout">Whose pieces it gives.</param>
    /// <param name="first">Pixel of the slice.</param>
    /// <param name="count">Of the slice's pixels.</param>
    /// <param name="firstByte">Of the tile, in a row of taps and channels.</param>
    /// <param name="rowBytes">Of all taps.</param>
    /// <param name="wide">Bytes of a source value for each byte of a factor.</param>
    public TapSource(PtxWriter w, PtxArguments<WgradArguments> g, SumOutermost layout, Value<S32> first, Value<S32> count,
        Value<U32> firstByte,
        Value<S32> rowBytes, int wide)
    {
        (_w, _layout, _wide) = (w, layout, wide);
        (_x, _factors, _stride) = (g.Of(x => x.X), g.Of(x => x.Factors), g.Of(x => x.Stride));
        (_sourceHeight, _sourceWidth, _height, _width) =
            (g.Of(x => x.SourceHeight), g.Of(x => x.SourceWidth), g.Of(x => x.Height), g.Of(x => x.Width));
        (_stepN, _stepP, _stepQ) = (g.Of(x => x.StepN), g.Of(x => x.StepP), g.Of(x => x.StepQ));
        var (sourceBytes, filterColumns, pad) = (g.Of(x => x.SourceBytes), g.Of(x => x.KernelColumns), g.Of(x => x.Pad));
        _pixelBytes = w.Let(sourceBytes * wide);
        var place = w.Let(firstByte + layout.Piece * 16);
        var tap = w.Let(place / sourceBytes.As<U32>());
        var row = w.Let(tap / filterColumns.As<U32>());
        _offset = w.Let((place - tap * sourceBytes.As<U32>()).As<S32>());
        (_r, _s) = (w.Let(row.As<S32>() - pad), w.Let((tap - row * filterColumns.As<U32>()).As<S32>() - pad));
        _left = w.Let(PtxWriter.Select(place.As<S32>() < rowBytes, count - layout.Row.As<S32>(), 0));
        _pixels = [.. Enumerable.Range(0, layout.Passes).Select(pass =>
        {
            var pixel = w.Let(first.As<U32>() + layout.Row + pass * layout.PassRows);
            var line = w.Let(pixel / _width.As<U32>());
            var n = w.Let(line / _height.As<U32>());
            return (w.Let(n.As<S32>()), w.Let((line - n * _height.As<U32>()).As<S32>()),
                w.Let((pixel - line * _width.As<U32>()).As<S32>()));
        })];
    }

    public Value<S64> Address(int pass) =>
        _x + ((_pixels[pass].N * _sourceHeight + H(pass)) * _sourceWidth + V(pass)).Wide(_pixelBytes) + (_offset * _wide).Long();

    public Value<Predicate> Inside(int pass) => (_left > pass * _layout.PassRows) & (H(pass).As<U32>() < _sourceHeight.As<U32>())
        & (V(pass).As<U32>() < _sourceWidth.As<U32>());

    public Value<S64> Factors(int pass) => _factors + _pixels[pass].N.Wide(_pixelBytes) * 2 + (_offset * _wide).Long();

    /// <summary>A step further, without a division: each count overflows at most once.</summary>
    public void Next()
    {
        _w.Set(_left, _left - _layout.Depth);
        foreach (var (n, p, q) in _pixels)
        {
            _w.Set(q, q + _stepQ);
            Carry(q, _width, p, _stepP);
            Carry(p, _height, n, _stepN);
        }
    }

    private void Carry(Register<S32> count, Register<S32> limit, Register<S32> above, Register<S32> step)
    {
        var over = _w.Let(count >= limit);
        _w.Set(count, PtxWriter.Select(over, count - limit, count));
        _w.Set(above, above + step + PtxWriter.Select<S32>(over, 1, 0));
    }

    private Value<S32> H(int pass) => _pixels[pass].P * _stride + _r;

    private Value<S32> V(int pass) => _pixels[pass].Q * _stride + _s;
}
