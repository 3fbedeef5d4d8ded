namespace BDense.Kernels.Ptx.Convolution;

/// <summary>16 bytes of wgrad's columns, which count taps and channels together: one tap, and some of its channels.</summary>
internal sealed class TapColumn
{
    private readonly Register<S32> _r, _s, _stride, _sourceHeight, _sourceWidth, _pixelBytes;
    private readonly Register<S64> _x;
    private readonly int _wide;

    /// <param name="w">Writes.</param>
    /// <param name="g">The problem.</param>
    /// <param name="place">Byte in a row of taps and channels.</param>
    /// <param name="wide">Bytes of a source value for each byte of a factor.</param>
    public TapColumn(PtxWriter w, PtxArguments<WgradArguments> g, Value<U32> place, int wide)
    {
        (_x, _stride, _wide) = (g.Of(x => x.X), g.Of(x => x.Stride), wide);
        (_sourceHeight, _sourceWidth) = (g.Of(x => x.SourceHeight), g.Of(x => x.SourceWidth));
        var (sourceBytes, filterColumns, pad) = (g.Of(x => x.SourceBytes), g.Of(x => x.KernelColumns), g.Of(x => x.Pad));
        _pixelBytes = w.Let(sourceBytes * wide);
        var at = w.Let(place);
        var tap = w.Let(at / sourceBytes.As<U32>());
        var row = w.Let(tap / filterColumns.As<U32>());
        Offset = w.Let((at - tap * sourceBytes.As<U32>()).As<S32>());
        (_r, _s) = (w.Let(row.As<S32>() - pad), w.Let((tap - row * filterColumns.As<U32>()).As<S32>() - pad));
    }

    /// <summary>Bytes in front of them in a pixel.</summary>
    public Register<S32> Offset { get; }

    /// <summary>What the tap reads for a pixel of dy.</summary>
    public Value<S64> Address(WalkedPixel of) =>
        _x + ((of.N * _sourceHeight + H(of)) * _sourceWidth + V(of)).Wide(_pixelBytes) + (Offset * _wide).Long();

    /// <summary>Whether that is in the image. Unsigned, so that what lies before the first is behind the last.</summary>
    public Value<Predicate> Inside(WalkedPixel of) =>
        (H(of).As<U32>() < _sourceHeight.As<U32>()) & (V(of).As<U32>() < _sourceWidth.As<U32>());

    /// <summary>The prologue's factors for the pixel's sample.</summary>
    public Value<S64> Factors(Value<S64> factors, WalkedPixel of) => factors + of.N.Wide(_pixelBytes) * 2 + (Offset * _wide).Long();

    private Value<S32> H(WalkedPixel of) => of.P * _stride + _r;

    private Value<S32> V(WalkedPixel of) => of.Q * _stride + _s;
}
