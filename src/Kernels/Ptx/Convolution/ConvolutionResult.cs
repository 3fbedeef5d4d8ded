using BDense.Kernels.Ptx.Products;

namespace BDense.Kernels.Ptx.Convolution;

/// <summary>The epilogue: what is added, scaled and activated before the result is stored.</summary>
internal sealed class ConvolutionResult(PtxWriter w, PtxArguments<ConvolutionArguments> g, Value<U32> firstColumn, Register<U32> row)
{
    private readonly Register<S32> _column = w.Let(firstColumn.As<S32>()), _channels = g.Of(x => x.Channels), _pixels = g.Of(x => x.Pixels);

    public void Store(ResultRun[] places)
    {
        Add(places, g.Of(x => x.Bias), (_, column) => w.Let(column.Long() * 4));
        var image = w.Let(g.Of(x => x.Height) * g.Of(x => x.Width)).As<U32>();
        Add(places, g.Of(x => x.Embedding), (m, column) => w.Let((m.As<U32>() / image).As<S32>().Wide(_channels) * 4 + column.Long() * 4));
        Add(places, g.Of(x => x.Residual), (m, column) => w.Let(m.Wide(_channels) * 4 + column.Long() * 4));
        var scale = g.Of(x => x.Scale);
        foreach (var sum in places.SelectMany(place => place.Sums))
            w.Set(sum, sum * scale);
        w.If(g.Of(x => x.Silu).IsNot(0), () =>
        {
            foreach (var sum in places.SelectMany(place => place.Sums))
                w.Set(sum, sum * PtxWriter.Reciprocal(PtxWriter.Exp2(sum * -1.44269504f) + 1f));
        });
        Store(places, g.Of(x => x.Y));
    }

    /// <summary>The sums as they are, into their slice.</summary>
    public void StoreSlice(ResultRun[] places, Value<U32> slice) =>
        Store(places, w.Let(g.Of(x => x.Y) + (slice.As<S32>() * _pixels).Wide(_channels) * 4));

    private void Store(ResultRun[] places, Register<S64> y) =>
        ByRow(places, (m, column) => w.Let(y + m.Wide(_channels) * 4 + column.Long() * 4),
            (place, at, inside) => w.Store<F32>(at, place.Sums, inside));

    /// <summary>Adds a matrix to the sums, if there is one: the same for all threads.</summary>
    private void Add(ResultRun[] places, Register<S64> matrix, Func<Value<S32>, Value<S32>, Register<S64>> offset) =>
        w.If(matrix.IsNot(0), () => ByRow(places, (m, column) => w.Let(matrix + offset(m, column)), (place, at, inside) =>
        {
            var added = w.LoadVector<F32>(place.Sums.Length, at, inside);
            for (int i = 0; i < added.Length; i++)
                w.Set(place.Sums[i], place.Sums[i] + added[i]);
        }));

    private void ByRow(ResultRun[] places, Func<Value<S32>, Value<S32>, Register<S64>> start,
        Action<ResultRun, Value<S64>, Register<Predicate>> write)
    {
        foreach (var of in places.GroupBy(place => place.Row))
        {
            var m = w.Let(row.As<S32>() + of.Key);
            var (at, exists) = (start(m, _column), w.Let(m < _pixels));
            foreach (var place in of)
                write(place, at + 4 * place.Column, w.Let(exists & (_column + place.Column < _channels)));
        }
    }
}
