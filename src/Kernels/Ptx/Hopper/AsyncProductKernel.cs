using BDense.Kernels.Ptx.Products;

namespace BDense.Kernels.Ptx.Hopper;

/// <summary>
/// The ladder's rung 11, c = alpha a b (+ c) as <see cref="MatrixProductKernel"/> has it: <c>wgmma</c> reads both operands from shared
/// memory, where all threads copy them by <c>cp.async</c>. No fragment passes through a register, and a product is waited for when the next
/// one is on its way. What is copied by threads must be made known to the tensor cores: a fence, then the barrier.
/// </summary>
/// <param name="Tile">Of a group; all its warpgroups copy and multiply.</param>
/// <param name="Shape">TF32 or BF16.</param>
/// <param name="OutermostA">Whether A is stored [K, M]: BF16 alone.</param>
/// <param name="OutermostB">Whether B is stored [K, N]: BF16 alone.</param>
internal sealed record AsyncProductKernel(WarpgroupTile Tile, MmaShape Shape, bool OutermostA, bool OutermostB) : IWrittenKernel
{
    private const int PanelTiles = 16;

    /// <inheritdoc/>
    public string Name => $"AsyncProduct{BulkProductKernel.Order(OutermostA, OutermostB)}{Tile.Text}{Shape.Name}Kernel";

    /// <inheritdoc/>
    public string Target => "sm_90a";

    /// <inheritdoc/>
    public int Threads => Tile.Warpgroups * WarpgroupTile.Warpgroup;

    /// <inheritdoc/>
    public int SharedBytes => Tile.Stages * Tile.StageBytes;

    /// <summary>Its text. Groups: batch x tiles. Rows of A and B take a multiple of 16 bytes.</summary>
    public WrittenKernel Write() => PtxWriter.Kernel<MatrixProductArguments>(Name, Target, Threads, SharedBytes, Body);

    private void Body(PtxWriter w, PtxArguments<MatrixProductArguments> g)
    {
        int valueBytes = Shape.ValueBytes;
        var (m, n, k) = (g.Of(x => x.M), g.Of(x => x.N), g.Of(x => x.K));
        var (batch, row, column) = TileOrder.Of(w, w.Group(), w.Let((m + (Tile.Rows - 1)).As<U32>() / Tile.Rows),
            w.Let((n + (Tile.Columns - 1)).As<U32>() / Tile.Columns), PanelTiles);
        var (firstRow, firstColumn) = (w.Let(row * Tile.Rows), w.Let(column * Tile.Columns));
        var of = w.Let(batch.As<S32>());

        var shared = w.SharedOfLaunch();
        SharedTile tileA = new(Shape, OutermostA), tileB = new(Shape, OutermostB);
        var a = Copies(w, tileA, shared, Tile.Rows, g.Of(x => x.A) + of.Wide(m * k) * valueBytes, firstRow, m, k);
        var b = Copies(w, tileB, w.Let(shared + Tile.BytesOfA), Tile.Columns, g.Of(x => x.B) + of.Wide(n * k) * valueBytes, firstColumn, n,
            k);
        var sums = new WarpgroupSums(w, Tile, tileA, tileB, shared, w.Warp());
        Multiply(w, sums, [a, b], w.Let((k + (tileA.Depth - 1)).As<U32>() / tileA.Depth).As<S32>());
        ProductStore.Write(w, sums, firstRow, firstColumn, m, n, g.Of(x => x.C) + of.Wide(m * n) * 4, g.Of(x => x.Alpha),
            g.Of(x => x.Accumulate));
    }

    private void Multiply(PtxWriter w, WarpgroupSums sums, IOperandCopies[] operands, Value<S32> steps)
    {
        var (fill, read) = (w.Let<U32>(0), w.Let<U32>(0));
        for (int ahead = 2; ahead < Tile.Stages; ahead++)
            Copy();
        sums.Clear();
        w.For(0, steps, _ =>
        {
            w.WaitForCopies(Tile.Stages - 3);
            w.FenceShared();
            // Behind it the step is there, and everybody has waited for the products of the step before the last: its stage is free.
            w.Barrier();
            sums.Multiply(read);
            Copy();
            w.WaitForProducts(1);
            Advance(read);
        });
        w.WaitForProducts(0);

        // Steps that do not exist are copied as zeros.
        void Copy()
        {
            foreach (var operand in operands)
                operand.Begin(fill);
            w.CommitCopies();
            foreach (var operand in operands)
                operand.Finish(fill);
            Advance(fill);
        }

        void Advance(Register<U32> stage) =>
            w.Set(stage, PtxWriter.Select<U32>(stage.Is((Tile.Stages - 1) * Tile.StageBytes), 0, stage + Tile.StageBytes));
    }

    private AsyncCopies Copies(PtxWriter w, SharedTile layout, Value<U32> shared, int width, Value<S64> matrix, Register<U32> first,
        Value<S32> extent, Value<S32> length)
    {
        int valueBytes = Shape.ValueBytes;
        var pieces = new SwizzledPieces(w, layout, shared, width, Threads);
        return new AsyncCopies(w, pieces, layout.IsTransposed
            ? MatrixSource.Columns(w, pieces, matrix, first * valueBytes, extent * valueBytes, length, layout.Depth)
            : MatrixSource.Rows(w, pieces, matrix, first, extent, w.Let(length * valueBytes), WarpgroupTile.StepBytes));
    }
}
