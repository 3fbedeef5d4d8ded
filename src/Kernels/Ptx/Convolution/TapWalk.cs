using BDense.Kernels.Ptx.Products;

namespace BDense.Kernels.Ptx.Convolution;

/// <summary>What a step copies: a tap, and so many bytes of the source's channels. Channels fastest, then taps.</summary>
internal sealed class TapWalk
{
    private readonly PtxWriter _w;
    private readonly int _stepBytes;
    private readonly Register<S32> _sourceBytes, _columns, _at, _left, _piece;

    public TapWalk(PtxWriter w, PtxArguments<ConvolutionArguments> g, Value<U32> piece, int stepBytes = ProductTile.StepBytes)
    {
        (_w, _stepBytes, _sourceBytes, _columns) = (w, stepBytes, g.Of(x => x.SourceBytes), g.Of(x => x.Columns));
        Steps = Count(w, g, stepBytes);
        _piece = w.Let((piece * 16).As<S32>());
        (R, S, Tap, _at, _left) = (w.Let<S32>(0), w.Let<S32>(0), w.Let<S32>(0), w.Let<S32>(0), w.Let(Steps));
    }

    public Register<S32> Steps { get; }

    /// <summary>Steps of a tile.</summary>
    public static Register<S32> Count(PtxWriter w, PtxArguments<ConvolutionArguments> g, int stepBytes) =>
        w.Let(g.Of(x => x.Rows) * g.Of(x => x.Columns)
            * ((g.Of(x => x.SourceBytes) + (stepBytes - 1)).As<U32>() / stepBytes).As<S32>());

    /// <summary>Of the filter.</summary>
    public Register<S32> R { get; }

    public Register<S32> S { get; }

    /// <summary>Bytes in front of the tap in a row of the weights.</summary>
    public Register<S32> Tap { get; }

    /// <summary>Bytes in front of the thread's piece in a pixel.</summary>
    public Value<S32> Offset => _at + _piece;

    /// <summary>Bytes in front of the step in a pixel.</summary>
    public Value<S32> At => _at;

    /// <summary>Whether the piece and the step are there: behind the last channel and behind the last step are zeros.</summary>
    public Value<Predicate> Exists => (Offset < _sourceBytes) & (_left > 0);

    /// <summary>The next step.</summary>
    /// <param name="onTap">Where it is of another tap.</param>
    public void Next(Action onTap)
    {
        _w.Set(_left, _left - 1);
        _w.Set(_at, _at + _stepBytes);
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
