using BDense.Kernels.Ptx;
using BDense.Kernels.Ptx.Hopper;

namespace BDense.Tests.Ptx.Hopper;

/// <summary>Kernels for sm_90a at the tiles that are meant for use: their machine code is held to.</summary>
internal static class HopperKernels
{
    private static WarpgroupTile[] Tiles { get; } = [new(128, 256, 2, 4), new(128, 128, 2, 4), new(64, 64, 1, 4)];

    /// <summary>Two blocks of 64 rows a warpgroup, 192 sums a thread: a fifth fewer bytes for each product.</summary>
    public static BulkProductKernel Largest(MmaShape shape, bool outermostA, bool outermostB) =>
        new(new WarpgroupTile(256, 192, 2, 4), shape, outermostA, outermostB, IsPersistent: true);

    public static IEnumerable<IWrittenKernel> All => Tiles.SelectMany(Products).Concat(Tiles.SelectMany(Convolutions))
        .Concat(HopperProductTests.Orders.Select(order => Largest(order.Shape, order.OutermostA, order.OutermostB)));

    private static IEnumerable<IWrittenKernel> Products(WarpgroupTile tile) =>
        HopperProductTests.Orders.SelectMany(order => (IEnumerable<IWrittenKernel>)
        [
            new AsyncProductKernel(tile, order.Shape, order.OutermostA, order.OutermostB),
            new BulkProductKernel(tile, order.Shape, order.OutermostA, order.OutermostB, IsPersistent: false),
            new BulkProductKernel(tile, order.Shape, order.OutermostA, order.OutermostB, IsPersistent: true),
        ]);

    private static IEnumerable<IWrittenKernel> Convolutions(WarpgroupTile tile) =>
        MatrixProductTests.Shapes.SelectMany(shape => (IEnumerable<IWrittenKernel>)
        [
            new WarpgroupConvolutionKernel(tile, shape, IsTransposed: false, IsSliced: false),
            new WarpgroupConvolutionKernel(tile, shape, IsTransposed: false, IsSliced: true),
            new WarpgroupConvolutionKernel(tile, shape, IsTransposed: true, IsSliced: false),
            new WarpgroupConvolutionKernel(tile, shape, IsTransposed: false, IsSliced: false, IsMeasured: true),
        ]).Append(new WarpgroupWgradKernel(tile));
}
