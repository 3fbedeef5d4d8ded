using BDense.Kernels.Ptx;
using BDense.Kernels.Ptx.Attention;
using BDense.Kernels.Ptx.Convolution;
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
            [.. Convolutions(shape), .. Wgrads(shape), .. Products(shape), .. Attention(shape)])];

    private static IEnumerable<IWrittenKernel> Convolutions(MmaShape shape)
    {
        foreach (var row in TensorPlan.Rows)
        {
            bool isNarrow = row.Tile.Columns == 32, isSliced = row.Tile.Columns == 64 || row.Tile is { Columns: 128, WarpColumns: 64 };
            foreach (bool isDgrad in new[] { false, true })
            {
                yield return new ConvolutionKernel(row.Tile, shape, isDgrad, false);
                // Activations in memory as they are multiplied.
                if (shape == MmaShape.Bf16)
                    yield return new ConvolutionKernel(row.Tile, shape, isDgrad, false, IsRounded: true);
                // An image's channels.
                if (isNarrow)
                    yield return new ConvolutionKernel(row.Tile, shape, isDgrad, false, IsOdd: true);
                if (isSliced && row.Tile.Rows == row.Tile.Columns)
                    yield return new ConvolutionKernel(row.Tile, shape, isDgrad, false, IsSliced: true);
            }
            if (row.ActivatedResident > 0)
                yield return new ConvolutionKernel(row.Tile, shape, false, true);
        }
    }

    private static IEnumerable<IWrittenKernel> Wgrads(MmaShape shape)
    {
        foreach (var row in TensorPlan.Rows.Where(row => row.WgradResident > 0))
        {
            yield return new WgradKernel(row.Tile, shape, false);
            if (row.ActivatedResident > 0)
                yield return new WgradKernel(row.Tile, shape, true);
        }
    }

    private static IEnumerable<IWrittenKernel> Products(MmaShape shape)
    {
        foreach (var row in TensorPlan.Rows.Where(row => row.InProduct))
        {
            foreach (var (outermostA, outermostB) in new[] { (false, true), (false, false), (true, true) })
            {
                yield return new MatrixProductKernel(row.Tile, shape, outermostA, outermostB);
                if (row.Tile.Columns == 64)
                    yield return new MatrixProductKernel(row.Tile, shape, outermostA, outermostB, IsSliced: true);
            }
        }
    }

    private static IEnumerable<IWrittenKernel> Attention(MmaShape shape) =>
        from head in new[] { 32, 64, 128, 256 }
        from pass in AttentionKernel.Backward(head).Prepend(AttentionPass.Forward)
        from isRounded in shape == MmaShape.Bf16 ? new[] { false, true } : [false]
        select new AttentionKernel(head, shape, pass, isRounded);
}
