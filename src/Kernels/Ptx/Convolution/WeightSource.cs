using BDense.Kernels.Ptx.Products;

namespace BDense.Kernels.Ptx.Convolution;

/// <summary>Columns of B: the weights of an output channel, all taps side by side.</summary>
internal sealed class WeightSource : IOperandSource
{
    private readonly TapWalk _walk;
    private readonly Register<S64>[] _rows;
    private readonly Register<Predicate>[] _exist;

    public WeightSource(PtxWriter w, PtxArguments<ConvolutionArguments> g, TapWalk walk, IPieces layout, Value<U32> firstColumn)
    {
        var column = w.Let((firstColumn + layout.Row).As<S32>());
        var rowBytes = w.Let(g.Of(x => x.Rows) * g.Of(x => x.Columns) * g.Of(x => x.SourceBytes));
        var (weights, channels) = (g.Of(x => x.W), g.Of(x => x.Channels));
        _walk = walk;
        _rows = w.Let(layout.Passes, pass => weights + (column + pass * layout.PassRows).Wide(rowBytes));
        _exist = w.Let(layout.Passes, pass => column + pass * layout.PassRows < channels);
    }

    public Value<S64> Address(int pass) => _rows[pass] + (_walk.Tap + _walk.Offset).Long();

    public Value<Predicate> Inside(int pass) => _exist[pass] & _walk.Exists;

    /// <summary>The walk is the pixels'.</summary>
    public void Next()
    {
    }
}
