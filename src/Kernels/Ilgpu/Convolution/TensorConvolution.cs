using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu.Convolution;
using BDense.Kernels.Ilgpu.Generated;
using BDense.Kernels.Ilgpu.Tiles;
using ILGPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Util;

namespace BDense.Kernels.Ilgpu;

/// <summary>
/// A convolution or a dgrad as the tensor-core kernels take it: y[m, o] = act((bias[o] + sum over taps and source channels
/// + embedding[n, o] + residual[m, o]) * scale), m counting the pixels of the result, n their images. Byte counts, since TF32 and BF16
/// differ in nothing else.
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

    public readonly TensorProblem Problem =>
        new(Pixels, Channels, Rows * Columns * ((SourceBytes + TensorTile.StepBytes - 1) / TensorTile.StepBytes),
        IsActivated ? TensorOperation.ActivatedConvolution : TensorOperation.Convolution);

    public readonly bool IsActivated => Prologue.Address != 0;

    /// <summary>
    /// y from x and w [K, R, S, C], or dx from dy and the weights as [C, R, S, K], in float32; addresses are still to be set.
    /// </summary>
    public static TensorConvolution Of(in ImagePass pass) => new()
    {
        Pixels = pass.Pixels,
        Channels = pass.Channels,
        Height = pass.Height,
        Width = pass.Width,
        SourceHeight = pass.SourceHeight,
        SourceWidth = pass.SourceWidth,
        SourceBytes = pass.SourceChannels * sizeof(float),
        Rows = pass.Shape.R,
        Columns = pass.Shape.S,
        Stride = pass.Shape.Stride,
        Pad = pass.Shape.PadBegin,
        IsTransposed = pass.IsTransposed,
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

    /// <summary>
    /// One thread's copies: two or four pieces of 16 bytes of the source a step, and as many of the weights, a pass of the group's threads
    /// each.
    /// </summary>
    /// <remarks>
    /// With a prologue the source does not come by cp.async: <see cref="Begin"/> loads a thread's pieces into registers before the products
    /// of a step,
    /// <see cref="Finish"/> activates and stores them behind. Steps that do not exist are copied as zeros: then nothing around a product is
    /// conditional.
    /// </remarks>
    private struct TensorCopies<TTile, TPrecision, TPrologue>
        where TTile : struct, ITensorTile
        where TPrecision : struct, ITensorPrecision
        where TPrologue : struct, ITilePrologue
    {
        private TensorRow _a0, _a1, _a2, _a3;
        private TensorStep _now;
        private long _weights, _weightsPass;
        private int _column, _to, _piece, _next, _left;

        /// <summary>Rows of a pass.</summary>
        private static int PassRows { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => TTile.Threads / 4; }

        private static int PassBytes { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => PassRows * TensorTile.StepBytes; }

        /// <summary>Bytes of a source value for each byte of a factor.</summary>
        private static int Wide
        {
            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            get => TPrologue.Activates && TPrecision.IsBf16 ? 2 : 1;
        }

        /// <param name="g">The problem.</param>
        /// <param name="firstRow">Of the tile.</param>
        /// <param name="firstColumn">Of the tile.</param>
        /// <param name="steps">That there are.</param>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TensorCopies<TTile, TPrecision, TPrologue> Locate(in TensorConvolution g, int firstRow, int firstColumn, int steps)
        {
            var c = new TensorCopies<TTile, TPrecision, TPrologue>();
            int row = Group.IdxX >> 2;
            c._piece = (Group.IdxX & 3) * 16;
            c._to = TensorTile.Place(row, Group.IdxX & 3);
            c._a0 = LocateRow(g, firstRow + row);
            c._a1 = LocateRow(g, firstRow + row + PassRows);
            c._a2 = LocateRow(g, firstRow + row + 2 * PassRows);
            c._a3 = LocateRow(g, firstRow + row + 3 * PassRows);
            long rowBytes = (long)g.Rows * g.Columns * g.SourceBytes;
            c._column = firstColumn + row;
            c._weights = g.W + c._column * rowBytes;
            c._weightsPass = PassRows * rowBytes;
            c._left = steps;
            c.ReadTaps(g);
            return c;
        }

        /// <summary>Asks for the next step's pieces.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Begin(in TensorConvolution g)
        {
            // Behind the last channel zeros. Where a copy is of 0 bytes, its address is never used.
            int offset = _now.At + _piece;
            bool inside = offset < g.SourceBytes & _left > 0;
            if (TPrologue.Activates)
            {
                TensorActivation.Fetch0<TPrecision>(_a0.Address + Wide * offset, inside & _a0.Inside != 0);
                TensorActivation.Fetch1<TPrecision>(_a1.Address + Wide * offset, inside & _a1.Inside != 0);
                if (TTile.Rows > 2 * PassRows)
                {
                    TensorActivation.Fetch2<TPrecision>(_a2.Address + Wide * offset, inside & _a2.Inside != 0);
                    TensorActivation.Fetch3<TPrecision>(_a3.Address + Wide * offset, inside & _a3.Inside != 0);
                }
            }
            else
            {
                int toA = _to + _next;
                TensorTile.CopyAsync(toA, _a0.Address + offset, inside & _a0.Inside != 0);
                TensorTile.CopyAsync(toA + PassBytes, _a1.Address + offset, inside & _a1.Inside != 0);
                if (TTile.Rows > 2 * PassRows)
                {
                    TensorTile.CopyAsync(toA + 2 * PassBytes, _a2.Address + offset, inside & _a2.Inside != 0);
                    TensorTile.CopyAsync(toA + 3 * PassBytes, _a3.Address + offset, inside & _a3.Inside != 0);
                }
            }
            int toB = _to + _next + TTile.Rows * TensorTile.StepBytes;
            long weights = _weights + ((long)_now.Tap + offset);
            TensorTile.CopyAsync(toB, weights, inside & _column < g.Channels);
            if (TTile.Columns > PassRows)
                TensorTile.CopyAsync(toB + PassBytes, weights + _weightsPass, inside & _column + PassRows < g.Channels);
            if (TTile.Columns > 2 * PassRows)
            {
                TensorTile.CopyAsync(toB + 2 * PassBytes, weights + 2 * _weightsPass, inside & _column + 2 * PassRows < g.Channels);
                TensorTile.CopyAsync(toB + 3 * PassBytes, weights + 3 * _weightsPass, inside & _column + 3 * PassRows < g.Channels);
            }
        }

        /// <summary>
        /// Stores what went through registers, and turns to the next step: 64 bytes of the source channels further on, or the next tap.
        /// </summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Finish(in TensorConvolution g)
        {
            if (TPrologue.Activates)
            {
                int offset = _now.At + _piece, toA = _to + _next;
                bool inside = offset < g.SourceBytes & _left > 0;
                // Factors of the row's image and the piece's channels; they stay in the first cache.
                long factors = g.Prologue.Address + Wide * offset;
                int imageBytes = 2 * Wide * g.SourceBytes;
                TensorActivation.Store0<TPrecision>(g.Prologue, toA, factors + (long)_a0.N * imageBytes, inside & _a0.Inside != 0);
                TensorActivation.Store1<TPrecision>(g.Prologue, toA + PassBytes, factors + (long)_a1.N * imageBytes,
                    inside & _a1.Inside != 0);
                if (TTile.Rows > 2 * PassRows)
                {
                    TensorActivation.Store2<TPrecision>(g.Prologue, toA + 2 * PassBytes, factors + (long)_a2.N * imageBytes,
                        inside & _a2.Inside != 0);
                    TensorActivation.Store3<TPrecision>(g.Prologue, toA + 3 * PassBytes, factors + (long)_a3.N * imageBytes,
                        inside & _a3.Inside != 0);
                }
            }
            _next = TensorTile.NextStage<TTile>(_next);
            _left--;
            _now.At += TensorTile.StepBytes;
            if (_now.At >= g.SourceBytes)
            {
                _now.At = 0;
                _now.Tap += g.SourceBytes;
                _now.S++;
                if (_now.S == g.Columns)
                {
                    _now.S = 0;
                    _now.R++;
                }
                ReadTaps(g);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void ReadTaps(in TensorConvolution g)
        {
            int pixelBytes = Wide * g.SourceBytes;
            ReadTap(ref _a0, g, pixelBytes, _now.R, _now.S);
            ReadTap(ref _a1, g, pixelBytes, _now.R, _now.S);
            if (TTile.Rows > 2 * PassRows)
            {
                ReadTap(ref _a2, g, pixelBytes, _now.R, _now.S);
                ReadTap(ref _a3, g, pixelBytes, _now.R, _now.S);
            }
        }
    }

    /// <summary>
    /// A tile of the result a group, grid: tiles of columns fastest, so that neighbouring groups read the same pixels. A group reads
    /// (rows + columns) x 64 bytes a step for 64 rows columns FLOPs in TF32 (32 in BF16 for each byte of a row); 4 bytes written an
    /// element, 4 read for a residual. Sums over taps, then channels, in a fixed order.
    /// </summary>
    /// <remarks>
    /// A step is multiplied in two halves, and the fragments of a half are loaded before the products of the one before it: on an H200 a
    /// loop that loaded both and then multiplied took as long as its loads and its products together. The barrier lies between the halves,
    /// when the last loads from the old stage are on their way and the first from the new one are next.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TensorConvolve<TTile, TFragments, TPrecision, TPrologue>(TensorConvolution g, ArrayView<float> bias)
        where TTile : struct, ITensorTile
        where TFragments : struct, ITensorFragments
        where TPrecision : struct, ITensorPrecision
        where TPrologue : struct, ITilePrologue
    {
        TFragments.Declare();
        TensorTile.Declare<TTile>();
        if (TPrologue.Activates)
            TensorActivation.Declare();
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

        int readA = TensorTile.FragmentA(warpRow, lane);
        int readB = TTile.Rows * TensorTile.StepBytes + TensorTile.FragmentB(warpColumn, lane);
        int steps = g.Rows * g.Columns * ((g.SourceBytes + TensorTile.StepBytes - 1) / TensorTile.StepBytes), stage = 0;
        var copies = TensorCopies<TTile, TPrecision, TPrologue>.Locate(g, firstRow, firstColumn, steps);
        for (int ahead = 1; ahead < TTile.Stages; ahead++)
        {
            copies.Begin(g);
            copies.Finish(g);
            CudaAsm.Emit("cp.async.commit_group;");
        }
        // The oldest copy has arrived, for all threads.
        TTile.Wait();
        CudaAsm.Emit("bar.sync 0;");
        TFragments.LoadA(readA);
        TFragments.LoadB(readB);
        TFragments.Keep();
        for (int step = 0; step < steps; step++)
        {
            // Into the stage that all have read, the barrier of the step before tells.
            copies.Begin(g);
            CudaAsm.Emit("cp.async.commit_group;");
            // The second half of 32 bytes: pieces 2 and 3 lie where 0 and 1 do, xor 32.
            TFragments.LoadA((readA + stage) ^ 32);
            TFragments.LoadB((readB + stage) ^ 32);
            TFragments.Exchange();
            Multiply<TFragments, TPrecision>();
            stage = TensorTile.NextStage<TTile>(stage);
            TTile.Wait();
            CudaAsm.Emit("bar.sync 0;");
            TFragments.LoadA(readA + stage);
            TFragments.LoadB(readB + stage);
            TFragments.Exchange();
            Multiply<TFragments, TPrecision>();
            copies.Finish(g);
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
