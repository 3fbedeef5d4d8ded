using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Util;

namespace BDense.Kernels.Ilgpu.Tiles;

/// <summary>
/// The part of a tile that a warp holds in registers, and its PTX: accumulators, fragments of A and B, products of m16n8k8 (TF32) or
/// m16n8k16 (BF16). Loads take offsets in shared memory.
/// </summary>
internal interface ITensorFragments
{
    static abstract int Rows { get; }

    static abstract int Columns { get; }

    /// <summary>Registers; before all else.</summary>
    static abstract void Declare();

    static abstract void StartZero();

    /// <summary>
    /// Accumulators start at the bias of their columns, those behind <paramref name="last"/> (never stored) at the last one's.
    /// </summary>
    static abstract void StartBias(ArrayView<float> bias, int column, int last);

    /// <summary>Fragments of rows of 64 bytes, the sum's axis innermost: half a step, from this lane's row of the first.</summary>
    static abstract void LoadA(int at);

    static abstract void LoadB(int at);

    /// <summary>Fragments in BF16 with the sum's axis outermost.</summary>
    static abstract void LoadSummedABf16(int at);

    static abstract void LoadSummedBBf16(int at);

    /// <summary>Fragments in TF32 with the sum's axis outermost: this lane's row of the sum, and the fourth row below it.</summary>
    static abstract void LoadSummedATf32(int at, int below);

    static abstract void LoadSummedBTf32(int at, int below);

    /// <summary>Puts the fragments that were loaded aside.</summary>
    static abstract void Keep();

    /// <summary>
    /// The fragments that were put aside for those that were loaded: while one half of a step is multiplied, the next is on its way.
    /// </summary>
    static abstract void Exchange();

    static abstract void MultiplyTf32();

    static abstract void MultiplyBf16();

    /// <summary>
    /// Adds a matrix to the lane's part, which is laid out as for <see cref="StorePairs"/>; <paramref name="shared"/> rows of the
    /// result have one row of the matrix in common.
    /// </summary>
    static abstract void AddPairs(long from, int pitch, int row, int rows, int shared, int left);

    /// <summary>The same as <see cref="StoreSingles"/>.</summary>
    static abstract void AddSingles(long from, int pitch, int row, int rows, int shared, int left);

    /// <summary>The same as <see cref="StoreQuads"/>, one row of the matrix for each of the result.</summary>
    static abstract void AddQuads(long from, int pitch, int row, int rows, int left, bool near);

    static abstract void Scale(float scale);

    /// <summary>x / (1 + exp(-x)), to a few units in the last place.</summary>
    static abstract void Silu();

    /// <summary>
    /// Stores the lane's part, two columns at a time: <paramref name="y"/> is the address of its first column in row 0, rows lie
    /// <paramref name="pitch"/> bytes apart; only rows below <paramref name="rows"/>, and columns while some are <paramref name="left"/>.
    /// </summary>
    static abstract void StorePairs(long y, int pitch, int row, int rows, int left);

    /// <summary>The same where rows start at odd multiples of four bytes.</summary>
    static abstract void StoreSingles(long y, int pitch, int row, int rows, int left);

    /// <summary>
    /// The same after LoadSummedBTf32, four columns at a time. <paramref name="near"/>: the lane's rows lie side by side too, after
    /// LoadSummedATf32; else 8 apart.
    /// </summary>
    static abstract void StoreQuads(long y, int pitch, int row, int rows, int left, bool near);
}

/// <summary>
/// The tile that a thread group computes: <see cref="Rows"/> of A by <see cref="Columns"/> of B, 64 bytes of both a step, which is 16
/// TF32 or 32 BF16 values of the sum. <see cref="Stages"/> steps lie in shared memory, all but one of them on their way.
/// </summary>
internal interface ITensorTile
{
    static abstract int Rows { get; }

    static abstract int Columns { get; }

    static abstract int Threads { get; }

    static abstract int Stages { get; }

    /// <summary>Waits until all but the newest Stages - 2 copies have arrived.</summary>
    static abstract void Wait();
}

/// <summary>TF32 or BF16.</summary>
internal interface ITensorPrecision
{
    static abstract bool IsBf16 { get; }
}

internal readonly struct Tf32 : ITensorPrecision
{
    public static bool IsBf16 { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => false; }
}

internal readonly struct Bf16 : ITensorPrecision
{
    public static bool IsBf16 { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => true; }
}

/// <summary>
/// Where things lie in a tile whose sum is innermost. A row of a step is 64 bytes, four pieces of 16. Piece c of row r lies at place
/// c xor (r / 2 mod 4), so that the eight rows that ldmatrix reads at once, and the pieces that eight neighbouring threads write, fall
/// into all 32 banks. Both precisions have the same bytes: an ldmatrix fragment is 16 rows of 32 bytes.
/// </summary>
internal static class TensorTile
{
    public const int StepBytes = 64;

    /// <summary>The tile's shared memory, and its address in the register <c>base</c>; more than 48 KiB are dynamic.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Declare<TTile>()
        where TTile : struct, ITensorTile
    {
        int bytes = TTile.Stages * (TTile.Rows + TTile.Columns) * StepBytes;
        if (bytes == 32768)
        {
            CudaAsm.Emit(".shared .align 128 .b8 tiles[32768]; mov.u32 base, tiles;");
        }
        else if (bytes == 40960)
        {
            CudaAsm.Emit(".shared .align 128 .b8 tiles[40960]; mov.u32 base, tiles;");
        }
        else if (bytes == 49152)
        {
            CudaAsm.Emit(".shared .align 128 .b8 tiles[49152]; mov.u32 base, tiles;");
        }
        else
        {
            // A use that never runs, so that the compiler declares the array: aligned as its elements are, to the 16 bytes that cp.async
            // and ldmatrix want.
            var shared = SharedMemory.GetDynamic<Float4>();
            if (shared.IntLength == 0)
                CudaAsm.Emit("mov.b32 at, %0;", shared[0].X);
            CudaAsm.Emit("mov.u32 base, __dyn_shared_alloca;");
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Place(int row, int piece) => row * StepBytes + ((piece ^ row >> 1 & 3) << 4);

    /// <summary>Where the stage behind the one at <paramref name="stage"/> begins.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int NextStage<TTile>(int stage)
        where TTile : struct, ITensorTile
    {
        int stageBytes = (TTile.Rows + TTile.Columns) * StepBytes;
        return Utilities.Select(stage == (TTile.Stages - 1) * stageBytes, 0, stage + stageBytes);
    }

    /// <summary>Where the stage before the one at <paramref name="stage"/> begins.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int PreviousStage<TTile>(int stage)
        where TTile : struct, ITensorTile
    {
        int stageBytes = (TTile.Rows + TTile.Columns) * StepBytes;
        return Utilities.Select(stage == 0, (TTile.Stages - 1) * stageBytes, stage - stageBytes);
    }

    /// <summary>First row of a warp: warps count down the rows, then along the columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int WarpRow<TTile, TFragments>(int warp)
        where TTile : struct, ITensorTile
        where TFragments : struct, ITensorFragments => (warp & (TTile.Rows / TFragments.Rows - 1)) * TFragments.Rows;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int WarpColumn<TTile, TFragments>(int warp)
        where TTile : struct, ITensorTile
        where TFragments : struct, ITensorFragments => (int)((uint)warp / (uint)(TTile.Rows / TFragments.Rows)) * TFragments.Columns;

    /// <summary>
    /// Shared offset that a lane gives ldmatrix for A: lanes 0-15 the rows of the first 16 bytes, lanes 16-31 those of the second. The
    /// other half of the step: xor 32.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int FragmentA(int warpRow, int lane) => Place(warpRow + (lane & 15), lane >> 4);

    /// <summary>
    /// The same for B, two tiles of 8 columns: lanes 0-7 first piece of the first, 8-15 second piece, 16-31 the second tile.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int FragmentB(int warpColumn, int lane) => Place(warpColumn + (lane >> 4) * 8 + (lane & 7), lane >> 3 & 1);

    /// <summary>16 bytes from global to shared memory, or zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void CopyAsync(int to, long from, bool inside) => CudaAsm.Emit("""
        add.u32 at, base, %0;
        cp.async.cg.shared.global [at], [%1], 16, %2;
        """, to, from, Utilities.Select(inside, 16, 0));
}

/// <summary>
/// Where things lie in a tile whose sum is outermost: row r of a step holds one value of the sum for all of the tile's rows or columns.
/// Piece c (16 bytes) of row r lies at c xor f(r) with f(r) = 2 (r mod 4) + (r / 4 mod 2): then eight rows of one piece (ldmatrix) and
/// four rows of two neighbouring pieces (128-bit loads) fall into all 32 banks.
/// </summary>
internal static class SummedTile
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Place(int row, int piece, int pitch) => row * pitch + ((piece ^ ((row & 3) << 1 | row >> 2 & 1)) << 4);

    /// <summary>Bytes of a row for <paramref name="width"/> rows of A or columns of B.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Pitch<TPrecision>(int width)
        where TPrecision : struct, ITensorPrecision => TPrecision.IsBf16 ? width * 2 : width * 4;

    /// <summary>Rows of the sum in a step.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Depth<TPrecision>()
        where TPrecision : struct, ITensorPrecision => TPrecision.IsBf16 ? 32 : 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int CopyTo(int row, int piece, int pitch) => Place(row, piece, pitch);

    /// <summary>
    /// Shared offset of a lane's loads for A. BF16, ldmatrix.trans: matrices 0 and 1 are rows 0-7 of the sum for 8 and 8 rows of A,
    /// matrices 2 and 3 rows 8-15. TF32: row lane mod 4, four rows of A from 4 (lane / 4) on.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int FragmentA<TPrecision>(int warpRow, int lane, int pitch)
        where TPrecision : struct, ITensorPrecision => TPrecision.IsBf16
        ? Place((lane & 7) + (lane >> 4) * 8, (warpRow >> 3) + (lane >> 3 & 1), pitch)
        : Place(lane & 3, (warpRow >> 2) + (lane >> 2), pitch);

    /// <summary>The same for B; matrices 0 and 1 are one tile of 8 columns, 2 and 3 the next.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int FragmentB<TPrecision>(int warpColumn, int lane, int pitch)
        where TPrecision : struct, ITensorPrecision => TPrecision.IsBf16
        ? Place((lane & 7) + (lane >> 3 & 1) * 8, (warpColumn >> 3) + (lane >> 4), pitch)
        : Place(lane & 3, (warpColumn >> 2) + (lane >> 2), pitch);

    /// <summary>From a row of the sum to the fourth below: f changes its lowest bit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int FourBelow(int at, int pitch) => (at ^ 16) + 4 * pitch;
}
