using BDense.Kernels.Ptx.Products;

namespace BDense.Kernels.Ptx.Convolution;

/// <summary>The epilogue: what is added, scaled and activated before the result is stored.</summary>
/// <param name="w">Writes.</param>
/// <param name="g">The problem.</param>
/// <param name="isRounded">Whether residual and result are BF16: a lane's two neighbours are one load and one store of 4 bytes.</param>
/// <param name="isMeasured">Whether moments of the result are written, too.</param>
/// <param name="firstColumn">Of the lane.</param>
/// <param name="row">Of the lane.</param>
internal sealed class ConvolutionResult(PtxWriter w, PtxArguments<ConvolutionArguments> g, bool isRounded, bool isMeasured,
    Value<U32> firstColumn, Register<U32> row)
{
    private readonly int _bytes = isRounded ? 2 : 4;

    private readonly Register<S32> _column = w.Let(firstColumn.As<S32>()), _channels = g.Of(x => x.Channels), _pixels = g.Of(x => x.Pixels);

    public void Store(ResultRun[] places)
    {
        Add(places, g.Of(x => x.Bias), (_, column) => w.Let(column.Long() * 4));
        var image = w.Let(g.Of(x => x.Height) * g.Of(x => x.Width)).As<U32>();
        Add(places, g.Of(x => x.Embedding), (m, column) => w.Let((m.As<U32>() / image).As<S32>().Wide(_channels) * 4 + column.Long() * 4));
        Add(places, g.Of(x => x.Residual), (m, column) => w.Let(m.Wide(_channels) * _bytes + column.Long() * _bytes), isRounded);
        var scale = g.Of(x => x.Scale);
        foreach (var sum in places.SelectMany(place => place.Sums))
            w.Set(sum, sum * scale);
        w.If(g.Of(x => x.Silu).IsNot(0), () =>
        {
            foreach (var sum in places.SelectMany(place => place.Sums))
                w.Set(sum, sum * PtxWriter.Reciprocal(PtxWriter.Exp2(sum * -1.44269504f) + 1f));
        });
        Store(places, g.Of(x => x.Y), isRounded);
        if (isMeasured)
            new ConvolutionMoments(w, g.Of(x => x.Moments), _pixels, _channels, _column, row).Store(places);
    }

    /// <summary>The sums as they are, into their slice.</summary>
    public void StoreSlice(ResultRun[] places, Value<U32> slice) =>
        Store(places, w.Let(g.Of(x => x.Y) + (slice.As<S32>() * _pixels).Wide(_channels) * 4), inBFloat16: false);

    private void Store(ResultRun[] places, Register<S64> y, bool inBFloat16)
    {
        int bytes = inBFloat16 ? 2 : 4;
        ByRow(places, bytes, (m, column) => w.Let(y + m.Wide(_channels) * bytes + column.Long() * bytes), (place, at, inside) =>
        {
            if (inBFloat16)
                w.Store<B32>(at, [.. place.Sums.Chunk(2).Select(Rounded)], inside);
            else
                w.Store<F32>(at, place.Sums, inside);
        });
    }

    /// <summary>Two neighbours in BF16. Moments are those of what is stored: then the sums are what it holds.</summary>
    private Value<B32> Rounded(Register<F32>[] pair)
    {
        if (!isMeasured)
            return PtxWriter.Bf16Pair(pair[0], pair[1]);
        var rounded = w.Let(PtxWriter.Bf16Pair(pair[0], pair[1]));
        var values = PtxWriter.OfBf16Pair(rounded);
        w.Set(pair[0], values[0]);
        w.Set(pair[1], values[1]);
        return rounded;
    }

    /// <summary>Adds a matrix to the sums, if there is one: the same for all threads.</summary>
    private void Add(ResultRun[] places, Register<S64> matrix, Func<Value<S32>, Value<S32>, Register<S64>> offset,
        bool inBFloat16 = false) =>
        w.If(matrix.IsNot(0), () => ByRow(places, inBFloat16 ? 2 : 4, (m, column) => w.Let(matrix + offset(m, column)),
            (place, at, inside) =>
        {
            Value<F32>[] added = inBFloat16
                ? [.. w.LoadVector<B32>(place.Sums.Length / 2, at, inside).SelectMany(PtxWriter.OfBf16Pair)]
                : w.LoadVector<F32>(place.Sums.Length, at, inside);
            for (int i = 0; i < added.Length; i++)
                w.Set(place.Sums[i], place.Sums[i] + added[i]);
        }));

    private void ByRow(ResultRun[] places, int bytes, Func<Value<S32>, Value<S32>, Register<S64>> start,
        Action<ResultRun, Value<S64>, Register<Predicate>> write)
    {
        foreach (var of in places.GroupBy(place => place.Row))
        {
            var m = w.Let(row.As<S32>() + of.Key);
            var (at, exists) = (start(m, _column), w.Let(m < _pixels));
            foreach (var place in of)
                write(place, at + bytes * place.Column, w.Let(exists & (_column + place.Column < _channels)));
        }
    }
}
