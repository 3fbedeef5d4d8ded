using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu.Convolution;
using BDense.Kernels.Ilgpu.Tiles;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

/// <summary>
/// Forward or dgrad as the shared-tile kernel takes it: rows are the pixels of the result, columns its channels, and the sum runs over taps
/// and source channels. Weight of (tap, source channel i, channel o): w[tap * TapStride + i * SourceStride + o].
/// </summary>
internal struct TileConvolution
{
    public int Pixels, Height, Width, Channels;
    public int SourceHeight, SourceWidth, SourceChannels;
    public int Rows, Columns, Stride, Pad, TapStride, SourceStride;

    /// <summary>
    /// 0: source = result * Stride + tap - Pad. 1: the same equation with the roles swapped, where it has an integer solution.
    /// </summary>
    public int IsTransposed;

    public int HasBias;

    /// <summary>Whether SiLU follows scale and shift on the way in.</summary>
    public int InputSilu;

    public ResultTerms Result;

    /// <summary>y from x and weights [R,S,C,K].</summary>
    public static TileConvolution Forward(in Conv2dShape s) => Of(ImagePass.Forward(s)) with { TapStride = s.C * s.K, SourceStride = s.K };

    /// <summary>dx from dy and weights [K,R,S,C].</summary>
    public static TileConvolution Dgrad(in Conv2dShape s) => Of(ImagePass.Dgrad(s)) with
    {
        TapStride = s.C,
        SourceStride = s.R * s.S * s.C,
    };

    private static TileConvolution Of(in ImagePass pass) => new()
    {
        Pixels = pass.Pixels,
        Height = pass.Height,
        Width = pass.Width,
        Channels = pass.Channels,
        SourceHeight = pass.SourceHeight,
        SourceWidth = pass.SourceWidth,
        SourceChannels = pass.SourceChannels,
        Rows = pass.Shape.R,
        Columns = pass.Shape.S,
        Stride = pass.Shape.Stride,
        Pad = pass.Shape.PadBegin,
        IsTransposed = pass.IsTransposed,
    };
}

/// <summary>
/// Thread t fetches eight channels of the source pixel that row t of the tile reads, and four weights of one source channel.
/// </summary>
internal struct ConvolutionSource<TPrologue> : ITileSource
    where TPrologue : struct, ITilePrologue
{
    private TileConvolution _g;
    private ArrayView<Float4> _x, _scaleShift, _w;

    /// <summary>
    /// Of what was fetched last: the values wait in registers while the multiply-adds run, and are activated when they are stored.
    /// </summary>
    private ChannelFactors _factors0, _factors1;

    /// <summary>The row's pixel; <c>_from</c> is its source under the current tap, in Float4s, -1 for none.</summary>
    private int _n, _p, _q, _exists, _from;

    /// <summary>The next step's tap and first channel, and this thread's line and column of the weights' tile.</summary>
    private int _r, _s, _c, _line, _column;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ConvolutionSource<TPrologue> Start(in TileConvolution g, ArrayView<Float4> x, ArrayView<Float4> scaleShift,
        ArrayView<Float4> w, int firstRow, int firstColumn4)
    {
        var f = new ConvolutionSource<TPrologue> { _g = g, _x = x, _scaleShift = scaleShift, _w = w };
        int m = firstRow + Group.IdxX;
        f._exists = m < g.Pixels ? 1 : 0;
        int row = m / g.Width;
        f._q = m - row * g.Width;
        f._n = row / g.Height;
        f._p = row - f._n * g.Height;
        f._line = Group.IdxX / SharedTile.Columns4;
        f._column = firstColumn4 + Group.IdxX % SharedTile.Columns4;
        f.ReadTap();
        return f;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void ReadTap()
    {
        int h = IlgpuBackend.Source(_p, _r, _g.Stride, _g.Pad, _g.IsTransposed, _g.SourceHeight);
        int w = IlgpuBackend.Source(_q, _s, _g.Stride, _g.Pad, _g.IsTransposed, _g.SourceWidth);
        _from = _exists == 0 || (h | w) < 0 ? -1 : ((_n * _g.SourceHeight + h) * _g.SourceWidth + w) * (_g.SourceChannels / 4);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TileFetch Fetch()
    {
        var f = new TileFetch();
        if (TPrologue.Activates)
            _factors0 = _factors1 = new ChannelFactors();
        if (_from >= 0)
        {
            f.A0 = _x[_from + _c / 4];
            if (TPrologue.Activates)
                _factors0 = ChannelFactors.Read(_scaleShift, _n, _c / 4, _g.SourceChannels);
            if (_c + 4 < _g.SourceChannels)
            {
                f.A1 = _x[_from + _c / 4 + 1];
                if (TPrologue.Activates)
                    _factors1 = ChannelFactors.Read(_scaleShift, _n, _c / 4 + 1, _g.SourceChannels);
            }
        }
        int i = _c + _line;
        if (i < _g.SourceChannels && _column < _g.Channels / 4)
            f.B = _w[((_r * _g.Columns + _s) * _g.TapStride + i * _g.SourceStride) / 4 + _column];
        _c += SharedTile.Depth;
        if (_c >= _g.SourceChannels)
        {
            _c = 0;
            _s++;
            if (_s == _g.Columns)
            {
                _s = 0;
                _r++;
            }
            ReadTap();
        }
        return f;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(TileFetch fetched, ArrayView<Float4> a, ArrayView<Float4> b)
    {
        if (TPrologue.Activates)
        {
            fetched.A0 = _factors0.Activate(fetched.A0, _g.InputSilu);
            fetched.A1 = _factors1.Activate(fetched.A1, _g.InputSilu);
        }
        SharedTile.StoreAcross(a, Group.IdxX, SharedTile.Rows, fetched.A0);
        SharedTile.StoreAcross(a, Group.IdxX + 4 * SharedTile.Rows, SharedTile.Rows, fetched.A1);
        b[Group.IdxX] = fetched.B;
    }
}

public sealed partial class IlgpuBackend
{
    /// <summary>Forward through shared memory: true if it was done, false where the plan says otherwise.</summary>
    private bool SharedTileConv2d(in Conv2dShape s, Tensor x, Tensor w, in ConvolutionPrologue p, in ConvolutionEpilogue e, Tensor y)
    {
        if (!ConvolutionPlan.UseSharedTile(Tiling, (long)s.N * s.P * s.Q, s.K, s.C,
            AreAligned(x, y, p.ScaleShift, e.Bias, e.Embedding, e.Residual)))
            return false;
        // Output channels innermost, so that neighbouring threads read neighbouring weights, four at a time.
        using var rsck = Empty(new Shape(s.R, s.S, s.C, s.K));
        Launch(TransposeKernel, w.Length, View(w), s.K, s.R * s.S * s.C, View(rsck));
        var g = TileConvolution.Forward(s) with
        {
            HasBias = e.Bias is null ? 0 : 1,
            InputSilu = p.Silu ? 1 : 0,
            Result = ResultTerms.Of(e, s.P * s.Q),
        };
        int groups = Threads(SharedTile.Tiles(g.Pixels, g.Channels));
        if (p.ScaleShift is { } factors)
            LaunchGroups(ConvSharedTileActivatedKernel, groups, g, View4(x), View4(factors), View4(rsck), View4(e.Bias ?? rsck),
                View4(e.Embedding ?? rsck), View4(e.Residual ?? rsck), View4(y));
        else if (e.IsBias)
            LaunchGroups(ConvSharedTileKernel, groups, g, View4(x), View4(rsck), View4(e.Bias ?? rsck), View4(y));
        else
            LaunchGroups(ConvSharedTileEpilogueKernel, groups, g, View4(x), View4(rsck), View4(e.Bias ?? rsck), View4(e.Embedding ?? rsck),
                View4(e.Residual ?? rsck), View4(y));
        return true;
    }

    /// <summary>dgrad through shared memory; the weights as they are, since their input channels are innermost.</summary>
    private bool SharedTileDgrad(in Conv2dShape s, Tensor dy, Tensor w, Tensor dx)
    {
        if (!ConvolutionPlan.UseSharedTile(Tiling, (long)s.N * s.H * s.W, s.C, s.K, Aligned(dy) && Aligned(w) && Aligned(dx)))
            return false;
        var g = TileConvolution.Dgrad(s);
        LaunchGroups(ConvSharedTileKernel, Threads(SharedTile.Tiles(g.Pixels, g.Channels)), g, View4(dy), View4(w), View4(w), View4(dx));
        return true;
    }

    /// <summary>
    /// y[m, o] = bias[o] + sum over taps and source channels, as an implicit GEMM (<see cref="SharedTile"/>): 128 pixels by 64 channels a
    /// group. Grid: tiles of channels fastest, so that neighbouring groups read the same pixels. 2 MACs FLOPs; x read once for each 64
    /// channels, weights once for each 128 pixels, 4 bytes written an element.
    /// </summary>
    [Kernel(SharedTile.GroupSize, Hot = true)]
    internal static void ConvSharedTileKernel(TileConvolution g, ArrayView<Float4> x, ArrayView<Float4> w, ArrayView<Float4> bias,
        ArrayView<Float4> y) =>
        ConvSharedTile<PlainInput, PlainResult>(g, x, x, w, bias, y, y, y);

    /// <summary>
    /// As <see cref="ConvSharedTileKernel"/>, with embedding, residual, scale and SiLU in registers: 4 bytes read an element of y for the
    /// residual.
    /// </summary>
    [Kernel(SharedTile.GroupSize, Hot = true)]
    internal static void ConvSharedTileEpilogueKernel(TileConvolution g, ArrayView<Float4> x, ArrayView<Float4> w, ArrayView<Float4> bias,
        ArrayView<Float4> embedding, ArrayView<Float4> residual, ArrayView<Float4> y) =>
        ConvSharedTile<PlainInput, FusedResult>(g, x, x, w, bias, embedding, residual, y);

    /// <summary>
    /// As <see cref="ConvSharedTileEpilogueKernel"/>, of act(scale[n,c] x + shift[n,c]): activated between registers and shared memory,
    /// once for each tap and each 64 channels of the result. 8 FLOPs, an exponential and a division for each value and 128 FLOPs of the
    /// product.
    /// </summary>
    [Kernel(SharedTile.GroupSize, Hot = true)]
    internal static void ConvSharedTileActivatedKernel(TileConvolution g, ArrayView<Float4> x, ArrayView<Float4> scaleShift,
        ArrayView<Float4> w, ArrayView<Float4> bias,
        ArrayView<Float4> embedding, ArrayView<Float4> residual, ArrayView<Float4> y) =>
        ConvSharedTile<ActivatedInput, FusedResult>(g, x, scaleShift, w, bias, embedding, residual, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ConvSharedTile<TPrologue, TResult>(in TileConvolution g, ArrayView<Float4> x, ArrayView<Float4> scaleShift,
        ArrayView<Float4> w, ArrayView<Float4> bias,
        ArrayView<Float4> embedding, ArrayView<Float4> residual, ArrayView<Float4> y)
        where TPrologue : struct, ITilePrologue
        where TResult : struct, IConvolutionResult
    {
        int tiles = (g.Channels + SharedTile.Columns - 1) / SharedTile.Columns;
        int firstRow = Grid.IdxX / tiles * SharedTile.Rows, firstColumn4 = Grid.IdxX % tiles * SharedTile.Columns4;
        var source = ConvolutionSource<TPrologue>.Start(g, x, scaleShift, w, firstRow, firstColumn4);
        var acc = SharedTile.Multiply(ref source, g.Rows * g.Columns * ((g.SourceChannels + SharedTile.Depth - 1) / SharedTile.Depth));

        int pitch = g.Channels / 4;
        int row = firstRow + SharedTile.Row(Group.IdxX), column = firstColumn4 + SharedTile.Column4(Group.IdxX);
        StoreTileColumns<TResult>(g, bias, embedding, residual, y, row, pitch, column, acc.R0L, acc.R1L, acc.R2L, acc.R3L, acc.R4L, acc.R5L,
            acc.R6L, acc.R7L);
        StoreTileColumns<TResult>(g, bias, embedding, residual, y, row, pitch, column + 8, acc.R0R, acc.R1R, acc.R2R, acc.R3R, acc.R4R,
            acc.R5R, acc.R6R, acc.R7R);
    }

    /// <summary>Four channels of eight pixels, as far as they exist.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreTileColumns<TResult>(in TileConvolution g, ArrayView<Float4> bias, ArrayView<Float4> embedding,
        ArrayView<Float4> residual,
        ArrayView<Float4> y, int row, int pitch, int column, Float4 v0, Float4 v1, Float4 v2, Float4 v3, Float4 v4, Float4 v5,
        Float4 v6, Float4 v7)
        where TResult : struct, IConvolutionResult
    {
        if (column >= pitch)
            return;
        var start = g.HasBias != 0 ? bias[column] : new Float4(0f, 0f, 0f, 0f);
        StorePixel<TResult>(g, embedding, residual, y, row, pitch, column, start, v0);
        StorePixel<TResult>(g, embedding, residual, y, row + 1, pitch, column, start, v1);
        StorePixel<TResult>(g, embedding, residual, y, row + 2, pitch, column, start, v2);
        StorePixel<TResult>(g, embedding, residual, y, row + 3, pitch, column, start, v3);
        StorePixel<TResult>(g, embedding, residual, y, row + 4, pitch, column, start, v4);
        StorePixel<TResult>(g, embedding, residual, y, row + 5, pitch, column, start, v5);
        StorePixel<TResult>(g, embedding, residual, y, row + 6, pitch, column, start, v6);
        StorePixel<TResult>(g, embedding, residual, y, row + 7, pitch, column, start, v7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StorePixel<TResult>(in TileConvolution g, ArrayView<Float4> embedding, ArrayView<Float4> residual,
        ArrayView<Float4> y,
        int row, int pitch, int column, Float4 start, Float4 v)
        where TResult : struct, IConvolutionResult
    {
        if (row >= g.Pixels)
            return;
        var sum = new Float4(start.X + v.X, start.Y + v.Y, start.Z + v.Z, start.W + v.W);
        y[row * pitch + column] = default(TResult).Finish(sum, g.Result, row, column, pitch, embedding, residual);
    }
}
