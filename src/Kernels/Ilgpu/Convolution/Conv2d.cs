using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu.Convolution;
using BDense.Kernels.Ilgpu.Tuning;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

/// <summary>
/// What forward and dgrad have in common: for every output pixel, a sum over taps and over the channels of the source pixel that
/// the tap reads. Weight of (tap r, s, source channel i, output channel o):
/// w[FirstTap + r * TapRow + s * TapStride + i * SourceStride + o * OutputStride].
/// </summary>
internal struct ImplicitGemm
{
    public int SourceHeight, SourceWidth, SourceChannels;
    public int Height, Width, Channels;
    public int Rows, Columns, Stride, PadRows, PadColumns;
    public int FirstTap, TapRow, TapStride, SourceStride, OutputStride;

    /// <summary>From 16 output channels to the next; 16 OutputStride, unless the weights are laid out in blocks.</summary>
    public int BlockStride;

    /// <summary>Where pixel (n, p, q) of the grid lies in y, in pixels: OutFirst + (n * Height + p) * OutRow + q * OutStep.</summary>
    public int OutFirst, OutRow, OutStep;

    /// <summary>
    /// 0: source = output * Stride + tap - Pad. 1: the same equation with the roles swapped, where it has an integer solution.
    /// </summary>
    public int IsTransposed;

    public int HasBias;

    public ResultTerms Result;

    /// <summary>With weights [K,R,S,C]; which of their channels are the source's is still to be said.</summary>
    public static ImplicitGemm Of(in ImagePass pass) => new()
    {
        SourceHeight = pass.SourceHeight,
        SourceWidth = pass.SourceWidth,
        SourceChannels = pass.SourceChannels,
        Height = pass.Height,
        Width = pass.Width,
        Channels = pass.Channels,
        Rows = pass.Shape.R,
        Columns = pass.Shape.S,
        Stride = pass.Shape.Stride,
        PadRows = pass.Shape.PadBegin,
        PadColumns = pass.Shape.PadBegin,
        TapRow = pass.Shape.S * pass.Shape.C,
        TapStride = pass.Shape.C,
        OutRow = pass.Width,
        OutStep = 1,
        IsTransposed = pass.IsTransposed,
    };
}

public sealed partial class IlgpuBackend
{
    /// <summary>Consecutive pixels of a row that one thread computes.</summary>
    private const int PixelTile = 4;

    private protected override void Conv2dCore(in Conv2dShape s, Tensor x, Tensor w, Tensor? bias, Tensor y) =>
        Forward(s, x, w, default, new ConvolutionEpilogue(bias), y);

    /// <summary>
    /// Forward with what is within its launch, by the first kernel of the plan that takes the shape; true if one does. The kernels of the
    /// cache have no prologue.
    /// </summary>
    private bool Forward(in Conv2dShape s, Tensor x, Tensor w, in ConvolutionPrologue p, in ConvolutionEpilogue e, Tensor y)
    {
        if (TensorConv2d(s, x, w, p, e, y))
            return true;
        if (!SharedTileConv2d(s, x, w, p, e, y) && !(p.ScaleShift is null && SimtConv2d(s, x, w, e, y)))
            return false;
        // Tensor cores alone measure what they store; a prologue's channels may have asked for other kernels.
        if (e.Moments is { } moments)
            MomentsCore(s.OutputBlocks, y, moments);
        return true;
    }

    /// <summary>Forward in float32 from the cache.</summary>
    private bool SimtConv2d(in Conv2dShape s, Tensor x, Tensor w, in ConvolutionEpilogue e, Tensor y)
    {
        Gemm(s, ImplicitGemm.Of(ImagePass.Forward(s)) with { SourceStride = 1, OutputStride = s.R * s.S * s.C }, x, w, e, y);
        return true;
    }

    private protected override void Conv2dDgradCore(in Conv2dShape s, Tensor dy, Tensor w, Tensor dx)
    {
        if (TensorDgrad(s, dy, w, dx) || SharedTileDgrad(s, dy, w, dx))
            return;
        var g = ImplicitGemm.Of(ImagePass.Dgrad(s)) with { SourceStride = s.R * s.S * s.C, OutputStride = 1 };
        Gemm(s, g, dy, w, new ConvolutionEpilogue(null), dx);
    }

    private void Gemm(in Conv2dShape s, ImplicitGemm g, Tensor x, Tensor w, in ConvolutionEpilogue e, Tensor y)
    {
        bool vector = g.Channels % 4 == 0 && AreAligned(y, e.Bias, g.OutputStride == 1 ? w : null);
        if (!e.IsBias && !(vector && IsWideInput(g, x) && AreAligned(e.Embedding, e.Residual)))
            throw NoLaunch(s, default, e, nameof(FusedConv2d));
        int n = s.N;
        g.Result = ResultTerms.Of(e, y.Length / (g.Channels * Math.Max(1, n)));
        if (s is { R: 1, S: 1, Stride: 1, PadBegin: 0, PadEnd: 0 })
        {
            // No neighbours: all pixels form one row.
            g.SourceWidth = g.Width = g.OutRow = n * s.H * s.W;
            g.SourceHeight = g.Height = n = 1;
        }
        g.HasBias = e.Bias is null ? 0 : 1;
        int tiles = n * g.Height * ((g.Width + PixelTile - 1) / PixelTile);
        if (!vector)
            Launch(ConvScalarKernel, Threads((long)tiles * g.Channels), g, View(x), View(w), View(e.Bias ?? w), View(y));
        else
            LaunchTile(DecideTile(g, n, tiles, x, w, e, y), g, tiles, x, w, e, y);
    }

    /// <summary>
    /// As many channels a thread as divide them, unless fewer were measured to be faster: sixteen on a processor, eight on a GPU.
    /// </summary>
    private string DecideTile(in ImplicitGemm g, int n, int tiles, Tensor x, Tensor w, in ConvolutionEpilogue e, Tensor y)
    {
        if (g.Channels % 8 != 0 || !IsWideInput(g, x))
            return PortableTile.Channels4;
        bool has16 = HasTile16(Tiling, g);
        var rule = new TileChoice(has16 ? PortableTile.Channels16 : PortableTile.Channels8, 1);
        if (!e.IsBias)
            return rule.Tile;
        var key = new TuningKey("portable", Precision.Fp32, n * g.Height * g.Width, g.Channels, g.Rows * g.Columns * g.SourceChannels,
            g.Rows * g.Columns);
        return IsDecided(key, out var choice) ? choice.Tile : MeasureTile(key, rule, g, tiles, x, w, e, y);
    }

    private string MeasureTile(in TuningKey key, TileChoice rule, ImplicitGemm g, int tiles, Tensor x, Tensor w,
        ConvolutionEpilogue e, Tensor y)
    {
        TileChoice[] narrower = [new(PortableTile.Channels8, 1), new(PortableTile.Channels4, 1)];
        return Decide(key, rule.Tile == PortableTile.Channels16 ? [rule, .. narrower] : narrower, rule,
            choice => LaunchTile(choice.Tile, g, tiles, x, w, e, y)).Tile;
    }

    /// <summary>Whether four source channels can be loaded at once.</summary>
    private static bool IsWideInput(in ImplicitGemm g, Tensor x) => g.SourceChannels % 4 == 0 && Aligned(x);

    private void LaunchTile(string tile, ImplicitGemm g, int tiles, Tensor x, Tensor w, in ConvolutionEpilogue e, Tensor y)
    {
        if (tile == PortableTile.Channels16)
        {
            LaunchTile16(g, tiles, x, w, e, y);
            return;
        }
        // Output channels innermost, so that neighbouring threads read neighbouring weights, four at a time.
        using var rsck = g.OutputStride == 1 ? null : Empty(w.Shape);
        if (rsck is not null)
        {
            Launch(TransposeKernel, w.Length, View(w), g.Channels, g.OutputStride, View(rsck));
            g = g with
            {
                TapRow = g.TapRow * g.Channels,
                TapStride = g.TapStride * g.Channels,
                SourceStride = g.Channels,
                OutputStride = 1,
            };
        }
        bool isTile8 = tile == PortableTile.Channels8;
        int threads = Threads((long)tiles * (g.Channels / (isTile8 ? 8 : 4)));
        ArrayView<Float4> weights = View4(rsck ?? w), bias = View4(e.Bias ?? rsck ?? w);
        if (!IsWideInput(g, x))
            Launch(ConvNarrowKernel, threads, g, View(x), weights, bias, View4(y));
        else if (e.IsBias)
            Launch(isTile8 ? ConvTile8Kernel : ConvTile4Kernel, threads, g, View4(x), weights, bias, View4(y));
        else
            Launch(isTile8 ? ConvTile8EpilogueKernel : ConvTile4EpilogueKernel, threads, g, View4(x), weights, bias,
                View4(e.Embedding ?? y), View4(e.Residual ?? y), View4(y));
    }

    /// <summary>y[c,r] = x[r,c] for x of rows x columns. One thread an element, written in order; 4 bytes read, 4 written.</summary>
    [Kernel]
    internal static void TransposeKernel(Index1D i, ArrayView<float> x, int rows, int columns, ArrayView<float> y)
    {
        int c = i / rows;
        y[i] = x[(i - c * rows) * columns + c];
    }

    /// <summary>The source row or column that output <paramref name="o"/> reads through <paramref name="tap"/>; -1 for none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int Source(int o, int tap, int stride, int pad, int isTransposed, int extent)
    {
        int i = o * stride + tap - pad;
        if (isTransposed != 0)
        {
            int u = o + pad - tap;
            i = stride == 1 ? u : u / stride;
            i = i * stride == u ? i : -1;
        }
        return i >= 0 && i < extent ? i : -1;
    }

    /// <summary>
    /// Where a thread's tile lies: output channel block <c>Block</c> of pixels (<c>Row</c> of sample <c>N</c>, from <c>First</c> on).
    /// </summary>
    private struct Place
    {
        public int Block, N, Row, First, Pixel;
    }

    /// <summary>Thread t: channel blocks fastest, then tiles of a row, rows, samples.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Place Locate(int t, ImplicitGemm g, int blocks)
    {
        Place p;
        int rowTiles = (g.Width + PixelTile - 1) / PixelTile;
        int tile = t / blocks;
        p.Block = t - tile * blocks;
        int row = tile / rowTiles;
        p.First = (tile - row * rowTiles) * PixelTile;
        p.N = row / g.Height;
        p.Row = row - p.N * g.Height;
        p.Pixel = g.OutFirst + row * g.OutRow + p.First * g.OutStep;
        return p;
    }

    /// <summary>Eight channels of four pixels: the register tile.</summary>
    private struct Tile8
    {
        public Float4 A0, A1, B0, B1, C0, C1, D0, D1;
    }

    /// <summary>acc[pixel][channel] += x[pixel] w[channel] for one source channel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Outer(ref Tile8 acc, float a, float b, float c, float d, Float4 w0, Float4 w1)
    {
        Float4.AddScaled(ref acc.A0, a, w0);
        Float4.AddScaled(ref acc.A1, a, w1);
        Float4.AddScaled(ref acc.B0, b, w0);
        Float4.AddScaled(ref acc.B1, b, w1);
        Float4.AddScaled(ref acc.C0, c, w0);
        Float4.AddScaled(ref acc.C1, c, w1);
        Float4.AddScaled(ref acc.D0, d, w0);
        Float4.AddScaled(ref acc.D1, d, w1);
    }

    /// <summary>The same for four source channels, whose weights lie <paramref name="stride"/> apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Outer4(ref Tile8 acc, Float4 a, Float4 b, Float4 c, Float4 d, ArrayView<Float4> w, int at, int stride)
    {
        Outer(ref acc, a.X, b.X, c.X, d.X, w[at], w[at + 1]);
        Outer(ref acc, a.Y, b.Y, c.Y, d.Y, w[at + stride], w[at + stride + 1]);
        Outer(ref acc, a.Z, b.Z, c.Z, d.Z, w[at + 2 * stride], w[at + 2 * stride + 1]);
        Outer(ref acc, a.W, b.W, c.W, d.W, w[at + 3 * stride], w[at + 3 * stride + 1]);
    }

    /// <summary>
    /// Forward convolution and dgrad as an implicit GEMM: y[pixel, 8 channels] for four pixels a thread. Per four source channels 12
    /// loads of 16 bytes feed 128 multiply-adds. No shared memory: the threads of a warp share their pixels, and read weights side by side.
    /// One thread a tile; 2 MACs FLOPs; x comes from memory about once and Channels / 8 times from the cache.
    /// </summary>
    [Kernel(128, Hot = true)]
    internal static void ConvTile8Kernel(Index1D t, ImplicitGemm g, ArrayView<Float4> x, ArrayView<Float4> w, ArrayView<Float4> bias,
        ArrayView<Float4> y) =>
        ConvTile8<PlainResult>(t, g, x, w, bias, y, y, y);

    /// <summary>
    /// As <see cref="ConvTile8Kernel"/>, with embedding, residual, scale and SiLU in registers: 4 bytes read an element of y for the
    /// residual.
    /// </summary>
    [Kernel(128, Hot = true)]
    internal static void ConvTile8EpilogueKernel(Index1D t, ImplicitGemm g, ArrayView<Float4> x, ArrayView<Float4> w,
        ArrayView<Float4> bias,
        ArrayView<Float4> embedding, ArrayView<Float4> residual, ArrayView<Float4> y) =>
        ConvTile8<FusedResult>(t, g, x, w, bias, embedding, residual, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ConvTile8<TResult>(int t, ImplicitGemm g, ArrayView<Float4> x, ArrayView<Float4> w, ArrayView<Float4> bias,
        ArrayView<Float4> embedding, ArrayView<Float4> residual, ArrayView<Float4> y)
        where TResult : struct, IConvolutionResult
    {
        var p = Locate(t, g, g.Channels / 8);
        int channels4 = g.SourceChannels / 4;
        int stride = g.SourceStride / 4;
        var acc = new Tile8();
        if (g.HasBias != 0)
        {
            acc.A0 = acc.B0 = acc.C0 = acc.D0 = bias[2 * p.Block];
            acc.A1 = acc.B1 = acc.C1 = acc.D1 = bias[2 * p.Block + 1];
        }
        for (int r = 0; r < g.Rows; r++)
        {
            int h = Source(p.Row, r, g.Stride, g.PadRows, g.IsTransposed, g.SourceHeight);
            if (h >= 0)
            {
                int row = (p.N * g.SourceHeight + h) * g.SourceWidth;
                for (int s = 0; s < g.Columns; s++)
                {
                    int wa = Source(p.First, s, g.Stride, g.PadColumns, g.IsTransposed, g.SourceWidth);
                    int wb = Source(p.First + 1, s, g.Stride, g.PadColumns, g.IsTransposed, g.SourceWidth);
                    int wc = Source(p.First + 2, s, g.Stride, g.PadColumns, g.IsTransposed, g.SourceWidth);
                    int wd = Source(p.First + 3, s, g.Stride, g.PadColumns, g.IsTransposed, g.SourceWidth);
                    int a = (row + wa) * channels4, b = (row + wb) * channels4, c = (row + wc) * channels4, d = (row + wd) * channels4;
                    int at = (g.FirstTap + r * g.TapRow + s * g.TapStride) / 4 + 2 * p.Block;
                    if ((wa | wb | wc | wd) >= 0)
                    {
                        for (int i = 0; i < channels4; i++)
                        {
                            Outer4(ref acc, x[a + i], x[b + i], x[c + i], x[d + i], w, at, stride);
                            at += 4 * stride;
                        }
                    }
                    else
                    {
                        for (int i = 0; i < channels4; i++)
                        {
                            Outer4(ref acc, LoadOrZero(x, wa, a + i), LoadOrZero(x, wb, b + i), LoadOrZero(x, wc, c + i),
                                LoadOrZero(x, wd, d + i), w, at, stride);
                            at += 4 * stride;
                        }
                    }
                }
            }
        }
        int channels = g.Channels / 4;
        int block = 2 * p.Block;
        int count = g.Width - p.First;
        Store<TResult>(g, acc.A0, acc.A1, p.Pixel, block, channels, embedding, residual, y);
        if (count > 1)
            Store<TResult>(g, acc.B0, acc.B1, p.Pixel + g.OutStep, block, channels, embedding, residual, y);
        if (count > 2)
            Store<TResult>(g, acc.C0, acc.C1, p.Pixel + 2 * g.OutStep, block, channels, embedding, residual, y);
        if (count > 3)
            Store<TResult>(g, acc.D0, acc.D1, p.Pixel + 3 * g.OutStep, block, channels, embedding, residual, y);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TResult>(in ImplicitGemm g, Float4 v0, Float4 v1, int pixel, int block, int channels,
        ArrayView<Float4> embedding, ArrayView<Float4> residual, ArrayView<Float4> y)
        where TResult : struct, IConvolutionResult
    {
        y[pixel * channels + block] = default(TResult).Finish(v0, g.Result, pixel, block, channels, embedding, residual);
        y[pixel * channels + block + 1] = default(TResult).Finish(v1, g.Result, pixel, block + 1, channels, embedding, residual);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Float4 LoadOrZero(ArrayView<Float4> x, int valid, int i) => valid >= 0 ? x[i] : new Float4(0f, 0f, 0f, 0f);

    /// <summary>Four channels of four pixels.</summary>
    private struct Tile4
    {
        public Float4 A, B, C, D;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Outer(ref Tile4 acc, float a, float b, float c, float d, Float4 w)
    {
        Float4.AddScaled(ref acc.A, a, w);
        Float4.AddScaled(ref acc.B, b, w);
        Float4.AddScaled(ref acc.C, c, w);
        Float4.AddScaled(ref acc.D, d, w);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreTile<TResult>(in Tile4 acc, in Place p, in ImplicitGemm g, ArrayView<Float4> embedding,
        ArrayView<Float4> residual, ArrayView<Float4> y)
        where TResult : struct, IConvolutionResult
    {
        int channels = g.Channels / 4;
        int count = g.Width - p.First;
        Store<TResult>(g, acc.A, p.Pixel, p.Block, channels, embedding, residual, y);
        if (count > 1)
            Store<TResult>(g, acc.B, p.Pixel + g.OutStep, p.Block, channels, embedding, residual, y);
        if (count > 2)
            Store<TResult>(g, acc.C, p.Pixel + 2 * g.OutStep, p.Block, channels, embedding, residual, y);
        if (count > 3)
            Store<TResult>(g, acc.D, p.Pixel + 3 * g.OutStep, p.Block, channels, embedding, residual, y);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TResult>(in ImplicitGemm g, Float4 v, int pixel, int block, int channels,
        ArrayView<Float4> embedding, ArrayView<Float4> residual, ArrayView<Float4> y)
        where TResult : struct, IConvolutionResult =>
        y[pixel * channels + block] = default(TResult).Finish(v, g.Result, pixel, block, channels, embedding, residual);

    /// <summary>As <see cref="ConvTile8Kernel"/> with four channels a thread, for channels that eight does not divide.</summary>
    [Kernel(128, Hot = true)]
    internal static void ConvTile4Kernel(Index1D t, ImplicitGemm g, ArrayView<Float4> x, ArrayView<Float4> w, ArrayView<Float4> bias,
        ArrayView<Float4> y) =>
        ConvTile4<PlainResult>(t, g, x, w, bias, y, y, y);

    /// <summary>As <see cref="ConvTile4Kernel"/>, with the epilogue of <see cref="ConvTile8EpilogueKernel"/>.</summary>
    [Kernel(128)]
    internal static void ConvTile4EpilogueKernel(Index1D t, ImplicitGemm g, ArrayView<Float4> x, ArrayView<Float4> w,
        ArrayView<Float4> bias,
        ArrayView<Float4> embedding, ArrayView<Float4> residual, ArrayView<Float4> y) =>
        ConvTile4<FusedResult>(t, g, x, w, bias, embedding, residual, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ConvTile4<TResult>(int t, ImplicitGemm g, ArrayView<Float4> x, ArrayView<Float4> w, ArrayView<Float4> bias,
        ArrayView<Float4> embedding, ArrayView<Float4> residual, ArrayView<Float4> y)
        where TResult : struct, IConvolutionResult
    {
        var p = Locate(t, g, g.Channels / 4);
        int channels4 = g.SourceChannels / 4;
        int stride = g.SourceStride / 4;
        var acc = new Tile4();
        if (g.HasBias != 0)
            acc.A = acc.B = acc.C = acc.D = bias[p.Block];
        for (int r = 0; r < g.Rows; r++)
        {
            int h = Source(p.Row, r, g.Stride, g.PadRows, g.IsTransposed, g.SourceHeight);
            if (h >= 0)
            {
                int row = (p.N * g.SourceHeight + h) * g.SourceWidth;
                for (int s = 0; s < g.Columns; s++)
                {
                    int wa = Source(p.First, s, g.Stride, g.PadColumns, g.IsTransposed, g.SourceWidth);
                    int wb = Source(p.First + 1, s, g.Stride, g.PadColumns, g.IsTransposed, g.SourceWidth);
                    int wc = Source(p.First + 2, s, g.Stride, g.PadColumns, g.IsTransposed, g.SourceWidth);
                    int wd = Source(p.First + 3, s, g.Stride, g.PadColumns, g.IsTransposed, g.SourceWidth);
                    int at = (g.FirstTap + r * g.TapRow + s * g.TapStride) / 4 + p.Block;
                    for (int i = 0; i < channels4; i++)
                    {
                        var a = LoadOrZero(x, wa, (row + wa) * channels4 + i);
                        var b = LoadOrZero(x, wb, (row + wb) * channels4 + i);
                        var c = LoadOrZero(x, wc, (row + wc) * channels4 + i);
                        var d = LoadOrZero(x, wd, (row + wd) * channels4 + i);
                        Outer(ref acc, a.X, b.X, c.X, d.X, w[at]);
                        Outer(ref acc, a.Y, b.Y, c.Y, d.Y, w[at + stride]);
                        Outer(ref acc, a.Z, b.Z, c.Z, d.Z, w[at + 2 * stride]);
                        Outer(ref acc, a.W, b.W, c.W, d.W, w[at + 3 * stride]);
                        at += 4 * stride;
                    }
                }
            }
        }
        StoreTile<TResult>(acc, p, g, embedding, residual, y);
    }
}
