using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu.Convolution;
using BDense.Kernels.Ilgpu.Tiles;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

/// <summary>
/// wgrad as the shared-tile kernel takes it: rows are (tap, input channel), columns output channels, the sum runs over a split's pixels.
/// </summary>
internal struct TileWgrad
{
    public int H, W, C, K, S, Stride, Pad, P, Q;

    /// <summary>R S C: rows of the product.</summary>
    public int Rows;

    public int Pixels, PixelsPerSplit;

    /// <summary>Whether SiLU follows scale and shift of x.</summary>
    public int InputSilu;
}

/// <summary>
/// Thread t fetches four (tap, channel) rows of two pixels, four apart, and four output channels of one pixel. Its tap and channel never
/// change; its pixels advance by eight.
/// </summary>
internal struct WgradSource<TPrologue> : ITileSource
    where TPrologue : struct, ITilePrologue
{
    private TileWgrad _g;
    private ArrayView<Float4> _x, _scaleShift, _dy;

    /// <summary>Of what was fetched last.</summary>
    private ChannelFactors _factors0, _factors1;

    /// <summary>The two pixels whose source is read: sample, row, column; and their number, the first one's.</summary>
    private int _n0, _p0, _q0, _n1, _p1, _q1, _pixel, _end;

    /// <summary>
    /// What the tap adds to a source coordinate, the Float4 of channels (-1 behind the last row), the pixel and column of dy.
    /// </summary>
    private int _dh, _dw, _c4, _dyPixel, _column;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WgradSource<TPrologue> Start(in TileWgrad g, ArrayView<Float4> x, ArrayView<Float4> scaleShift, ArrayView<Float4> dy,
        int split, int firstRow, int firstColumn4)
    {
        var f = new WgradSource<TPrologue> { _g = g, _x = x, _scaleShift = scaleShift, _dy = dy };
        int row4 = firstRow / 4 + Group.IdxX % SharedTile.Rows4;
        int tap = row4 / (g.C / 4), r = tap / g.S;
        f._c4 = row4 * 4 < g.Rows ? row4 - tap * (g.C / 4) : -1;
        f._dh = r - g.Pad;
        f._dw = tap - r * g.S - g.Pad;
        int first = split * g.PixelsPerSplit;
        f._end = first + g.PixelsPerSplit < g.Pixels ? first + g.PixelsPerSplit : g.Pixels;
        f._pixel = first + Group.IdxX / SharedTile.Rows4;
        Place(g, f._pixel, out f._n0, out f._p0, out f._q0);
        Place(g, f._pixel + 4, out f._n1, out f._p1, out f._q1);
        f._dyPixel = first + Group.IdxX / SharedTile.Columns4;
        f._column = firstColumn4 + Group.IdxX % SharedTile.Columns4;
        return f;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Place(in TileWgrad g, int pixel, out int n, out int p, out int q)
    {
        int row = pixel / g.Q;
        q = pixel - row * g.Q;
        n = row / g.P;
        p = row - n * g.P;
    }

    /// <summary>Eight pixels on, without a division.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Advance(in TileWgrad g, ref int n, ref int p, ref int q)
    {
        q += SharedTile.Depth;
        while (q >= g.Q)
        {
            q -= g.Q;
            p++;
            if (p == g.P)
            {
                p = 0;
                n++;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly Float4 Read(int n, int p, int q, int pixel, ref ChannelFactors factors)
    {
        int h = p * _g.Stride + _dh, w = q * _g.Stride + _dw;
        bool inside = pixel < _end && _c4 >= 0 && h >= 0 && h < _g.H && w >= 0 && w < _g.W;
        if (TPrologue.Activates)
            factors = inside ? ChannelFactors.Read(_scaleShift, n, _c4, _g.C) : new ChannelFactors();
        return inside ? _x[((n * _g.H + h) * _g.W + w) * (_g.C / 4) + _c4] : new Float4(0f, 0f, 0f, 0f);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TileFetch Fetch()
    {
        var f = new TileFetch { A0 = Read(_n0, _p0, _q0, _pixel, ref _factors0), A1 = Read(_n1, _p1, _q1, _pixel + 4, ref _factors1) };
        if (_dyPixel < _end && _column < _g.K / 4)
            f.B = _dy[_dyPixel * (_g.K / 4) + _column];
        _pixel += SharedTile.Depth;
        _dyPixel += SharedTile.Depth;
        Advance(_g, ref _n0, ref _p0, ref _q0);
        Advance(_g, ref _n1, ref _p1, ref _q1);
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
        a[Group.IdxX] = fetched.A0;
        a[Group.IdxX + SharedTile.GroupSize] = fetched.A1;
        b[Group.IdxX] = fetched.B;
    }
}

public sealed partial class IlgpuBackend
{
    /// <summary>
    /// dw += wgrad through shared memory: true if it was done. Pixels are dealt out to splits whose sums are added in order.
    /// </summary>
    private bool SharedTileWgrad(in Conv2dShape s, Tensor x, in ConvolutionPrologue prologue, Tensor dy, Tensor dw)
    {
        int rows = s.R * s.S * s.C;
        if (!ConvolutionPlan.UseSharedTileWgrad(Tiling, s, AreAligned(x, prologue.ScaleShift, dy)))
            return false;
        var g = new TileWgrad
        {
            H = s.H,
            W = s.W,
            C = s.C,
            K = s.K,
            S = s.S,
            Stride = s.Stride,
            Pad = s.PadBegin,
            P = s.P,
            Q = s.Q,
            Rows = rows,
            Pixels = s.N * s.P * s.Q,
            InputSilu = prologue.Silu ? 1 : 0,
        };
        // Factors belong to an image.
        if (s is { R: 1, S: 1, Stride: 1, PadBegin: 0, PadEnd: 0 } && prologue.ScaleShift is null)
            (g.H, g.P, g.W, g.Q) = (1, 1, g.Pixels, g.Pixels); // no neighbours: all pixels form one row
        long tiles = SharedTile.Tiles(rows, s.K);
        // Groups enough for a large GPU, in a number that depends on the shape alone; 128 pixels a split at least, 64 MB of scratch at
        // most.
        long most = Math.Min(Math.Min(64, (1L << 24) / dw.Length), (g.Pixels + 127) / 128);
        int splits = (int)Math.Max(1, Math.Min(most, 1024 / tiles));
        g.PixelsPerSplit = ((g.Pixels + splits - 1) / splits + SharedTile.Depth - 1) / SharedTile.Depth * SharedTile.Depth;
        splits = (g.Pixels + g.PixelsPerSplit - 1) / g.PixelsPerSplit;
        using var partial = Empty(new Shape(splits, dw.Length));
        if (prologue.ScaleShift is { } factors)
            LaunchGroups(WgradSharedTileActivatedKernel, Threads(tiles * splits), g, View4(x), View4(factors), View4(dy), View4(partial));
        else
            LaunchGroups(WgradSharedTileKernel, Threads(tiles * splits), g, View4(x), View4(dy), View4(partial));
        Launch(SumColumnsKernel, dw.Length, View(partial), splits, dw.Length, 1, splits, 1, View(dw));
        return true;
    }

    /// <summary>
    /// partial[split,k,r,s,c] = sum over the split's pixels of dy[pixel,k] x[source(pixel,r,s),c], as a product (<see cref="SharedTile"/>)
    /// of 128 (r,s,c) by 64 k a group. Grid: tiles of k fastest, then of (r,s,c), then splits. 2 MACs FLOPs in all; 4 bytes written for
    /// each weight and split.
    /// </summary>
    [Kernel(SharedTile.GroupSize, Hot = true)]
    internal static void WgradSharedTileKernel(TileWgrad g, ArrayView<Float4> x, ArrayView<Float4> dy, ArrayView<Float4> partial) =>
        WgradSharedTile<PlainInput>(g, x, x, dy, partial);

    /// <summary>
    /// As <see cref="WgradSharedTileKernel"/>, of act(scale[n,c] x + shift[n,c]): activated once for each tap and each 64 output channels.
    /// </summary>
    [Kernel(SharedTile.GroupSize, Hot = true)]
    internal static void WgradSharedTileActivatedKernel(TileWgrad g, ArrayView<Float4> x, ArrayView<Float4> scaleShift,
        ArrayView<Float4> dy, ArrayView<Float4> partial) =>
        WgradSharedTile<ActivatedInput>(g, x, scaleShift, dy, partial);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WgradSharedTile<TPrologue>(in TileWgrad g, ArrayView<Float4> x, ArrayView<Float4> scaleShift, ArrayView<Float4> dy,
        ArrayView<Float4> partial)
        where TPrologue : struct, ITilePrologue
    {
        int tilesK = (g.K + SharedTile.Columns - 1) / SharedTile.Columns, tilesM = (g.Rows + SharedTile.Rows - 1) / SharedTile.Rows;
        int rest = Grid.IdxX / tilesK, split = rest / tilesM;
        int firstRow = (rest - split * tilesM) * SharedTile.Rows, firstColumn4 = (Grid.IdxX - rest * tilesK) * SharedTile.Columns4;
        var source = WgradSource<TPrologue>.Start(g, x, scaleShift, dy, split, firstRow, firstColumn4);
        int pixels = g.Pixels - split * g.PixelsPerSplit;
        pixels = pixels < g.PixelsPerSplit ? pixels : g.PixelsPerSplit;
        var acc = SharedTile.Multiply(ref source, (pixels + SharedTile.Depth - 1) / SharedTile.Depth);

        int row = firstRow + SharedTile.Row(Group.IdxX);
        int k = (firstColumn4 + SharedTile.Column4(Group.IdxX)) * 4;
        StoreWeights(g, partial, split, k, row, acc.R0L, acc.R1L, acc.R2L, acc.R3L);
        StoreWeights(g, partial, split, k, row + 4, acc.R4L, acc.R5L, acc.R6L, acc.R7L);
        StoreWeights(g, partial, split, k + 32, row, acc.R0R, acc.R1R, acc.R2R, acc.R3R);
        StoreWeights(g, partial, split, k + 32, row + 4, acc.R4R, acc.R5R, acc.R6R, acc.R7R);
    }

    /// <summary>Four rows of four output channels: the weights' rows are innermost, so the little square is transposed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreWeights(in TileWgrad g, ArrayView<Float4> partial, int split, int k, int row, Float4 r0, Float4 r1,
        Float4 r2, Float4 r3)
    {
        if (row >= g.Rows || k >= g.K)
            return;
        int pitch = g.Rows / 4, to = (split * g.K + k) * pitch + row / 4;
        partial[to] = new Float4(r0.X, r1.X, r2.X, r3.X);
        partial[to + pitch] = new Float4(r0.Y, r1.Y, r2.Y, r3.Y);
        partial[to + 2 * pitch] = new Float4(r0.Z, r1.Z, r2.Z, r3.Z);
        partial[to + 3 * pitch] = new Float4(r0.W, r1.W, r2.W, r3.W);
    }
}
