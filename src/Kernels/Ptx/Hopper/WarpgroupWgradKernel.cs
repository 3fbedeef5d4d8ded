using BDense.Kernels.Ptx.Convolution;
using BDense.Kernels.Ptx.Products;

namespace BDense.Kernels.Ptx.Hopper;

/// <summary>What <see cref="WarpgroupWgradKernel"/> is launched with.</summary>
internal struct WarpgroupWgradArguments
{
    /// <summary>Of dy: <see cref="WarpgroupWgradKernel.Dy"/>.</summary>
    public TensorMap Gradient;

    /// <summary>As <see cref="WgradKernel"/> takes it, but for its Dy, which is not used, and with steps of 64 pixels.</summary>
    public WgradArguments Problem;
}

/// <summary>
/// wgrad as <see cref="WgradKernel"/> computes it, in BF16 on <c>wgmma</c>, which takes both operands with the sum outermost from shared
/// memory (of TF32 it does not). One warpgroup brings them, dy as boxes, what the taps read gathered by all its threads. A group a tile and
/// slice, slices slowest; another kernel adds the slices, in order.
/// </summary>
/// <param name="Tile">Of a group; a warpgroup more than multiply brings the operands.</param>
internal sealed record WarpgroupWgradKernel(WarpgroupTile Tile) : IWrittenKernel
{
    // Of 504 registers that three warpgroups have a thread.
    private const int GatheringRegisters = 104, MultiplyingRegisters = 200;

    private static readonly SharedTile s_operand = new(MmaShape.Bf16, IsTransposed: true);

    /// <inheritdoc/>
    public string Name => $"WarpgroupWgrad{Tile.Text}Bf16Kernel";

    /// <inheritdoc/>
    public string Target => "sm_90a";

    /// <inheritdoc/>
    public int Threads => Tile.ThreadsWithCopier;

    /// <inheritdoc/>
    public int SharedBytes => Tile.RingBytes;

    private BulkOperand A => new(s_operand, Tile.Rows);

    /// <summary>Pixels that a step adds up.</summary>
    public int StepPixels => s_operand.Depth;

    /// <summary>Its text. Groups: tiles x slices.</summary>
    public WrittenKernel Write() => PtxWriter.Kernel<WarpgroupWgradArguments>(Name, Target, Threads, SharedBytes, Body);

    /// <summary>dy [pixels, outputs]; outputs a multiple of 8.</summary>
    public TensorBoxes Dy(long address, int pixels, int outputs) => A.Boxes(address, 1, outputs, pixels);

    private void Body(PtxWriter w, PtxArguments<WarpgroupWgradArguments> all)
    {
        var g = all.Within<WgradArguments>();
        var (columns, outputs) = (g.Of(x => x.Columns), g.Of(x => x.Outputs));
        var tiles = g.Of(x => x.Tiles).As<U32>();
        var slice = w.Let(w.Group() / tiles);
        var columnTiles = w.Let((columns + (Tile.Columns - 1)).As<U32>() / Tile.Columns);
        var (_, row, column) = TileOrder.Of(w, w.Group() - slice * tiles, tiles / columnTiles, columnTiles, panel: 1);
        var (firstRow, firstColumn) = (w.Let(row * Tile.Rows), w.Let(column * Tile.Columns));
        var perSlice = g.Of(x => x.StepsPerSlice) * StepPixels;
        var first = w.Let(slice.As<S32>() * perSlice);
        var count = w.Let(PtxWriter.Min(g.Of(x => x.Pixels) - first, perSlice));
        var steps = w.Let((count + (StepPixels - 1)).As<U32>() / StepPixels).As<S32>();

        var shared = w.SharedOfLaunch();
        var ring = new StageRing(w, w.Let(shared + Tile.Stages * Tile.StageBytes), Tile.Stages, Tile.StageBytes);
        ring.Make(fills: WarpgroupTile.Warpgroup + 1, reads: Tile.Warpgroups);
        var warp = w.Warp();
        w.If(warp < 4, () =>
        {
            if (Tile.MovesRegisters)
                w.SetRegisters(GatheringRegisters, more: false);
            var x = new TapGather(w, g, s_operand, w.Let(shared + Tile.BytesOfA), Tile.Columns, first, count, firstColumn * 2, columns * 2);
            Bring(w, all.Of(a => a.Gradient), ring.Begin(), shared, x, firstRow.As<S32>(), first, steps);
        });
        w.If(warp >= 4, () =>
        {
            if (Tile.MovesRegisters)
                w.SetRegisters(MultiplyingRegisters, more: true);
            var sums = new WarpgroupSums(w, Tile, s_operand, s_operand, shared, warp - 4);
            RingLoops.Multiply(w, ring.Begin(), sums, steps, areCopied: true);
            ProductResult.Store(w, sums.Places(), g.Of(x => x.Partial) + (slice.As<S32>() * outputs).Wide(columns) * 4,
                w.Let((firstRow + sums.FirstRow).As<S32>()), w.Let((firstColumn + sums.FirstColumn).As<S32>()), outputs, columns,
                (some, _, _) => some);
        });
    }

    private void Bring(PtxWriter w, Value<S64> map, StageRing.Turn turn, Value<U32> shared, TapGather x, Value<S32> firstRow,
        Value<S32> first, Value<S32> steps) => w.For(0, steps, step =>
        {
            turn.AwaitEmpty();
            w.If(w.Thread().Is(0), () =>
            {
                w.ArriveExpecting(turn.Full, Tile.BytesOfA);
                A.Copy(w, shared + turn.Stage, map, firstRow, first + step * StepPixels, 0, turn.Full);
            });
            x.Copy(turn.Stage);
            w.ArriveAfterCopies(turn.Full);
            turn.Next();
        });
}
