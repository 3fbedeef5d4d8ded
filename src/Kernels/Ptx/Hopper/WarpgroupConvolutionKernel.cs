using BDense.Kernels.Ptx.Convolution;
using BDense.Kernels.Ptx.Products;

namespace BDense.Kernels.Ptx.Hopper;

/// <summary>What <see cref="WarpgroupConvolutionKernel"/> is launched with.</summary>
internal struct WarpgroupConvolutionArguments
{
    /// <summary>Of the weights: <see cref="WarpgroupConvolutionKernel.Weights"/>.</summary>
    public TensorMap Weights;

    /// <summary>As <see cref="ConvolutionKernel"/> takes it, but for its W, which is not used.</summary>
    public ConvolutionArguments Problem;
}

/// <summary>
/// A convolution or a dgrad as <see cref="ConvolutionKernel"/> computes it, on <c>wgmma</c>. One warpgroup brings the operands: the pixels
/// that taps read are gathered by all its threads (<c>cp.async</c>: a tap in the padding has no address, and no box), the weights come as
/// boxes. The others multiply; <see cref="ConvolutionResult"/> is the same. A group goes from tile to tile, columns first.
/// </summary>
/// <param name="tile">Of a group; a warpgroup more than multiply brings the operands.</param>
/// <param name="shape">TF32 or BF16.</param>
/// <param name="isTransposed">dgrad: w is [C, R, S, K], the source dy.</param>
internal sealed class WarpgroupConvolutionKernel(WarpgroupTile tile, MmaShape shape, bool isTransposed)
{
    // Of 504 registers that three warpgroups have a thread.
    private const int GatheringRegisters = 72, MultiplyingRegisters = 216;

    private readonly SharedTile _operand = new(shape, IsTransposed: false);

    /// <summary>Its text. Any number of groups, best as many as the GPU has multiprocessors.</summary>
    public WrittenKernel Write() => PtxWriter.Kernel<WarpgroupConvolutionArguments>(
        $"Warpgroup{(isTransposed ? "Dgrad" : "Convolution")}{tile.Rows}x{tile.Columns}{(shape == MmaShape.Bf16 ? "Bf16" : "Tf32")}",
        "sm_90a", (tile.Warpgroups + 1) * WarpgroupTile.Warpgroup, StageRing.Bytes(tile.Stages, tile.StageBytes), Body);

    /// <summary>
    /// Weights [channels of the result, taps, channels of the source] in boxes of one tap; behind a tap's last channel are zeros.
    /// </summary>
    public TensorBoxes Weights(long address, int channels, int taps, int sourceChannels)
    {
        long bytes = 32 / shape.Depth;
        return new TensorBoxes(address, shape, [sourceChannels, taps, channels], [sourceChannels * bytes, taps * sourceChannels * bytes],
            [_operand.Depth, 1, tile.Columns], SharedSwizzle.Of128Bytes);
    }

    private void Body(PtxWriter w, PtxArguments<WarpgroupConvolutionArguments> all)
    {
        var g = all.Within<ConvolutionArguments>();
        var shared = w.SharedOfLaunch();
        var ring = new StageRing(w, w.Let(shared + tile.Stages * tile.StageBytes), tile.Stages, tile.StageBytes);
        ring.Make(fills: WarpgroupTile.Warpgroup + 1, reads: tile.Warpgroups);
        var warp = w.Warp();
        w.If(warp < 4, () =>
        {
            if (tile.MovesRegisters)
                w.SetRegisters(GatheringRegisters, more: false);
            var turn = ring.Begin();
            var pieces = new SwizzledPieces(w, _operand, shared, tile.Rows, WarpgroupTile.Warpgroup);
            Tiles(w, g, (row, column) => Gather(w, all.Of(x => x.Weights), g, turn, shared, pieces, row, column));
        });
        w.If(warp >= 4, () =>
        {
            if (tile.MovesRegisters)
                w.SetRegisters(MultiplyingRegisters, more: true);
            var sums = new WarpgroupSums(w, tile, _operand, _operand, shared, warp - 4);
            var turn = ring.Begin();
            var steps = TapWalk.Count(w, g, WarpgroupTile.StepBytes);
            Tiles(w, g, (row, column) =>
            {
                RingLoops.Multiply(w, turn, sums, steps, areCopied: true);
                new ConvolutionResult(w, g, column + sums.FirstColumn, w.Let(row + sums.FirstRow)).Store(sums.Places());
            });
        });
    }

    private void Gather(PtxWriter w, Value<S64> weights, PtxArguments<ConvolutionArguments> g, StageRing.Turn turn, Value<U32> shared,
        SwizzledPieces pieces, Register<U32> row, Register<U32> column)
    {
        var walk = new TapWalk(w, g, pieces.Piece, WarpgroupTile.StepBytes);
        var pixels = new AsyncCopies(w, pieces, new PixelSource(w, g, walk, pieces, row, isTransposed, 1));
        var filterColumns = g.Of(x => x.Columns);
        w.For(0, walk.Steps, _ =>
        {
            turn.AwaitEmpty();
            w.If(w.Thread().Is(0), () =>
            {
                w.ArriveExpecting(turn.Full, tile.Columns * WarpgroupTile.StepBytes);
                w.CopyBox(shared + turn.Stage + tile.BytesOfA, weights,
                    [walk.At / (32 / shape.Depth), walk.R * filterColumns + walk.S, column.As<S32>()], turn.Full);
            });
            pixels.Begin(turn.Stage);
            w.ArriveAfterCopies(turn.Full);
            pixels.Finish(turn.Stage);
            turn.Next();
        });
    }

    /// <summary>The group's tiles: first pixel, first channel. Neighbours read the same pixels.</summary>
    private void Tiles(PtxWriter w, PtxArguments<ConvolutionArguments> g, Action<Register<U32>, Register<U32>> body)
    {
        var rowTiles = w.Let((g.Of(x => x.Pixels) + (tile.Rows - 1)).As<U32>() / tile.Rows);
        var columnTiles = w.Let((g.Of(x => x.Channels) + (tile.Columns - 1)).As<U32>() / tile.Columns);
        w.For(w.Group().As<S32>(), (rowTiles * columnTiles).As<S32>(), index =>
        {
            var (_, row, column) = TileOrder.Of(w, index.As<U32>(), rowTiles, columnTiles, panel: 1);
            body(w.Let(row * tile.Rows), w.Let(column * tile.Columns));
        }, w.Groups().As<S32>());
    }
}
