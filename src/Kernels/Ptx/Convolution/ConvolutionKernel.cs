using BDense.Kernels.Ptx.Products;

namespace BDense.Kernels.Ptx.Convolution;

/// <summary>
/// What <see cref="ConvolutionKernel"/> is launched with. Byte counts of the factors as they are multiplied: 4 a value for TF32, 2 for
/// BF16.
/// </summary>
internal struct ConvolutionArguments
{
    /// <summary>Addresses: source, weights [Channels, taps, source channels], result, and what is added, 0 for none: in float32 bias
    /// [Channels] and embedding [N, Channels], in the result's type residual [Pixels, Channels]; factors of the prologue [N, 2C]. Moments
    /// of the result [Pixels / 16, Channels].</summary>
    public long X, W, Y, Bias, Embedding, Residual, Factors, Moments;

    /// <summary>Pixels and channels of the result.</summary>
    public int Pixels, Channels;

    /// <summary>Of the result and of the source.</summary>
    public int Height, Width, SourceHeight, SourceWidth;

    /// <summary>Of a source pixel, a multiple of 16.</summary>
    public int SourceBytes;

    /// <summary>Of the filter.</summary>
    public int Rows, Columns, Stride, Pad;

    /// <summary>Whether SiLU comes last; from a sample's scales to its shifts.</summary>
    public int Silu, ShiftBytes;

    /// <summary>Groups of a slice, and steps that a group adds up, where the sum is in slices.</summary>
    public int Tiles, StepsPerSlice;

    /// <summary>Of the sum with all that is added to it; of the prologue (<see cref="Activation"/>).</summary>
    public float Scale, Slope, Offset;
}

/// <summary>
/// A convolution or a dgrad on tensor cores: y[m, o] = act((bias[o] + sum over taps and source channels + embedding[n, o] + residual[m, o])
/// scale), m counting the pixels of the result, n their images. A tile of the result a group; grid: tiles of columns fastest, so that
/// neighbours read the same pixels. (rows + columns) x 64 bytes read a step for 64 rows columns FLOPs in TF32. Sums over taps, then
/// channels, in a fixed order. In slices, which are slowest, y is [slices, Pixels, Channels] and holds plain sums, which another kernel
/// adds up in order before the rest: maps of few pixels have too few tiles to fill a GPU.
/// </summary>
/// <param name="Tile">Of a group.</param>
/// <param name="Shape">TF32 or BF16.</param>
/// <param name="IsTransposed">dgrad: w is [C, R, S, K], the source dy.</param>
/// <param name="IsActivated">Whether there is a prologue; then the source is float32 in either precision.</param>
/// <param name="IsSliced">Whether a group adds up a part of the sum.</param>
/// <param name="IsOdd">Whether the result may have an odd number of channels: they are stored one by one.</param>
/// <param name="IsRounded">Whether result and residual are BF16, two channels a store; not in slices, nor of odd channels.</param>
/// <param name="IsMeasured">Whether moments of the result are written (<see cref="ConvolutionMoments"/>); likewise.</param>
internal sealed record ConvolutionKernel(ProductTile Tile, MmaShape Shape, bool IsTransposed, bool IsActivated, bool IsSliced = false,
    bool IsOdd = false, bool IsRounded = false, bool IsMeasured = false) : IWrittenKernel
{
    /// <inheritdoc/>
    public string Name => $"Tensor{(IsSliced ? "Sliced" : "")}{(IsOdd ? "Odd" : "")}{(IsRounded ? "Rounded" : "")}"
        + $"{(IsMeasured ? "Measured" : "")}{(IsActivated ? "Activated" : "")}{(IsTransposed ? "Dgrad" : "Convolution")}{Tile.Text}"
        + $"{Shape.Name}Kernel";

    /// <inheritdoc/>
    public int Threads => Tile.Threads;

    /// <inheritdoc/>
    public int SharedBytes => Tile.SharedBytes;

    /// <inheritdoc/>
    public WrittenKernel Write() => PtxWriter.Kernel<ConvolutionArguments>(Name, "sm_80", Threads, SharedBytes, Body);

    private void Body(PtxWriter w, PtxArguments<ConvolutionArguments> g)
    {
        var (tile, shape) = (Tile, Shape);
        var channels = g.Of(x => x.Channels);
        var columnTiles = w.Let((channels + (tile.Columns - 1)).As<U32>() / tile.Columns);
        var group = w.Group();
        Register<U32>? slice = null;
        if (IsSliced)
        {
            var tiles = g.Of(x => x.Tiles).As<U32>();
            slice = w.Let(group / tiles);
            group = w.Let(group - slice * tiles);
        }
        var rowTile = w.Let(group / columnTiles);
        var (firstRow, firstColumn) = (w.Let(rowTile * tile.Rows), w.Let((group - rowTile * columnTiles) * tile.Columns));
        var warp = w.Let(w.Thread() / 32);
        var (warpRow, warpColumn) = (w.Let(tile.WarpRow(warp)), w.Let(tile.WarpColumn(warp)));
        var shared = w.SharedOfLaunch();
        var a = new SumInnermost(w, Side.A, shared, tile.Rows, tile.Threads, warpRow);
        var b = new SumInnermost(w, Side.B, w.Let(shared + tile.Rows * ProductTile.StepBytes), tile.Columns, tile.Threads, warpColumn);

        var walk = new TapWalk(w, g, a.Piece, slice);
        var image = new PixelSource(w, g, walk, a, firstRow, IsTransposed, IsActivated && shape == MmaShape.Bf16 ? 2 : 1);
        IOperandCopies copies = IsActivated
            ? new ActivatedCopies(w, a, image, shape, new(g.Of(x => x.ShiftBytes), g.Of(x => x.Slope), g.Of(x => x.Offset)))
            : new AsyncCopies(w, a, image);
        var weights = new WeightSource(w, g, walk, b, firstColumn);
        var sums = ProductLoop.Run(w, tile, shape, new Operand(a, copies), Operand.OfCopies(w, b, weights), walk.Steps, _ => 0f);
        var epilogue = new ConvolutionResult(w, g, IsRounded, IsMeasured, firstColumn + warpColumn + b.FirstOf(w.Thread() % 32),
            w.Let(firstRow + warpRow + a.FirstOf(w.Thread() % 32)));
        var runs = new ProductResult(w, tile, a, b, sums).Places();
        ResultRun[] places = [.. IsOdd ? runs.SelectMany(run => run.Singles) : runs];
        if (slice is not null)
            epilogue.StoreSlice(places, slice);
        else
            epilogue.Store(places);
    }
}
