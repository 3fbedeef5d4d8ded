namespace BDense.Kernels.Ptx.Convolution;

/// <summary>A pixel of dy: sample, row, column.</summary>
internal sealed record WalkedPixel(Register<S32> N, Register<S32> P, Register<S32> Q);

/// <summary>The pixels that a thread's passes are of, a step after the other: without a division, since each count overflows at most once.
/// </summary>
internal sealed class PixelWalk
{
    private readonly PtxWriter _w;
    private readonly Register<S32> _height, _width, _stepN, _stepP, _stepQ;

    /// <param name="w">Writes.</param>
    /// <param name="g">The problem.</param>
    /// <param name="first">Pixel of the first pass.</param>
    /// <param name="passes">Their number.</param>
    /// <param name="passRows">Pixels from one to the next.</param>
    public PixelWalk(PtxWriter w, PtxArguments<WgradArguments> g, Value<U32> first, int passes, int passRows)
    {
        (_w, _height, _width) = (w, g.Of(x => x.Height), g.Of(x => x.Width));
        (_stepN, _stepP, _stepQ) = (g.Of(x => x.StepN), g.Of(x => x.StepP), g.Of(x => x.StepQ));
        Pixels = [.. Enumerable.Range(0, passes).Select(pass =>
        {
            var pixel = w.Let(first + pass * passRows);
            var line = w.Let(pixel / _width.As<U32>());
            var n = w.Let(line / _height.As<U32>());
            return new WalkedPixel(w.Let(n.As<S32>()), w.Let((line - n * _height.As<U32>()).As<S32>()),
                w.Let((pixel - line * _width.As<U32>()).As<S32>()));
        })];
    }

    /// <summary>Of this step, by pass.</summary>
    public WalkedPixel[] Pixels { get; }

    /// <summary>A step further.</summary>
    public void Next()
    {
        foreach (var (n, p, q) in Pixels)
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
}
