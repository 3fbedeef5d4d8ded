using BDense.Kernels.Ptx.Products;

namespace BDense.Kernels.Ptx.Hopper;

/// <summary>c = alpha sums (+ c): pairs of neighbours in one access where a row of C has an even length.</summary>
internal static class ProductStore
{
    /// <param name="w">Writes.</param>
    /// <param name="sums">The thread's.</param>
    /// <param name="firstRow">Of the tile.</param>
    /// <param name="firstColumn">Of the tile.</param>
    /// <param name="rows">Of C.</param>
    /// <param name="columns">Of C.</param>
    /// <param name="c">Address of C.</param>
    /// <param name="alpha">Of the product.</param>
    /// <param name="accumulate">Not 0: C is added to.</param>
    public static void Write(PtxWriter w, WarpgroupSums sums, Value<U32> firstRow, Value<U32> firstColumn, Register<S32> rows,
        Register<S32> columns, Value<S64> c, Register<F32> alpha, Register<S32> accumulate)
    {
        var (row, column) = (w.Let((firstRow + sums.FirstRow).As<S32>()), w.Let((firstColumn + sums.FirstColumn).As<S32>()));
        var matrix = w.Let(c);
        var adds = w.Let(accumulate.IsNot(0));
        var isEven = w.Let((columns.As<U32>() % 2).Is(0));
        w.If(isEven, () => Store(sums.Places()));
        w.If((columns.As<U32>() % 2).IsNot(0), () => Store(sums.Places().SelectMany(pair => pair.Singles)));

        void Store(IEnumerable<ResultRun> places) =>
            ProductResult.Store(w, places, matrix, row, column, rows, columns, (some, at, inside) =>
            {
                var old = w.LoadVector<F32>(some.Length, at, inside & adds);
                return [.. some.Zip(old, (sum, before) => PtxWriter.Fma(alpha, sum, before))];
            });
    }
}
