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
/// <param name="Tile">Of a group; a warpgroup more than multiply brings the operands.</param>
/// <param name="Shape">TF32 or BF16.</param>
/// <param name="IsTransposed">dgrad: w is [C, R, S, K], the source dy.</param>
/// <param name="IsSliced">Whether the sum is in parts, as <see cref="ConvolutionKernel"/> has them.</param>
/// <param name="IsRounded">Whether residual and result are BF16.</param>
/// <param name="IsMeasured">Whether moments of the result are written.</param>
internal sealed record WarpgroupConvolutionKernel(
    WarpgroupTile Tile, MmaShape Shape, bool IsTransposed, bool IsSliced, bool IsRounded = false, bool IsMeasured = false) : IWrittenKernel
{
    // Of 504 registers that three warpgroups have a thread.
    private const int GatheringRegisters = 72, MultiplyingRegisters = 216;

    /// <inheritdoc/>
    public string Name => $"Warpgroup{(IsSliced ? "Sliced" : "")}{(IsRounded ? "Rounded" : "")}"
        + $"{(IsMeasured ? "Measured" : "")}{(IsTransposed ? "Dgrad" : "Convolution")}{Tile.Text}{Shape.Name}Kernel";

    /// <inheritdoc/>
    public string Target => "sm_90a";

    /// <inheritdoc/>
    public int Threads => Tile.ThreadsWithCopier;

    /// <inheritdoc/>
    public int SharedBytes => Tile.RingBytes;

    private SharedTile Operand => new(Shape, IsTransposed: false);

    /// <summary>Its text. Any number of groups, best as many as the GPU has multiprocessors, but no more than tiles and slices.</summary>
    public WrittenKernel Write() => PtxWriter.Kernel<WarpgroupConvolutionArguments>(Name, Target, Threads, SharedBytes, Body,
        // Few registers a thread are left only where threads are many.
        Tile.Resident * Threads > 512 ? Tile.Resident : 0);

    /// <summary>
    /// Weights [channels of the result, taps, channels of the source] in boxes of one tap; behind a tap's last channel are zeros.
    /// </summary>
    public TensorBoxes Weights(long address, int channels, int taps, int sourceChannels)
    {
        long bytes = Shape.ValueBytes;
        return new TensorBoxes(address, Shape, [sourceChannels, taps, channels], [sourceChannels * bytes, taps * sourceChannels * bytes],
            [Operand.Depth, 1, Tile.Columns], SharedSwizzle.Of128Bytes);
    }

    private void Body(PtxWriter w, PtxArguments<WarpgroupConvolutionArguments> all)
    {
        var g = all.Within<ConvolutionArguments>();
        var shared = w.SharedOfLaunch();
        var ring = new StageRing(w, w.Let(shared + Tile.Stages * Tile.StageBytes), Tile.Stages, Tile.StageBytes);
        ring.Make(fills: WarpgroupTile.Warpgroup + 1, reads: Tile.Warpgroups);
        var warp = w.Warp();
        w.If(warp < 4, () =>
        {
            if (Tile.MovesRegisters)
                w.SetRegisters(GatheringRegisters, more: false);
            var turn = ring.Begin();
            var pieces = new SwizzledPieces(w, Operand, shared, Tile.Rows, WarpgroupTile.Warpgroup);
            Tiles(w, g, (row, column, slice) => Gather(w, all.Of(x => x.Weights), g, turn, shared, pieces, row, column, slice));
        });
        w.If(warp >= 4, () =>
        {
            if (Tile.MovesRegisters)
                w.SetRegisters(MultiplyingRegisters, more: true);
            var sums = new WarpgroupSums(w, Tile, Operand, Operand, shared, warp - 4);
            var turn = ring.Begin();
            Tiles(w, g, (row, column, slice) =>
            {
                RingLoops.Multiply(w, turn, sums, TapWalk.Count(w, g, slice, WarpgroupTile.StepBytes), areCopied: true);
                var result = new ConvolutionResult(w, g, IsRounded, IsMeasured, column + sums.FirstColumn, w.Let(row + sums.FirstRow));
                if (slice is not null)
                    result.StoreSlice(sums.Places(), slice);
                else
                    result.Store(sums.Places());
            });
        });
    }

    private void Gather(PtxWriter w, Value<S64> weights, PtxArguments<ConvolutionArguments> g, StageRing.Turn turn, Value<U32> shared,
        SwizzledPieces pieces, Register<U32> row, Register<U32> column, Register<U32>? slice)
    {
        var walk = new TapWalk(w, g, pieces.Piece, slice, WarpgroupTile.StepBytes);
        var pixels = new AsyncCopies(w, pieces, new PixelSource(w, g, walk, pieces, row, IsTransposed, 1));
        var filterColumns = g.Of(x => x.Columns);
        w.For(0, walk.Steps, _ =>
        {
            turn.AwaitEmpty();
            w.If(w.Thread().Is(0), () =>
            {
                w.ArriveExpecting(turn.Full, Tile.Columns * WarpgroupTile.StepBytes);
                w.CopyBox(shared + turn.Stage + Tile.BytesOfA, weights,
                    [walk.At / (Shape.ValueBytes), walk.R * filterColumns + walk.S, column.As<S32>()], turn.Full);
            });
            pixels.Begin(turn.Stage);
            w.ArriveAfterCopies(turn.Full);
            pixels.Finish(turn.Stage);
            turn.Next();
        });
    }

    /// <summary>The group's tiles: first pixel, first channel, slice of the sum. Neighbours read the same pixels.</summary>
    private void Tiles(PtxWriter w, PtxArguments<ConvolutionArguments> g, Action<Register<U32>, Register<U32>, Register<U32>?> body)
    {
        var rowTiles = w.Let((g.Of(x => x.Pixels) + (Tile.Rows - 1)).As<U32>() / Tile.Rows);
        var columnTiles = w.Let((g.Of(x => x.Channels) + (Tile.Columns - 1)).As<U32>() / Tile.Columns);
        var slices = IsSliced ? SliceCount(w, g) : 1;
        w.For(w.Group().As<S32>(), (rowTiles * columnTiles * slices).As<S32>(), index =>
        {
            var (slice, row, column) = TileOrder.Of(w, index.As<U32>(), rowTiles, columnTiles, panel: 1);
            body(w.Let(row * Tile.Rows), w.Let(column * Tile.Columns), IsSliced ? slice : null);
        }, w.Groups().As<S32>());
    }

    private static Value<U32> SliceCount(PtxWriter w, PtxArguments<ConvolutionArguments> g)
    {
        var (steps, perSlice) = (TapWalk.Count(w, g, null, WarpgroupTile.StepBytes), g.Of(x => x.StepsPerSlice));
        return w.Let((steps + perSlice - 1).As<U32>() / perSlice.As<U32>());
    }
}
