using System.Runtime.CompilerServices;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

/// <summary>The convolutions whose channels four does not divide: an image's three, on either side.</summary>
public sealed partial class IlgpuBackend
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float LoadOrZero(ArrayView<float> x, int valid, int i) => valid >= 0 ? x[i] : 0f;

    /// <summary>
    /// As <see cref="ConvTile4Kernel"/> for any number of source channels (an image's three): 5 loads, 4 of them single floats, for 16
    /// multiply-adds.
    /// </summary>
    [Kernel(128)]
    internal static void ConvNarrowKernel(Index1D t, ImplicitGemm g, ArrayView<float> x, ArrayView<Float4> w, ArrayView<Float4> bias,
        ArrayView<Float4> y)
    {
        var p = Locate(t, g, g.Channels / 4);
        int channels = g.SourceChannels;
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
                    for (int i = 0; i < channels; i++)
                    {
                        Outer(ref acc, LoadOrZero(x, wa, (row + wa) * channels + i), LoadOrZero(x, wb, (row + wb) * channels + i),
                            LoadOrZero(x, wc, (row + wc) * channels + i), LoadOrZero(x, wd, (row + wd) * channels + i), w[at]);
                        at += stride;
                    }
                }
            }
        }
        StoreTile<PlainResult>(acc, p, g, y, y, y);
    }

    /// <summary>
    /// Any convolution: one channel of four pixels a thread; 5 loads for 4 multiply-adds. For an image's three output channels.
    /// </summary>
    [Kernel(128)]
    internal static void ConvScalarKernel(Index1D t, ImplicitGemm g, ArrayView<float> x, ArrayView<float> w, ArrayView<float> bias,
        ArrayView<float> y)
    {
        var p = Locate(t, g, g.Channels);
        int channels = g.SourceChannels;
        var acc = new Float4(0f, 0f, 0f, 0f);
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
                    int at = g.FirstTap + r * g.TapRow + s * g.TapStride + p.Block * g.OutputStride;
                    for (int i = 0; i < channels; i++)
                    {
                        Float4.AddScaled(ref acc, w[at], new Float4(
                            LoadOrZero(x, wa, (row + wa) * channels + i), LoadOrZero(x, wb, (row + wb) * channels + i),
                            LoadOrZero(x, wc, (row + wc) * channels + i), LoadOrZero(x, wd, (row + wd) * channels + i)));
                        at += g.SourceStride;
                    }
                }
            }
        }
        float start = g.HasBias != 0 ? bias[p.Block] : 0f;
        int to = p.Pixel * g.Channels + p.Block;
        int count = g.Width - p.First;
        y[to] = start + acc.X;
        int pitch = g.OutStep * g.Channels;
        if (count > 1)
            y[to + pitch] = start + acc.Y;
        if (count > 2)
            y[to + 2 * pitch] = start + acc.Z;
        if (count > 3)
            y[to + 3 * pitch] = start + acc.W;
    }
}
