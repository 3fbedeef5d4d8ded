using BDense.Kernels.Ptx.Products;

namespace BDense.Kernels.Ptx.Convolution;

/// <summary>Rows of A: what the current tap reads for a pixel of the result. In the padding there is nothing.</summary>
internal sealed class PixelSource : IActivatedSource
{
    private sealed record Row(Register<S32> N, Register<S32> P, Register<S32> Q, Register<Predicate> Exists, Register<S64> Address,
        Register<Predicate> Inside);

    private readonly PtxWriter _w;
    private readonly TapWalk _walk;
    private readonly bool _isTransposed;
    private readonly int _wide;
    private readonly Row[] _rows;
    private readonly Register<S64> _x, _factors;
    private readonly Register<S32> _stride, _pad, _sourceHeight, _sourceWidth, _pixelBytes;

    /// <param name="w">Writes.</param>
    /// <param name="g">The problem.</param>
    /// <param name="walk">Taps.</param>
    /// <param name="layout">Whose pieces it gives.</param>
    /// <param name="firstRow">Pixel of the tile.</param>
    /// <param name="isTransposed">dgrad.</param>
    /// <param name="wide">Bytes of a source value for each byte of a factor.</param>
    public PixelSource(PtxWriter w, PtxArguments<ConvolutionArguments> g, TapWalk walk, IPieces layout, Value<U32> firstRow,
        bool isTransposed, int wide)
    {
        (_w, _walk, _isTransposed, _wide) = (w, walk, isTransposed, wide);
        (_x, _factors, _stride, _pad) = (g.Of(x => x.X), g.Of(x => x.Factors), g.Of(x => x.Stride), g.Of(x => x.Pad));
        (_sourceHeight, _sourceWidth) = (g.Of(x => x.SourceHeight), g.Of(x => x.SourceWidth));
        _pixelBytes = w.Let(g.Of(x => x.SourceBytes) * wide);
        var (pixels, height, width) = (g.Of(x => x.Pixels), g.Of(x => x.Height).As<U32>(), g.Of(x => x.Width).As<U32>());
        _rows = [.. Enumerable.Range(0, layout.Passes).Select(pass =>
        {
            var m = w.Let(firstRow + layout.Row + pass * layout.PassRows);
            var line = w.Let(m / width);
            var n = w.Let(line / height);
            return new Row(w.Let(n.As<S32>()), w.Let((line - n * height).As<S32>()), w.Let((m - line * width).As<S32>()),
                w.Let(m.As<S32>() < pixels), w.Registers<S64>(1)[0], w.Registers<Predicate>(1)[0]);
        })];
        ReadTaps();
    }

    public Value<S64> Address(int pass) => _rows[pass].Address + (_walk.Offset * _wide).Long();

    public Value<Predicate> Inside(int pass) => _rows[pass].Inside & _walk.Exists;

    public Value<S64> Factors(int pass) => _factors + _rows[pass].N.Wide(_pixelBytes) * 2 + (_walk.Offset * _wide).Long();

    public void Next() => _walk.Next(ReadTaps);

    /// <summary>Selects and no branches: a warp must not part before ldmatrix and mma, which want all of its lanes.</summary>
    private void ReadTaps()
    {
        foreach (var row in _rows)
        {
            var (h, v, exact) = (_w.Let(row.P * _stride + _walk.R - _pad), _w.Let(row.Q * _stride + _walk.S - _pad), row.Exists);
            if (_isTransposed)
            {
                var (up, left) = (_w.Let(row.P + _pad - _walk.R), _w.Let(row.Q + _pad - _walk.S));
                (h, v) = (_w.Let(up / _stride), _w.Let(left / _stride));
                exact = _w.Let(exact & (h * _stride).Is(up) & (v * _stride).Is(left));
            }
            // Unsigned, so that what lies before the first is behind the last.
            _w.Set(row.Inside, exact & (h.As<U32>() < _sourceHeight.As<U32>()) & (v.As<U32>() < _sourceWidth.As<U32>()));
            _w.Set(row.Address, _x + ((row.N * _sourceHeight + h) * _sourceWidth + v).Wide(_pixelBytes));
        }
    }
}
