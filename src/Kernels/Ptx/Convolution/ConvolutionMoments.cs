using BDense.Kernels.Ptx.Products;

namespace BDense.Kernels.Ptx.Convolution;

/// <summary>
/// Mean and sum of squared deviations of 16 pixels and 2 channels (<see cref="Backend.Moments"/>), from the registers of the warp that has
/// them: a lane holds two rows of a block, and so do the seven lanes that differ from it in bits 2 to 4. Halves of a block are merged by
/// Chan's formula, m = (a + b) / 2 and s = s_a + s_b + n / 2 (a - b)^2 for n values each, so that nothing cancels; in a fixed order.
/// </summary>
/// <param name="w">Writes.</param>
/// <param name="moments">Address, [pixels / 16, channels].</param>
/// <param name="pixels">Of the result, a multiple of 16.</param>
/// <param name="channels">Of the result, an even number.</param>
/// <param name="column">The lane's first.</param>
/// <param name="row">The lane's first.</param>
internal sealed class ConvolutionMoments(PtxWriter w, Register<S64> moments, Register<S32> pixels, Register<S32> channels,
    Register<S32> column, Register<U32> row)
{
    /// <summary>Blocks that are merged together: after three halvings a lane has one of them.</summary>
    private const int Together = 8;

    private sealed record Half(Register<F32> Mean, Register<F32> Squares);

    /// <summary>All lanes of the warp take part.</summary>
    /// <param name="places">Pairs of neighbours, as they were stored.</param>
    public void Store(ResultRun[] places)
    {
        // Warps begin at multiples of 32 threads.
        var isUpper = w.Let(3, i => (w.Thread() & 4 << i).IsNot(0));
        foreach (var rows in places.GroupBy(place => place.Row / MomentsShape.BlockPixels).OrderBy(rows => rows.Key))
        {
            var block = w.Let(row.As<S32>() + rows.Key * MomentsShape.BlockPixels);
            var exists = w.Let(block < pixels);
            var start = w.Let(moments + (block.As<U32>() / MomentsShape.BlockPixels).As<S32>().Wide(channels) * 4 + column.Long() * 4);
            foreach (var some in rows.GroupBy(place => place.Column).OrderBy(pair => pair.Key).Chunk(Together))
                Store([.. some.Select(pair => Own([.. pair.SelectMany(place => place.Sums)]))], some[0].Key, start, exists, isUpper);
        }
    }

    /// <summary>
    /// Of many blocks a lane keeps one half and gives away the other, its partner the other way round; of one both have all of it.
    /// </summary>
    private void Store(Half[] blocks, int firstColumn, Register<S64> start, Register<Predicate> exists, Register<Predicate>[] isUpper)
    {
        // Blocks are 8 columns apart.
        var offset = w.Let<S32>(firstColumn);
        Value<Predicate> isMine = exists;
        for (int i = 0; i < isUpper.Length; i++)
        {
            var (upper, bits, values) = (isUpper[i], 4 << i, 4 << i);
            if (blocks.Length % 2 != 0)
            {
                blocks = [.. blocks.Select(block => Merged(block, block, bits, values))];
                isMine = w.Let(isMine & (w.Thread() & bits).Is(0));
                continue;
            }
            int half = blocks.Length / 2;
            Half[] low = blocks[..half], high = blocks[half..];
            blocks = [.. low.Zip(high, (a, b) => Merged(Chosen(upper, b, a), Chosen(upper, a, b), bits, values))];
            w.Set(offset, offset + PtxWriter.Select<S32>(upper, 8 * half, 0));
        }
        for (int i = 0; i < blocks.Length; i++)
        {
            var at = w.Let(offset + 8 * i);
            w.Store<F32>(start + at.Long() * 4, [blocks[i].Mean, blocks[i].Squares], w.Let(isMine & (column + at < channels)));
        }
    }

    /// <summary>Of a lane's own values, two of each of two rows.</summary>
    private Half Own(Register<F32>[] values)
    {
        var mean = w.Let((values[0] + values[1] + (values[2] + values[3])) * 0.25f);
        var squares = w.Let<F32>(0f);
        foreach (var value in values)
        {
            var d = w.Let(value - mean);
            w.Set(squares, PtxWriter.Fma(d, d, squares));
        }
        return new Half(mean, squares);
    }

    /// <summary>What is kept with what the other lane gives for it.</summary>
    /// <param name="kept">Stays.</param>
    /// <param name="given">Goes.</param>
    /// <param name="bits">In which the other lane differs.</param>
    /// <param name="values">Of each.</param>
    private Half Merged(Half kept, Half given, int bits, int values)
    {
        var (mean, squares) = (w.Let(PtxWriter.FromLane(given.Mean, bits)), w.Let(PtxWriter.FromLane(given.Squares, bits)));
        var d = w.Let(kept.Mean - mean);
        return new Half(w.Let((kept.Mean + mean) * 0.5f),
            w.Let(PtxWriter.Fma(w.Let(d * (values / 2f)), d, kept.Squares + squares)));
    }

    private Half Chosen(Register<Predicate> condition, Half then, Half otherwise) => new(
        w.Let(PtxWriter.Select<F32>(condition, then.Mean, otherwise.Mean)),
        w.Let(PtxWriter.Select<F32>(condition, then.Squares, otherwise.Squares)));
}
