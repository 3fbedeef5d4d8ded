using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu.Cuda;
using ILGPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Util;

namespace BDense.Kernels.Ilgpu;

/// <summary>
/// A convolution or a dgrad as the tensor-core kernels take it: y[m, o] = act((bias[o] + sum over taps and source channels
/// + embedding[n, o] + residual[m, o]) * scale), m counting the pixels of the result, n their images. Byte counts, since TF32 and BF16 differ
/// in nothing else.
/// </summary>
internal struct TensorConvolution
{
    /// <summary>Device addresses: source, weights [Channels, taps, source channels], result.</summary>
    public long X, W, Y;

    /// <summary>Of the prologue, where the kernel has one: then the source is float32 in either precision.</summary>
    public TensorActivationFactors Prologue;

    /// <summary>Of what the epilogue adds, in float32: [N, Channels] and [Pixels, Channels]; 0 for none.</summary>
    public long Embedding, Residual;

    /// <summary>Pixels and channels of the result.</summary>
    public int Pixels, Channels;

    public int Height, Width, SourceHeight, SourceWidth;

    /// <summary>Bytes of a source pixel, a multiple of 16.</summary>
    public int SourceBytes;

    public int Rows, Columns, Stride, Pad, IsTransposed, HasBias;

    /// <summary>Whether SiLU comes last.</summary>
    public int Silu;

    /// <summary>Of the sum with all that is added to it.</summary>
    public float Scale;

    public readonly TensorProblem Problem => new(Pixels, Channels, Rows * Columns * ((SourceBytes + TensorTile.StepBytes - 1) / TensorTile.StepBytes),
        IsActivated ? TensorOperation.ActivatedConvolution : TensorOperation.Convolution);

    public readonly bool IsActivated => Prologue.Address != 0;

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
        Scale = 1f,
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
        Scale = 1f,
    };
}

public sealed partial class IlgpuBackend
{
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
    private static void ReadTap(ref TensorRow row, in TensorConvolution g, int pixelBytes, int r, int s)
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
        row.Address = g.X + ((long)(row.N * g.SourceHeight + h) * g.SourceWidth + w) * pixelBytes;
    }

    /// <summary>What a step copies: its tap, and the bytes in front of it in a source pixel and in a row of the weights' taps.</summary>
    private struct TensorStep
    {
        public int R, S, At, Tap;
    }

    /// <summary>The next 64 bytes of the source channels, or the next tap.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Advance<TTile>(ref TensorStep step, in TensorConvolution g, int pixelBytes, ref TensorRow a0, ref TensorRow a1, ref TensorRow a2, ref TensorRow a3)
        where TTile : struct, ITensorTile
    {
        step.At += TensorTile.StepBytes;
        if (step.At >= g.SourceBytes)
        {
            step.At = 0;
            step.Tap += g.SourceBytes;
            step.S++;
            if (step.S == g.Columns)
            {
                step.S = 0;
                step.R++;
            }
            ReadTap(ref a0, g, pixelBytes, step.R, step.S);
            ReadTap(ref a1, g, pixelBytes, step.R, step.S);
            if (TTile.Rows > TTile.Threads / 2)
            {
                ReadTap(ref a2, g, pixelBytes, step.R, step.S);
                ReadTap(ref a3, g, pixelBytes, step.R, step.S);
            }
        }
    }

    /// <summary>
    /// A tile of the result a group, grid: tiles of columns fastest, so that neighbouring groups read the same pixels. A group reads
    /// (rows + columns) x 64 bytes a step for 64 rows columns FLOPs in TF32 (32 in BF16 for each byte of a row); 4 bytes written an
    /// element, 4 read for a residual. Sums over taps, then channels, in a fixed order.
    /// </summary>
    /// <remarks>
    /// With a prologue the rows do not come by cp.async: a thread loads its pieces into registers before the products of a step, and activates
    /// and stores them behind, into the stage that was read a step ago.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TensorConvolve<TTile, TFragments, TPrecision, TPrologue>(TensorConvolution g, ArrayView<float> bias)
        where TTile : struct, ITensorTile
        where TFragments : struct, ITensorFragments
        where TPrecision : struct, ITensorPrecision
        where TPrologue : struct, ITilePrologue
    {
        TFragments.Declare();
        TTile.Declare();
        if (TPrologue.Activates)
            TensorActivation.Declare();
        int stageBytes = (TTile.Rows + TTile.Columns) * TensorTile.StepBytes;
        int thread = Group.IdxX, warp = thread >> 5, lane = thread & 31;
        int warpRow = TensorTile.WarpRow<TTile, TFragments>(warp), warpColumn = TensorTile.WarpColumn<TTile, TFragments>(warp);
        int columnTiles = (g.Channels + TTile.Columns - 1) / TTile.Columns;
        int firstRow = Grid.IdxX / columnTiles * TTile.Rows;
        int firstColumn = (Grid.IdxX - Grid.IdxX / columnTiles * columnTiles) * TTile.Columns;

        // Accumulators: a lane holds pairs of neighbouring columns.
        int resultColumn = firstColumn + warpColumn + (lane & 3) * 2;
        if (g.HasBias == 0)
            TFragments.StartZero();
        else
            TFragments.StartBias(bias, resultColumn, g.Channels - 1);

        // Four threads copy a row, a piece each; then the rows TTile.Threads / 4 below.
        int passRows = TTile.Threads / 4, passBytes = passRows * TensorTile.StepBytes;
        int copyRow = thread >> 2;
        int piece = (thread & 3) * 16;
        int to = TensorTile.Place(copyRow, thread & 3);
        var a0 = LocateRow(g, firstRow + copyRow);
        var a1 = LocateRow(g, firstRow + copyRow + passRows);
        var a2 = LocateRow(g, firstRow + copyRow + 2 * passRows);
        var a3 = LocateRow(g, firstRow + copyRow + 3 * passRows);
        long rowBytes = (long)g.Rows * g.Columns * g.SourceBytes;
        int column = firstColumn + copyRow;
        long b = g.W + column * rowBytes;
        rowBytes *= passRows;
        int readA = TensorTile.FragmentA(warpRow, lane);
        int readB = TTile.Rows * TensorTile.StepBytes + TensorTile.FragmentB(warpColumn, lane);

        // Bytes of a source value for each byte of a factor.
        int wide = TPrologue.Activates && TPrecision.IsBf16 ? 2 : 1, pixelBytes = wide * g.SourceBytes;
        int steps = g.Rows * g.Columns * ((g.SourceBytes + TensorTile.StepBytes - 1) / TensorTile.StepBytes);
        var now = new TensorStep();
        int stage = 0, next = 0;
        ReadTap(ref a0, g, pixelBytes, 0, 0);
        ReadTap(ref a1, g, pixelBytes, 0, 0);
        if (TTile.Rows > 2 * passRows)
        {
            ReadTap(ref a2, g, pixelBytes, 0, 0);
            ReadTap(ref a3, g, pixelBytes, 0, 0);
        }
        // The steps before 0 only copy: the pipeline fills.
        for (int step = 1 - TTile.Stages; step < steps; step++)
        {
            if (step >= 0)
            {
                // The oldest copy has arrived, for all threads; and all have read the stage that is written next.
                TTile.Wait();
                CudaAsm.Emit("bar.sync 0;");
            }
            // Behind the last channel zeros. Where a copy is of 0 bytes, its address is never used.
            int offset = now.At + piece;
            bool inside = offset < g.SourceBytes;
            if (step + TTile.Stages - 1 < steps)
            {
                if (TPrologue.Activates)
                {
                    TensorActivation.Fetch0<TPrecision>(a0.Address + wide * offset, inside & a0.Inside != 0);
                    TensorActivation.Fetch1<TPrecision>(a1.Address + wide * offset, inside & a1.Inside != 0);
                    if (TTile.Rows > 2 * passRows)
                    {
                        TensorActivation.Fetch2<TPrecision>(a2.Address + wide * offset, inside & a2.Inside != 0);
                        TensorActivation.Fetch3<TPrecision>(a3.Address + wide * offset, inside & a3.Inside != 0);
                    }
                }
                else
                {
                    TensorTile.CopyAsync(to + next, a0.Address + offset, inside & a0.Inside != 0);
                    TensorTile.CopyAsync(to + next + passBytes, a1.Address + offset, inside & a1.Inside != 0);
                    if (TTile.Rows > 2 * passRows)
                    {
                        TensorTile.CopyAsync(to + next + 2 * passBytes, a2.Address + offset, inside & a2.Inside != 0);
                        TensorTile.CopyAsync(to + next + 3 * passBytes, a3.Address + offset, inside & a3.Inside != 0);
                    }
                }
                int toB = to + next + TTile.Rows * TensorTile.StepBytes;
                long weights = b + ((long)now.Tap + offset);
                TensorTile.CopyAsync(toB, weights, inside & column < g.Channels);
                if (TTile.Columns > passRows)
                    TensorTile.CopyAsync(toB + passBytes, weights + rowBytes, inside & column + passRows < g.Channels);
                if (TTile.Columns > 2 * passRows)
                {
                    TensorTile.CopyAsync(toB + 2 * passBytes, weights + 2 * rowBytes, inside & column + 2 * passRows < g.Channels);
                    TensorTile.CopyAsync(toB + 3 * passBytes, weights + 3 * rowBytes, inside & column + 3 * passRows < g.Channels);
                }
                if (!TPrologue.Activates)
                {
                    next = next == (TTile.Stages - 1) * stageBytes ? 0 : next + stageBytes;
                    Advance<TTile>(ref now, g, pixelBytes, ref a0, ref a1, ref a2, ref a3);
                }
            }
            // Also when there is nothing left to copy: the count of groups stays right.
            CudaAsm.Emit("cp.async.commit_group;");
            if (step >= 0)
            {
                TFragments.LoadA(readA + stage);
                TFragments.LoadB(readB + stage);
                Multiply<TFragments, TPrecision>();
                // The second half of 32 bytes: pieces 2 and 3 lie where 0 and 1 do, xor 32.
                TFragments.LoadA((readA + stage) ^ 32);
                TFragments.LoadB((readB + stage) ^ 32);
                Multiply<TFragments, TPrecision>();
                stage = stage == (TTile.Stages - 1) * stageBytes ? 0 : stage + stageBytes;
            }
            if (TPrologue.Activates && step + TTile.Stages - 1 < steps)
            {
                // Factors of the row's image and the piece's channels; they stay in the first cache.
                long factors = g.Prologue.Address + wide * offset;
                int imageBytes = 2 * pixelBytes;
                TensorActivation.Store0<TPrecision>(g.Prologue, to + next, factors + (long)a0.N * imageBytes, inside & a0.Inside != 0);
                TensorActivation.Store1<TPrecision>(g.Prologue, to + next + passBytes, factors + (long)a1.N * imageBytes, inside & a1.Inside != 0);
                if (TTile.Rows > 2 * passRows)
                {
                    TensorActivation.Store2<TPrecision>(g.Prologue, to + next + 2 * passBytes, factors + (long)a2.N * imageBytes, inside & a2.Inside != 0);
                    TensorActivation.Store3<TPrecision>(g.Prologue, to + next + 3 * passBytes, factors + (long)a3.N * imageBytes, inside & a3.Inside != 0);
                }
                next = next == (TTile.Stages - 1) * stageBytes ? 0 : next + stageBytes;
                Advance<TTile>(ref now, g, pixelBytes, ref a0, ref a1, ref a2, ref a3);
            }
        }
        // The same for all warps: none parts.
        long first = 4L * resultColumn;
        int row = firstRow + warpRow + (lane >> 2), pitch = 4 * g.Channels, left = g.Channels - resultColumn;
        if (g.Embedding != 0)
            AddMatrix<TTile, TFragments>(g.Embedding + first, pitch, row, g.Pixels, g.Height * g.Width, left);
        if (g.Residual != 0)
            AddMatrix<TTile, TFragments>(g.Residual + first, pitch, row, g.Pixels, 1, left);
        if (g.Scale != 1f)
            TFragments.Scale(g.Scale);
        if (g.Silu != 0)
            TFragments.Silu();
        if (TTile.Columns == 32)
            TFragments.StoreSingles(g.Y + first, pitch, row, g.Pixels, left);
        else
            TFragments.StorePairs(g.Y + first, pitch, row, g.Pixels, left);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddMatrix<TTile, TFragments>(long from, int pitch, int row, int rows, int shared, int left)
        where TTile : struct, ITensorTile
        where TFragments : struct, ITensorFragments
    {
        if (TTile.Columns == 32)
            TFragments.AddSingles(from, pitch, row, rows, shared, left);
        else
            TFragments.AddPairs(from, pitch, row, rows, shared, left);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Multiply<TFragments, TPrecision>()
        where TFragments : struct, ITensorFragments
        where TPrecision : struct, ITensorPrecision
    {
        if (TPrecision.IsBf16)
            TFragments.MultiplyBf16();
        else
            TFragments.MultiplyTf32();
    }
}
