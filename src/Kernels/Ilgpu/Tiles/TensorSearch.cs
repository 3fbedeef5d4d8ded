using BDense.Kernels.Ilgpu.Tuning;
using BDense.Kernels.Ptx.Hopper;
using BDense.Kernels.Ptx.Products;

namespace BDense.Kernels.Ilgpu.Tiles;

/// <summary>What the autotuner tries besides the table's tiles: any tile that the kernels can be written for.</summary>
internal static class TensorSearch
{
    private static readonly int[] s_rows = [64, 128, 256], s_columns = [32, 64, 128, 256], s_warp = [32, 64];

    /// <summary>Registers of a thread that are neither sums nor fragments: addresses, counts of what is left, the pixel of a row.</summary>
    private const int OtherRegisters = 56;

    /// <summary>All tiles that there are kernels for, at any number of stages.</summary>
    public static IEnumerable<ProductTile> Tiles(TensorOperation operation, int sharedLimit) =>
        from rows in s_rows
        from columns in s_columns
        from warpRows in s_warp
        from warpColumns in s_warp
        from stages in Enumerable.Range(3, 4)
        let tile = new ProductTile(rows, columns, warpRows, warpColumns, stages)
        where Allows(operation, tile, sharedLimit)
        select tile;

    /// <summary>All that there are kernels for on Hopper.</summary>
    public static IEnumerable<WarpgroupTile> WarpgroupTiles(int sharedLimit) =>
        from rows in s_rows
        from columns in s_columns
        from warpgroups in new[] { 1, 2 }
        from stages in Enumerable.Range(3, 4)
        let tile = new WarpgroupTile(rows, columns, warpgroups, stages)
        where Allows(tile, sharedLimit)
        select tile;

    /// <summary>
    /// Whether a kernel of this tile can be written: whole blocks of 64 rows for each warpgroup, at most 128 sums a thread.
    /// </summary>
    public static bool Allows(WarpgroupTile tile, int sharedLimit) =>
        s_rows.Contains(tile.Rows) && tile.Columns is 64 or 128 or 256 && tile.Warpgroups is 1 or 2 && tile.Stages is >= 3 and <= 6
            && tile.Rows % (64 * tile.Warpgroups) == 0 && tile.Blocks * tile.Columns <= 256 && tile.SharedBytes <= sharedLimit;

    /// <summary>
    /// Whether a kernel of this tile can be written, and has a chance: two to eight warps, whole passes of 16 bytes for every thread, sums
    /// and fragments in registers. wgrad's operands, and one or both of a product's, have their sum outermost: there the rows that a pass
    /// covers must repeat the swizzle.
    /// </summary>
    public static bool Allows(TensorOperation operation, ProductTile tile, int sharedLimit)
    {
        if (!s_rows.Contains(tile.Rows) || !s_columns.Contains(tile.Columns) || !s_warp.Contains(tile.WarpRows)
            || !s_warp.Contains(tile.WarpColumns) || tile.Stages is < 3 or > 6 || tile.SharedBytes > sharedLimit)
            return false;
        if (tile.WarpRows > tile.Rows || tile.WarpColumns > tile.Columns || tile.Threads is < 64 or > 256)
            return false;
        int fragments = 2 * (tile.WarpRows / 4 + tile.WarpColumns / 4);
        // A prologue keeps pieces of one operand in registers while it is multiplied: 8 values of float32 for 16 bytes of BF16.
        int activated = operation switch
        {
            TensorOperation.ActivatedConvolution => 8 * tile.Rows * 4 / tile.Threads,
            TensorOperation.ActivatedWgrad => 8 * tile.Columns * 4 / tile.Threads,
            _ => 0,
        };
        if (tile.WarpRows * tile.WarpColumns / 32 + fragments + activated + OtherRegisters > 255)
            return false;
        return operation is TensorOperation.Convolution or TensorOperation.ActivatedConvolution
            ? IsInnermost(tile.Rows, tile.Threads) && IsInnermost(tile.Columns, tile.Threads)
            : IsOutermost(tile.Rows, tile.Threads) && IsOutermost(tile.Columns, tile.Threads)
                && (operation != TensorOperation.Product
                    || (IsInnermost(tile.Rows, tile.Threads) && IsInnermost(tile.Columns, tile.Threads)));
    }

    private static bool IsInnermost(int width, int threads) => width % (threads / 4) == 0;

    /// <summary>The swizzle takes eight pieces of 16 bytes a row: 64 values in BF16.</summary>
    private static bool IsOutermost(int width, int threads) => width >= 64 && 4 * width >= threads && width <= threads;

    /// <summary>One parameter changed by one step: the next larger or smaller tile of a group or a warp, stages, slices.</summary>
    public static IEnumerable<TileChoice> Neighbours(TensorProblem p, TileChoice choice, int sharedLimit)
    {
        var own = TensorPlan.Find(choice.Tile);
        IEnumerable<ITile> tiles = own switch
        {
            ProductTile t =>
            [
                .. Beside(s_rows, t.Rows).Select(rows => t with { Rows = rows }),
                .. Beside(s_columns, t.Columns).Select(columns => t with { Columns = columns }),
                .. Beside(s_warp, t.WarpRows).Select(rows => t with { WarpRows = rows }),
                .. Beside(s_warp, t.WarpColumns).Select(columns => t with { WarpColumns = columns }),
                t with { Stages = t.Stages - 1 }, t with { Stages = t.Stages + 1 },
            ],
            WarpgroupTile t =>
            [
                .. Beside(s_rows, t.Rows).Select(rows => t with { Rows = rows }),
                .. Beside(s_rows, t.Rows).Select(rows => t with { Rows = rows, Warpgroups = 3 - t.Warpgroups }),
                .. Beside(s_columns, t.Columns).Select(columns => t with { Columns = columns }),
                t with { Warpgroups = 3 - t.Warpgroups }, t with { Stages = t.Stages - 1 }, t with { Stages = t.Stages + 1 },
            ],
            _ => [],
        };
        int[] slices = [choice.Slices * 3 / 4, choice.Slices - 1, choice.Slices + 1, choice.Slices * 4 / 3];
        return
        [
            .. tiles.Select(tile => choice with { Tile = tile.Text }).Where(next => Allows(p, next, sharedLimit)),
            .. slices.Where(count => count >= 1).Select(count => choice with { Slices = TensorPlan.RealSlices(p, own, count) })
                .Where(next => next != choice && Allows(p, next, sharedLimit)).Distinct(),
        ];
    }

    /// <summary>Whether a remembered choice can be launched.</summary>
    public static bool Allows(in TensorProblem p, TileChoice choice, int sharedLimit)
    {
        if (PortableTile.All.Contains(choice.Tile))
            return false;
        var tile = TensorPlan.Find(choice.Tile);
        bool isWritten = tile switch
        {
            ProductTile product => Allows(p.Operation, product, sharedLimit),
            WarpgroupTile wide => p.OnWarpgroups && Allows(wide, sharedLimit)
                && (p.Operation != TensorOperation.Product || choice.Slices == 1),
            _ => false,
        };
        return isWritten && choice.Slices >= 1 && choice.Slices <= TensorPlan.MaxSlices(p)
            && TensorPlan.RealSlices(p, tile, choice.Slices) == choice.Slices;
    }

    private static IEnumerable<int> Beside(int[] values, int value)
    {
        int at = Array.IndexOf(values, value);
        if (at > 0)
            yield return values[at - 1];
        if (at >= 0 && at < values.Length - 1)
            yield return values[at + 1];
    }
}
