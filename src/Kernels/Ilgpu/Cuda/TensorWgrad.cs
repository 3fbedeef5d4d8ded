using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu.Cuda;
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

    /// <summary>R S C.</summary>
    public int Columns;

    /// <summary>Bytes of a pixel of x and of dy, multiples of 16.</summary>
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
        int depth = TensorTile.StepBytes / bytes;
        return new()
        {
            Pixels = s.N * s.P * s.Q,
            Outputs = s.K,
            Columns = s.R * s.S * s.C,
            SourceBytes = s.C * bytes,
            OutputBytes = s.K * bytes,
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
    internal static void TensorWgrad128x128Tf32Kernel(TensorWgrad g, int tiles) => TensorAddPixels<Tile128x128, TensorFragments64x32, Tf32, PlainInput>(g, tiles);

    [Kernel(256, Hot = true)]
    internal static void TensorWgrad128x128Bf16Kernel(TensorWgrad g, int tiles) => TensorAddPixels<Tile128x128, TensorFragments64x32, Bf16, PlainInput>(g, tiles);

    [Kernel(128, Hot = true)]
    internal static void TensorWgrad128x128x4Tf32Kernel(TensorWgrad g, int tiles) => TensorAddPixels<Tile128x128x4, TensorFragments64x64, Tf32, PlainInput>(g, tiles);

    [Kernel(128, Hot = true)]
    internal static void TensorWgrad128x128x4Bf16Kernel(TensorWgrad g, int tiles) => TensorAddPixels<Tile128x128x4, TensorFragments64x64, Bf16, PlainInput>(g, tiles);

    [Kernel(128, Hot = true)]
    internal static void TensorWgrad64x128Tf32Kernel(TensorWgrad g, int tiles) => TensorAddPixels<Tile64x128, TensorFragments64x32, Tf32, PlainInput>(g, tiles);

    [Kernel(128, Hot = true)]
    internal static void TensorWgrad64x128Bf16Kernel(TensorWgrad g, int tiles) => TensorAddPixels<Tile64x128, TensorFragments64x32, Bf16, PlainInput>(g, tiles);

    [Kernel(128, Hot = true)]
    internal static void TensorWgrad64x64Tf32Kernel(TensorWgrad g, int tiles) => TensorAddPixels<Tile64x64, TensorFragments32x32, Tf32, PlainInput>(g, tiles);

    [Kernel(128, Hot = true)]
    internal static void TensorWgrad64x64Bf16Kernel(TensorWgrad g, int tiles) => TensorAddPixels<Tile64x64, TensorFragments32x32, Bf16, PlainInput>(g, tiles);

    [Kernel(256, Hot = true)]
    internal static void TensorWgradActivated128x128Tf32Kernel(TensorWgrad g, int tiles) => TensorAddPixels<Tile128x128, TensorFragments64x32, Tf32, ActivatedInput>(g, tiles);

    [Kernel(256, Hot = true)]
    internal static void TensorWgradActivated128x128Bf16Kernel(TensorWgrad g, int tiles) => TensorAddPixels<Tile128x128, TensorFragments64x32, Bf16, ActivatedInput>(g, tiles);

    [Kernel(128, Hot = true)]
    internal static void TensorWgradActivated64x64Tf32Kernel(TensorWgrad g, int tiles) => TensorAddPixels<Tile64x64, TensorFragments32x32, Tf32, ActivatedInput>(g, tiles);

    [Kernel(128, Hot = true)]
    internal static void TensorWgradActivated64x64Bf16Kernel(TensorWgrad g, int tiles) => TensorAddPixels<Tile64x64, TensorFragments32x32, Bf16, ActivatedInput>(g, tiles);

    /// <summary>dw[i] += sum over slices of partial[slice, i], in order. One thread for four weights; 16 (slices + 2) bytes moved.</summary>
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
    /// A tile of dw over one slice of the pixels a group; grid: tiles fastest, so that the groups that run together read the same pixels.
    /// Both operands lie with the sum's axis outermost (<see cref="SummedTile"/>). A group reads (rows + columns) x 64 bytes a step;
    /// 4 bytes written an element and slice. Sums over the pixels in order; slices are added by <see cref="SumSlicesKernel"/>.
    /// </summary>
    /// <remarks>With a prologue x comes through registers, as in <see cref="TensorConvolve"/>; a thread's channels are always the same.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TensorAddPixels<TTile, TFragments, TPrecision, TPrologue>(TensorWgrad g, int tiles)
        where TTile : struct, ITensorTile
        where TFragments : struct, ITensorFragments
        where TPrecision : struct, ITensorPrecision
        where TPrologue : struct, ITilePrologue
    {
        TFragments.Declare();
        TTile.Declare();
        if (TPrologue.Activates)
            TensorActivation.Declare();
        TFragments.StartZero();
        int stageBytes = (TTile.Rows + TTile.Columns) * TensorTile.StepBytes, tileBytes = TTile.Rows * TensorTile.StepBytes;
        int depth = SummedTile.Depth<TPrecision>(), pitchA = SummedTile.Pitch<TPrecision>(TTile.Rows), pitchB = SummedTile.Pitch<TPrecision>(TTile.Columns);
        int valueBytes = TensorTile.StepBytes / depth;
        int thread = Group.IdxX, warp = thread >> 5, lane = thread & 31;
        int warpRow = TensorTile.WarpRow<TTile, TFragments>(warp), warpColumn = TensorTile.WarpColumn<TTile, TFragments>(warp);
        int slice = Grid.IdxX / tiles, tile = Grid.IdxX - slice * tiles;
        int columnTiles = (g.Columns + TTile.Columns - 1) / TTile.Columns;
        int firstRow = tile / columnTiles * TTile.Rows;
        int firstColumn = (tile - tile / columnTiles * columnTiles) * TTile.Columns;
        int pixel = slice * g.StepsPerSlice * depth;
        int end = Utilities.Select(pixel + g.StepsPerSlice * depth < g.Pixels, pixel + g.StepsPerSlice * depth, g.Pixels);
        int steps = (end - pixel + depth - 1) / depth;

        // A thread copies one piece of several pixels of dy.
        int piecesA = pitchA / 16, rowA = thread / piecesA, pieceA = thread - rowA * piecesA, passA = TTile.Threads / piecesA;
        int pixelA = pixel + rowA, offsetA = firstRow * valueBytes + 16 * pieceA;
        bool insideA = offsetA < g.OutputBytes;
        long a = g.Dy + (long)pixelA * g.OutputBytes + offsetA;
        long passBytesA = (long)passA * g.OutputBytes, stepBytesA = (long)depth * g.OutputBytes;
        int toA0 = SummedTile.CopyTo(rowA, pieceA, pitchA), toA1 = SummedTile.CopyTo(rowA + passA, pieceA, pitchA);
        int toA2 = SummedTile.CopyTo(rowA + 2 * passA, pieceA, pitchA), toA3 = SummedTile.CopyTo(rowA + 3 * passA, pieceA, pitchA);

        // And one of several pixels of x, always for the same tap and channels.
        int piecesB = pitchB / 16, rowB = thread / piecesB, pieceB = thread - rowB * piecesB, passB = TTile.Threads / piecesB;
        int pixelB = pixel + rowB, place = firstColumn * valueBytes + 16 * pieceB;
        bool insideB = place < g.Columns * valueBytes;
        int tap = place / g.SourceBytes, offsetB = place - tap * g.SourceBytes;
        int r = tap / g.KernelColumns, s = tap - r * g.KernelColumns - g.Pad;
        r -= g.Pad;
        var b0 = LocatePixel(g, pixelB);
        var b1 = LocatePixel(g, pixelB + passB);
        var b2 = LocatePixel(g, pixelB + 2 * passB);
        var b3 = LocatePixel(g, pixelB + 3 * passB);
        int toB0 = tileBytes + SummedTile.CopyTo(rowB, pieceB, pitchB), toB1 = tileBytes + SummedTile.CopyTo(rowB + passB, pieceB, pitchB);
        int toB2 = tileBytes + SummedTile.CopyTo(rowB + 2 * passB, pieceB, pitchB), toB3 = tileBytes + SummedTile.CopyTo(rowB + 3 * passB, pieceB, pitchB);

        // Bytes of a value of x for each byte of a factor.
        int wide = TPrologue.Activates && TPrecision.IsBf16 ? 2 : 1, pixelBytes = wide * g.SourceBytes;
        int readA = SummedTile.FragmentA<TPrecision>(warpRow, lane, pitchA);
        int readB = tileBytes + SummedTile.FragmentB<TPrecision>(warpColumn, lane, pitchB);
        int stage = 0, next = 0;
        // The steps before 0 only copy: the pipeline fills.
        for (int step = 1 - TTile.Stages; step < steps; step++)
        {
            if (step >= 0)
            {
                TTile.Wait();
                CudaAsm.Emit("bar.sync 0;");
            }
            if (step + TTile.Stages - 1 < steps)
            {
                TensorTile.CopyAsync(toA0 + next, a, insideA & pixelA < end);
                TensorTile.CopyAsync(toA1 + next, a + passBytesA, insideA & pixelA + passA < end);
                if (depth > 2 * passA)
                {
                    TensorTile.CopyAsync(toA2 + next, a + 2 * passBytesA, insideA & pixelA + 2 * passA < end);
                    TensorTile.CopyAsync(toA3 + next, a + 3 * passBytesA, insideA & pixelA + 3 * passA < end);
                }
                if (TPrologue.Activates)
                {
                    int offset = wide * offsetB;
                    TensorActivation.Fetch0<TPrecision>(SourceOf(g, b0, r, s, pixelBytes) + offset, insideB & pixelB < end & IsInside(g, b0, r, s));
                    TensorActivation.Fetch1<TPrecision>(SourceOf(g, b1, r, s, pixelBytes) + offset, insideB & pixelB + passB < end & IsInside(g, b1, r, s));
                    if (depth > 2 * passB)
                    {
                        TensorActivation.Fetch2<TPrecision>(SourceOf(g, b2, r, s, pixelBytes) + offset, insideB & pixelB + 2 * passB < end & IsInside(g, b2, r, s));
                        TensorActivation.Fetch3<TPrecision>(SourceOf(g, b3, r, s, pixelBytes) + offset, insideB & pixelB + 3 * passB < end & IsInside(g, b3, r, s));
                    }
                }
                else
                {
                    CopySource(g, b0, r, s, offsetB, insideB & pixelB < end, toB0 + next);
                    CopySource(g, b1, r, s, offsetB, insideB & pixelB + passB < end, toB1 + next);
                    Advance(ref b0, g);
                    Advance(ref b1, g);
                    if (depth > 2 * passB)
                    {
                        CopySource(g, b2, r, s, offsetB, insideB & pixelB + 2 * passB < end, toB2 + next);
                        CopySource(g, b3, r, s, offsetB, insideB & pixelB + 3 * passB < end, toB3 + next);
                        Advance(ref b2, g);
                        Advance(ref b3, g);
                    }
                    pixelB += depth;
                    next = next == (TTile.Stages - 1) * stageBytes ? 0 : next + stageBytes;
                }
                a += stepBytesA;
                pixelA += depth;
            }
            // Also when there is nothing left to copy: the count of groups stays right.
            CudaAsm.Emit("cp.async.commit_group;");
            if (step >= 0)
            {
                LoadSummed<TFragments, TPrecision>(readA + stage, readB + stage, pitchA, pitchB);
                Multiply<TFragments, TPrecision>();
                LoadSummed<TFragments, TPrecision>(readA + stage + depth / 2 * pitchA, readB + stage + depth / 2 * pitchB, pitchA, pitchB);
                Multiply<TFragments, TPrecision>();
                stage = stage == (TTile.Stages - 1) * stageBytes ? 0 : stage + stageBytes;
            }
            if (TPrologue.Activates && step + TTile.Stages - 1 < steps)
            {
                long factors = g.Prologue.Address + wide * offsetB;
                int imageBytes = 2 * pixelBytes;
                TensorActivation.Store0<TPrecision>(g.Prologue, toB0 + next, factors + (long)b0.N * imageBytes, insideB & pixelB < end & IsInside(g, b0, r, s));
                TensorActivation.Store1<TPrecision>(g.Prologue, toB1 + next, factors + (long)b1.N * imageBytes, insideB & pixelB + passB < end & IsInside(g, b1, r, s));
                Advance(ref b0, g);
                Advance(ref b1, g);
                if (depth > 2 * passB)
                {
                    TensorActivation.Store2<TPrecision>(g.Prologue, toB2 + next, factors + (long)b2.N * imageBytes, insideB & pixelB + 2 * passB < end & IsInside(g, b2, r, s));
                    TensorActivation.Store3<TPrecision>(g.Prologue, toB3 + next, factors + (long)b3.N * imageBytes, insideB & pixelB + 3 * passB < end & IsInside(g, b3, r, s));
                    Advance(ref b2, g);
                    Advance(ref b3, g);
                }
                pixelB += depth;
                next = next == (TTile.Stages - 1) * stageBytes ? 0 : next + stageBytes;
            }
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
