using BDense.Kernels.Ptx.Products;

namespace BDense.Kernels.Ptx.Convolution;

/// <summary>What a step copies: a tap, and 64 bytes of the source's channels. Channels fastest, then taps.</summary>
internal sealed class TapWalk
{
    private readonly PtxWriter _w;
    private readonly Register<S32> _sourceBytes, _columns, _at, _left, _piece;

    /// <param name="w">Writes.</param>
    /// <param name="g">The problem.</param>
    /// <param name="piece">Of the thread.</param>
    /// <param name="slice">Which part of the steps; null for all.</param>
    public TapWalk(PtxWriter w, PtxArguments<ConvolutionArguments> g, Value<U32> piece, Register<U32>? slice)
    {
        (_w, _sourceBytes, _columns) = (w, g.Of(x => x.SourceBytes), g.Of(x => x.Columns));
        var stepsPerTap = w.Let((_sourceBytes + (ProductTile.StepBytes - 1)).As<U32>() / ProductTile.StepBytes);
        Steps = w.Let(g.Of(x => x.Rows) * _columns * stepsPerTap.As<S32>());
        _piece = w.Let((piece * 16).As<S32>());
        if (slice is null)
        {
            (R, S, Tap, _at, _left) = (w.Let<S32>(0), w.Let<S32>(0), w.Let<S32>(0), w.Let<S32>(0), w.Let(Steps));
            return;
        }
        var perSlice = g.Of(x => x.StepsPerSlice);
        var first = w.Let(slice * perSlice.As<U32>());
        Steps = w.Let(PtxWriter.Min(Steps - first.As<S32>(), perSlice));
        var tap = w.Let(first / stepsPerTap);
        var row = w.Let(tap / _columns.As<U32>());
        (R, S) = (w.Let(row.As<S32>()), w.Let((tap - row * _columns.As<U32>()).As<S32>()));
        Tap = w.Let(tap.As<S32>() * _sourceBytes);
        _at = w.Let(((first - tap * stepsPerTap) * ProductTile.StepBytes).As<S32>());
        _left = w.Let(Steps);
    }

    /// <summary>Of the group's sum.</summary>
    public Register<S32> Steps { get; }

    /// <summary>Of the filter.</summary>
    public Register<S32> R { get; }

    public Register<S32> S { get; }

    /// <summary>Bytes in front of the tap in a row of the weights.</summary>
    public Register<S32> Tap { get; }

    /// <summary>Bytes in front of the thread's piece in a pixel.</summary>
    public Value<S32> Offset => _at + _piece;

    /// <summary>Whether the piece and the step are there: behind the last channel and behind the last step are zeros.</summary>
    public Value<Predicate> Exists => (Offset < _sourceBytes) & (_left > 0);

    /// <summary>The next step.</summary>
    /// <param name="onTap">Where it is of another tap.</param>
    public void Next(Action onTap)
    {
        _w.Set(_left, _left - 1);
        _w.Set(_at, _at + ProductTile.StepBytes);
        // The same for all threads.
        _w.If(_at >= _sourceBytes, () =>
        {
            _w.Set(_at, 0);
            _w.Set(Tap, Tap + _sourceBytes);
            _w.Set(S, S + 1);
            var isLast = _w.Let(S.Is(_columns));
            _w.Set(R, PtxWriter.Select(isLast, R + 1, R));
            _w.Set(S, PtxWriter.Select<S32>(isLast, 0, S));
            onTap();
        });
    }
}
