using BDense.Kernels.Ptx.Products;

namespace BDense.Kernels.Ptx.Hopper;

/// <summary>A thread's part of a tile's sums, in a warpgroup that multiplies.</summary>
internal sealed class WarpgroupSums
{
    private readonly PtxWriter _w;
    private readonly WarpgroupTile _tile;
    private readonly SharedTile _a, _b;
    private readonly Register<U32> _warpgroup;
    private readonly Register<S64> _descriptorA, _descriptorB;

    /// <param name="w">Writes.</param>
    /// <param name="tile">Of the group.</param>
    /// <param name="a">Rows.</param>
    /// <param name="b">Columns.</param>
    /// <param name="shared">Where stage 0 begins.</param>
    /// <param name="warp">Of the group's that multiply, from 0: the same for all lanes.</param>
    public WarpgroupSums(PtxWriter w, WarpgroupTile tile, SharedTile a, SharedTile b, Value<U32> shared, Value<U32> warp)
    {
        (_w, _tile, _a, _b) = (w, tile, a, b);
        Sums = w.Registers<F32>(tile.Blocks * tile.Columns / 2);
        var warpgroup = w.Let(warp / 4);
        _descriptorA = w.Let(a.Matrix.Descriptor(shared + warpgroup * (tile.Blocks * WarpgroupTile.BlockBytes)));
        _descriptorB = w.Let(b.Matrix.Descriptor(shared + tile.BytesOfA));
        _warpgroup = warpgroup;
    }

    /// <summary>By blocks of 64 rows, then as <see cref="PtxWriter.MultiplyShared(MmaShape, ReadOnlySpan{Register{F32}}, Value{S64},
    /// Value{S64}, Value{Predicate}, bool, bool, string, int)"/> has them.</summary>
    public Register<F32>[] Sums { get; }

    /// <summary>Of the first sum, in the tile: written anew where it is used, since no register is left to keep it.</summary>
    public Value<U32> FirstRow => _warpgroup * (64 * _tile.Blocks) + _w.Thread() % WarpgroupTile.Warpgroup / 32 * 16
        + _w.Thread() % 32 / 4;

    /// <summary>Of the first sum, in the tile.</summary>
    public Value<U32> FirstColumn => _w.Thread() % 4 * 2;

    /// <summary>
    /// A tile begins. (A product can leave out what the sums hold, too; but if the first step's does by a predicate, ptxas sees sums that
    /// something else defines, and lets every product wait for the one before: its warning C7515.)
    /// </summary>
    public void Clear()
    {
        foreach (var sum in Sums)
            _w.Set(sum, 0f);
    }

    /// <summary>Begins the products of a step, as one group.</summary>
    /// <param name="stage">Bytes from stage 0 to the step's.</param>
    public void Multiply(Value<U32> stage)
    {
        var offset = _w.Let((stage / 16).Long());
        var (a, b) = (_w.Let(_descriptorA + offset), _w.Let(_descriptorB + offset));
        Value<Predicate> always = ((Value<U32>)0).Is(0);
        _w.FenceProducts();
        for (int product = 0; product < SharedTile.Products; product++)
        {
            for (int block = 0; block < _tile.Blocks; block++)
            {
                _w.MultiplyShared(_a.Shape, Sums.AsSpan(block * _tile.Columns / 2, _tile.Columns / 2),
                    a + (product * _a.ProductBytes + block * WarpgroupTile.BlockBytes) / 16, b + product * _b.ProductBytes / 16,
                    always, _a.IsTransposed, _b.IsTransposed);
            }
        }
        _w.CommitProducts();
    }

    /// <summary>Pairs of neighbours, row by row.</summary>
    public ResultRun[] Places() =>
        [.. from row in Enumerable.Range(0, 2 * _tile.Blocks)
            from column in Enumerable.Range(0, _tile.Columns / 8)
            let first = row / 2 * _tile.Columns / 2 + 4 * column + row % 2 * 2
            select new ResultRun(row / 2 * 64 + row % 2 * 8, 8 * column, [Sums[first], Sums[first + 1]])];
}
