using BDense.Kernels.Ilgpu.Tiles;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    /// <summary>wgrad for processors; x and dy are laid out anew first, so that a thread reads both in one piece.</summary>
    private void ProcessorWgrad(WgradGeometry g, Tensor x, Tensor dy, Tensor dw)
    {
        using var xBlocks = ChannelBlocks(x, g.C, 16);
        using var dyBlocks = ChannelBlocks(dy, g.K, 4);
        // Enough threads for a large processor, in a number that depends on the shape alone, and no more scratch than 64 MB.
        int tiles = dw.Length / 64;
        long most = Math.Min(Math.Min(64, (1L << 24) / dw.Length), g.TotalRows);
        int splits = (int)Math.Max(1, Math.Min(most, 32768 / tiles));
        g.RowsPerSplit = Math.Max(1, (g.TotalRows + splits - 1) / splits);
        splits = (g.TotalRows + g.RowsPerSplit - 1) / g.RowsPerSplit;
        using var partial = Empty(new Shape(splits, dw.Length));
        Launch(WgradTile16Kernel, Threads((long)tiles * splits), g, x.Length / g.C, View4(xBlocks), View4(dyBlocks), View4(partial));
        Launch(SumSlicesKernel, dw.Length / 4, View4(partial), splits, View4(dw));
    }

    /// <summary>[pixels, C] as [C / block, pixels, block], for blocks of 4 or 16 channels.</summary>
    private Tensor ChannelBlocks(Tensor x, int channels, int block)
    {
        int pixels = x.Length / channels;
        var y = Empty(new Shape(x.Length));
        Launch(ChannelBlocksKernel, x.Length / 16, View4(x), channels / 16, pixels, block == 16 ? 4 : 1,
            block == 16 ? 1 : pixels, View4(y));
        return y;
    }

    /// <summary>
    /// Sixteen channels of a pixel a thread: Float4 j of block b goes to 4 pixels b + pixelStride pixel + step j. 64 bytes read in one
    /// piece, 64 written in one piece or in four.
    /// </summary>
    [Kernel]
    internal static void ChannelBlocksKernel(Index1D t, ArrayView<Float4> x, int blocks, int pixels, int pixelStride, int step,
        ArrayView<Float4> y)
    {
        int pixel = t / blocks;
        int to = (t - pixel * blocks) * 4 * pixels + pixel * pixelStride;
        int from = 4 * t;
        y[to] = x[from];
        y[to + step] = x[from + 1];
        y[to + 2 * step] = x[from + 2];
        y[to + 3 * step] = x[from + 3];
    }

    /// <summary>
    /// partial[split,k,r,s,c] as <see cref="WgradTileKernel"/>, four k by sixteen c a thread, from x in blocks of 16 channels and dy in
    /// blocks of 4: for processors, whose compiler makes vectors of eight floats of sums that lie side by side and needs eight of them in
    /// flight. Per pixel 80 bytes, in order, feed 64 multiply-adds; unblocked, a pixel's values would lie a power of two apart, in few of
    /// the cache's sets. Threads: taps fastest, which read the same, then k, c, splits. 2 MACs FLOPs in all; 4 bytes written for each
    /// weight and split.
    /// </summary>
    [Kernel(128)]
    internal static void WgradTile16Kernel(Index1D t, WgradGeometry g, int pixels, ArrayView<Float4> x, ArrayView<Float4> dy,
        ArrayView<Float4> partial)
    {
        int taps = g.R * g.S;
        int block = t / taps, tap = t - block * taps;
        int next = block / (g.K / 4), k = block - next * (g.K / 4);
        int split = next / (g.C / 16), c = next - split * (g.C / 16);
        var p = LocateWgrad(g, tap, split);
        Row16 sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        for (int row = p.FirstRow; row < p.EndRow; row++)
        {
            int n = row / g.P;
            int h = (row - n * g.P) * g.Stride + p.R - g.Pad;
            if (h >= 0 && h < g.H)
            {
                int from = 4 * (c * pixels + (n * g.H + h) * g.W + p.Begin * g.Stride + p.S - g.Pad);
                int at = (k * g.TotalRows + row) * g.Q + p.Begin;
                for (int q = p.Begin; q < p.End; q++)
                {
                    var v = Row16.Load(x, from);
                    var u = dy[at];
                    sum0.AddScaled(u.X, v);
                    sum1.AddScaled(u.Y, v);
                    sum2.AddScaled(u.Z, v);
                    sum3.AddScaled(u.W, v);
                    from += 4 * g.Stride;
                    at++;
                }
            }
        }
        int pitch = taps * (g.C / 4);
        int to = (split * g.K + 4 * k) * pitch + tap * (g.C / 4) + 4 * c;
        sum0.Store(partial, to);
        sum1.Store(partial, to + pitch);
        sum2.Store(partial, to + 2 * pitch);
        sum3.Store(partial, to + 3 * pitch);
    }
}
