using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu.Cuda;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime.Cuda;
using ILGPU.Util;

namespace BDense.Kernels.Ilgpu;

/// <summary>
/// A convolution, a dgrad or a matrix product as the tensor-core kernels take it: y[m, o] = bias[o] + sum over taps and source channels,
/// m counting the pixels of the result. Byte counts, since TF32 and BF16 differ in nothing else.
/// </summary>
internal struct TensorConvolution
{
    /// <summary>Device addresses: source, weights [Channels, taps, source channels], result.</summary>
    public long X, W, Y;

    /// <summary>Pixels and channels of the result.</summary>
    public int Pixels, Channels;

    public int Height, Width, SourceHeight, SourceWidth;

    /// <summary>Bytes of a source pixel, a multiple of 16.</summary>
    public int SourceBytes;

    public int Rows, Columns, Stride, Pad, IsTransposed, HasBias;

    /// <summary>Thread groups: a tile of the result each.</summary>
    public readonly int Groups => checked((Pixels + TensorTile.Rows - 1) / TensorTile.Rows * ((Channels + TensorTile.Columns - 1) / TensorTile.Columns));

    /// <summary>y from x and w [K, R, S, C], in float32; addresses are still to be set.</summary>
    public static TensorConvolution Forward(in Conv2dShape s) => new()
    {
        Pixels = s.N * s.P * s.Q,
        Channels = s.K,
        Height = s.P,
        Width = s.Q,
        SourceHeight = s.H,
        SourceWidth = s.W,
        SourceBytes = s.C * sizeof(float),
        Rows = s.R,
        Columns = s.S,
        Stride = s.Stride,
        Pad = s.PadBegin,
    };

    /// <summary>dx from dy and the weights as [C, R, S, K].</summary>
    public static TensorConvolution Dgrad(in Conv2dShape s) => new()
    {
        Pixels = s.N * s.H * s.W,
        Channels = s.C,
        Height = s.H,
        Width = s.W,
        SourceHeight = s.P,
        SourceWidth = s.Q,
        SourceBytes = s.K * sizeof(float),
        Rows = s.R,
        Columns = s.S,
        Stride = s.Stride,
        Pad = s.PadBegin,
        IsTransposed = 1,
    };
}

/// <summary>What differs between the precisions: the product of two fragments.</summary>
internal interface ITensorProduct
{
    void Multiply();
}

internal readonly struct Tf32Product : ITensorProduct
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Multiply()
    {
        CudaAsm.Emit(TensorTileText.RoundTf32);
        CudaAsm.Emit(TensorTileText.MultiplyTf32);
    }
}

internal readonly struct Bf16Product : ITensorProduct
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Multiply() => CudaAsm.Emit(TensorTileText.MultiplyBf16);
}

public sealed partial class IlgpuBackend
{
    /// <summary>
    /// Implicit GEMM in TF32: a 128 x 128 tile of the result a group, three stages of cp.async. Grid: tiles of columns fastest, so that
    /// neighbouring groups read the same pixels. 2 MACs FLOPs; a group reads 128 (pixels + weights) x 64 bytes a step for 2^19 FLOPs;
    /// 4 bytes written an element. Sums over taps, then channels, in a fixed order.
    /// </summary>
    [Kernel(256, Hot = true)]
    internal static void TensorConvTf32Kernel(TensorConvolution g, ArrayView<float> bias) => TensorConvolve<Tf32Product>(g, bias);

    /// <summary>As <see cref="TensorConvTf32Kernel"/> with source and weights in BF16, products exact and sums in float32; 2^20 FLOPs a step.</summary>
    [Kernel(256, Hot = true)]
    internal static void TensorConvBf16Kernel(TensorConvolution g, ArrayView<float> bias) => TensorConvolve<Bf16Product>(g, bias);

    /// <summary>A row of A that a thread copies: the pixel's place in the result, and what the current tap reads for it.</summary>
    private struct TensorRow
    {
        public int N, P, Q, Exists;
        public long Address;
        public int Inside;
    }

    /// <summary>Pixel m of the result; one behind the last reads nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TensorRow LocateRow(in TensorConvolution g, int m)
    {
        var row = new TensorRow();
        int line = m / g.Width;
        row.Q = m - line * g.Width;
        row.N = line / g.Height;
        row.P = line - row.N * g.Height;
        row.Exists = Utilities.Select(m < g.Pixels, 1, 0);
        return row;
    }

    /// <summary>Where tap (r, s) reads for a row, and whether that is inside the image; in the padding cp.async fills in zeros.</summary>
    /// <remarks>Selects and no branches: a warp must not part before ldmatrix and mma, which want all of its lanes.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ReadTap(ref TensorRow row, in TensorConvolution g, int r, int s)
    {
        int h = row.P * g.Stride + r - g.Pad, w = row.Q * g.Stride + s - g.Pad;
        int exact = row.Exists;
        if (g.IsTransposed != 0)
        {
            int u = row.P + g.Pad - r, v = row.Q + g.Pad - s;
            h = u / g.Stride;
            w = v / g.Stride;
            exact = Utilities.Select(h * g.Stride == u & w * g.Stride == v, exact, 0);
        }
        bool inside = exact != 0 & (uint)h < (uint)g.SourceHeight & (uint)w < (uint)g.SourceWidth;
        row.Inside = Utilities.Select(inside, 1, 0);
        row.Address = g.X + ((long)(row.N * g.SourceHeight + h) * g.SourceWidth + w) * g.SourceBytes;
    }

    /// <summary>16 bytes from global to shared memory, or zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyAsync(int to, long from, bool inside) => CudaAsm.Emit(TensorTileText.Copy, to, from, Utilities.Select(inside, 16, 0));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TensorConvolve<TProduct>(TensorConvolution g, ArrayView<float> bias)
        where TProduct : struct, ITensorProduct
    {
        CudaAsm.Emit(TensorTileText.Declare);
        int thread = Group.IdxX, warp = thread >> 5, lane = thread & 31;
        int columnTiles = (g.Channels + TensorTile.Columns - 1) / TensorTile.Columns;
        int firstRow = Grid.IdxX / columnTiles * TensorTile.Rows;
        int firstColumn = (Grid.IdxX - Grid.IdxX / columnTiles * columnTiles) * TensorTile.Columns;

        StartColumns(g, bias, firstColumn + TensorTile.ResultColumn(warp, lane));

        // Two rows of A and two of B a thread, one piece each.
        int copyRow = TensorTile.CopyRow(thread);
        int piece = TensorTile.CopyPiece(thread) * 16;
        int to = TensorTile.Place(copyRow, TensorTile.CopyPiece(thread));
        var a0 = LocateRow(g, firstRow + copyRow);
        var a1 = LocateRow(g, firstRow + copyRow + TensorTile.CopyRows);
        long rowBytes = (long)g.Rows * g.Columns * g.SourceBytes;
        int column0 = firstColumn + copyRow, column1 = column0 + TensorTile.CopyRows;
        long b0 = g.W + column0 * rowBytes, b1 = g.W + column1 * rowBytes;
        int readA = TensorTile.FragmentA(warp, lane);
        int readB = TensorTile.FragmentB(warp, lane);

        int steps = g.Rows * g.Columns * ((g.SourceBytes + TensorTile.StepBytes - 1) / TensorTile.StepBytes);
        int r = 0, s = 0, at = 0, tap = 0;
        int stage = 0, next = 0;
        ReadTap(ref a0, g, 0, 0);
        ReadTap(ref a1, g, 0, 0);
        // Step -2 and -1 only copy: the pipeline fills.
        for (int step = 1 - TensorTile.Stages; step < steps; step++)
        {
            if (step >= 0)
            {
                // All but the newest copy have arrived, for all threads; and all have read the stage that is written next.
                CudaAsm.Emit("cp.async.wait_group 1;");
                CudaAsm.Emit("bar.sync 0;");
            }
            if (step + TensorTile.Stages - 1 < steps)
            {
                // Behind the last channel zeros. Where a copy is of 0 bytes, its address is never used.
                bool inside = at + piece < g.SourceBytes;
                long weights = (long)tap + at + piece;
                CopyAsync(to + next, a0.Address + at + piece, inside & a0.Inside != 0);
                CopyAsync(to + next + TensorTile.CopyRows * TensorTile.StepBytes, a1.Address + at + piece, inside & a1.Inside != 0);
                CopyAsync(to + next + TensorTile.TileBytes, b0 + weights, inside & column0 < g.Channels);
                CopyAsync(to + next + TensorTile.TileBytes + TensorTile.CopyRows * TensorTile.StepBytes, b1 + weights, inside & column1 < g.Channels);
                next = next == (TensorTile.Stages - 1) * TensorTile.StageBytes ? 0 : next + TensorTile.StageBytes;
                at += TensorTile.StepBytes;
                if (at >= g.SourceBytes)
                {
                    at = 0;
                    tap += g.SourceBytes;
                    s++;
                    if (s == g.Columns)
                    {
                        s = 0;
                        r++;
                    }
                    ReadTap(ref a0, g, r, s);
                    ReadTap(ref a1, g, r, s);
                }
            }
            // Also when there is nothing left to copy: the count of groups stays right.
            CudaAsm.Emit("cp.async.commit_group;");
            if (step >= 0)
            {
                CudaAsm.Emit(TensorTileText.LoadA, readA + stage);
                CudaAsm.Emit(TensorTileText.LoadB, readB + stage);
                default(TProduct).Multiply();
                // The second half of 32 bytes: pieces 2 and 3 lie where 0 and 1 do, xor 32.
                CudaAsm.Emit(TensorTileText.LoadA, (readA + stage) ^ 32);
                CudaAsm.Emit(TensorTileText.LoadB, (readB + stage) ^ 32);
                default(TProduct).Multiply();
                stage = stage == (TensorTile.Stages - 1) * TensorTile.StageBytes ? 0 : stage + TensorTile.StageBytes;
            }
        }
        StoreRows(g, firstRow + TensorTile.ResultRow(warp, lane), firstColumn + TensorTile.ResultColumn(warp, lane));
    }

    /// <summary>Accumulators start at the bias of their columns; those behind the last are never stored, and take its.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StartColumns(in TensorConvolution g, ArrayView<float> bias, int column)
    {
        if (g.HasBias == 0)
        {
            CudaAsm.Emit(TensorTileText.Start0, 0f, 0f);
            CudaAsm.Emit(TensorTileText.Start1, 0f, 0f);
            CudaAsm.Emit(TensorTileText.Start2, 0f, 0f);
            CudaAsm.Emit(TensorTileText.Start3, 0f, 0f);
        }
        else
        {
            int last = g.Channels - 1;
            CudaAsm.Emit(TensorTileText.Start0, bias[XMath.Min(column, last)], bias[XMath.Min(column + 1, last)]);
            CudaAsm.Emit(TensorTileText.Start1, bias[XMath.Min(column + 8, last)], bias[XMath.Min(column + 9, last)]);
            CudaAsm.Emit(TensorTileText.Start2, bias[XMath.Min(column + 16, last)], bias[XMath.Min(column + 17, last)]);
            CudaAsm.Emit(TensorTileText.Start3, bias[XMath.Min(column + 24, last)], bias[XMath.Min(column + 25, last)]);
        }
    }

    /// <summary>Eight rows of a lane: two of each of its four tiles of 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreRows(in TensorConvolution g, int row, int column)
    {
        CudaAsm.Emit(TensorTileText.Store0, RowAddress(g, row, column), ColumnsLeft(g, row, column));
        CudaAsm.Emit(TensorTileText.Store1, RowAddress(g, row + 8, column), ColumnsLeft(g, row + 8, column));
        CudaAsm.Emit(TensorTileText.Store2, RowAddress(g, row + 16, column), ColumnsLeft(g, row + 16, column));
        CudaAsm.Emit(TensorTileText.Store3, RowAddress(g, row + 24, column), ColumnsLeft(g, row + 24, column));
        CudaAsm.Emit(TensorTileText.Store4, RowAddress(g, row + 32, column), ColumnsLeft(g, row + 32, column));
        CudaAsm.Emit(TensorTileText.Store5, RowAddress(g, row + 40, column), ColumnsLeft(g, row + 40, column));
        CudaAsm.Emit(TensorTileText.Store6, RowAddress(g, row + 48, column), ColumnsLeft(g, row + 48, column));
        CudaAsm.Emit(TensorTileText.Store7, RowAddress(g, row + 56, column), ColumnsLeft(g, row + 56, column));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long RowAddress(in TensorConvolution g, int row, int column) => g.Y + ((long)row * g.Channels + column) * 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int ColumnsLeft(in TensorConvolution g, int row, int column) => Utilities.Select(row < g.Pixels, g.Channels - column, 0);
}
