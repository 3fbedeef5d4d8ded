using BDense.Kernels.Ptx.Products;

namespace BDense.Kernels.Ptx.Hopper;

/// <summary>What <see cref="BulkProductKernel"/> is launched with: <see cref="MatrixProductArguments"/>, but A and B as maps.</summary>
internal struct BulkProductArguments
{
    /// <summary>Made of <see cref="BulkProductKernel.A"/> and <see cref="BulkProductKernel.B"/>.</summary>
    public TensorMap A, B;

    /// <summary>Address of the results, float32, one behind the other.</summary>
    public long C;

    /// <summary>Matrices; extents: C is M x N, the sum K long, at least 1.</summary>
    public int Batch, M, N, K;

    /// <summary>Not 0: C is added to.</summary>
    public int Accumulate;

    /// <summary>Of the products.</summary>
    public float Alpha;
}

/// <summary>
/// The ladder's rungs 12 and 13, c = alpha a b (+ c) as <see cref="MatrixProductKernel"/> has it. One thread of a warpgroup asks for boxes
/// of A and B, which the copying engine brings swizzled; it gave its registers to the warpgroups that multiply, and all that they do is
/// wait for a stage, multiply it, and release the one before. Persistent (rung 13) a group goes from tile to tile, in panels: while it
/// stores a tile the next one's stages are filled.
/// </summary>
/// <param name="Tile">Of a group; a warpgroup more than multiply brings the operands.</param>
/// <param name="Shape">TF32 or BF16.</param>
/// <param name="OutermostA">Whether A is stored [K, M]: BF16 alone.</param>
/// <param name="OutermostB">Whether B is stored [K, N]: BF16 alone.</param>
/// <param name="IsPersistent">Whether there are as many groups as run at once, instead of one a Tile.</param>
internal sealed record BulkProductKernel(WarpgroupTile Tile, MmaShape Shape, bool OutermostA, bool OutermostB, bool IsPersistent)
    : IWrittenKernel
{
    // Of 504 registers that three warpgroups have a thread.
    private const int Panel = 16, CopyingRegisters = 40, MultiplyingRegisters = 232;

    /// <summary>How A is brought.</summary>
    public BulkOperand A => new(new SharedTile(Shape, OutermostA), Tile.Rows);

    /// <summary>How B is brought.</summary>
    public BulkOperand B => new(new SharedTile(Shape, OutermostB), Tile.Columns);

    /// <inheritdoc/>
    public string Name => $"{(IsPersistent ? "Persistent" : "Bulk")}Product{Order(OutermostA, OutermostB)}{Tile.Text}{Shape.Name}Kernel";

    /// <inheritdoc/>
    public string Target => "sm_90a";

    /// <inheritdoc/>
    public int Threads => Tile.ThreadsWithCopier;

    /// <inheritdoc/>
    public int SharedBytes => Tile.RingBytes;

    /// <summary>Its text. Groups: a tile each; or, persistent, any number, best as many as the GPU has multiprocessors.</summary>
    public WrittenKernel Write() => PtxWriter.Kernel<BulkProductArguments>(Name, Target, Threads, SharedBytes, Body);

    /// <summary>The order of storage, as names have it: N an operand as it is, T one that is stored transposed.</summary>
    internal static string Order(bool outermostA, bool outermostB) => $"{(outermostA ? "T" : "N")}{(outermostB ? "N" : "T")}";

    /// <summary>Tiles of a problem.</summary>
    public int Tiles(int batch, int m, int n) => batch * ((m + Tile.Rows - 1) / Tile.Rows) * ((n + Tile.Columns - 1) / Tile.Columns);

    private void Body(PtxWriter w, PtxArguments<BulkProductArguments> g)
    {
        var (m, n, k) = (g.Of(x => x.M), g.Of(x => x.N), g.Of(x => x.K));
        var steps = w.Let((k + (A.Tile.Depth - 1)).As<U32>() / A.Tile.Depth).As<S32>();
        var shared = w.SharedOfLaunch();
        var ring = new StageRing(w, w.Let(shared + Tile.Stages * Tile.StageBytes), Tile.Stages, Tile.StageBytes);
        ring.Make(fills: 1, reads: Tile.Warpgroups);
        var warp = w.Warp();
        w.If(warp < 4, () =>
        {
            if (Tile.MovesRegisters)
                w.SetRegisters(CopyingRegisters, more: false);
            w.If(w.Thread().Is(0), () => Copy(w, g, ring.Begin(), shared, steps));
        });
        w.If(warp >= 4, () =>
        {
            if (Tile.MovesRegisters)
                w.SetRegisters(MultiplyingRegisters, more: true);
            var sums = new WarpgroupSums(w, Tile, A.Tile, B.Tile, shared, warp - 4);
            var turn = ring.Begin();
            Tiles(w, g, (batch, row, column) =>
            {
                RingLoops.Multiply(w, turn, sums, steps);
                ProductStore.Write(w, sums, row, column, m, n, g.Of(x => x.C) + batch.Wide(m * n) * 4, g.Of(x => x.Alpha),
                    g.Of(x => x.Accumulate));
            });
        });
    }

    private void Copy(PtxWriter w, PtxArguments<BulkProductArguments> g, StageRing.Turn turn, Value<U32> shared, Value<S32> steps)
    {
        var (a, b) = (g.Of(x => x.A), g.Of(x => x.B));
        Tiles(w, g, (batch, row, column) => w.For(0, steps, step =>
        {
            turn.AwaitEmpty();
            w.ArriveExpecting(turn.Full, Tile.StageBytes);
            var (to, depth) = (w.Let(shared + turn.Stage), w.Let(step * A.Tile.Depth));
            A.Copy(w, to, a, row.As<S32>(), depth, batch, turn.Full);
            B.Copy(w, to + Tile.BytesOfA, b, column.As<S32>(), depth, batch, turn.Full);
            turn.Next();
        }));
    }

    /// <summary>The group's tiles: matrix of the batch, first row, first column.</summary>
    private void Tiles(PtxWriter w, PtxArguments<BulkProductArguments> g, Action<Register<S32>, Register<U32>, Register<U32>> body)
    {
        var rowTiles = w.Let((g.Of(x => x.M) + (Tile.Rows - 1)).As<U32>() / Tile.Rows);
        var columnTiles = w.Let((g.Of(x => x.N) + (Tile.Columns - 1)).As<U32>() / Tile.Columns);
        if (IsPersistent)
            w.For(w.Group().As<S32>(), (g.Of(x => x.Batch).As<U32>() * rowTiles * columnTiles).As<S32>(), One, w.Groups().As<S32>());
        else
            One(w.Let(w.Group().As<S32>()));

        void One(Register<S32> index)
        {
            var (batch, row, column) = TileOrder.Of(w, index.As<U32>(), rowTiles, columnTiles, IsPersistent ? Panel : 1);
            body(w.Let(batch.As<S32>()), w.Let(row * Tile.Rows), w.Let(column * Tile.Columns));
        }
    }
}
