using BDense.Kernels.Ptx;
using BDense.Kernels.Ptx.Attention;
using BDense.Kernels.Ptx.Convolution;
using BDense.Kernels.Ptx.Hopper;
using BDense.Kernels.Ptx.Products;

namespace BDense.Kernels.Ilgpu.Tiles;

/// <summary>
/// The tensor-core kernels that listings, the record of machine code and estimates show: those that the rule takes
/// (<see cref="TensorPlan"/>), in slices a few of them. <c>bdense tune</c> may find others.
/// </summary>
internal static class TensorKernels
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<IWrittenKernel> All { get; } =
        [.. new[] { MmaShape.Tf32, MmaShape.Bf16 }.SelectMany(shape => (IEnumerable<IWrittenKernel>)
            [.. Convolutions(shape), .. Wgrads(shape), .. Products(shape), .. Attention(shape), .. Hopper(shape)])];

    private static IEnumerable<(TTile Tile, TensorPlan.Row Row)> Rows<TTile>(Func<TensorPlan.Row, bool> which)
        where TTile : ITile => TensorPlan.Rows.Where(row => row.Tile is TTile && which(row)).Select(row => ((TTile)row.Tile, row));

    private static IEnumerable<IWrittenKernel> Hopper(MmaShape shape)
    {
        bool isBf16 = shape == MmaShape.Bf16;
        foreach (int head in isBf16 ? new[] { 64, 128, 256 } : [])
        {
            foreach (var pass in AttentionKernel.Backward(head).Prepend(AttentionPass.Forward))
            {
                yield return new WarpgroupAttentionKernel(head, pass, IsRounded: false);
                yield return new WarpgroupAttentionKernel(head, pass, IsRounded: true);
            }
        }
        foreach (var (tile, _) in Rows<WarpgroupTile>(_ => true))
        {
            foreach (bool isDgrad in new[] { false, true })
            {
                yield return new WarpgroupConvolutionKernel(tile, shape, isDgrad, IsSliced: false);
                if (isBf16)
                    yield return new WarpgroupConvolutionKernel(tile, shape, isDgrad, IsSliced: false, IsRounded: true);
            }
            yield return new WarpgroupConvolutionKernel(tile, shape, IsTransposed: false, IsSliced: false, IsRounded: isBf16,
                IsMeasured: true);
            if (tile.Rows == 64)
                yield return new WarpgroupConvolutionKernel(tile, shape, IsTransposed: false, IsSliced: true);
            if (isBf16)
                yield return new WarpgroupWgradKernel(tile);
            yield return new BulkProductKernel(tile, shape, OutermostA: false, OutermostB: false, IsPersistent: true);
            if (!isBf16)
                continue;
            yield return new BulkProductKernel(tile, shape, OutermostA: false, OutermostB: true, IsPersistent: true);
            yield return new BulkProductKernel(tile, shape, OutermostA: true, OutermostB: true, IsPersistent: true);
        }
    }

    private static IEnumerable<IWrittenKernel> Convolutions(MmaShape shape)
    {
        foreach (var (tile, row) in Rows<ProductTile>(_ => true))
        {
            bool isNarrow = tile.Columns == 32, isSliced = tile.Columns == 64 || tile is { Columns: 128, WarpColumns: 64 };
            foreach (bool isDgrad in new[] { false, true })
            {
                yield return new ConvolutionKernel(tile, shape, isDgrad, false);
                // Activations in memory as they are multiplied.
                if (shape == MmaShape.Bf16)
                    yield return new ConvolutionKernel(tile, shape, isDgrad, false, IsRounded: true);
                // An image's channels.
                if (isNarrow)
                    yield return new ConvolutionKernel(tile, shape, isDgrad, false, IsOdd: true);
                if (isSliced && tile.Rows == tile.Columns)
                    yield return new ConvolutionKernel(tile, shape, isDgrad, false, IsSliced: true);
            }
            // In front of a group normalisation.
            if (!isNarrow)
                yield return new ConvolutionKernel(tile, shape, false, false, IsRounded: shape == MmaShape.Bf16, IsMeasured: true);
            if (row.ActivatedResident > 0)
            {
                yield return new ConvolutionKernel(tile, shape, false, true);
                if (!isNarrow)
                    yield return new ConvolutionKernel(tile, shape, false, true, IsMeasured: true);
            }
        }
    }

    private static IEnumerable<IWrittenKernel> Wgrads(MmaShape shape)
    {
        foreach (var (tile, row) in Rows<ProductTile>(row => row.WgradResident > 0))
        {
            yield return new WgradKernel(tile, shape, false);
            if (row.ActivatedResident > 0)
                yield return new WgradKernel(tile, shape, true);
        }
    }

    private static IEnumerable<IWrittenKernel> Products(MmaShape shape)
    {
        foreach (var (tile, _) in Rows<ProductTile>(row => row.InProduct))
        {
            foreach (var (outermostA, outermostB) in new[] { (false, true), (false, false), (true, true) })
            {
                yield return new MatrixProductKernel(tile, shape, outermostA, outermostB);
                if (tile.Columns == 64)
                    yield return new MatrixProductKernel(tile, shape, outermostA, outermostB, IsSliced: true);
            }
        }
    }

    private static IEnumerable<IWrittenKernel> Attention(MmaShape shape) =>
        from head in new[] { 32, 64, 128, 256 }
        from pass in AttentionKernel.Backward(head).Prepend(AttentionPass.Forward)
        from isRounded in shape == MmaShape.Bf16 ? new[] { false, true } : [false]
        select new AttentionKernel(head, shape, pass, isRounded);
}
