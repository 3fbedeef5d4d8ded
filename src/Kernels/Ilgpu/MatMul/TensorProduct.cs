using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu.Tiles;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime.Cuda;

namespace BDense.Kernels.Ilgpu;

/// <summary>
/// A batch of matrix products as the tensor-core kernels take it: c[m, n] = alpha sum_k op(a)[m, k] op(b)[k, n] (+ c[m, n]).
/// </summary>
internal struct TensorProduct
{
    /// <summary>Device addresses; the matrices of a batch lie one after the other.</summary>
    public long A, B, C;

    public int Batch, M, N, K;

    /// <summary>Of a value of A and B: 4 or 2; C is float32.</summary>
    public int ValueBytes;

    /// <summary>Whether c is added to.</summary>
    public int Accumulate;

    public float Alpha;

    public readonly TensorProblem Problem =>
        new(M, N, (K * ValueBytes + TensorTile.StepBytes - 1) / TensorTile.StepBytes, TensorOperation.Product, Batch);
}

/// <summary>Which axis of an operand in memory is the sum's.</summary>
internal interface ITensorSide
{
    static abstract bool IsSummedOutermost { get; }
}

/// <summary>A [M, K], B stored [N, K]: <see cref="TensorTile"/>'s layout.</summary>
internal readonly struct SumInnermost : ITensorSide
{
    public static bool IsSummedOutermost { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => false; }
}

/// <summary>A stored [K, M], B [K, N]: <see cref="SummedTile"/>'s layout, so that nothing has to be transposed.</summary>
internal readonly struct SumOutermost : ITensorSide
{
    public static bool IsSummedOutermost { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => true; }
}

/// <summary>One thread's copies of an operand: two or four pieces of 16 bytes a step, a pass of the group's threads each.</summary>
internal struct TensorOperand
{
    /// <summary>Address of the first piece of the next step, and bytes to that of the next pass and of the next step.</summary>
    private long _from, _pass, _step;

    /// <summary>Where the passes go in a stage.</summary>
    private int _to0, _to1, _to2, _to3;

    /// <summary>
    /// Index of the first piece along the axis that is not summed, how far a pass goes there, and the axis' end; in bytes or rows.
    /// </summary>
    private int _index, _indexPass, _end;

    /// <summary>What is left of the sum from the first piece on, how far a pass goes there, and how far a step; in rows or bytes.</summary>
    private int _left, _leftPass, _leftStep;

    /// <param name="matrix">Address.</param>
    /// <param name="first">First row of A or column of B of the tile.</param>
    /// <param name="extent">Rows of A or columns of B that there are.</param>
    /// <param name="length">Of the sum.</param>
    /// <param name="width">Rows or columns of the tile.</param>
    /// <param name="threads">Of the group.</param>
    /// <param name="at">Where the operand begins in a stage.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TensorOperand Locate<TSide, TPrecision>(long matrix, int first, int extent, int length, int width, int threads, int at)
        where TSide : struct, ITensorSide
        where TPrecision : struct, ITensorPrecision
    {
        var o = new TensorOperand();
        int depth = SummedTile.Depth<TPrecision>(), valueBytes = TensorTile.StepBytes / depth, thread = Group.IdxX;
        if (TSide.IsSummedOutermost)
        {
            int pitch = SummedTile.Pitch<TPrecision>(width), pieces = pitch / 16, row = thread / pieces, piece = thread - row * pieces,
                pass = threads / pieces;
            long rowBytes = (long)extent * valueBytes;
            o._index = first * valueBytes + 16 * piece;
            o._end = extent * valueBytes;
            o._from = matrix + row * rowBytes + o._index;
            (o._pass, o._step) = (pass * rowBytes, depth * rowBytes);
            (o._left, o._leftPass, o._leftStep) = (length - row, pass, depth);
            o._to0 = at + SummedTile.CopyTo(row, piece, pitch);
            o._to1 = at + SummedTile.CopyTo(row + pass, piece, pitch);
            o._to2 = at + SummedTile.CopyTo(row + 2 * pass, piece, pitch);
            o._to3 = at + SummedTile.CopyTo(row + 3 * pass, piece, pitch);
        }
        else
        {
            int row = thread >> 2, piece = thread & 3, pass = threads / 4;
            long rowBytes = (long)length * valueBytes;
            (o._index, o._indexPass, o._end) = (first + row, pass, extent);
            o._from = matrix + o._index * rowBytes + 16 * piece;
            (o._pass, o._step) = (pass * rowBytes, TensorTile.StepBytes);
            (o._left, o._leftStep) = (length * valueBytes - 16 * piece, TensorTile.StepBytes);
            o._to0 = at + TensorTile.Place(row, piece);
            o._to1 = o._to0 + pass * TensorTile.StepBytes;
            o._to2 = o._to0 + 2 * pass * TensorTile.StepBytes;
            o._to3 = o._to0 + 3 * pass * TensorTile.StepBytes;
        }
        return o;
    }

    /// <summary>The next step's pieces into a stage; zeros outside the matrix, and then the address is never used.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Copy(int stage, int passes)
    {
        TensorTile.CopyAsync(_to0 + stage, _from, _index < _end & _left > 0);
        TensorTile.CopyAsync(_to1 + stage, _from + _pass, _index + _indexPass < _end & _left > _leftPass);
        if (passes > 2)
        {
            TensorTile.CopyAsync(_to2 + stage, _from + 2 * _pass, _index + 2 * _indexPass < _end & _left > 2 * _leftPass);
            TensorTile.CopyAsync(_to3 + stage, _from + 3 * _pass, _index + 3 * _indexPass < _end & _left > 3 * _leftPass);
        }
        _from += _step;
        _left -= _leftStep;
    }
}

public sealed partial class IlgpuBackend
{
    /// <summary>Rows of tiles in a panel: neighbouring groups share A's and B's tiles in the L2 cache when they fill a square.</summary>
    private const int PanelTiles = 16;

    /// <summary>
    /// A tile of c a group. Grid: the batch slowest, then panels of 16 rows of tiles, in a panel columns of tiles, in those rows. A group
    /// reads (rows + columns) x 64 bytes a step for 64 rows columns FLOPs in TF32 (32 rows columns for each 16 values of the sum in BF16),
    /// and writes 4 bytes an element, with <see cref="TensorProduct.Accumulate"/> reads them too. Sums over k in a fixed order.
    /// </summary>
    /// <remarks>
    /// An operand whose sum is innermost lies in shared memory as in <see cref="TensorConvolve"/>, any other as in
    /// <see cref="TensorAddPixels"/>; in TF32 the latter exchanges the rows (A) or columns (B) of the result, as its loads of four
    /// neighbours do.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TensorMultiply<TTile, TFragments, TPrecision, TSideA, TSideB>(TensorProduct g)
        where TTile : struct, ITensorTile
        where TFragments : struct, ITensorFragments
        where TPrecision : struct, ITensorPrecision
        where TSideA : struct, ITensorSide
        where TSideB : struct, ITensorSide
    {
        TFragments.Declare();
        TensorTile.Declare<TTile>();
        TFragments.StartZero();
        int tileBytes = TTile.Rows * TensorTile.StepBytes;
        int thread = Group.IdxX, warp = thread >> 5, lane = thread & 31;
        int warpRow = TensorTile.WarpRow<TTile, TFragments>(warp), warpColumn = TensorTile.WarpColumn<TTile, TFragments>(warp);
        int rowTiles = (g.M + TTile.Rows - 1) / TTile.Rows, columnTiles = (g.N + TTile.Columns - 1) / TTile.Columns;
        int batch = Grid.IdxX / (rowTiles * columnTiles), tile = Grid.IdxX - batch * (rowTiles * columnTiles);
        int panel = tile / (PanelTiles * columnTiles), inPanel = tile - panel * (PanelTiles * columnTiles);
        int panelRows = XMath.Min(PanelTiles, rowTiles - panel * PanelTiles), columnTile = inPanel / panelRows;
        int firstRow = (panel * PanelTiles + inPanel - columnTile * panelRows) * TTile.Rows, firstColumn = columnTile * TTile.Columns;

        var a = TensorOperand.Locate<TSideA, TPrecision>(g.A + (long)batch * g.M * g.K * g.ValueBytes, firstRow, g.M, g.K, TTile.Rows,
            TTile.Threads, 0);
        var b = TensorOperand.Locate<TSideB, TPrecision>(g.B + (long)batch * g.N * g.K * g.ValueBytes, firstColumn, g.N, g.K, TTile.Columns,
            TTile.Threads, tileBytes);
        int pitchA = SummedTile.Pitch<TPrecision>(TTile.Rows), pitchB = SummedTile.Pitch<TPrecision>(TTile.Columns);
        int readA = TSideA.IsSummedOutermost ? SummedTile.FragmentA<TPrecision>(warpRow, lane, pitchA)
            : TensorTile.FragmentA(warpRow, lane);
        int readB =
            tileBytes + (TSideB.IsSummedOutermost ? SummedTile.FragmentB<TPrecision>(warpColumn, lane, pitchB)
                : TensorTile.FragmentB(warpColumn, lane));
        // The other half of a step: 32 bytes further on in a row, or half of the rows further down.
        int half = SummedTile.Depth<TPrecision>() / 2, steps = g.Problem.Steps, stage = 0, next = 0;
        for (int ahead = 1; ahead < TTile.Stages; ahead++)
        {
            a.Copy(next, TTile.Rows * 4 / TTile.Threads);
            b.Copy(next, TTile.Columns * 4 / TTile.Threads);
            next = TensorTile.NextStage<TTile>(next);
            CudaAsm.Emit("cp.async.commit_group;");
        }
        TTile.Wait();
        CudaAsm.Emit("bar.sync 0;");
        LoadFragments<TFragments, TPrecision, TSideA, TSideB>(readA, readB, pitchA, pitchB);
        TFragments.Keep();
        // As in TensorConvolve: the fragments of a half are loaded before the products of the one before it. Behind the sum's end zeros.
        for (int step = 0; step < steps; step++)
        {
            // Into the stage of the step before, which all have read; computed anew, since the tile of 64 x 64 a warp has no register to
            // spare.
            next = TensorTile.PreviousStage<TTile>(stage);
            a.Copy(next, TTile.Rows * 4 / TTile.Threads);
            b.Copy(next, TTile.Columns * 4 / TTile.Threads);
            CudaAsm.Emit("cp.async.commit_group;");
            int halfA = TSideA.IsSummedOutermost ? readA + stage + half * pitchA : (readA + stage) ^ 32;
            int halfB = TSideB.IsSummedOutermost ? readB + stage + half * pitchB : (readB + stage) ^ 32;
            LoadFragments<TFragments, TPrecision, TSideA, TSideB>(halfA, halfB, pitchA, pitchB);
            TFragments.Exchange();
            Multiply<TFragments, TPrecision>();
            stage = TensorTile.NextStage<TTile>(stage);
            TTile.Wait();
            CudaAsm.Emit("bar.sync 0;");
            LoadFragments<TFragments, TPrecision, TSideA, TSideB>(readA + stage, readB + stage, pitchA, pitchB);
            TFragments.Exchange();
            Multiply<TFragments, TPrecision>();
        }
        // TF32 has exchanged what came from the outermost layout.
        bool near = TSideA.IsSummedOutermost & !TPrecision.IsBf16, quads = TSideB.IsSummedOutermost & !TPrecision.IsBf16;
        int row = firstRow + warpRow + (near ? (lane >> 2) * 4 : lane >> 2),
            column = firstColumn + warpColumn + (lane & 3) * (quads ? 8 : 2);
        int pitch = 4 * g.N, left = g.N - column;
        long c = g.C + 4L * batch * g.M * g.N + 4L * column;
        // The same for all warps: none parts.
        if (g.Alpha != 1f)
            TFragments.Scale(g.Alpha);
        if (quads)
        {
            if (g.Accumulate != 0)
                TFragments.AddQuads(c, pitch, row, g.M, left, near);
            TFragments.StoreQuads(c, pitch, row, g.M, left, near);
        }
        else
        {
            if (g.Accumulate != 0)
                TFragments.AddPairs(c, pitch, row, g.M, 1, left);
            TFragments.StorePairs(c, pitch, row, g.M, left);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void LoadFragments<TFragments, TPrecision, TSideA, TSideB>(int a, int b, int pitchA, int pitchB)
        where TFragments : struct, ITensorFragments
        where TPrecision : struct, ITensorPrecision
        where TSideA : struct, ITensorSide
        where TSideB : struct, ITensorSide
    {
        if (!TSideA.IsSummedOutermost)
            TFragments.LoadA(a);
        else if (TPrecision.IsBf16)
            TFragments.LoadSummedABf16(a);
        else
            TFragments.LoadSummedATf32(a, SummedTile.FourBelow(a, pitchA));
        if (!TSideB.IsSummedOutermost)
            TFragments.LoadB(b);
        else if (TPrecision.IsBf16)
            TFragments.LoadSummedBBf16(b);
        else
            TFragments.LoadSummedBTf32(b, SummedTile.FourBelow(b, pitchB));
    }
}
