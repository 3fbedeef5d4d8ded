using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu.Convolution;
using BDense.Kernels.Ilgpu.Tiles;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

/// <summary>Forward and dgrad for processors: sixteen channels of four pixels a thread.</summary>
public sealed partial class IlgpuBackend
{
    /// <summary>Pixels from which on weights that could be read as they lie are laid out in blocks all the same.</summary>
    private const int BlockPixels = 128;

    private static bool HasTile16(Tiling tiling, in ImplicitGemm g) => tiling == Tiling.Cache && g.Channels % 16 == 0;

    private void LaunchTile16(ImplicitGemm g, int tiles, Tensor x, Tensor w, in ConvolutionEpilogue e, Tensor y)
    {
        int length = g.Rows * g.Columns * g.SourceChannels * g.Channels;
        using var packed = g.OutputStride == 1 && tiles * PixelTile < BlockPixels ? null : Empty(new Shape(length));
        if (packed is not null)
        {
            Launch(WeightBlocksKernel, length / 16, g, View(w), View4(packed));
            (g.FirstTap, g.TapStride, g.SourceStride, g.OutputStride, g.BlockStride) =
                (0, 16 * g.SourceChannels, 16, 1, length / g.Channels * 16);
            g.TapRow = g.Columns * g.TapStride;
        }
        else
        {
            g.BlockStride = 16;
        }
        int threads = Threads((long)tiles * (g.Channels / 16));
        ArrayView<Float4> weights = View4(packed ?? w), bias = View4(e.Bias ?? packed ?? w);
        if (e.IsBias)
            Launch(ConvTile16Kernel, threads, g, View4(x), weights, bias, View4(y));
        else
            Launch(ConvTile16EpilogueKernel, threads, g, View4(x), weights, bias, View4(e.Embedding ?? y),
                View4(e.Residual ?? y), View4(y));
    }

    /// <summary>
    /// Weights as [Channels / 16, Rows, Columns, SourceChannels, 16], so that <see cref="ConvTile16Kernel"/> reads a block in one piece: a
    /// thread for each 16. 64 bytes read, in one piece where the channels lie side by side, and 64 written.
    /// </summary>
    [Kernel]
    internal static void WeightBlocksKernel(Index1D t, ImplicitGemm g, ArrayView<float> w, ArrayView<Float4> blocks)
    {
        int rest = t / g.SourceChannels, i = t - rest * g.SourceChannels;
        int row = rest / g.Columns, s = rest - row * g.Columns;
        int block = row / g.Rows, r = row - block * g.Rows;
        int step = g.OutputStride;
        int from = g.FirstTap + r * g.TapRow + s * g.TapStride + i * g.SourceStride + 16 * block * step;
        for (int j = 0; j < 4; j++)
        {
            blocks[4 * t + j] = new Float4(w[from], w[from + step], w[from + 2 * step], w[from + 3 * step]);
            from += 4 * step;
        }
    }

    /// <summary>
    /// As <see cref="ConvTile8Kernel"/> with sixteen channels a thread: per four source channels 20 loads of 16 bytes feed 256
    /// multiply-adds, in eight vectors of eight floats on a processor that has such. Weights: <see cref="WeightBlocksKernel"/>, or as they
    /// are.
    /// </summary>
    [Kernel(128)]
    internal static void ConvTile16Kernel(Index1D t, ImplicitGemm g, ArrayView<Float4> x, ArrayView<Float4> w, ArrayView<Float4> bias,
        ArrayView<Float4> y) =>
        ConvTile16<PlainResult>(t, g, x, w, bias, y, y, y);

    /// <summary>As <see cref="ConvTile16Kernel"/>, with the epilogue of <see cref="ConvTile8EpilogueKernel"/>.</summary>
    [Kernel(128)]
    internal static void ConvTile16EpilogueKernel(Index1D t, ImplicitGemm g, ArrayView<Float4> x, ArrayView<Float4> w,
        ArrayView<Float4> bias,
        ArrayView<Float4> embedding, ArrayView<Float4> residual, ArrayView<Float4> y) =>
        ConvTile16<FusedResult>(t, g, x, w, bias, embedding, residual, y);

    /// <summary>Sixteen channels of four pixels.</summary>
    private struct Tile16
    {
        public Row16 A, B, C, D;

        /// <summary>acc[pixel][channel] += x[pixel] w[channel] for one source channel.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void AddOuter(float a, float b, float c, float d, Row16 w)
        {
            A.AddScaled(a, w);
            B.AddScaled(b, w);
            C.AddScaled(c, w);
            D.AddScaled(d, w);
        }

        /// <summary>The same for four source channels, whose weights lie <paramref name="stride"/> apart.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void AddOuter4(Float4 a, Float4 b, Float4 c, Float4 d, ArrayView<Float4> w, int at, int stride)
        {
            AddOuter(a.X, b.X, c.X, d.X, Row16.Load(w, at));
            AddOuter(a.Y, b.Y, c.Y, d.Y, Row16.Load(w, at + stride));
            AddOuter(a.Z, b.Z, c.Z, d.Z, Row16.Load(w, at + 2 * stride));
            AddOuter(a.W, b.W, c.W, d.W, Row16.Load(w, at + 3 * stride));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ConvTile16<TResult>(int t, ImplicitGemm g, ArrayView<Float4> x, ArrayView<Float4> w, ArrayView<Float4> bias,
        ArrayView<Float4> embedding, ArrayView<Float4> residual, ArrayView<Float4> y)
        where TResult : struct, IConvolutionResult
    {
        var p = Locate(t, g, g.Channels / 16);
        int channels4 = g.SourceChannels / 4;
        int stride = g.SourceStride / 4;
        var acc = new Tile16();
        if (g.HasBias != 0)
            acc.A = acc.B = acc.C = acc.D = Row16.Load(bias, 4 * p.Block);
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
                    int at = (g.FirstTap + r * g.TapRow + s * g.TapStride + p.Block * g.BlockStride) / 4;
                    if ((wa | wb | wc | wd) >= 0)
                    {
                        for (int i = 0; i < channels4; i++)
                        {
                            acc.AddOuter4(x[a + i], x[b + i], x[c + i], x[d + i], w, at, stride);
                            at += 4 * stride;
                        }
                    }
                    else
                    {
                        for (int i = 0; i < channels4; i++)
                        {
                            acc.AddOuter4(LoadOrZero(x, wa, a + i), LoadOrZero(x, wb, b + i), LoadOrZero(x, wc, c + i),
                                LoadOrZero(x, wd, d + i), w, at, stride);
                            at += 4 * stride;
                        }
                    }
                }
            }
        }
        int count = g.Width - p.First;
        Store<TResult>(g, acc.A, p.Pixel, p.Block, embedding, residual, y);
        if (count > 1)
            Store<TResult>(g, acc.B, p.Pixel + g.OutStep, p.Block, embedding, residual, y);
        if (count > 2)
            Store<TResult>(g, acc.C, p.Pixel + 2 * g.OutStep, p.Block, embedding, residual, y);
        if (count > 3)
            Store<TResult>(g, acc.D, p.Pixel + 3 * g.OutStep, p.Block, embedding, residual, y);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TResult>(in ImplicitGemm g, in Row16 v, int pixel, int block, ArrayView<Float4> embedding,
        ArrayView<Float4> residual, ArrayView<Float4> y)
        where TResult : struct, IConvolutionResult
    {
        int channels = g.Channels / 4;
        Store<TResult>(g, v.V0, v.V1, pixel, 4 * block, channels, embedding, residual, y);
        Store<TResult>(g, v.V2, v.V3, pixel, 4 * block + 2, channels, embedding, residual, y);
    }
}
