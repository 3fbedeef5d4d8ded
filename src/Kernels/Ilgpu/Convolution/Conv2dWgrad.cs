using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu.Convolution;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

/// <summary>The shape of a convolution as wgrad's kernels take it, and how its rows of pixels are dealt out.</summary>
internal struct WgradGeometry
{
    public int H, W, C, K, R, S, Stride, Pad, P, Q;

    /// <summary>N * P: all rows of output pixels.</summary>
    public int TotalRows;

    /// <summary>Rows that one thread adds up.</summary>
    public int RowsPerSplit;
}

public sealed partial class IlgpuBackend
{
    private protected override void Conv2dWgradCore(in Conv2dShape s, Tensor x, Tensor dy, Tensor dw, Tensor? dbias)
    {
        if (dbias is not null)
            SumRows(s, dy, dbias);
        if (!TensorWgrad(s, x, default, dy, dw) && !SharedTileWgrad(s, x, default, dy, dw))
            SimtWgrad(s, x, dy, dw);
    }

    /// <summary>dbias[k] += sum over the pixels of dy.</summary>
    private void SumRows(in Conv2dShape s, Tensor dy, Tensor dbias) => SumColumns(dy, 1, s.N * s.P * s.Q, s.K, accumulate: true, dbias);

    /// <summary>wgrad in float32 from the cache.</summary>
    private void SimtWgrad(in Conv2dShape s, Tensor x, Tensor dy, Tensor dw)
    {
        var g = new WgradGeometry
        {
            H = s.H,
            W = s.W,
            C = s.C,
            K = s.K,
            R = s.R,
            S = s.S,
            Stride = s.Stride,
            Pad = s.PadBegin,
            P = s.P,
            Q = s.Q,
            TotalRows = s.N * s.P,
        };
        if (s is { H: 1, W: 1, R: 1, S: 1, PadBegin: 0, PadEnd: 0 })
        {
            // A linear layer: rows of up to 64 samples.
            int length = s.N % 64 == 0 ? 64 : s.N % 16 == 0 ? 16 : 1;
            (g.W, g.Q, g.TotalRows) = (length, length, s.N / length);
            (g.Stride, g.H) = (1, 1);
        }
        bool aligned = Aligned(x) && Aligned(dy);
        if (Tiling == Tiling.Cache && s.C % 16 == 0 && s.K % 16 == 0 && aligned && Aligned(dw) && g.TotalRows > 0)
        {
            ProcessorWgrad(g, x, dy, dw);
            return;
        }
        bool vector = s.C % 4 == 0 && s.K % 8 == 0 && aligned;
        int tiles = vector ? dw.Length / 32 : dw.Length;
        // Enough threads for a large GPU, in a number that depends on the shape alone, and no more scratch than 64 MB.
        long most = Math.Min(Math.Min(64, (1L << 24) / dw.Length), g.TotalRows);
        int splits = (int)Math.Max(1, Math.Min(most, 65536 / tiles));
        g.RowsPerSplit = Math.Max(1, (g.TotalRows + splits - 1) / splits);
        splits = (g.TotalRows + g.RowsPerSplit - 1) / g.RowsPerSplit;
        if (splits == 0)
            return;
        using var partial = Empty(new Shape(splits, dw.Length));
        if (vector)
            Launch(WgradTileKernel, Threads((long)tiles * splits), g, View4(x), View4(dy), View4(partial));
        else
            Launch(WgradScalarKernel, Threads((long)tiles * splits), g, View(x), View(dy), View(partial));
        Launch(SumColumnsKernel, dw.Length, View(partial), splits, dw.Length, 1, splits, 1, View(dw));
    }

    /// <summary>What a thread of wgrad adds up: under tap (R, S), over columns [Begin, End) of rows [FirstRow, EndRow) of dy.</summary>
    private struct WgradPlace
    {
        public int R, S, FirstRow, EndRow, Begin, End;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static WgradPlace LocateWgrad(WgradGeometry g, int tap, int split)
    {
        WgradPlace p;
        p.R = tap / g.S;
        p.S = tap - p.R * g.S;
        // Columns q with 0 <= q * Stride + S - Pad < W.
        p.Begin = g.Pad > p.S ? (g.Pad - p.S + g.Stride - 1) / g.Stride : 0;
        int last = g.W - 1 + g.Pad - p.S;
        int end = last < 0 ? 0 : last / g.Stride + 1;
        p.End = end < g.Q ? end : g.Q;
        p.FirstRow = split * g.RowsPerSplit;
        p.EndRow = p.FirstRow + g.RowsPerSplit < g.TotalRows ? p.FirstRow + g.RowsPerSplit : g.TotalRows;
        return p;
    }

    /// <summary>Four channels of x by eight of dy.</summary>
    private struct WgradTile
    {
        public Float4 A, B, C, D, E, F, G, H;
    }

    /// <summary>
    /// partial[split,k,r,s,c] = sum over the split's pixels of dy[pixel,k] x[source(pixel,r,s),c]: eight k by four c a thread, c
    /// fastest, so that a warp reads x side by side. Per pixel three loads of 16 bytes feed 32 multiply-adds. One thread for each tile
    /// and split; 2 MACs FLOPs in all; 4 bytes written for each weight and split.
    /// </summary>
    [Kernel(128, Hot = true)]
    internal static void WgradTileKernel(Index1D t, WgradGeometry g, ArrayView<Float4> x, ArrayView<Float4> dy, ArrayView<Float4> partial)
    {
        int channels4 = g.C / 4;
        int outputs4 = g.K / 4;
        int taps = g.R * g.S;
        int rest = t / channels4;
        int c = t - rest * channels4;
        int next = rest / taps;
        int tap = rest - next * taps;
        int split = next / (g.K / 8);
        int k = next - split * (g.K / 8);
        var p = LocateWgrad(g, tap, split);
        var acc = new WgradTile();
        for (int row = p.FirstRow; row < p.EndRow; row++)
        {
            int n = row / g.P;
            int h = (row - n * g.P) * g.Stride + p.R - g.Pad;
            if (h >= 0 && h < g.H)
            {
                int from = ((n * g.H + h) * g.W + p.Begin * g.Stride + p.S - g.Pad) * channels4 + c;
                int at = (row * g.Q + p.Begin) * outputs4 + 2 * k;
                for (int q = p.Begin; q < p.End; q++)
                {
                    var v = x[from];
                    var d0 = dy[at];
                    var d1 = dy[at + 1];
                    Float4.AddScaled(ref acc.A, d0.X, v);
                    Float4.AddScaled(ref acc.B, d0.Y, v);
                    Float4.AddScaled(ref acc.C, d0.Z, v);
                    Float4.AddScaled(ref acc.D, d0.W, v);
                    Float4.AddScaled(ref acc.E, d1.X, v);
                    Float4.AddScaled(ref acc.F, d1.Y, v);
                    Float4.AddScaled(ref acc.G, d1.Z, v);
                    Float4.AddScaled(ref acc.H, d1.W, v);
                    from += g.Stride * channels4;
                    at += outputs4;
                }
            }
        }
        int pitch = taps * channels4;
        int to = (split * g.K + 8 * k) * pitch + tap * channels4 + c;
        partial[to] = acc.A;
        partial[to + pitch] = acc.B;
        partial[to + 2 * pitch] = acc.C;
        partial[to + 3 * pitch] = acc.D;
        partial[to + 4 * pitch] = acc.E;
        partial[to + 5 * pitch] = acc.F;
        partial[to + 6 * pitch] = acc.G;
        partial[to + 7 * pitch] = acc.H;
    }

    /// <summary>Any wgrad: one weight and split a thread, c fastest; 8 bytes read for each multiply-add.</summary>
    [Kernel(128)]
    internal static void WgradScalarKernel(Index1D t, WgradGeometry g, ArrayView<float> x, ArrayView<float> dy, ArrayView<float> partial)
    {
        int taps = g.R * g.S;
        int rest = t / g.C;
        int c = t - rest * g.C;
        int next = rest / taps;
        int tap = rest - next * taps;
        int split = next / g.K;
        int k = next - split * g.K;
        int r = tap / g.S;
        int s = tap - r * g.S;
        float sum = 0f;
        int firstRow = split * g.RowsPerSplit;
        int endRow = firstRow + g.RowsPerSplit < g.TotalRows ? firstRow + g.RowsPerSplit : g.TotalRows;
        for (int row = firstRow; row < endRow; row++)
        {
            int n = row / g.P;
            int h = (row - n * g.P) * g.Stride + r - g.Pad;
            if (h >= 0 && h < g.H)
            {
                for (int q = 0; q < g.Q; q++)
                {
                    int w = q * g.Stride + s - g.Pad;
                    if (w >= 0 && w < g.W)
                        sum += dy[(row * g.Q + q) * g.K + k] * x[((n * g.H + h) * g.W + w) * g.C + c];
                }
            }
        }
        partial[t] = sum;
    }
}
