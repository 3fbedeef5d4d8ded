using BDense.Kernels.Ptx.Products;

namespace BDense.Kernels.Ptx.Convolution;

/// <summary>
/// What <see cref="WgradKernel"/> is launched with. Byte counts of the factors as they are multiplied: 4 a value for TF32, 2 for BF16.
/// </summary>
internal struct WgradArguments
{
    /// <summary>Addresses; factors of the prologue [N, 2C].</summary>
    public long X, Dy, Partial, Factors;

    /// <summary>N P Q; K; R S times the channels of x.</summary>
    public int Pixels, Outputs, Columns;

    /// <summary>Of a pixel of x and of dy, multiples of 16.</summary>
    public int SourceBytes, OutputBytes;

    /// <summary>Of dy, and of x.</summary>
    public int Height, Width, SourceHeight, SourceWidth;

    /// <summary>S of the filter.</summary>
    public int KernelColumns, Stride, Pad;

    /// <summary>Steps of 16 (TF32) or 32 (BF16) pixels that a group adds up; how far a step goes: samples, rows, columns.</summary>
    public int StepsPerSlice, StepN, StepP, StepQ;

    /// <summary>Groups of a slice; from a sample's scales to its shifts.</summary>
    public int Tiles, ShiftBytes;

    /// <summary>Of the prologue (<see cref="Activation"/>).</summary>
    public float Slope, Offset;
}

/// <summary>
/// wgrad on tensor cores: partial[slice, k, j] = sum over the slice's pixels of dy[pixel, k] x[source(pixel, tap), c], where column j
/// counts taps and channels together, so that no channel count leaves a tile half empty. The sum is over pixels: both operands have it
/// outermost. A tile a group, slices slowest; another kernel adds the slices, in order.
/// </summary>
/// <param name="Tile">Of a group.</param>
/// <param name="Shape">TF32 or BF16.</param>
/// <param name="IsActivated">Whether x has a prologue; then it is float32 in either precision.</param>
internal sealed record WgradKernel(ProductTile Tile, MmaShape Shape, bool IsActivated) : IWrittenKernel
{
    /// <inheritdoc/>
    public string Name => $"Tensor{(IsActivated ? "Activated" : "")}Wgrad{Tile.Text}{Shape.Name}Kernel";

    /// <inheritdoc/>
    public int Threads => Tile.Threads;

    /// <inheritdoc/>
    public int SharedBytes => Tile.SharedBytes;

    /// <inheritdoc/>
    public WrittenKernel Write() => PtxWriter.Kernel<WgradArguments>(Name, "sm_80", Threads, SharedBytes, Body);

    private void Body(PtxWriter w, PtxArguments<WgradArguments> g)
    {
        var (tile, shape) = (Tile, Shape);
        int valueBytes = shape.ValueBytes;
        var (columns, outputs, pixels) = (g.Of(x => x.Columns), g.Of(x => x.Outputs), g.Of(x => x.Pixels));
        var tiles = g.Of(x => x.Tiles).As<U32>();
        var slice = w.Let(w.Group() / tiles);
        var index = w.Let(w.Group() - slice * tiles);
        var columnTiles = w.Let((columns + (tile.Columns - 1)).As<U32>() / tile.Columns);
        var rowTile = w.Let(index / columnTiles);
        var (firstRow, firstColumn) = (w.Let(rowTile * tile.Rows), w.Let((index - rowTile * columnTiles) * tile.Columns));
        var perSlice = g.Of(x => x.StepsPerSlice) * (2 * shape.Depth);
        var first = w.Let(slice.As<S32>() * perSlice);
        var count = w.Let(PtxWriter.Min(pixels - first, perSlice));

        var warp = w.Let(w.Thread() / 32);
        var (warpRow, warpColumn) = (w.Let(tile.WarpRow(warp)), w.Let(tile.WarpColumn(warp)));
        var shared = w.SharedOfLaunch();
        var a = new SumOutermost(w, Side.A, shape, shared, tile.Rows, tile.Threads, warpRow);
        var b = new SumOutermost(w, Side.B, shape, w.Let(shared + tile.Rows * ProductTile.StepBytes), tile.Columns,
            tile.Threads, warpColumn);
        var outputBytes = g.Of(x => x.OutputBytes);
        var dy = MatrixSource.Columns(w, a, g.Of(x => x.Dy) + first.Wide(outputBytes), firstRow * valueBytes, outputBytes, count);
        var x = new TapSource(w, g, b, first, count, firstColumn * valueBytes, columns * valueBytes,
            IsActivated && shape == MmaShape.Bf16 ? 2 : 1);
        IOperandCopies copies = IsActivated
            ? new ActivatedCopies(w, b, x, shape, new(g.Of(x => x.ShiftBytes), g.Of(x => x.Slope), g.Of(x => x.Offset)))
            : new AsyncCopies(w, b, x);
        var steps = w.Let((count + (2 * shape.Depth - 1)).As<U32>() / (2 * shape.Depth)).As<S32>();
        var sums = ProductLoop.Run(w, tile, shape, Operand.OfCopies(w, a, dy), new Operand(b, copies), steps, _ => 0f);
        new ProductResult(w, tile, a, b, sums).Store(g.Of(x => x.Partial) + (slice.As<S32>() * outputs).Wide(columns) * 4,
            firstRow + warpRow,
            firstColumn + warpColumn, outputs, columns, (some, _, _) => some);
    }
}
