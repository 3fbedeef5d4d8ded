namespace BDense.Kernels.Ptx.Products;

/// <summary>Neighbouring sums of a lane.</summary>
/// <param name="Row">Their row, from the lane's first.</param>
/// <param name="Column">The first one's column, from the lane's first.</param>
/// <param name="Sums">Two or four.</param>
internal sealed record ResultRun(int Row, int Column, Register<F32>[] Sums)
{
    /// <summary>Each by itself.</summary>
    public IEnumerable<ResultRun> Singles => Sums.Select((sum, i) => new ResultRun(Row, Column + i, [sum]));
}

/// <summary>Where a lane's sums belong: runs of neighbours as wide as the operands' layouts leave them.</summary>
/// <param name="w">Writes.</param>
/// <param name="tile">Of the group.</param>
/// <param name="a">Rows.</param>
/// <param name="b">Columns.</param>
/// <param name="sums">From <see cref="ProductLoop"/>.</param>
internal sealed class ProductResult(PtxWriter w, ProductTile tile, IOperandLayout a, IOperandLayout b, Register<F32>[] sums)
{
    /// <summary>All runs, row by row.</summary>
    public IEnumerable<ResultRun> Places()
    {
        int columns = tile.WarpColumns / 8;
        var places = Enumerable.Range(0, columns).SelectMany(n => new[] { 0, 1 }, (n, next) => (Column: b.OffsetOf(n, next), n, next))
            .OrderBy(place => place.Column).ToArray();
        int run = places.Length >= 4 && places[3].Column == places[0].Column + 3 ? 4 : 2;
        for (int m = 0; m < tile.WarpRows / 8; m++)
        {
            foreach (var some in places.Chunk(run))
            {
                yield return new ResultRun(a.OffsetOf(m), some[0].Column,
                    [.. some.Select(place => sums[4 * (m / 2 * columns + place.n) + m % 2 * 2 + place.next])]);
            }
        }
    }

    /// <summary>y[row, column] = finish(sum), where that is inside; rows are columns x 4 bytes.</summary>
    /// <param name="y">Address of the matrix.</param>
    /// <param name="firstRow">Of the warp.</param>
    /// <param name="firstColumn">Of the warp; a multiple of 8.</param>
    /// <param name="rows">That there are.</param>
    /// <param name="columns">That there are, a multiple of 4 for runs of four, of 2 for pairs.</param>
    /// <param name="finish">From the sums and the address that they go to.</param>
    public void Store(Value<S64> y, Value<U32> firstRow, Value<U32> firstColumn, Value<S32> rows, Value<S32> columns,
        Func<Register<F32>[], Value<S64>, Value<Predicate>, Value<F32>[]> finish)
    {
        var lane = w.Let(w.Thread() % 32);
        var (row, column) = (w.Let((firstRow + a.FirstOf(lane)).As<S32>()), w.Let((firstColumn + b.FirstOf(lane)).As<S32>()));
        foreach (var of in Places().GroupBy(place => place.Row))
        {
            var start = w.Let(y + (row + of.Key).Wide(columns) * 4 + column.Long() * 4);
            var exists = w.Let(row + of.Key < rows);
            foreach (var place in of)
            {
                var (at, inside) = (start + 4 * place.Column, w.Let(exists & (column + place.Column < columns)));
                w.Store(at, finish(place.Sums, at, inside), inside);
            }
        }
    }
}
