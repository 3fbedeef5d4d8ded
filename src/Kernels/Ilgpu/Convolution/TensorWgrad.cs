using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu.Convolution;
using BDense.Kernels.Ilgpu.Generated;
using BDense.Kernels.Ilgpu.Tiles;
using ILGPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Util;

namespace BDense.Kernels.Ilgpu;

/// <summary>
/// wgrad as the tensor-core kernels take it: partial[slice, k, j] = sum over the slice's pixels of dy[pixel, k] x[source(pixel, tap), c],
/// where column j counts taps and channels together, so that no channel count leaves a tile half empty.
/// </summary>
internal struct TensorWgrad
{
    /// <summary>Device addresses.</summary>
    public long X, Dy, Partial;

    /// <summary>Of the prologue, where the kernel has one: then x is float32 in either precision.</summary>
    public TensorActivationFactors Prologue;

    /// <summary>N P Q, and K.</summary>
    public int Pixels, Outputs;

    /// <summary>R S times the channels of x, with those that fill up 16 bytes.</summary>
    public int Columns;

    /// <summary>Bytes of a pixel of x and of dy, filled up to multiples of 16.</summary>
    public int SourceBytes, OutputBytes;

    public int Height, Width, SourceHeight, SourceWidth, KernelColumns, Stride, Pad;

    /// <summary>Steps of 16 (TF32) or 32 (BF16) pixels that a group adds up.</summary>
    public int StepsPerSlice;

    /// <summary>How far a step goes: samples, rows, columns.</summary>
    public int StepN, StepP, StepQ;

    /// <summary>Pixels of a step.</summary>
    public int Depth;

    public readonly TensorProblem Problem => new(Outputs, Columns, (Pixels + Depth - 1) / Depth,
        IsActivated ? TensorOperation.ActivatedWgrad : TensorOperation.Wgrad);

    public readonly bool IsActivated => Prologue.Address != 0;

    /// <summary>For values of <paramref name="bytes"/>; addresses and slices are still to be set.</summary>
    public static TensorWgrad Of(in Conv2dShape s, int bytes)
    {
        int depth = TensorTile.StepBytes / bytes, piece = 16 / bytes;
        int channels = (s.C + piece - 1) / piece * piece, outputs = (s.K + piece - 1) / piece * piece;
        return new()
        {
            Pixels = s.N * s.P * s.Q,
            Outputs = s.K,
            Columns = s.R * s.S * channels,
            SourceBytes = channels * bytes,
            OutputBytes = outputs * bytes,
            Height = s.P,
            Width = s.Q,
            SourceHeight = s.H,
            SourceWidth = s.W,
            KernelColumns = s.S,
            Stride = s.Stride,
            Pad = s.PadBegin,
            Depth = depth,
            StepN = depth / (s.P * s.Q),
            StepP = depth / s.Q % s.P,
            StepQ = depth % s.Q,
        };
    }
}

public sealed partial class IlgpuBackend
{
    [Kernel(256, Hot = true)]
    internal static void TensorWgrad128x128Tf32Kernel(TensorWgrad g, int tiles) =>
        TensorAddPixels<Tile128x128, TensorFragments64x32, Tf32, PlainInput>(g, tiles);

    [Kernel(256, Hot = true)]
    internal static void TensorWgrad128x128Bf16Kernel(TensorWgrad g, int tiles) =>
        TensorAddPixels<Tile128x128, TensorFragments64x32, Bf16, PlainInput>(g, tiles);

    [Kernel(128, Hot = true, Resident = 2)]
    internal static void TensorWgrad128x128x4Tf32Kernel(TensorWgrad g, int tiles) =>
        TensorAddPixels<Tile128x128x4, TensorFragments64x64, Tf32, PlainInput>(g, tiles);

    [Kernel(128, Hot = true, Resident = 2)]
    internal static void TensorWgrad128x128x4Bf16Kernel(TensorWgrad g, int tiles) =>
        TensorAddPixels<Tile128x128x4, TensorFragments64x64, Bf16, PlainInput>(g, tiles);

    [Kernel(128, Hot = true, Resident = 3)]
    internal static void TensorWgrad64x128Tf32Kernel(TensorWgrad g, int tiles) =>
        TensorAddPixels<Tile64x128, TensorFragments64x32, Tf32, PlainInput>(g, tiles);

    [Kernel(128, Hot = true, Resident = 3)]
    internal static void TensorWgrad64x128Bf16Kernel(TensorWgrad g, int tiles) =>
        TensorAddPixels<Tile64x128, TensorFragments64x32, Bf16, PlainInput>(g, tiles);

    [Kernel(128, Hot = true, Resident = 4)]
    internal static void TensorWgrad64x64Tf32Kernel(TensorWgrad g, int tiles) =>
        TensorAddPixels<Tile64x64, TensorFragments32x32, Tf32, PlainInput>(g, tiles);

    [Kernel(128, Hot = true, Resident = 4)]
    internal static void TensorWgrad64x64Bf16Kernel(TensorWgrad g, int tiles) =>
        TensorAddPixels<Tile64x64, TensorFragments32x32, Bf16, PlainInput>(g, tiles);

    [Kernel(256, Hot = true)]
    internal static void TensorWgradActivated128x128Tf32Kernel(TensorWgrad g, int tiles) =>
        TensorAddPixels<Tile128x128, TensorFragments64x32, Tf32, ActivatedInput>(g, tiles);

    [Kernel(256, Hot = true)]
    internal static void TensorWgradActivated128x128Bf16Kernel(TensorWgrad g, int tiles) =>
        TensorAddPixels<Tile128x128, TensorFragments64x32, Bf16, ActivatedInput>(g, tiles);

    [Kernel(128, Hot = true)]
    internal static void TensorWgradActivated64x64Tf32Kernel(TensorWgrad g, int tiles) =>
        TensorAddPixels<Tile64x64, TensorFragments32x32, Tf32, ActivatedInput>(g, tiles);

    [Kernel(128, Hot = true)]
    internal static void TensorWgradActivated64x64Bf16Kernel(TensorWgrad g, int tiles) =>
        TensorAddPixels<Tile64x64, TensorFragments32x32, Bf16, ActivatedInput>(g, tiles);

    /// <summary>
    /// dw[i] += sum over slices of partial[slice, i], in order. One thread for four weights; 16 (slices + 2) bytes moved.
    /// </summary>
    [Kernel]
    internal static void SumSlicesKernel(Index1D i, ArrayView<Float4> partial, int slices, ArrayView<Float4> dw)
    {
        int stride = dw.IntLength;
        var sum = partial[i];
        for (int s = 1; s < slices; s++)
            Float4.AddScaled(ref sum, 1f, partial[s * stride + i]);
        var total = dw[i];
        Float4.AddScaled(ref total, 1f, sum);
        dw[i] = total;
    }

    /// <summary>
    /// The same where slices have <paramref name="padded"/> channels and dw only the first <paramref name="channels"/> of them:
    /// <paramref name="stride"/> elements of a slice. One thread a weight; 4 (slices + 2) bytes moved.
    /// </summary>
    [Kernel]
    internal static void SumPaddedSlicesKernel(Index1D i, ArrayView<float> partial, int slices, int channels, int padded, int stride,
        ArrayView<float> dw)
    {
        int row = i / channels, from = row * padded + (i - row * channels);
        float sum = partial[from];
        for (int s = 1; s < slices; s++)
            sum += partial[s * stride + from];
        dw[i] += sum;
    }

    /// <summary>An output pixel whose source a thread copies.</summary>
    private struct TensorPixel
    {
        public int N, P, Q;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TensorPixel LocatePixel(in TensorWgrad g, int pixel)
    {
        TensorPixel at;
        int line = pixel / g.Width;
        at.Q = pixel - line * g.Width;
        at.N = line / g.Height;
        at.P = line - at.N * g.Height;
        return at;
    }

    /// <summary>A step further, without a division: each count overflows at most once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Advance(ref TensorPixel at, in TensorWgrad g)
    {
        at.Q += g.StepQ;
        int carry = Utilities.Select(at.Q >= g.Width, 1, 0);
        at.Q = Utilities.Select(carry != 0, at.Q - g.Width, at.Q);
        at.P += g.StepP + carry;
        carry = Utilities.Select(at.P >= g.Height, 1, 0);
        at.P = Utilities.Select(carry != 0, at.P - g.Height, at.P);
        at.N += g.StepN + carry;
    }

    /// <summary>Whether the thread's tap of a pixel falls into the image.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsInside(in TensorWgrad g, in TensorPixel pixel, int r, int s) =>
        (uint)(pixel.P * g.Stride + r) < (uint)g.SourceHeight & (uint)(pixel.Q * g.Stride + s) < (uint)g.SourceWidth;

    /// <summary>Where it lies in x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long SourceOf(in TensorWgrad g, in TensorPixel pixel, int r, int s, int pixelBytes) =>
        g.X + ((long)(pixel.N * g.SourceHeight + (pixel.P * g.Stride + r)) * g.SourceWidth + (pixel.Q * g.Stride + s)) * pixelBytes;

    /// <summary>16 bytes of x for a pixel and the thread's tap; zeros in the padding.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopySource(in TensorWgrad g, in TensorPixel pixel, int r, int s, int offset, bool exists, int to) =>
        TensorTile.CopyAsync(to, SourceOf(g, pixel, r, s, g.SourceBytes) + offset, exists & IsInside(g, pixel, r, s));

    /// <summary>
    /// One thread's copies: one piece of 16 bytes of several pixels of dy, and one of several pixels of x, always for the same tap and
    /// channels.
    /// </summary>
    /// <remarks>
    /// With a prologue x comes through registers, as in <see cref="TensorCopies{TTile, TPrecision, TPrologue}"/>. Behind the slice's end
    /// zeros.
    /// </remarks>
    private struct TensorPixelCopies<TTile, TPrecision, TPrologue>
        where TTile : struct, ITensorTile
        where TPrecision : struct, ITensorPrecision
        where TPrologue : struct, ITilePrologue
    {
        private TensorPixel _b0, _b1, _b2, _b3;
        private long _a, _passBytesA, _stepBytesA;
        private int _toA0, _toA1, _toB0, _toB1;
        private int _passA, _leftA, _passB, _leftB, _offsetB, _r, _s, _next;

        /// <summary>Bytes of a value of x for each byte of a factor.</summary>
        private static int Wide
        {
            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            get => TPrologue.Activates && TPrecision.IsBf16 ? 2 : 1;
        }

        private static int Depth { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => SummedTile.Depth<TPrecision>(); }

        private static int PitchA { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => SummedTile.Pitch<TPrecision>(TTile.Rows); }

        private static int PitchB { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => SummedTile.Pitch<TPrecision>(TTile.Columns); }

        /// <summary>
        /// Whether there are four passes, not two; bytes from one to the second below, which is a multiple of the eight rows that places
        /// repeat after.
        /// </summary>
        private static bool HasFourA { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => Depth * PitchA > 32 * TTile.Threads; }

        private static bool HasFourB { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => Depth * PitchB > 32 * TTile.Threads; }

        private static int TwoPasses { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 32 * TTile.Threads; }

        /// <param name="g">The problem.</param>
        /// <param name="firstRow">Of the tile.</param>
        /// <param name="firstColumn">Of the tile.</param>
        /// <param name="pixel">First of the slice.</param>
        /// <param name="end">Behind the slice's last.</param>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TensorPixelCopies<TTile, TPrecision, TPrologue> Locate(in TensorWgrad g, int firstRow, int firstColumn,
            int pixel, int end)
        {
            var c = new TensorPixelCopies<TTile, TPrecision, TPrologue>();
            int thread = Group.IdxX, valueBytes = TensorTile.StepBytes / Depth;
            int piecesA = PitchA / 16, rowA = thread / piecesA, pieceA = thread - rowA * piecesA,
                offsetA = firstRow * valueBytes + 16 * pieceA;
            c._passA = TTile.Threads / piecesA;
            // Pixels from this thread's first on; a piece that is outside of dy has none.
            c._leftA = Utilities.Select(offsetA < g.OutputBytes, end - pixel - rowA, 0);
            c._a = g.Dy + (long)(pixel + rowA) * g.OutputBytes + offsetA;
            (c._passBytesA, c._stepBytesA) = ((long)c._passA * g.OutputBytes, (long)Depth * g.OutputBytes);
            c._toA0 = SummedTile.CopyTo(rowA, pieceA, PitchA);
            c._toA1 = SummedTile.CopyTo(rowA + c._passA, pieceA, PitchA);

            int piecesB = PitchB / 16, rowB = thread / piecesB, pieceB = thread - rowB * piecesB,
                place = firstColumn * valueBytes + 16 * pieceB;
            int tap = place / g.SourceBytes, tileBytes = TTile.Rows * TensorTile.StepBytes;
            c._passB = TTile.Threads / piecesB;
            c._leftB = Utilities.Select(place < g.Columns * valueBytes, end - pixel - rowB, 0);
            c._offsetB = place - tap * g.SourceBytes;
            c._r = tap / g.KernelColumns;
            c._s = tap - c._r * g.KernelColumns - g.Pad;
            c._r -= g.Pad;
            c._b0 = LocatePixel(g, pixel + rowB);
            c._b1 = LocatePixel(g, pixel + rowB + c._passB);
            c._b2 = LocatePixel(g, pixel + rowB + 2 * c._passB);
            c._b3 = LocatePixel(g, pixel + rowB + 3 * c._passB);
            c._toB0 = tileBytes + SummedTile.CopyTo(rowB, pieceB, PitchB);
            c._toB1 = tileBytes + SummedTile.CopyTo(rowB + c._passB, pieceB, PitchB);
            return c;
        }

        /// <summary>Asks for the next step's pieces.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Begin(in TensorWgrad g)
        {
            TensorTile.CopyAsync(_toA0 + _next, _a, _leftA > 0);
            TensorTile.CopyAsync(_toA1 + _next, _a + _passBytesA, _leftA > _passA);
            if (HasFourA)
            {
                TensorTile.CopyAsync(_toA0 + TwoPasses + _next, _a + 2 * _passBytesA, _leftA > 2 * _passA);
                TensorTile.CopyAsync(_toA1 + TwoPasses + _next, _a + 3 * _passBytesA, _leftA > 3 * _passA);
            }
            if (TPrologue.Activates)
            {
                int offset = Wide * _offsetB, pixelBytes = Wide * g.SourceBytes;
                TensorActivation.Fetch0<TPrecision>(SourceOf(g, _b0, _r, _s, pixelBytes) + offset, _leftB > 0 & IsInside(g, _b0, _r, _s));
                TensorActivation.Fetch1<TPrecision>(SourceOf(g, _b1, _r, _s, pixelBytes) + offset,
                    _leftB > _passB & IsInside(g, _b1, _r, _s));
                if (HasFourB)
                {
                    TensorActivation.Fetch2<TPrecision>(SourceOf(g, _b2, _r, _s, pixelBytes) + offset,
                        _leftB > 2 * _passB & IsInside(g, _b2, _r, _s));
                    TensorActivation.Fetch3<TPrecision>(SourceOf(g, _b3, _r, _s, pixelBytes) + offset,
                        _leftB > 3 * _passB & IsInside(g, _b3, _r, _s));
                }
            }
            else
            {
                CopySource(g, _b0, _r, _s, _offsetB, _leftB > 0, _toB0 + _next);
                CopySource(g, _b1, _r, _s, _offsetB, _leftB > _passB, _toB1 + _next);
                if (HasFourB)
                {
                    CopySource(g, _b2, _r, _s, _offsetB, _leftB > 2 * _passB, _toB0 + TwoPasses + _next);
                    CopySource(g, _b3, _r, _s, _offsetB, _leftB > 3 * _passB, _toB1 + TwoPasses + _next);
                }
            }
        }

        /// <summary>Stores what went through registers, and turns to the next step's pixels.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Finish(in TensorWgrad g)
        {
            if (TPrologue.Activates)
            {
                long factors = g.Prologue.Address + Wide * _offsetB;
                int imageBytes = 2 * Wide * g.SourceBytes;
                TensorActivation.Store0<TPrecision>(g.Prologue, _toB0 + _next, factors + (long)_b0.N * imageBytes,
                    _leftB > 0 & IsInside(g, _b0, _r, _s));
                TensorActivation.Store1<TPrecision>(g.Prologue, _toB1 + _next, factors + (long)_b1.N * imageBytes,
                    _leftB > _passB & IsInside(g, _b1, _r, _s));
                if (HasFourB)
                {
                    TensorActivation.Store2<TPrecision>(g.Prologue, _toB0 + TwoPasses + _next, factors + (long)_b2.N * imageBytes,
                        _leftB > 2 * _passB & IsInside(g, _b2, _r, _s));
                    TensorActivation.Store3<TPrecision>(g.Prologue, _toB1 + TwoPasses + _next, factors + (long)_b3.N * imageBytes,
                        _leftB > 3 * _passB & IsInside(g, _b3, _r, _s));
                }
            }
            Advance(ref _b0, g);
            Advance(ref _b1, g);
            if (HasFourB)
            {
                Advance(ref _b2, g);
                Advance(ref _b3, g);
            }
            _leftB -= Depth;
            _a += _stepBytesA;
            _leftA -= Depth;
            _next = TensorTile.NextStage<TTile>(_next);
        }
    }

    /// <summary>
    /// A tile of dw over one slice of the pixels a group; grid: tiles fastest, so that the groups that run together read the same pixels.
    /// Both operands lie with the sum's axis outermost (<see cref="SummedTile"/>). A group reads (rows + columns) x 64 bytes a step;
    /// 4 bytes written an element and slice. Sums over the pixels in order; slices are added by <see cref="SumSlicesKernel"/>.
    /// </summary>
    /// <remarks>The main loop is that of <see cref="TensorConvolve"/>.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TensorAddPixels<TTile, TFragments, TPrecision, TPrologue>(TensorWgrad g, int tiles)
        where TTile : struct, ITensorTile
        where TFragments : struct, ITensorFragments
        where TPrecision : struct, ITensorPrecision
        where TPrologue : struct, ITilePrologue
    {
        TFragments.Declare();
        TensorTile.Declare<TTile>();
        if (TPrologue.Activates)
            TensorActivation.Declare();
        TFragments.StartZero();
        int depth = SummedTile.Depth<TPrecision>(), pitchA = SummedTile.Pitch<TPrecision>(TTile.Rows),
            pitchB = SummedTile.Pitch<TPrecision>(TTile.Columns);
        int thread = Group.IdxX, warp = thread >> 5, lane = thread & 31;
        int warpRow = TensorTile.WarpRow<TTile, TFragments>(warp), warpColumn = TensorTile.WarpColumn<TTile, TFragments>(warp);
        int slice = Grid.IdxX / tiles, tile = Grid.IdxX - slice * tiles;
        int columnTiles = (g.Columns + TTile.Columns - 1) / TTile.Columns;
        int firstRow = tile / columnTiles * TTile.Rows;
        int firstColumn = (tile - tile / columnTiles * columnTiles) * TTile.Columns;
        int pixel = slice * g.StepsPerSlice * depth;
        int end = Utilities.Select(pixel + g.StepsPerSlice * depth < g.Pixels, pixel + g.StepsPerSlice * depth, g.Pixels);
        int steps = (end - pixel + depth - 1) / depth, stage = 0;

        var copies = TensorPixelCopies<TTile, TPrecision, TPrologue>.Locate(g, firstRow, firstColumn, pixel, end);
        int readA = SummedTile.FragmentA<TPrecision>(warpRow, lane, pitchA);
        int readB = TTile.Rows * TensorTile.StepBytes + SummedTile.FragmentB<TPrecision>(warpColumn, lane, pitchB);
        for (int ahead = 1; ahead < TTile.Stages; ahead++)
        {
            copies.Begin(g);
            copies.Finish(g);
            CudaAsm.Emit("cp.async.commit_group;");
        }
        TTile.Wait();
        CudaAsm.Emit("bar.sync 0;");
        LoadSummed<TFragments, TPrecision>(readA, readB, pitchA, pitchB);
        TFragments.Keep();
        for (int step = 0; step < steps; step++)
        {
            copies.Begin(g);
            CudaAsm.Emit("cp.async.commit_group;");
            LoadSummed<TFragments, TPrecision>(readA + stage + depth / 2 * pitchA, readB + stage + depth / 2 * pitchB, pitchA, pitchB);
            TFragments.Exchange();
            Multiply<TFragments, TPrecision>();
            stage = TensorTile.NextStage<TTile>(stage);
            TTile.Wait();
            CudaAsm.Emit("bar.sync 0;");
            LoadSummed<TFragments, TPrecision>(readA + stage, readB + stage, pitchA, pitchB);
            TFragments.Exchange();
            Multiply<TFragments, TPrecision>();
            copies.Finish(g);
        }
        int row = firstRow + warpRow, column = firstColumn + warpColumn;
        long y = g.Partial + 4L * g.Columns * g.Outputs * slice;
        if (TPrecision.IsBf16)
        {
            column += (lane & 3) * 2;
            TFragments.StorePairs(y + 4L * column, 4 * g.Columns, row + (lane >> 2), g.Outputs, g.Columns - column);
        }
        else
        {
            column += (lane & 3) * 8;
            TFragments.StoreQuads(y + 4L * column, 4 * g.Columns, row + (lane >> 2) * 4, g.Outputs, g.Columns - column, near: true);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void LoadSummed<TFragments, TPrecision>(int a, int b, int pitchA, int pitchB)
        where TFragments : struct, ITensorFragments
        where TPrecision : struct, ITensorPrecision
    {
        if (TPrecision.IsBf16)
        {
            TFragments.LoadSummedABf16(a);
            TFragments.LoadSummedBBf16(b);
        }
        else
        {
            TFragments.LoadSummedATf32(a, SummedTile.FourBelow(a, pitchA));
            TFragments.LoadSummedBTf32(b, SummedTile.FourBelow(b, pitchB));
        }
    }
}
